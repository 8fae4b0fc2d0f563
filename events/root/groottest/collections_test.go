package groottest

import (
	"os"
	"path/filepath"
	"testing"

	"go-hep.org/x/hep/groot/rbase"
	"go-hep.org/x/hep/groot/riofs"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/root"
)

// groot reads events of any number of objects, and the texts kept with them.
func TestWrittenCollectionsAreRead(t *testing.T) {
	const n = 70_000
	c := []events.Column{
		{Name: "event", Type: events.Int64}, {Name: "nJet", Type: events.Int64},
		{Name: "Jet_pt", Type: events.Float32}, {Name: "Jet_index", Type: events.Int64},
	}
	for e := range n {
		c[0].I64, c[1].I64 = append(c[0].I64, int64(e)<<33), append(c[1].I64, int64(e%5))
		for k := range e % 5 {
			c[2].F32, c[3].I64 = append(c[2].F32, float32(e)+float32(k)/8), append(c[3].I64, int64(k-1))
		}
	}
	path := filepath.Join(t.TempDir(), "x.root")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := root.NewWriterOf(f, root.WriterOptions{Tree: "Events", Counters: map[string]string{"Jet_pt": "nJet", "Jet_index": "nJet"}, Narrow: []string{"Jet_index"}})
	if err := w.Write(c); err != nil {
		t.Fatal(err)
	}
	w.Describe("sluice.redrawn", "17")
	if err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	for _, b := range readTree(t, path, "Events") {
		at := 0
		for e, values := range b.events {
			want := 1
			if b.jagged {
				want = e % 5
			}
			if len(values) != want {
				t.Fatalf("%s, event %d: %d values", b.name, e, len(values))
			}
			for _, v := range values {
				k := map[string]int{"event": 0, "nJet": 1, "Jet_pt": 2, "Jet_index": 3}[b.name]
				if v != c[k].Float(at) {
					t.Fatalf("%s, event %d: %v for %v", b.name, e, v, c[k].Float(at))
				}
				at++
			}
		}
	}
	o, err := riofs.Dir(open(t, path)).Get("sluice.redrawn")
	if err != nil || o.(*rbase.Named).Title() != "17" {
		t.Errorf("%v: %v", o, err)
	}
	described := false
	for _, s := range open(t, path).StreamerInfos() {
		described = described || s.Name() == "TLeafI"
	}
	if !described {
		t.Error("TLeafI is not described")
	}
}
