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
	none  []bool    // events without a value in a column, see Told and Marks
	marks []float64 // and what they hold
	state []byte    // a byte for each column with marks, event by event: which it holds
	was   [2][]float64
	in    []*events.Column     // the columns of the table
	rest  []float64            // of the fractions after one
	left  map[string][]float64 // of a simplex, by the name of its first column

	features []Feature // of the density of mixed tables
}

func (p *Pipeline) newBuffers(n int) *buffers {
	n = min(n, block)
	b := &buffers{x: make([]float64, n), noise: make([]float64, n), slope: slices.Repeat([]float64{1}, n), none: make([]bool, n), marks: make([]float64, n)}
	if p.Marks != nil {
		b.state = make([]byte, n*len(p.Marks.Columns))
	}
	if p.Mixed {
		b.features = p.Layout()
	}
	b.left = map[string][]float64{}
	for i := range p.Columns {
		if s := p.Columns[i].Share; s.last() {
			b.rest, b.left[s.Of[0]] = make([]float64, n), make([]float64, n)
		}
	}
	return b
}

// eachBlock calls f for events lo to hi of n.
func (b *buffers) eachBlock(n int, f func(lo, hi int)) {
	all := *b
	for lo := 0; lo < n; lo += block {
		hi := min(lo+block, n)
		b.x, b.noise, b.slope, b.none, b.marks = all.x[:hi-lo], all.noise[:hi-lo], all.slope[:hi-lo], all.none[:hi-lo], all.marks[:hi-lo]
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
		if p.Columns[i].mayLack() && !p.Mixed {
			at[noiseColumn(uint32(i), toldNoise)] = 0
		}
	}
	if p.Marks != nil && !p.Mixed {
		at[p.marksNoise()] = 0
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
		c := &p.Columns[i]
		if in[i], err = t.Column(c.Name); err == nil {
			in[i] = c.coded(in[i])
		}
		if err != nil || in[i].Type == events.Text {
			return nil, nil, p.refusal(t)
		}
	}
	if _, err := p.fractions(t, false); err != nil {
		return nil, nil, err
	}
	cols, logDet = make([][]float32, p.Dim()), make([]float64, n)
	for k := range cols {
		cols[k] = make([]float32, n)
	}
	ok := true
	b := p.newBuffers(n)
	b.in = in
	b.eachBlock(n, func(lo, hi int) {
		if p.Mixed {
			ok = p.applyMixed(in, b, cols, logDet[lo:hi], at, lo, placed) && ok
			addLogs(logDet[lo:hi], b.slope, 1)
			return
		}
		next := 0
		if p.Marks != nil {
			ok = p.applyMarks(in, b, logDet[lo:hi], at, lo, placed) && ok
			narrow(cols[0][lo:hi], b.x)
			next = 1
		}
		for i := range p.Columns {
			c := &p.Columns[i]
			if c.Told != nil {
				by := p.place(c.Told.By)
				ok = p.Columns[by].read(b.x, in[by], lo) && ok
				c.Told.noValue(b.none, b.x)
			} else if c.Marked != nil {
				p.noValue(c, b)
			}
			ok = c.read(b.x, in[i], lo) && ok
			if !c.InFlow() {
				continue
			}
			if c.Own != nil { // of a context
				c.tell(b, cols[next][lo:hi])
			}
			if c.mayLack() {
				b.set(c.instead(), logDet[lo:hi])
			}
			p.applyColumn(i, b, logDet[lo:hi], at, lo, placed)
			if c.Own != nil {
				narrowThere(cols[next+1][lo:hi], b.x, b.none)
				next += c.width()
				continue
			}
			if c.mayLack() {
				at(b.noise, noiseColumn(uint32(i), toldNoise), lo)
				b.fill(logDet[lo:hi])
				for k, none := range b.none {
					if none && placed != nil {
						placed[lo+k] = true
					}
				}
			}
			if s := c.classes(); s != nil {
				s.indicate(cols[next:], lo, b.x)
			} else {
				narrow(cols[next][lo:hi], b.x)
			}
			next += c.width()
		}
		addLogs(logDet[lo:hi], b.slope, 1)
	})
	if !ok {
		return nil, nil, p.refusal(t)
	}
	to := cols
	for k := range slices.Backward(p.Sets) {
		s := &p.Sets[k]
		if err := s.apply(t, to[len(to)-s.Dim():]); err != nil {
			return nil, nil, err
		}
		to = to[:len(to)-s.Dim()]
	}
	return cols, logDet, nil
}

