package prep

import (
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/internal/rng"
)

// block is the number of events that pass through all columns together: they stay in the cache.
const block = 1024

// buffers of one block of events, on their way through the columns.
type buffers struct {
	x     []float64 // values of one column
	noise []float64
	slope []float64 // product of the slopes of all columns so far
	none  []bool    // events without a value in a column, see Told
	was   [2][]float64
}

func newBuffers(n int) *buffers {
	n = min(n, block)
	return &buffers{x: make([]float64, n), noise: make([]float64, n), slope: slices.Repeat([]float64{1}, n), none: make([]bool, n)}
}

// eachBlock calls f for events lo to hi of n.
func (b *buffers) eachBlock(n int, f func(lo, hi int)) {
	all := *b
	for lo := 0; lo < n; lo += block {
		hi := min(lo+block, n)
		b.x, b.noise, b.slope, b.none = all.x[:hi-lo], all.noise[:hi-lo], all.slope[:hi-lo], all.none[:hi-lo]
		f(lo, hi)
	}
}

// Apply prepares the events of t: Dim() columns for the flow, and log|dy/dx| summed over columns for each
// event. The noise that gives a repeated value its place depends on the number of the event, which is number[i] for event
// i of t: it is the same in whatever part of a sample the event comes. nil stands for 0, 1, 2, ..., which is right for a
// whole sample.
func (p *Pipeline) Apply(t *events.Table, number []uint64) (cols [][]float32, logDet []float64, err error) {
	if number != nil && len(number) != t.Len() {
		return nil, nil, fmt.Errorf("prep: %d numbers for %d events", len(number), t.Len())
	}
	return p.apply(t, func(dst []float64, column uint32, first int) {
		if number == nil {
			rng.Uniform(dst, p.Seed, rng.StreamDequantise, column, uint64(first))
		} else {
			rng.UniformAt(dst, p.Seed, rng.StreamDequantise, column, number[first:])
		}
	}, nil)
}

// ApplyDraw is Apply with a place in their cells that is the same for all events: place draw, from 0, of so many. Over all
// draws, every column that is placed sees the middle of each of as many equal parts of a cell once, and several columns see
// theirs in orders of their own (a Latin hypercube, McKay, Beckman and Conover, Technometrics 21 (1979) 239). The mean of
// the density over all draws is that of the events as they are, and depends on nothing but their values; of one draw, the
// place is the middle. placed marks the events that have a place to take, and is nil where none has.
func (p *Pipeline) ApplyDraw(t *events.Table, draw, draws int) (cols [][]float32, logDet []float64, placed []bool, err error) {
	at := map[uint32]float64{}
	for i := range p.Columns {
		for k, step := range p.Columns[i].Steps {
			if _, ok := step.(Randomised); ok {
				at[noiseColumn(uint32(i), k)] = 0
			}
		}
		if p.Columns[i].Told != nil {
			at[noiseColumn(uint32(i), toldNoise)] = 0
		}
	}
	for column := range at {
		order := rng.New(p.Seed, rng.StreamCells, column).Perm(draws)
		at[column] = (float64(order[draw]) + 0.5) / float64(draws)
	}
	if len(at) > 0 && !p.Noiseless {
		placed = make([]bool, t.Len())
	}
	cols, logDet, err = p.apply(t, func(dst []float64, column uint32, _ int) {
		for i := range dst {
			dst[i] = at[column]
		}
	}, placed)
	return cols, logDet, placed, err
}

// places fills dst with where in their cells the values of a column go, those of the events from first on.
type places func(dst []float64, column uint32, first int)

