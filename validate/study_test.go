package validate

import (
	"fmt"
	"math"
	"os"
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

// TestStudy measures how often each test rejects where there is no difference, and where there is one: minutes, so it runs on request, with
// SLUICE_STUDY pairs of samples (SLUICE_STUDY="200 600" for 200 of them after the first 600; go test -run Study/C2ST/null). docs/validation.md has the table.
func TestStudy(t *testing.T) {
	var pairs int
	var first uint64
	if n, err := fmt.Sscan(os.Getenv("SLUICE_STUDY"), &pairs, &first); n == 0 {
		t.Skipf("SLUICE_STUDY is not a number of pairs: this takes minutes (%v)", err)
	}
	tests := map[string]func(ref, gen stats.Sample, seed uint64) (stats.Test, error){
		"C2ST": func(ref, gen stats.Sample, seed uint64) (stats.Test, error) {
			r, err := C2ST(t.Context(), ref, gen, classify.Options{Seed: seed, Threads: 1})
			if err != nil {
				return stats.Test{}, err
			}
			return r.Test(), nil
		},
		"NPLM": func(ref, gen stats.Sample, seed uint64) (stats.Test, error) {
			return NPLM(t.Context(), ref, gen, NPLMOptions{Seed: seed, Threads: 1})
		},
	}
	for name, test := range tests {
		for _, c := range []struct {
			name                string
			n, m, columns       int
			shift               float64
			negative, negative2 float64 // shares of the reference and the generated weights
		}{
			{"null", 5000, 5000, 5, 0, 0, 0},
			{"signed", 5000, 5000, 5, 0, 0.2, 0.2},
			{"one signed", 5000, 5000, 5, 0, 0, 0.2},
			{"small", 300, 600, 5, 0, 0, 0.2},
			{"shift", 50_000, 50_000, 10, 0.05, 0, 0},
		} {
			t.Run(name+"/"+c.name, func(t *testing.T) {
				draw := func(i uint64) (ref, gen stats.Sample) {
					i += first
					return normal(c.n, c.columns, 0, c.negative, 2*i+1e6), normal(c.m, c.columns, c.shift, c.negative2, 2*i+1+1e6)
				}
				p := study(t, pairs, draw, test)
				share := func(level float64) float64 { return 100 * float64(below(p, level)) / float64(len(p)) }
				fmt.Printf("%s: of %d pairs from %d on %.1f %% below 0.05, %.1f %% below 0.01, %.1f %% below 0.001\n", t.Name(), pairs, first, share(0.05), share(0.01), share(0.001))
			})
		}
	}
}
