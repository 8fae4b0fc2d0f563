// Package mcmc draws from a density that can be evaluated, but for its norm, by an ensemble of walkers.
package mcmc

import (
	"context"
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/internal/rng"
)

const (
	stretch  = 2.0 // a of Goodman and Weare: a move scales the way between two walkers by 1/a to a
	burned   = 0.25
	leastTau = 50 // autocorrelation times of a chain whose autocorrelation is known (arXiv:1202.3665)
	mostFlat = 1e-8
)

// Diagnostics say how far draws can be trusted.
type Diagnostics struct {
	Walkers int `json:"walkers"`
	Steps   int `json:"steps"` // kept, of each walker
	Burned  int `json:"burned"`
	// Acceptance is the share of moves taken among the steps kept: about 0.2 to 0.5 where all is well.
	Acceptance float64 `json:"acceptance"`
	// Tau is the integrated autocorrelation time of each parameter in steps, by Sokal's window, and ESS so many independent draws
	// its mean is worth.
	Tau []float64 `json:"autocorrelation_time"`
	ESS []float64 `json:"ess"`
}

// ShortError is a chain of fewer than 50 autocorrelation times: neither these nor the draws are to be relied on.
type ShortError struct {
	Steps, Burned int
	Tau           float64 // the longest
}

func (e *ShortError) Error() string {
	return fmt.Sprintf("mcmc: %d steps after the burn-in are %.3g autocorrelation times (%.3g steps), where %d are needed: take %d steps or more",
		e.Steps, float64(e.Steps)/e.Tau, e.Tau, leastTau, e.enough())
}

// enough steps in all, a fifth more than needed: the time of a short chain comes out too short.
func (e *ShortError) enough() int {
	return int(math.Ceil(1.2 * leastTau * e.Tau / (1 - burned)))
}

// Run draws from the density whose logarithm, up to a constant, is logDensity: -Inf where it is 0. It takes so many steps with the affine-invariant
// ensemble of Goodman and Weare (10.2140/camcos.2010.5.65), whose walkers start at the rows of start: at least twice as many as parameters, an even number,
// not all in one plane. The first quarter of the steps is burn-in. What is left comes step after step, the walkers of each in their order.
//
// One half of the walkers moves at a time, on so many threads (0: one a CPU), each along the line to a walker of the other half
// (arXiv:1202.3665): the draws depend on the seed, not on the threads. logDensity is called on several threads at once.
//
// A chain that is too short is a *ShortError, beside draws and diagnostics; with any other error there are none.
func Run(ctx context.Context, logDensity func(x []float64) float64, start [][]float64, steps int, seed uint64, threads int) ([][]float64, Diagnostics, error) {
	var d Diagnostics
	if steps < 4 {
		return nil, d, fmt.Errorf("mcmc: %d steps; at least 4 are needed", steps)
	}
	e, err := newEnsemble(logDensity, start, seed)
	if err != nil {
		return nil, d, err
	}
	pool := kernel.NewPool(min(max(threads, 0), len(start)/2))
	defer pool.Close()
	pool.Run(len(start), func(_, w int) { e.log[w] = logDensity(e.at[w]) })
	if err := e.check(); err != nil {
		return nil, d, err
	}
	if e.nowhere() == len(start) {
		return nil, d, fmt.Errorf("mcmc: the density is 0 where every one of the %d walkers starts, as at %.6g: start some where it is not", len(start), e.at[0])
	}
	d.Walkers, d.Burned = len(start), int(burned*float64(steps))
	d.Steps = steps - d.Burned
	draws := make([][]float64, 0, d.Steps*len(start))
	for step := range steps {
		if err := ctx.Err(); err != nil {
			return nil, d, fmt.Errorf("interrupted at step %d of a Markov chain: %w", step+1, err)
		}
		if step == d.Burned {
			if n := e.nowhere(); n > 0 {
				return nil, d, fmt.Errorf("mcmc: %d of %d walkers are still where the density is 0 after %d steps of burn-in: start them nearer", n, len(start), step)
			}
			e.taken = make([]int, len(start))
		}
		e.step(pool, step)
		if err := e.check(); err != nil {
			return nil, d, err
		}
		if step >= d.Burned {
			draws = e.keep(draws)
		}
	}
	taken := 0
	for _, n := range e.taken {
		taken += n
	}
	d.Acceptance = float64(taken) / float64(len(draws))
	return draws, d, d.judge(draws)
}