func (p *Pipeline) apply(t *events.Table, at places, placed []bool) (cols [][]float32, logDet []float64, err error) {
	n := t.Len()
	in := make([]*events.Column, len(p.Columns))
	for i := range p.Columns {
		if in[i], err = t.Column(p.Columns[i].Name); err != nil || in[i].Type == events.Text {
			return nil, nil, p.refusal(t)
		}
	}
	cols, logDet = make([][]float32, p.Dim()), make([]float64, n)
	for k := range cols {
		cols[k] = make([]float32, n)
	}
	ok := true
	b := newBuffers(n)
	b.eachBlock(n, func(lo, hi int) {
		next := 0
		for i := range p.Columns {
			told := p.Columns[i].Told
			if told != nil {
				by := p.place(told.By)
				ok = p.Columns[by].read(b.x, in[by], lo) && ok
				told.noValue(b.none, b.x)
			}
			ok = p.Columns[i].read(b.x, in[i], lo) && ok
			if !p.Columns[i].InFlow() {
				continue
			}
			if told != nil {
				b.set(told.Else, logDet[lo:hi])
			}
			p.applyColumn(i, b, logDet[lo:hi], at, lo, placed)
			if told != nil {
				at(b.noise, noiseColumn(uint32(i), toldNoise), lo)
				b.fill(logDet[lo:hi])
				for k, none := range b.none {
					if none && placed != nil {
						placed[lo+k] = true
					}
				}
			}
			if s := p.Columns[i].classes(); s != nil {
				s.indicate(cols[next:], lo, b.x)
			} else {
				narrow(cols[next][lo:hi], b.x)
			}
			next += p.Columns[i].width()
		}
		addLogs(logDet[lo:hi], b.slope, 1)
	})
	if !ok {
		return nil, nil, p.refusal(t)
	}
	return cols, logDet, nil
}

// refusal is what is wrong with the first column that cannot be prepared.
func (p *Pipeline) refusal(t *events.Table) error {
	for i := range p.Columns {
		if _, err := numbers(t, p.Columns[i].Name); err != nil {
			return err
		}
	}
	return nil
}

// applyColumn takes the values of column i in b.x, those from lo on, through its steps.
func (p *Pipeline) applyColumn(i int, b *buffers, logDet []float64, at places, lo int, placed []bool) {
	for k, step := range p.Columns[i].Steps {
		switch s := step.(type) {
		case sloped:
			s.applySlope(b.x, b.slope, logDet)
		case Randomised:
			if p.Noiseless {
				s.Apply(b.x, logDet)
				continue
			}
			if placed != nil {
				s.places(b.x, placed[lo:lo+len(b.x)])
			}
			at(b.noise, noiseColumn(uint32(i), k), lo)
			s.ApplyNoise(b.x, b.noise, logDet)
		default:
			s.Apply(b.x, logDet)
		}
	}
}

// read sets dst to the values of col from lo on, counted from the origin, and reports whether all are finite.
func (c *Column) read(dst []float64, col *events.Column, lo int) bool {
	switch {
	case c.Origin != column.Exact{}:
		col.Distances(dst, lo, c.Origin)
		return finite(dst...)
	case col.Type == events.Float32:
		return widen(dst, col.F32[lo:])
	case col.Type == events.Float64:
		return widen(dst, col.F64[lo:])
	case col.Type == events.Int64:
		return widen(dst, col.I64[lo:])
	default:
		return widen(dst, col.U64[lo:])
	}
}

// widen reports whether all numbers are finite.
func widen[T float32 | float64 | int64 | uint64](dst []float64, src []T) bool {
	ok := true
	for i, v := range src[:len(dst)] {
		x := float64(v)
		dst[i] = x
		if x-x != 0 {
			ok = false
		}
	}
	return ok
}

func narrow(dst []float32, src []float64) {
	for i, v := range src[:len(dst)] {
		dst[i] = float32(v)
	}
}

// Invert takes the flow's columns back to a table in the user's units, constant columns included, and gives
// log|dx/dy| summed over columns for each event. Values are finite if the flow's are.
func (p *Pipeline) Invert(cols [][]float32) (t *events.Table, logDet []float64, err error) {
	if len(cols) != p.Dim() {
		return nil, nil, fmt.Errorf("prep: %d columns to put back; the preparation has %d", len(cols), p.Dim())
	}
	for i := range p.Columns {
		if c := &p.Columns[i]; c.width() > 1 {
			return nil, nil, fmt.Errorf("prep: %s is %d columns, which have no way back", c.Name, c.width())
		}
	}
	n := 0
	for _, col := range cols {
		if n = len(cols[0]); len(col) != n {
			return nil, nil, fmt.Errorf("prep: columns of %d and %d events to put back", n, len(col))
		}
	}
	logDet = make([]float64, n)
	t = &events.Table{}
	for i := range p.Columns {
		t.Columns = append(t.Columns, p.Columns[i].table(n))
	}
	b := newBuffers(n)
	b.eachBlock(n, func(lo, hi int) {
		for _, last := range []bool{false, true} { // first the columns that tell
			next := 0
			for i := range p.Columns {
				c := &p.Columns[i]
				if now := (c.Told != nil) == last; now && c.Follows == nil {
					if c.InFlow() {
						widen(b.x, cols[next][lo:])
					}
					p.invertColumn(i, b, logDet[lo:hi], t, lo)
				}
				next += c.width()
			}
		}
		addLogs(logDet[lo:hi], b.slope, -1)
	})
	return t, logDet, p.follow(t)
}

