package fit

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/sluice-hep/sluice/bench"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/flow"
)

// BenchmarkStreamedTraining compares the steps of workload E on 5 million events (300,000 with -short) that come from
// files, in windows of a bound of memory, with the same steps on events in memory, in turns in one run. A turn of a
// stream begins with nothing read ahead.
func BenchmarkStreamedTraining(b *testing.B) {
	n, turn := 5_000_000, 800
	if testing.Short() {
		n, turn = 300_000, 60
	}
	dir := b.TempDir()
	parquet, hdf5 := []string{filepath.Join(dir, "all.parquet")}, []string{}
	for i := range 8 {
		hdf5 = append(hdf5, filepath.Join(dir, fmt.Sprintf("part%d.h5", i)))
	}
	writeWide(b, parquet, n)
	writeWide(b, hdf5, n)
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("%d-threads", threads), func(b *testing.B) {
			laps := []*lap{
				newLap(b, parquet, 64e9, threads),
				newLap(b, parquet, card.Bytes(10*n), threads),
				newLap(b, hdf5, card.Bytes(10*n), threads),
			}
			for b.Loop() {
				for _, l := range laps {
					l.run(b, turn)
				}
			}
			for i, name := range []string{"memory", "parquet", "hdf5"} {
				b.ReportMetric(slices.Max(laps[i].rates), name+"-events/s")
				if i > 0 {
					b.ReportMetric(slices.Max(laps[i].rates)/slices.Max(laps[0].rates), name+"/memory")
				}
				laps[i].objective.Close()
			}
		})
	}
}

// lap is a training that is measured in turns.
type lap struct {
	p         *Data
	objective *objective
	grad      []float32
	stream    interface {
		Rows(ctx context.Context, epoch, first, n int) ([]int32, error)
	}
	batch, at int
	rates     []float64 // events/s of each turn
}

func newLap(b *testing.B, files []string, memory card.Bytes, threads int) *lap {
	b.Helper()
	found, _ := bench.ByName([]string{"E"})
	e := found[0]
	c := &card.Card{Files: files, Seed: 1, Memory: memory, Flow: e.Spec}
	for i := range e.Features {
		c.Features = append(c.Features, fmt.Sprintf("x%d", i))
	}
	c.Train.Batch = e.Batch
	p, err := Load(context.Background(), c, Options{})
	if err != nil {
		b.Fatal(err)
	}
	f, err := flow.New(e.Features, 0, e.Spec, 1)
	if err != nil {
		b.Fatal(err)
	}
	f.Threads = threads
	like, err := flow.NewLikelihood(f, p.x, p.context, p.weight)
	if err != nil {
		b.Fatal(err)
	}
	l := &lap{p: p, objective: &objective{like, p}, grad: make([]float32, len(f.Params())), batch: e.Batch, stream: p.Rows.Stream}
	if (p.windows != nil) != (memory < 64e9) {
		b.Fatalf("%d events from %s of memory: streamed %v", p.Total, memory, p.windows != nil)
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(p.Rows.Train), func(i, j int) {
		p.Rows.Train[i], p.Rows.Train[j] = p.Rows.Train[j], p.Rows.Train[i]
	})
	return l
}

func (l *lap) run(b *testing.B, steps int) {
	b.Helper()
	if l.p.windows != nil {
		defer l.p.windows.Close()
	}
	began := time.Now()
	for range steps {
		first := l.at * l.batch % (l.p.Rows.Training() - l.batch)
		var rows []int32
		var err error
		if l.stream != nil {
			rows, err = l.stream.Rows(context.Background(), l.at*l.batch/(l.p.Rows.Training()-l.batch), first, l.batch)
		} else {
			rows = l.p.Rows.Train[first : first+l.batch]
		}
		if err != nil {
			b.Fatal(err)
		}
		l.objective.Gradient(rows, l.grad)
		l.at++
	}
	l.rates = append(l.rates, float64(steps*l.batch)/time.Since(began).Seconds())
}

// writeWide spreads events of 28 columns of various shapes over files.
func writeWide(b *testing.B, paths []string, n int) {
	b.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	for _, path := range paths {
		out, err := events.Create(path)
		if err != nil {
			b.Fatal(err)
		}
		for left := n / len(paths); left > 0; left -= min(left, 1<<16) {
			t := &events.Table{Columns: make([]events.Column, 28)}
			for i := range t.Columns {
				x := make([]float32, min(left, 1<<16))
				for j := range x {
					if x[j] = float32(r.NormFloat64()); i%3 == 0 {
						x[j] *= x[j]
					}
				}
				t.Columns[i] = events.Column{Name: fmt.Sprintf("x%d", i), F32: x}
			}
			if err := out.Write(t); err != nil {
				b.Fatal(err)
			}
		}
		if err := out.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