// ensemble is the state of the walkers.
type ensemble struct {
	logDensity func([]float64) float64
	seed       uint64
	at, to     [][]float64 // a row for each walker: where it is, and where it may go
	log        []float64   // of the density there
	taken      []int       // moves of each walker
}

func newEnsemble(logDensity func([]float64) float64, start [][]float64, seed uint64) (*ensemble, error) {
	n := len(start)
	if n == 0 || len(start[0]) == 0 {
		return nil, errors.New("mcmc: no walkers, or none of any parameter")
	}
	dim := len(start[0])
	if n < 2*dim || n%2 != 0 {
		return nil, fmt.Errorf("mcmc: %d walkers in %d dimensions: take an even number, at least %d", n, dim, 2*dim)
	}
	e := &ensemble{logDensity: logDensity, seed: seed, at: matrix(n, dim), to: matrix(n, dim), log: make([]float64, n), taken: make([]int, n)}
	for w, row := range start {
		if len(row) != dim {
			return nil, fmt.Errorf("mcmc: walker %d has %d parameters, the first %d", w+1, len(row), dim)
		}
		for _, v := range row {
			if v-v != 0 {
				return nil, fmt.Errorf("mcmc: walker %d starts at %g", w+1, row)
			}
		}
		copy(e.at[w], row)
	}
	if e.flat() {
		return nil, errors.New("mcmc: all walkers start in one plane, or at one point, which they would never leave: scatter them")
	}
	return e, nil
}

func matrix(n, dim int) [][]float64 {
	all, rows := make([]float64, n*dim), make([][]float64, n)
	for i := range rows {
		rows[i] = all[i*dim:][:dim:dim]
	}
	return rows
}

// flat reports whether the walkers span fewer dimensions than there are, each in units of its own spread.
func (e *ensemble) flat() bool {
	n, dim := len(e.at), len(e.at[0])
	z := mat.NewDense(n, dim, nil)
	for k := range dim {
		mean, square := 0.0, 0.0
		for _, row := range e.at {
			mean += row[k] / float64(n)
		}
		for _, row := range e.at {
			square += (row[k] - mean) * (row[k] - mean)
		}
		if square == 0 {
			return true
		}
		for w, row := range e.at {
			z.Set(w, k, (row[k]-mean)/math.Sqrt(square))
		}
	}
	var svd mat.SVD
	if !svd.Factorize(z, mat.SVDNone) {
		return true
	}
	values := svd.Values(nil)
	return values[dim-1] < mostFlat*values[0]
}

// nowhere is how many walkers are where the density is 0.
func (e *ensemble) nowhere() (n int) {
	for _, l := range e.log {
		if math.IsInf(l, -1) {
			n++
		}
	}
	return n
}

// check refuses log-densities that are none. A walker keeps such a one.
func (e *ensemble) check() error {
	for w, l := range e.log {
		if l != l || math.IsInf(l, 1) {
			return fmt.Errorf("mcmc: the log-density is %g at %.6g", l, e.at[w])
		}
	}
	return nil
}

// step moves one half of the walkers after the other.
func (e *ensemble) step(pool *kernel.Pool, step int) {
	half := len(e.at) / 2
	for first := range 2 {
		mine, others := first*half, (1-first)*half
		pool.Run(half, func(_, i int) { e.move(step, mine+i, e.at[others:others+half]) })
	}
}

// move is the stretch move of walker w: y = x_j + z (x_w - x_j), z of density proportional to 1/sqrt(z) on [1/a, a], taken with
// probability min(1, z^(dim-1) p(y)/p(x_w)).
func (e *ensemble) move(step, w int, others [][]float64) {
	var u [3]float64
	for k := range u {
		rng.Uniform(u[k:k+1], e.seed, rng.StreamChain, uint32(k), uint64(step)*uint64(len(e.at))+uint64(w))
	}
	x, y := e.at[w], e.to[w]
	other := others[min(int(u[0]*float64(len(others))), len(others)-1)]
	root := 1 + u[1]*(stretch-1)
	z := root * root / stretch
	for k := range y {
		y[k] = other[k] + z*(x[k]-other[k])
	}
	l := e.logDensity(y)
	if !(l-e.log[w]+float64(len(x)-1)*math.Log(z) <= math.Log(u[2])) && !math.IsInf(l, -1) {
		e.at[w], e.to[w], e.log[w] = y, x, l
		e.taken[w]++
	}
}

// keep adds copies of where the walkers are.
func (e *ensemble) keep(draws [][]float64) [][]float64 {
	rows := matrix(len(e.at), len(e.at[0]))
	for w, row := range e.at {
		copy(rows[w], row)
	}
	return append(draws, rows...)
}