// invertColumn takes prepared values of column i in b.x back, and writes them to t from lo on.
func (p *Pipeline) invertColumn(i int, b *buffers, logDet []float64, t *events.Table, lo int) {
	c := &p.Columns[i]
	switch {
	case c.Constant():
		v := c.constant()
		for k := range b.x {
			b.x[k] = v
		}
	case c.Told != nil:
		by := &t.Columns[p.place(c.Told.By)]
		for k := range b.none {
			b.none[k] = slices.Contains(c.Told.When, by.Float(lo+k))
		}
		copy(b.noise, b.x)
		b.set(0, logDet)
		c.invert(b, logDet)
		b.mark(c.Told.Mark, logDet)
	default:
		c.invert(b, logDet)
	}
	c.write(&t.Columns[i], lo, b.x)
}

// invert takes prepared values in b.x back through the steps.
func (c *Column) invert(b *buffers, logDet []float64) {
	for _, step := range slices.Backward(c.Steps) {
		if s, ok := step.(sloped); ok {
			s.invertSlope(b.x, b.slope, logDet)
		} else {
			step.Invert(b.x, logDet)
		}
	}
}

// table is the column of a table with room for n values: of the trained type where the steps give its values, else
// float64.
func (c *Column) table(n int) events.Column {
	t := c.trained()
	if (t == events.Int64 || t == events.Uint64) && !c.integral() {
		t = events.Float64
	}
	return column.New(c.Name, c.Unit, t, n)
}

// write puts values x, counted from the origin, into out from lo on. What its type cannot hold becomes the next value
// that it can.
func (c *Column) write(out *events.Column, lo int, x []float64) {
	switch out.Type {
	case events.Int64:
		for i, v := range x {
			out.I64[lo+i] = c.Origin.Plus(math.Round(v)).Int64()
		}
	case events.Uint64:
		for i, v := range x {
			out.U64[lo+i] = c.Origin.Plus(math.Round(v)).Uint64()
		}
	case events.Float64:
		low, high := c.limits()
		for i, v := range x {
			out.F64[lo+i] = min(max(c.Origin.Float()+min(max(v, low), high), -math.MaxFloat64), math.MaxFloat64)
		}
	default:
		low, high := c.limits()
		low, high = max(low, -math.MaxFloat32), min(high, math.MaxFloat32)
		for i, v := range x {
			f := float32(min(max(v, low), high))
			if float64(f) > high { // an edge that no float32 is equal to is not crossed either
				f = math.Nextafter32(f, float32(math.Inf(-1)))
			} else if float64(f) < low {
				f = math.Nextafter32(f, float32(math.Inf(1)))
			}
			out.F32[lo+i] = f
		}
	}
}

// limits are what no value that comes back exceeds.
func (c *Column) limits() (low, high float64) {
	low, high = math.Inf(-1), math.Inf(1)
	if l, ok := c.first().(limited); ok {
		low, high = l.limits()
	}
	if len(c.Steps) > 0 {
		if r, ok := c.Steps[0].(*round); ok {
			low, high = r.inside(low, high)
		}
	}
	if c.Told != nil {
		low, high = min(low, c.Told.Mark), max(high, c.Told.Mark)
	}
	return low, high
}

// first is the first step that changes values; nil for none.
func (c *Column) first() Step {
	for _, s := range c.Steps {
		if _, same := s.(*round); !same {
			return s
		}
	}
	return nil
}

// constant is the value of a constant column, counted from the origin.
func (c *Column) constant() float64 {
	if (c.Origin != column.Exact{}) {
		return 0
	}
	return c.Min
}

// integral reports whether Invert gives integers where training had integers. Those that are counted from an origin are
// rounded to integers whatever the steps: a float64 would not tell them apart.
func (c *Column) integral() bool {
	if c.Constant() || c.Follows != nil || c.Origin != (column.Exact{}) {
		return true
	}
	first := ""
	if len(c.Steps) > 0 {
		first = c.Steps[0].Kind()
	}
	return first == "dequantise" || first == "levels"
}
