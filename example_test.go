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
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/toy"
)

// The main path of the library: open a file of events, prepare its columns, train, draw, save and load.
func Example() {
	dir, err := os.MkdirTemp("", "sluice")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	bananas := filepath.Join(dir, "bananas.csv")
	if err := writeToy(bananas); err != nil {
		log.Fatal(err)
	}

	c, err := card.Parse([]byte(`
files: [`+bananas+`]
features: {x1: GeV, x2: GeV}
flow: {type: nsf-ar, transforms: 2, hidden: [32], bins: 5}
train: {epochs: 8, batch: 100, lr: 5e-3}
`), "bananas.yaml")
	if err != nil {
		log.Fatal(err)
	}
	t, _, err := sluice.Read(c)
	if err != nil {
		log.Fatal(err)
	}
	p, err := sluice.Prepare(c, t)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d events train, %d validate, %d test\n", len(p.Rows.Train), len(p.Rows.Valid), len(p.Rows.Test))
	m, result, err := p.Train(context.Background(), sluice.Options{})
	if err != nil {
		log.Fatal(err)
	}
	best := 3.531 // the entropy of the banana, in nats
	fmt.Println("within 0.1 nats of the truth:", math.Abs(float64(result.TestNLL)-best) < 0.1)

	path := filepath.Join(dir, "bananas.safetensors")
	if err := m.Save(path); err != nil {
		log.Fatal(err)
	}
	if m, err = model.Load(path); err != nil {
		log.Fatal(err)
	}
	drawn, err := m.Sample(1000, nil, c.Seed, 0)
	if err != nil {
		log.Fatal(err)
	}
	logProb, err := m.LogProb(drawn, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d events of %v in %s, %d densities\n", drawn.Len(), drawn.Names(), drawn.Columns[0].Unit, len(logProb))
	// Output:
	// 3200 events train, 400 validate, 400 test
	// within 0.1 nats of the truth: true
	// 1000 events of [x1 x2] in GeV, 1000 densities
}

func writeToy(path string) error {
	t, err := toy.Generate("banana", 4000, 1, toy.Options{})
	if err != nil {
		return err
	}
	w, err := events.Create(path)
	if err != nil {
		return err
	}
	defer w.Abort()
	if err := w.Write(t); err != nil {
		return err
	}
	return w.Close()
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
	s, err := sluice.Run(context.Background(), c, filepath.Join(dir, c.Name), sluice.RunOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(filepath.Base(s.Model), filepath.Base(s.Sample), filepath.Base(s.Report))
	fmt.Printf("%d columns compared, true entropy %.3f nats\n", len(s.Compare.Columns), *s.TrueEntropy)
	// Output:
	// model.safetensors sample.parquet report.html
	// 2 columns compared, true entropy 3.531 nats
}
