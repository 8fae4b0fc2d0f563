package bench

import (
	"cmp"
	"context"
	"math"
	"runtime"
	"slices"
	"time"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/internal/machine"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/train"
)

// Result is what one workload reached.
type Result struct {
	Name          string  `json:"name"`
	Threads       int     `json:"threads"`
	Batch         int     `json:"batch"`
	StepMedian    float64 `json:"ms_per_step_median"` // forward, backward and optimiser
	StepMin       float64 `json:"ms_per_step_min"`
	EventsPerSec  float64 `json:"events_per_second"` // in training, at the median
	GFLOPS        float64 `json:"gflops"`            // at the fastest step, of the weights that masks keep
	PeakFraction  float64 `json:"peak_fraction"`     // of the peak of all threads
	DensityPerSec float64 `json:"density_events_per_second"`
	SamplePerSec  float64 `json:"sample_events_per_second"`
	RSS           float64 `json:"rss_mb"` // resident memory at its highest during the workload, where the system tells
}

// Machine is what the measurements ran on.
type Machine struct {
	CPU        string  `json:"cpu"`
	Threads    int     `json:"threads"`
	ISA        string  `json:"isa"`
	PeakGFLOPS float64 `json:"peak_gflops"` // of one core, measured
}

// ThisMachine describes the machine; threads of 0 means all cores.
func ThisMachine(threads int) Machine {
	return Machine{CPU: machine.CPU(), Threads: cores(threads), ISA: kernel.ISA(), PeakGFLOPS: kernel.PeakGFLOPS()}
}

func cores(threads int) int { return cmp.Or(max(threads, 0), runtime.GOMAXPROCS(0)) }

// evaluated is the number of events of a density or sampling call.
const evaluated = 10_000

// Run measures a workload for about the given time: half of it training steps, a quarter each density and sampling, on
// correlated normal events. Times are medians and minima, since other programs share the machine.
func Run(ctx context.Context, w Workload, threads int, budget time.Duration) (*Result, error) {
	threads = cores(threads)
	machine.ResetPeak()
	p, err := flow.NewPlan(w.Features, w.Context, w.Spec, 1)
	if err != nil {
		return nil, err
	}
	if err := p.CheckMemory(benchTraining(w.Batch).Vectors()); err != nil {
		return nil, err
	}
	f := flow.Draw(p)
	f.Threads = threads
	defer f.Close()
	x, c := correlated(w.Features, max(evaluated, 4*w.Batch)), correlated(w.Context, max(evaluated, 4*w.Batch))
	steps, err := trainingSteps(ctx, f, x, c, w.Batch, budget/2)
	if err != nil {
		return nil, err
	}
	r := &Result{Name: w.Name, Threads: threads, Batch: w.Batch}
	slices.Sort(steps)
	r.StepMin, r.StepMedian = ms(steps[0]), ms(steps[len(steps)/2])
	r.EventsPerSec = 1e3 * float64(w.Batch) / r.StepMedian
	r.GFLOPS = flopsPerEvent(f) * float64(w.Batch) / (r.StepMin * 1e6)
	r.PeakFraction = r.GFLOPS / (float64(threads) * kernel.PeakGFLOPS())
	for _, cols := range [][][]float32{x, c} {
		for i := range cols {
			cols[i] = cols[i][:evaluated]
		}
	}
	if r.DensityPerSec, err = rate(ctx, budget/4, func() error { _, err := f.LogProb(x, c); return err }); err != nil {
		return nil, err
	}
	if r.SamplePerSec, err = rate(ctx, budget/4, func() error { _, err := f.Sample(evaluated, c, 1, 0); return err }); err != nil {
		return nil, err
	}
	r.RSS = machine.Peak()
	return r, nil
}

func ms(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

// rate repeats fn for the budget, at least twice, and returns the events a second of the fastest call.
func rate(ctx context.Context, budget time.Duration, fn func() error) (float64, error) {
	best := time.Duration(math.MaxInt64)
	for n, start := 0, time.Now(); n < 2 || time.Since(start) < budget; n++ {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		t := time.Now()
		if err := fn(); err != nil {
			return 0, err
		}
		best = min(best, time.Since(t))
	}
	return evaluated / best.Seconds(), nil
}

// stopwatch times the steps of a training: the time from one gradient to the next is a whole step.
type stopwatch struct {
	*flow.Likelihood
	last  time.Time
	steps []time.Duration
	stop  func()
	end   time.Time
}

// Gradient implements train.Objective.
func (s *stopwatch) Gradient(rows []int32, grad []float32) float64 {
	now := time.Now()
	if !s.last.IsZero() {
		s.steps = append(s.steps, now.Sub(s.last))
	}
	s.last = now
	if now.After(s.end) && len(s.steps) > warmup+2 {
		s.stop()
	}
	return s.Likelihood.Gradient(rows, grad)
}

// warmup steps are not counted: they allocate.
const warmup = 2

func trainingSteps(ctx context.Context, f *flow.Flow, x, c [][]float32, batch int, budget time.Duration) ([]time.Duration, error) {
	l, err := flow.NewLikelihood(f, x, c, nil)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	inner, stop := context.WithCancel(ctx)
	defer stop()
	s := &stopwatch{Likelihood: l, stop: stop, end: time.Now().Add(budget)}
	rows := wholeBatches(len(x[0]), batch)
	if _, err := train.Run(inner, s, train.Data{Train: rows}, benchTraining(batch), train.Options{}); ctx.Err() != nil {
		return nil, ctx.Err()
	} else if inner.Err() == nil {
		return nil, err
	}
	return s.steps[warmup:], nil
}

func benchTraining(batch int) train.Config {
	return train.Config{Epochs: 1e6, Batch: batch, LR: 1e-4, Schedule: train.Schedule{Type: "constant"}, Valid: -1, Test: -1}
}

// wholeBatches are the events of which a training makes no batch shorter than the others: it would pass for a fast step.
func wholeBatches(events, batch int) []int32 {
	rows := make([]int32, events/batch*batch)
	for i := range rows {
		rows[i] = int32(i)
	}
	return rows
}

// flopsPerEvent counts the arithmetic of a training step in the weights that masks keep: two operations a weight for
// the outputs, for the gradient of the weights and for that of the inputs. The first network needs no gradient of its inputs.
func flopsPerEvent(f *flow.Flow) float64 {
	kept := slices.Repeat([]float32{1}, len(f.Params()))
	f.Cut(kept)
	var flops float64
	first := true
	for _, v := range f.Views() {
		if v.Cols == 1 {
			continue
		}
		n := 0.0
		for _, k := range v.Of(kept) {
			n += float64(k)
		}
		if first {
			n *= 2. / 3
		}
		first = false
		flops += 6 * n
	}
	return flops
}

// correlated draws standard normal events through a random matrix, each column of unit variance.
func correlated(n, events int) [][]float32 {
	src := rng.New(1, rng.StreamTest, 0)
	z, x := make([][]float32, n), make([][]float32, n)
	for c := range z {
		z[c], x[c] = make([]float32, events), make([]float32, events)
		rng.Normal(z[c], 1, rng.StreamTest, uint32(c), 0)
	}
	for c := range x {
		m := make([]float64, n)
		var norm float64
		for k := range m {
			m[k] = src.NormFloat64()
			norm += m[k] * m[k]
		}
		for k := range m {
			a := float32(m[k] / math.Sqrt(norm))
			for e, v := range z[k] {
				x[c][e] += a * v
			}
		}
	}
	return x
}
