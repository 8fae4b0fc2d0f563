package mix

import (
	"fmt"
	"math"
	"runtime"
	"slices"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/batch"
	"github.com/sluice-hep/sluice/internal/floats"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/internal/rng"
)

// Table is the density of a mixed table. Its parameters are one flat vector: the flow's, then the categorical network's. All methods
// but those that change parameters, UseThreads, Keep and Close may be called concurrently.
type Table struct {
	*Plan
	flow    *flow.Flow // nil where no feature is continuous
	params  []float32
	threads int
}

// New builds a table of the features of the spec and so many context columns. All that is random in it follows from the seed. own are
// kinds besides those of package flow.
func New(context int, spec Spec, seed uint64, own ...flow.Kind) (*Table, error) {
	p, err := NewPlan(context, spec, seed, own...)
	if err != nil {
		return nil, err
	}
	return Draw(p), nil
}

// Draw builds the table of a plan with parameters to start a training from, which follow from the seed.
func Draw(p *Plan) *Table {
	t := Blank(p)
	if t.flow != nil {
		t.flow.Start()
	}
	t.DrawVectors()
	t.codes.Start(t.own(), make([]float32, t.codes.shape.Outputs), rng.New(p.seed, rng.StreamInit, subStart))
	return t
}

// Blank builds the table of a plan with parameters of 0, for those of one that was kept. A plan makes one table.
func Blank(p *Plan) *Table {
	t := &Table{Plan: p, params: kernel.Aligned(p.Size())}
	if p.flow != nil {
		t.flow = flow.BlankOn(p.flow, t.params)
	}
	p.codes.Mask()
	return t
}

// DrawVectors sets the vectors by which codes are seen to those that a training starts from: in the first programs they stayed as they were, and are in no file.
func (t *Table) DrawVectors() { t.codes.drawVectors(t.own(), t.seed) }

// own are the parameters of the categorical network.
func (t *Table) own() []float32 { return t.params[t.flowSize():] }

// Params is the flat vector of parameters; writing to it changes the table.
func (t *Table) Params() []float32 { return t.params }

// Flow is that of the continuous features, given the context columns and then what it sees of the codes; nil where there is none.
func (t *Table) Flow() *flow.Flow { return t.flow }

// Widened is flow.Widened of the flow of a table, whose latents of the continuous features z are; the table itself where that is what it is.
func (t *Table) Widened(z [][]float32, weight []float32) (wide *Table, width, gain float64, err error) {
	if t.flow == nil {
		return t, 1, 0, nil
	}
	f, width, gain, err := t.flow.Widened(z, weight)
	if err != nil || f == t.flow {
		return t, width, gain, err
	}
	spec := t.Spec
	spec.Flow = f.Spec
	p, err := NewPlan(t.Context, spec, t.seed)
	if err != nil {
		return nil, 0, 0, err
	}
	wide = Blank(p)
	wide.UseThreads(t.threads)
	copy(wide.flow.Params(), f.Params())
	copy(wide.own(), t.own())
	return wide, width, gain, nil
}

// Cut sets those of the parameters, or of a gradient, to zero that are zero by construction.
func (t *Table) Cut(flat []float32) {
	if t.flow != nil {
		t.flow.Cut(flat[:t.flowSize()])
	}
	t.codes.Cut(flat[t.flowSize():])
}

// UseThreads sets the number of threads, 0 for all cores, on which no result depends.
func (t *Table) UseThreads(n int) {
	if t.threads = n; t.flow != nil {
		t.flow.UseThreads(n)
	}
}

// Keep lets the workers wait until Close.
func (t *Table) Keep() {
	if t.flow != nil {
		t.flow.Keep()
	}
}

// Close ends the workers that wait for the next evaluation.
func (t *Table) Close() {
	if t.flow != nil {
		t.flow.Close()
	}
}

