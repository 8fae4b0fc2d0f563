package train

import (
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/internal/rng"
)

// lender lends a goroutine for each item, the last one first.
type lender struct{ *gaussian }

func (lender) Parallel(items int, fn func(worker, item int)) {
	var all sync.WaitGroup
	for i := items - 1; i >= 0; i-- {
		all.Go(func() { fn(i, i) })
	}
	all.Wait()
}

// Steps shared out give the bits of steps in one pass over all parameters, of every optimiser.
func TestUpdateInParallel(t *testing.T) {
	const n = fewBlocks*updateBlock + 77
	for name, cfg := range map[string]Config{
		"adamw":    {},
		"adam":     {Optimiser: "adam", WeightDecay: 0.1},
		"sgd":      {Optimiser: "sgd"},
		"nesterov": {Optimiser: "sgd", Momentum: 0.9, Nesterov: true, WeightDecay: 0.1},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := cfg.WithDefaults()
			whole := cfg.optimiser(n)
			p, g, mean := make([]float32, n), make([]float32, n), make([]float32, n)
			q, average := make([]float32, n), make([]float32, n)
			u := newUpdate(lender{newGaussian(1)}, cfg.optimiser(n), q, g, average)
			decays := [][2]int{{0, 5}, {100, updateBlock + 9}, {3 * updateBlock, n - 1}}
			u.share(decays)
			keep := kept{ranges: [][2]int{{5, 100}, {updateBlock + 9, 3 * updateBlock}, {n - 1, n}}, n: n, aside: make([]float32, 5*n)}
			if u.parallel == nil {
				t.Fatal("the threads are not used")
			}
			for step := 1; step <= 3; step++ {
				rng.Normal(g, uint64(step), rng.StreamTest, 0, 0)
				h := slices.Clone(g)
				// The sums of squares are in float64, in another order.
				u.run(u.fn.square)
				if got, want := u.norm(1), math.Sqrt(kernel.SquaredNorm(g)); math.Abs(got-want) > 1e-12*want {
					t.Errorf("norm %v, want %v", got, want)
				}
				u.take(0.1, 0.5, 0.25, step)
				whole.begin(0.1, 0.5, step)
				whole.step(0, p, h, keep)
				moveAverage(mean, p, 0.25)
			}
			if !slices.Equal(p, q) || !slices.Equal(mean, average) {
				t.Error("the parameters or their average differ from those of one pass")
			}
		})
	}
}

// Only the parameters that decay are drawn to 0 by a decay without a gradient.
func TestDecays(t *testing.T) {
	for _, cfg := range []Config{{}, {Optimiser: "adam", WeightDecay: 0.1}, {Optimiser: "sgd", WeightDecay: 0.1}} {
		p := []float32{1, 1, 1, 1, 1, 1}
		opt := cfg.WithDefaults().optimiser(6)
		opt.begin(0.1, 1, 1)
		opt.step(0, p, make([]float32, 6), kept{ranges: [][2]int{{0, 1}, {3, 5}}, n: 3, aside: make([]float32, 64)})
		for i, v := range p {
			if decays := i == 1 || i == 2 || i == 5; decays != (v < 1) {
				t.Errorf("%q: parameter %d is %v", cfg.Optimiser, i, v)
			}
		}
	}
}

// A few parameters are not worth a thread, and an objective need not lend any.
func TestUpdateAlone(t *testing.T) {
	if u := newUpdate(lender{newGaussian(1)}, nil, make([]float32, 100), nil, nil); u.parallel != nil {
		t.Error("threads for 100 parameters")
	}
	if u := newUpdate(newGaussian(1), nil, make([]float32, fewBlocks*updateBlock), nil, nil); u.parallel != nil {
		t.Error("threads of an objective without")
	}
}
