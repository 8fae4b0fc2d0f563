package validate

import (
	"context"
	"fmt"
	"math"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/sluice-hep/sluice/classify"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/stats"
)

// normal are n events of correlated columns, the first shifted; a share of the weights is -1, the others 1.
func normal(n, columns int, shift, negative float64, seed uint64) (s stats.Sample) {
	r := rng.New(seed, rng.StreamToy, 0)
	s.Columns = make([][]float64, columns)
	for c := range s.Columns {
		s.Columns[c] = make([]float64, n)
		for i := range n {
			s.Columns[c][i] = r.NormFloat64()
			if c > 0 {
				s.Columns[c][i] = 0.6*s.Columns[0][i] + 0.8*s.Columns[c][i]
			}
		}
	}
	for i := range n {
		s.Columns[0][i] += shift
	}
	if columns > 2 {
		for i, v := range s.Columns[2] {
			s.Columns[2][i] = math.Exp(v)
		}
	}
	if negative > 0 {
		s.Weights = make([]float64, n)
		for i := range n {
			if s.Weights[i] = 1; r.Float64() < negative {
				s.Weights[i] = -1
			}
		}
	}
	return s
}

// study is the p-values of so many pairs of samples by a test, two at a time.
func study(t *testing.T, pairs int, draw func(seed uint64) (ref, gen stats.Sample), test func(ref, gen stats.Sample, seed uint64) (stats.Test, error)) []float64 {
	t.Helper()
	p := make([]float64, pairs)
	var wait sync.WaitGroup
	next := make(chan int)
	for range 2 {
		wait.Go(func() {
			for i := range next {
				ref, gen := draw(uint64(i))
				r, err := test(ref, gen, uint64(i))
				if err != nil || r.Cannot != "" {
					t.Errorf("pair %d: %v %s", i, err, r.Cannot)
				}
				p[i] = r.P
			}
		})
	}
	for i := range pairs {
		next <- i
	}
	close(next)
	wait.Wait()
	return p
}

func below(p []float64, level float64) (n int) {
	for _, v := range p {
		if v < level {
			n++
		}
	}
	return n
}

// TestStudy measures how often each test rejects where there is no difference, and where there is one: minutes, so it runs on request
// (SLUICE_STUDY=1). docs/validation.md has the table.
func TestStudy(t *testing.T) {
	if os.Getenv("SLUICE_STUDY") == "" {
		t.Skip("SLUICE_STUDY is not set: this takes minutes")
	}
	pairs := 1000
	fmt.Sscan(os.Getenv("SLUICE_STUDY_PAIRS"), &pairs)
	tests := map[string]func(ref, gen stats.Sample, seed uint64) (stats.Test, error){
		"C2ST": func(ref, gen stats.Sample, seed uint64) (stats.Test, error) {
			r, err := C2ST(context.Background(), ref, gen, classify.Options{Seed: seed, Threads: 1})
			if err != nil {
				return stats.Test{}, err
			}
			return r.Test(), nil
		},
		"NPLM": func(ref, gen stats.Sample, seed uint64) (stats.Test, error) {
			return NPLM(context.Background(), ref, gen, NPLMOptions{Seed: seed, Threads: 1})
		},
	}
	for _, c := range []struct {
		name           string
		n, m, columns  int
		shift          float64
		negRef, negGen float64
		pairs          int
	}{
		{"null", 5000, 5000, 5, 0, 0, 0, pairs},
		{"null, 20 % negative", 5000, 5000, 5, 0, 0.2, 0.2, pairs},
		{"null, 20 % negative generated alone", 5000, 5000, 5, 0, 0, 0.2, pairs},
		{"null, small", 300, 600, 5, 0, 0, 0.2, pairs},
		{"shift 0.05", 50_000, 50_000, 10, 0.05, 0, 0, pairs / 10},
	} {
		for _, name := range slices.Sorted(func(yield func(string) bool) {
			for k := range tests {
				if !yield(k) {
					return
				}
			}
		}) {
			if only := os.Getenv("SLUICE_STUDY"); only != "1" && only != name {
				continue
			}
			draw := func(i uint64) (ref, gen stats.Sample) {
				return normal(c.n, c.columns, 0, c.negRef, 2*i+1e6), normal(c.m, c.columns, c.shift, c.negGen, 2*i+1+1e6)
			}
			p := study(t, c.pairs, draw, tests[name])
			fmt.Printf("%-5s %-36s %5d pairs: %5.2f %% below 0.05, %5.2f %% below 0.01, %5.2f %% below 0.001\n", name, c.name, c.pairs,
				100*float64(below(p, 0.05))/float64(len(p)), 100*float64(below(p, 0.01))/float64(len(p)), 100*float64(below(p, 0.001))/float64(len(p)))
		}
	}
}