// LogProb is the log-density of each event in nats, per unit of the continuous columns that are present.
func (t *Table) LogProb(x, context [][]float32) ([]float64, error) {
	logProb, _, err := t.evaluate(x, context, false)
	return logProb, err
}

// Evaluate is LogProb with the latent, a column for each feature: of a continuous one the flow's, NaN where it is absent; of a
// categorical one the normal quantile of the middle of the code's interval in its distribution function.
func (t *Table) Evaluate(x, context [][]float32) (logProb []float64, z [][]float32, err error) {
	return t.evaluate(x, context, true)
}

func (t *Table) evaluate(x, context [][]float32, latent bool) (logProb []float64, z [][]float32, err error) {
	n, err := t.check(x, context)
	if err != nil {
		return nil, nil, err
	}
	logProb = make([]float64, n)
	if latent {
		z = floats.Columns(len(x), n)
	}
	err = t.blocks(n, context, func(s *tile, lo int) {
		t.score(s, x, logProb, lo)
		if latent {
			t.middles(s, z, lo)
		}
	}, func(lo, hi int, given [][]float32) error {
		some, latents, err := t.flow.Evaluate(t.continuous(x, lo, hi), given)
		if err != nil {
			return err
		}
		for i, v := range some {
			logProb[lo+i] += v
		}
		if latent {
			for i, column := range t.continuous(z, lo, hi) {
				copy(column, latents[i])
			}
		}
		return nil
	})
	return logProb, z, err
}

// CodeLogProb is log P(codes) of each event alone. The continuous columns are not looked at.
func (t *Table) CodeLogProb(x, context [][]float32) ([]float64, error) {
	n, err := t.checkCodes(x, context)
	if err != nil {
		return nil, err
	}
	logProb := make([]float64, n)
	return logProb, t.blocks(n, context, func(s *tile, lo int) { t.score(s, x, logProb, lo) }, nil)
}

// score takes events from number lo on through the network.
func (t *Table) score(s *tile, x [][]float32, logProb []float64, lo int) {
	for g, f := range t.categorical {
		s.take(g, x[f][lo:][:s.Events], t.codes.categories(g))
	}
	t.codes.score(t.own(), s)
	copy(logProb[lo:][:s.Events], s.logProb[:])
}

// middles sets the latents of the categorical features.
func (t *Table) middles(s *tile, z [][]float32, lo int) {
	for g, f := range t.categorical {
		for e := range s.Events {
			z[f][lo+e] = middle(s.p[t.codes.out[g]*kernel.Tile:], s.code[g*kernel.Tile+e], e)
		}
	}
}

// Sample draws n events, those that follow the first ones of an endless sample: event i depends on the seed, on first+i and on its
// context alone. A cell is NaN where the codes say that it is absent.
func (t *Table) Sample(n int, context [][]float32, seed, first uint64) ([][]float32, error) {
	if len(context) != t.Context {
		return nil, fmt.Errorf("mix: %d context columns given to a table of %d", len(context), t.Context)
	}
	for _, c := range context {
		if len(c) != n {
			return nil, fmt.Errorf("mix: a context of %d events for %d", len(c), n)
		}
	}
	x := floats.Columns(len(t.Spec.Features), n)
	err := t.blocks(n, context, func(s *tile, lo int) {
		t.codes.draw(t.own(), s, seed, first+uint64(lo))
		t.write(s, x, lo)
	}, func(lo, hi int, given [][]float32) error {
		return t.flow.Fill(t.continuous(x, lo, hi), given, seed, first+uint64(lo))
	})
	return x, err
}

// write sets the codes of events from number lo on, and which cells are absent.
func (t *Table) write(s *tile, x [][]float32, lo int) {
	for g, f := range t.categorical {
		for e := range s.Events {
			x[f][lo+e] = float32(s.code[g*kernel.Tile+e])
		}
	}
	for i, f := range t.Spec.Features {
		for e := lo; f.Where != nil && e < lo+s.Events; e++ {
			if !t.there[i][int(x[f.Where.Feature][e])] {
				x[i][e] = float32(math.NaN())
			}
		}
	}
}

