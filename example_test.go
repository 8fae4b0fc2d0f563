package sluice_test

import (
	"context"
	"fmt"
	"log"
	"math"
	"os"
	"path/filepath"

	"github.com/sluice-hep/sluice"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/toy"
	"github.com/sluice-hep/sluice/train"
)

// The main path of the library: learn the density of a table in memory, keep it in a file, load it, draw and evaluate. With
// Files in place of Table, the events come from there.
func Example() {
	dir, err := os.MkdirTemp("", "sluice")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	bananas, err := toy.Generate("banana", 4000, 1, toy.Options{})
	if err != nil {
		log.Fatal(err)
	}

	c := &card.Card{Table: bananas, Features: []string{"x1", "x2"}, Units: map[string]string{"x1": "GeV", "x2": "GeV"}, Seed: 1}
	c.Flow = flow.Spec{Transforms: 2, Hidden: []int{32}, Bins: 5}
	c.Train = train.Config{Epochs: 8, Batch: 100, LR: 5e-3}
	path := filepath.Join(dir, "bananas.safetensors")
	r, err := sluice.Train(context.Background(), c, path, sluice.Options{})
	if err != nil {
		log.Fatal(err)
	}
	best := 3.531 // the entropy of the banana, in nats
	fmt.Println("within 0.1 nats of the truth:", math.Abs(float64(r.TestNLL)-best) < 0.1)

	m, err := model.Load(path)
	if err != nil {
		log.Fatal(err)
	}
	drawn, err := m.Sample(1000, nil, c.Seed, 0)
	if err != nil {
		log.Fatal(err)
	}
	logProb, err := m.LogProb(drawn, 0)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d events of %v in %s, %d densities\n", drawn.Len(), drawn.Names(), drawn.Columns[0].Unit, len(logProb))
	// Output:
	// within 0.1 nats of the truth: true
	// 1000 events of [x1 x2] in GeV, 1000 densities
}

// A card does all at once; the folder then holds the model, new events and a report.
func ExampleRun() {
	dir, err := os.MkdirTemp("", "sluice")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	c, err := card.Parse([]byte("toy: {name: banana, events: 2000}\nflow: {transforms: 2, hidden: [16]}\ntrain: {epochs: 2}\n"), "banana.yaml")
	if err != nil {
		log.Fatal(err)
	}
	s, err := sluice.Run(context.Background(), c, filepath.Join(dir, c.Name), sluice.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(filepath.Base(s.Model), filepath.Base(s.Sample), filepath.Base(s.Report))
	fmt.Printf("%d columns compared, true entropy %.3f nats\n", len(s.Compare.Columns), *s.TrueEntropy)
	// Output:
	// model.safetensors sample.parquet report.html
	// 2 columns compared, true entropy 3.531 nats
}
