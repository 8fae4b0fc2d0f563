package events_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/formula"
	"github.com/sluice-hep/sluice/events/profile"
)

// Read a file, add a column, keep some events, write them in another format.
func Example() {
	dir, err := os.MkdirTemp("", "events")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	text := "px,py,q\n3,4,1\n6,8,-1\n0.5,0,1\n"
	if err := os.WriteFile(filepath.Join(dir, "muons.csv"), []byte(text), 0o644); err != nil {
		log.Fatal(err)
	}

	muons, err := events.ReadAll([]string{filepath.Join(dir, "muons.csv")}, events.Options{})
	if err != nil {
		log.Fatal(err)
	}
	if err := events.Define(muons, "pt", "hypot(px, py)"); err != nil {
		log.Fatal(err)
	}
	wanted, err := formula.CompileCondition(muons.Columns, "pt > 1 && q in [-1, 1]")
	if err != nil {
		log.Fatal(err)
	}
	rows, err := wanted.Rows(muons.Columns)
	if err != nil {
		log.Fatal(err)
	}
	hard := muons.Take(rows)
	out, err := events.Create(filepath.Join(dir, "hard.parquet"))
	if err != nil {
		log.Fatal(err)
	}
	defer out.Abort()
	if err := out.Write(hard); err != nil {
		log.Fatal(err)
	}
	if err := out.Close(); err != nil {
		log.Fatal(err)
	}
	for _, s := range profile.Summarise(hard) {
		fmt.Printf("%-3s %-10s from %g to %g\n", s.Name, s.Kind, s.Min, s.Max)
	}
	// Output:
	// px  integer    from 3 to 6
	// py  integer    from 4 to 8
	// q   integer    from -1 to 1
	// pt  integer    from 5 to 10
}
