package sluice_test

import (
	"context"
	"fmt"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/sluice-hep/sluice"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/train"
)

// A density given a set of objects, as many as an event has: ht is the sum over up to three jets with a noise of width 1/2.
func Example_contextSets() {
	dir, err := os.MkdirTemp("", "sluice")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	jets := events.Set{Name: "jets", Variables: []string{"pt"}, Count: "nJet", Most: 3}
	t := &events.Table{Columns: []events.Column{{Name: "ht", Type: events.Float64}, {Name: "nJet", Type: events.Int64}}}
	for _, name := range jets.Columns()[:jets.Most] { // pt[0], pt[1], pt[2]
		t.Columns = append(t.Columns, events.Column{Name: name, Type: events.Float64})
	}
	src := rand.New(rand.NewPCG(1, 2))
	for i := range 5000 {
		n, ht := i%4, src.NormFloat64()/2
		for k := range jets.Most {
			pt := math.NaN() // where there is no jet
			if k < n {
				pt = src.ExpFloat64()
				ht += pt
			}
			t.Columns[2+k].F64 = append(t.Columns[2+k].F64, pt)
		}
		t.Columns[0].F64, t.Columns[1].I64 = append(t.Columns[0].F64, ht), append(t.Columns[1].I64, int64(n))
	}

	c := &card.Card{Table: t, Features: []string{"ht"}, ContextSets: []events.Set{jets}, Seed: 1}
	c.Flow = flow.Spec{Type: "maf", Transforms: 2, Hidden: []int{16}}
	c.Train = train.Config{Epochs: 20, Batch: 100, LR: 5e-3}
	r, err := sluice.Train(context.Background(), c, filepath.Join(dir, "ht.safetensors"), sluice.Options{})
	if err != nil {
		log.Fatal(err)
	}
	best := math.Log(math.Sqrt(2*math.Pi*math.E) / 2) // the entropy of the noise, in nats
	fmt.Println("within 0.15 nats of the truth:", math.Abs(float64(r.TestNLL)-best) < 0.15)
	// Output:
	// within 0.15 nats of the truth: true
}
