package serve

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/internal/await"
	"github.com/sluice-hep/sluice/internal/floats"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/mix"
	"github.com/sluice-hep/sluice/model"
)

// engine is a model that requests share. It keeps the memory that evaluation works in from one request to the next.
type engine struct {
	*model.Model
	card  *card.Card
	slots *slots
	paces [2]pace // of densities, and of drawing
}

func newEngine(m *model.Model, s *slots) *engine {
	m.Density.UseThreads(1) // a block is one thread's
	m.Density.Keep()
	c, err := card.Parse([]byte(m.Card), "card")
	if err != nil { // it need not have one that this program knows
		c = &card.Card{}
	}
	return &engine{Model: m, card: c, slots: s}
}

// of is the model for one request, whose ctx ends its work.
func (e *engine) of(ctx context.Context) *model.Model {
	m := *e.Model
	m.Density = e.shared(ctx, m.Density)
	return &m
}

// shared are densities whose events share the slots; an ensemble stays one.
func (e *engine) shared(ctx context.Context, d model.Density) model.Density {
	if all, ok := d.(*mix.Ensemble); ok {
		own := &mix.Ensemble{}
		for _, m := range all.Members {
			own.Members = append(own.Members, e.shared(ctx, m))
		}
		return own
	}
	s := &shared{d, e, ctx}
	if by, ok := d.(sampler); ok {
		return &sharedAt{s, by}
	}
	return s
}

// sampler draws events by their numbers, for an ensemble.
type sampler interface {
	SampleAt(numbers []uint64, context [][]float32, seed uint64) ([][]float32, error)
}

// shared is a density of which one request is given its part, in blocks.
type shared struct {
	model.Density
	e   *engine
	ctx context.Context
}

type sharedAt struct {
	*shared
	by sampler
}

// UseThreads, Keep and Close are the engine's.
func (s *shared) UseThreads(int) {}
func (s *shared) Keep()          {}
func (s *shared) Close()         {}

// NoLatent says why there is no latent; "" where there is one.
func (s *shared) NoLatent() string {
	if d, ok := s.Density.(interface{ NoLatent() string }); ok {
		return d.NoLatent()
	}
	return ""
}

// Numerical are the layers that are computed by numerical steps.
func (s *shared) Numerical() []string {
	if d, ok := s.Density.(interface{ Numerical() []string }); ok {
		return d.Numerical()
	}
	return nil
}

func (s *shared) LogProb(x, context [][]float32) ([]float64, error) {
	logProb := make([]float64, length(x, context))
	return logProb, s.each(len(logProb), density, func(lo, hi int) error {
		l, err := s.Density.LogProb(part(x, lo, hi), part(context, lo, hi))
		copy(logProb[lo:hi], l)
		return err
	})
}

func (s *shared) Evaluate(x, context [][]float32) (logProb []float64, z [][]float32, err error) {
	n, latent := length(x, context), s.NoLatent() == ""
	logProb = make([]float64, n)
	if latent {
		z = floats.Columns(len(x), n)
	}
	return logProb, z, s.each(n, density, func(lo, hi int) error {
		l, some, err := s.Density.Evaluate(part(x, lo, hi), part(context, lo, hi))
		copy(logProb[lo:hi], l)
		put(z, some, lo)
		return err
	})
}

func (s *shared) Sample(n int, context [][]float32, seed, first uint64) ([][]float32, error) {
	features, _ := s.Dims()
	x := floats.Columns(features, n)
	return x, s.each(n, drawing, func(lo, hi int) error {
		some, err := s.Density.Sample(hi-lo, part(context, lo, hi), seed, first+uint64(lo))
		put(x, some, lo)
		return err
	})
}

func (s *sharedAt) SampleAt(numbers []uint64, context [][]float32, seed uint64) ([][]float32, error) {
	features, _ := s.Dims()
	x := floats.Columns(features, len(numbers))
	return x, s.each(len(numbers), drawing, func(lo, hi int) error {
		some, err := s.by.SampleAt(numbers[lo:hi], part(context, lo, hi), seed)
		put(x, some, lo)
		return err
	})
}

func length(x, context [][]float32) int {
	for _, c := range [][][]float32{x, context} {
		if len(c) > 0 {
			return len(c[0])
		}
	}
	return 0
}

func part(x [][]float32, lo, hi int) [][]float32 {
	some := make([][]float32, len(x))
	for i := range x {
		some[i] = x[i][lo:hi]
	}
	return some
}

func put(x, some [][]float32, lo int) {
	for i := range some {
		copy(x[i][lo:], some[i])
	}
}

// each takes n events through f in blocks, on as many slots as are free for them. A panic of f is one of each.
func (s *shared) each(n, what int, f func(lo, hi int) error) error {
	p := &s.e.paces[what]
	if n <= small {
		return s.block(few, p, 0, n, f)
	}
	size := p.block()
	var next atomic.Int64
	var failed atomic.Bool
	work := func() error {
		for !failed.Load() {
			hi := int(next.Add(int64(size)))
			lo := hi - size
			if lo >= n {
				return nil
			}
			if err := s.block(many, p, lo, min(hi, n), f); err != nil {
				failed.Store(true)
				return err
			}
		}
		return nil
	}
	workers := min(s.e.slots.all, (n+size-1)/size)
	errs, panics := make([]error, workers), make([]*await.Panic, workers)
	var wait sync.WaitGroup
	for w := 1; w < workers; w++ {
		wait.Go(func() {
			defer func() {
				if v := recover(); v != nil {
					failed.Store(true)
					panics[w] = await.NewPanic(v)
				}
			}()
			errs[w] = work()
		})
	}
	func() {
		defer wait.Wait() // for the others, also after a panic
		defer func() {
			if v := recover(); v != nil {
				failed.Store(true)
				panic(await.NewPanic(v))
			}
		}()
		errs[0] = work()
	}()
	for w := range workers {
		if panics[w] != nil {
			panic(panics[w])
		}
		if errs[w] != nil {
			return errs[w]
		}
	}
	return nil
}

// block takes events through f on one slot.
func (s *shared) block(queue int, p *pace, lo, hi int, f func(lo, hi int) error) error {
	if err := s.e.slots.take(s.ctx, queue); err != nil {
		return err
	}
	defer s.e.slots.give()
	began := time.Now()
	err := f(lo, hi)
	if err == nil && hi-lo > small {
		p.add(hi-lo, time.Since(began))
	}
	return err
}

// What a pace is of.
const density, drawing = 0, 1

const (
	small  = kernel.Tile          // events of a request that goes first
	aim    = 2 * time.Millisecond // of a block
	most   = 1 << 13              // events of a block
	begin  = 512                  // before anything is known
	tiles  = 512                  // events that large networks take at once
	weight = 0.2                  // of the newest block
)

// pace is the time that an event takes, by the last blocks.
type pace struct{ bits atomic.Uint64 } // of nanoseconds

func (p *pace) add(n int, took time.Duration) {
	one := float64(took) / float64(n)
	if known := math.Float64frombits(p.bits.Load()); known > 0 {
		one = known + weight*(one-known)
	}
	p.bits.Store(math.Float64bits(one))
}

// block is how many events make a block: whole tiles, and where there is time for them as many as large networks take at once.
func (p *pace) block() int {
	one := math.Float64frombits(p.bits.Load())
	if one == 0 {
		return begin
	}
	n := int(min(float64(aim)/one, most))
	if n >= tiles {
		return n / tiles * tiles
	}
	return max(n/small*small, small)
}
