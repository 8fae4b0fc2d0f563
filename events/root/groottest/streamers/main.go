// The program streamers prints streamers.bin, the description of the classes of a
// tree, from files that ROOT wrote: `go run ./streamers FILE... > ../streamers.bin`.
// The first file that has a class gives it.
package main

import (
	"log"
	"os"

	"go-hep.org/x/hep/groot/rbytes"
	"go-hep.org/x/hep/groot/rcont"
	"go-hep.org/x/hep/groot/riofs"
	"go-hep.org/x/hep/groot/root"
)

// keyLength is that of the record in a file written by this package; references
// count from the key.
const keyLength = 72

func main() {
	wanted := map[string]bool{
		"TNamed": true, "TObject": true, "TString": true, "TAttLine": true, "TAttFill": true, "TAttMarker": true,
		"TTree": true, "TBranch": true, "TBranchRef": true, "TRefTable": true, "ROOT::TIOFeatures": true,
		"TList": true, "TSeqCollection": true, "TCollection": true, "TObjArray": true,
		"TH1D": true, "TH1": true, "TAxis": true, "TAttAxis": true, "THashList": true,
		"TLeaf": true, "TLeafI": true, "TLeafF": true, "TLeafD": true, "TLeafL": true, "TLeafC": true,
	}
	var all []root.Object
	for _, path := range os.Args[1:] {
		f, err := riofs.Open(path)
		if err != nil {
			log.Fatal(err)
		}
		for _, s := range f.StreamerInfos() {
			if wanted[s.Name()] {
				delete(wanted, s.Name())
				all = append(all, s.(root.Object))
			}
		}
		f.Close()
	}
	if len(wanted) > 0 {
		log.Fatalf("not found: %v", wanted)
	}
	w := rbytes.NewWBuffer(nil, nil, keyLength, nil)
	if _, err := rcont.NewList("", all).MarshalROOT(w); err != nil {
		log.Fatal(err)
	}
	if _, err := os.Stdout.Write(w.Bytes()); err != nil {
		log.Fatal(err)
	}
}