// refusal is what is wrong with the first column that cannot be prepared.
func (p *Pipeline) refusal(t *events.Table) error {
	for i := range p.Columns {
		if _, err := p.Columns[i].numbers(t); err != nil {
			return err
		}
	}
	return nil
}

// applyColumn takes the values of column i in b.x, those from lo on, through its steps.
func (p *Pipeline) applyColumn(i int, b *buffers, logDet []float64, at places, lo int, placed []bool) {
	if s := p.Columns[i].Share; s != nil {
		rest := b.rest[:len(b.x)]
		p.restOf(s, rest, b.in, lo)
		s.apply(b.x, rest, logDet)
	}
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

// read sets dst to the values of col from lo on, counted from the origin, and reports whether all are finite, or missing where they may be.
func (c *Column) read(dst []float64, col *events.Column, lo int) bool {
	ok := c.readAll(dst, col, lo)
	if !ok && c.Missing {
		return fill(dst)
	}
	return ok
}

func (c *Column) readAll(dst []float64, col *events.Column, lo int) bool {
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
		if c := &p.Columns[i]; c.width() > 1 && !p.Mixed {
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
	b := p.newBuffers(n)
	b.eachBlock(n, func(lo, hi int) {
		if p.Mixed {
			p.invertMixed(cols, b, logDet[lo:hi], t, lo)
			addLogs(logDet[lo:hi], b.slope, -1)
			return
		}
		if p.Marks != nil {
			widen(b.x, cols[0][lo:])
			p.Marks.invert(b, logDet[lo:hi])
		}
		for _, last := range []bool{false, true} { // first the columns that tell
			next := p.Marks.width()
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
	p.follow(t)
	for i := range p.Columns {
		if c := &p.Columns[i]; c.Names != nil {
			t.Columns[i] = c.named(&t.Columns[i])
		}
	}
	return t, logDet, nil
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
	case c.absorbed():
		p.noValue(c, b)
		copy(b.x, b.marks)
	case c.mayLack():
		if c.Told != nil {
			by := &t.Columns[p.place(c.Told.By)]
			for k := range b.none {
				b.none[k], b.marks[k] = slices.Contains(c.Told.When, by.Float(lo+k)), c.Told.Mark
			}
		} else {
			p.noValue(c, b)
		}
		copy(b.noise, b.x)
		b.set(0, logDet)
		c.invert(b, logDet)
		b.mark(logDet)
		c.write(&t.Columns[i], lo, b.x, b.none)
		return
	default:
		c.invert(b, logDet)
	}
	if s := c.Share; s != nil {
		left := b.left[s.Of[0]][:len(b.x)]
		if s.Place == 0 {
			copy(left, slices.Repeat([]float64{1}, len(left)))
		}
		s.invert(b.x, left, logDet)
	}
	c.write(&t.Columns[i], lo, b.x, nil)
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
// float64, as codes of names are.
func (c *Column) table(n int) events.Column {
	t := c.trained()
	if t == events.Text || (t == events.Int64 || t == events.Uint64) && !c.integral() {
		t = events.Float64
	}
	return column.New(c.Name, c.Unit, t, n)
}

// write puts values x, counted from the origin, into out from lo on. What its type cannot hold becomes the next value
// that it can; marks are written as they are, and a cell without a value is NaN.
func (c *Column) write(out *events.Column, lo int, x []float64, marks []bool) {
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
		l := c.limits()
		for i, v := range x {
			if marks == nil || !marks[i] {
				v = l.hold(v)
			}
			if out.F64[lo+i] = min(max(c.Origin.Float()+v, -math.MaxFloat64), math.MaxFloat64); v == missingValue && c.Missing {
				out.F64[lo+i] = math.NaN()
			}
		}
	default:
		l := c.limits()
		for i, v := range x {
			f := float32(min(max(v, -math.MaxFloat32), math.MaxFloat32))
			if marks == nil || !marks[i] {
				f = l.hold32(f)
			}
			if out.F32[lo+i] = f; v == missingValue && c.Missing {
				out.F32[lo+i] = float32(math.NaN())
			}
		}
	}
}

// limits are what no value that comes back exceeds. At an open edge, which no training value lies on, none comes back either: what would is
// next to it, and half-way to the outermost value that training had beside 0, so that a logarithm has an argument, and among decimals.
type limits struct {
	low, high   float64
	least, most float64 // in place of what is not inside
	rounded     bool    // to decimals, of which a float32 may be a trifle beyond
}

func (c *Column) limits() limits {
	l := limits{low: math.Inf(-1), high: math.Inf(1)}
	for _, s := range c.Steps {
		if k := s.Kind(); k == "round" || k == "spread" {
			continue
		}
		if s, ok := s.(limited); ok {
			l.low, l.high = s.limits()
		}
		break
	}
	r, rounded := c.rounds()
	open := func(edge, outermost float64) float64 {
		switch {
		case math.IsInf(edge, 0) || c.Origin != column.Exact{}:
			return edge
		case edge == 0 || rounded:
			return edge + (outermost-edge)/2
		}
		return math.Nextafter(edge, outermost)
	}
	l.least, l.most = open(l.low, max(c.Min, l.low)), open(l.high, min(c.Max, l.high))
	if rounded {
		low, high := r.inside(l.low, l.high)
		if l.least, l.most = r.inside(l.least, l.most); low > l.low {
			l.least = low
		}
		if high < l.high {
			l.most = high
		}
		l.low, l.high, l.rounded = low, high, true
	}
	return l
}

// Ends say what becomes of a value that comes back to a column of its trained type: one that is low or less becomes least, and one that is high or
// more most. They are infinite where nothing ends.
func (c *Column) Ends() (low, least, high, most float64) {
	l := c.limits()
	low, least, high, most = l.low, l.least, l.high, l.most
	if c.Type == events.Float32.String() {
		least, most = float64(l.hold32(float32(math.Inf(-1)))), float64(l.hold32(float32(math.Inf(1))))
	}
	return low, least, high, most
}

func (c *Column) rounds() (*round, bool) {
	if len(c.Steps) == 0 {
		return nil, false
	}
	r, ok := c.Steps[0].(*round)
	return r, ok
}

func (l *limits) hold(v float64) float64 {
	switch {
	case v <= l.low:
		return l.least
	case v >= l.high:
		return l.most
	}
	return v
}

// hold32 is hold for a float32, which no edge need be equal to.
func (l *limits) hold32(v float32) float32 {
	switch w := float64(v); {
	case w <= l.low:
		if v = float32(l.least); float64(v) < l.least && !l.rounded {
			v = math.Nextafter32(v, float32(math.Inf(1)))
		}
	case w >= l.high:
		if v = float32(l.most); float64(v) > l.most && !l.rounded {
			v = math.Nextafter32(v, float32(math.Inf(-1)))
		}
	}
	return v
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
	if c.Constant() || c.Follows != nil || c.absorbed() || c.Origin != (column.Exact{}) {
		return true
	}
	first := ""
	if len(c.Steps) > 0 {
		first = c.Steps[0].Kind()
	}
	return first == "dequantise" || first == "levels" || first == "category"
}