// continuous are events [lo, hi) of the flow's columns.
func (t *Table) continuous(x [][]float32, lo, hi int) (columns [][]float32) {
	for _, f := range t.continuousFeatures {
		columns = append(columns, x[f][lo:hi])
	}
	return columns
}

// block is how many events go through the network before they go through the flow.
const block = 64 * kernel.Tile

// blocks takes events to the network, tile by tile, and then to the flow, block by block, with all that this is given: the context, and
// what it sees of the codes.
func (t *Table) blocks(n int, context [][]float32, codes func(s *tile, lo int), cells func(lo, hi int, given [][]float32) error) error {
	threads := t.threads
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	pool := kernel.NewPool(min(threads, max(batch.Tiles(n), 1)))
	defer pool.Close()
	tiles := make([]*tile, pool.Threads())
	seen := floats.Columns(t.codes.seen(), min(n, block))
	for lo := 0; lo < n; lo += block {
		hi := min(lo+block, n)
		pool.Run(batch.Tiles(hi-lo), func(worker, i int) {
			if tiles[worker] == nil {
				tiles[worker] = t.codes.newTile(false)
			}
			s, at := tiles[worker], lo+i*kernel.Tile
			s.Events = min(kernel.Tile, hi-at)
			s.N = kernel.RoundLanes(s.Events)
			for c, column := range context {
				batch.Pad(s.context[c*kernel.Tile:][:s.N], copy(s.context[c*kernel.Tile:], column[at:][:s.Events]))
			}
			codes(s, at)
			in := t.codes.Input(s.act)
			for r := range seen {
				copy(seen[r][i*kernel.Tile:][:s.Events], in[r*kernel.Tile:])
			}
		})
		if t.flow == nil || cells == nil {
			continue
		}
		var given [][]float32
		for _, column := range context {
			given = append(given, column[lo:hi])
		}
		for _, column := range seen {
			given = append(given, column[:hi-lo])
		}
		if err := cells(lo, hi, given); err != nil {
			return err
		}
	}
	return nil
}

// checkCodes returns the number of events. What is no code is an error.
func (t *Table) checkCodes(x, context [][]float32) (n int, err error) {
	if len(x) != len(t.Spec.Features) || len(context) != t.Context {
		return 0, fmt.Errorf("mix: %d columns and %d context columns given to a table of %d and %d", len(x), len(context), len(t.Spec.Features), t.Context)
	}
	n = len(x[0])
	for _, c := range slices.Concat(x, context) {
		if len(c) != n {
			return 0, fmt.Errorf("mix: columns of %d and %d events", n, len(c))
		}
	}
	for _, i := range t.categorical {
		for e, v := range x[i] {
			if k := t.Spec.Features[i].Categories; codeOf(v, k) < 0 {
				return 0, fmt.Errorf("mix: event %d: feature %d is %v, which is none of its codes 0 to %d", e, i, v, k-1)
			}
		}
	}
	return n, nil
}

// check is checkCodes, and of cells: one that the codes say is absent, and the lack of one that they say is there, are errors.
func (t *Table) check(x, context [][]float32) (n int, err error) {
	if n, err = t.checkCodes(x, context); err != nil {
		return 0, err
	}
	for _, i := range t.continuousFeatures {
		w, there := t.Spec.Features[i].Where, t.there[i]
		for e, v := range x[i] {
			switch {
			case w == nil && v != v:
				return 0, fmt.Errorf("mix: event %d: feature %d is NaN, and no code says that it may be absent", e, i)
			case w != nil && (v == v) != there[int(x[w.Feature][e])]:
				return 0, fmt.Errorf("mix: event %d: feature %d is %v, while feature %d has code %v: it is there with the codes %v and no others",
					e, i, v, w.Feature, x[w.Feature][e], w.Codes)
			}
		}
	}
	return n, nil
}
