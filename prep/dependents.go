package prep

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-hep/sluice/events"
)

const (
	searchEvents  = 4096  // at which relations are looked for
	leastSearch   = 20    // events for a relation of two columns
	leastPerMore  = 5     // events a column for one of more
	mostRounding  = 0.01  // of the spread of a column: what is rounded more tells nothing
	mostExempt    = 0.001 // of all events need not agree
	negligible    = 1e-10 // of a column's size is what another adds by rounding
	nearlyWithout = 0.05  // of a column's size is left at most when it is a sum of others within mostRounding
)

// Dependents finds, among the events of t, the features that are a copy, a multiple or a sum of multiples of features before
// them, or of the context: the events lie on a surface there, on which a density is infinite.
func (p *Pipeline) Dependents(t *events.Table, context *Pipeline) ([]Dependent, error) {
	var all []*Column
	given := 0 // of them
	for _, q := range []*Pipeline{context, p} {
		given = len(all)
		for i := range q.Columns {
			if c := &q.Columns[i]; c.Follows == nil && c.Names == nil && !c.Share.last() { // of names there are no multiples
				all = append(all, c)
			}
		}
	}
	s, err := newSearch(t, all)
	if err != nil {
		return nil, err
	}
	var found []Dependent
	for k := range s.columns {
		r := s.relation(k)
		exempt, err := s.exempt(t, k, r)
		switch {
		case err != nil:
			return nil, err
		case r == nil || s.columns[k].Share != nil || float64(exempt) > mostExempt*float64(t.Len()):
			s.keep(k)
		case k >= given:
			found = append(found, s.dependent(k, r, exempt, t.Len(), context))
		}
	}
	return found, nil
}

// There are the events of t in which every feature has a value: no cell is missing, and none holds a single value of its column, as -999.
func (p *Pipeline) There(t *events.Table) (*events.Table, error) {
	lacking := make([]bool, t.Len())
	for i := range p.Columns {
		c := &p.Columns[i]
		col, err := c.in(t, true)
		if err != nil {
			return nil, err
		}
		marks, within := c.marks(), c.rounding()
		for e := range lacking {
			v := col.Float(e)
			lacking[e] = lacking[e] || v != v || among(marks, v, within) >= 0
		}
	}
	var rows []int32
	for e, is := range lacking {
		if !is {
			rows = append(rows, int32(e))
		}
	}
	return t.Take(rows), nil
}

func (s *search) dependent(k int, r *Relation, exempt, events int, context *Pipeline) Dependent {
	of, columns := s.columns[k].Column, map[string]*Column{}
	for i := range s.columns {
		columns[s.columns[i].Name] = s.columns[i].Column
	}
	d := Dependent{Column: of.Name, Relation: *r, Smooth: of.fewValues() == nil}
	var from []string
	for _, term := range r.Terms {
		from = append(from, term.Column)
		d.Given = d.Given || slices.Contains(context.Names(), term.Column)
	}
	d.Says = fmt.Sprintf("%s follows from %s (%s = %s)", of.Name, strings.Join(from, ", "), of.Name, r.text(of, columns))
	if exempt > 0 {
		d.Says += fmt.Sprintf(" in all but %d of %d events", exempt, events)
	}
	return d
}

// search looks for columns that are sums of multiples of those before, by Gram-Schmidt on a sample of events. Columns are
// scaled by their central values, and events by the square of their farthest one, so that a few far ones decide nothing.
type search struct {
	columns []scaled
	weight  []float64   // of the events
	kept    []int       // columns that follow from none before
	inBasis []int       // those of them that made the basis, after the constant
	basis   [][]float64 // orthonormal columns
	upper   [][]float64 // the constant and the others in that basis
}

// scaled is a column with z = (x-mid)/unit, x counted from the origin.
type scaled struct {
	*Column
	x, z      []float64 // no z for a constant column
	mid, unit float64
	eps       float64 // relative rounding of its type, with some operations on the way
	half, sig float64 // rounding of what was text: absolute, of its decimals, and relative, of its digits
}

func newSearch(t *events.Table, columns []*Column) (*search, error) {
	n := min(t.Len(), searchEvents)
	rows := make([]int32, n)
	for i := range rows {
		rows[i] = int32(i * t.Len() / n)
	}
	s := &search{weight: slices.Repeat([]float64{1}, n)}
	sample := t.Take(rows)
	for _, c := range columns {
		v, err := c.values(sample)
		if err != nil {
			return nil, err
		}
		x := scaled{Column: c, x: v}
		x.scale()
		x.precision()
		for i, z := range x.z {
			s.weight[i] = max(s.weight[i], math.Abs(z))
		}
		s.columns = append(s.columns, x)
	}
	for i, far := range s.weight {
		s.weight[i] = 1 / (far * far)
	}
	s.extend(slices.Clone(s.weight))
	return s, nil
}

func (c *scaled) scale() {
	sorted := slices.Sorted(slices.Values(c.x))
	n := len(sorted)
	if n < leastSearch || sorted[0] == sorted[n-1] {
		return
	}
	c.mid, c.unit = sorted[n/2], (sorted[n-1-n/20]-sorted[n/20])/2
	if c.unit == 0 {
		c.unit = (sorted[n-1] - sorted[0]) / 2
	}
	c.z = make([]float64, n)
	for i, v := range c.x {
		c.z[i] = (v - c.mid) / c.unit
	}
}

// precision finds how far the values are rounded, from the digits that they are written with.
func (c *scaled) precision() {
	bits := 64
	if !slices.ContainsFunc(c.x, func(v float64) bool { return float64(float32(v)) != v }) {
		bits = 32
	}
	c.eps = math.Ldexp(1, []int{-44, -21}[64/bits-1])
	decimals, digits := math.Inf(-1), 1
	for _, v := range c.x[:min(len(c.x), 512)] {
		text := strconv.FormatFloat(v, 'e', -1, bits) // -1.234e+01
		mantissa, exponent, _ := strings.Cut(strings.TrimPrefix(text, "-"), "e")
		e, _ := strconv.Atoi(exponent)
		after := max(len(mantissa)-2, 0)
		digits, decimals = max(digits, 1+after), max(decimals, float64(after-e))
	}
	c.half, c.sig = math.Pow(10, -decimals)/2, 5*math.Pow(10, -float64(digits))
	if decimals <= 0 { // whole numbers are rounded to units, whatever their size
		c.sig = 0
	}
}

// keep takes column k as one that others may follow from. In the basis are as many as the events bear.
func (s *search) keep(k int) {
	if s.columns[k].z == nil {
		return
	}
	s.kept = append(s.kept, k)
	if len(s.weight) >= leastPerMore*(len(s.basis)+2) && s.extend(s.weighted(k)) {
		s.inBasis = append(s.inBasis, k)
	}
}

func (s *search) weighted(k int) []float64 {
	v := slices.Clone(s.columns[k].z)
	for i := range v {
		v[i] *= s.weight[i]
	}
	return v
}

// extend adds what is left of v to the basis, if something is.
func (s *search) extend(v []float64) bool {
	size := norm(v)
	h := project(s.basis, v)
	left := norm(v)
	if !(left > 1e-12*size) {
		return false
	}
	for i := range v {
		v[i] /= left
	}
	s.basis, s.upper = append(s.basis, v), append(s.upper, append(h, left))
	return true
}

// project takes the part of v in the basis off, and returns its coefficients: in two rounds, after which nothing of it is left.
func project(basis [][]float64, v []float64) []float64 {
	h := make([]float64, len(basis))
	for range 2 {
		for k, q := range basis {
			dot := 0.0
			for i := range v {
				dot += q[i] * v[i]
			}
			h[k] += dot
			for i := range v {
				v[i] -= dot * q[i]
			}
		}
	}
	return h
}

func norm(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x * x
	}
	return math.Sqrt(sum)
}

// relation is what column k follows from: one column if it can be, or else as few as can be; nil where it follows from none.
func (s *search) relation(k int) *Relation {
	if s.columns[k].z == nil {
		return nil
	}
	r := s.solve(k)
	if r == nil && len(s.inBasis) == len(s.kept) {
		return nil
	}
	for _, j := range s.kept {
		if one := s.only(j).solve(k); one != nil {
			s.round(k, one)
			return one
		}
	}
	if r == nil {
		return nil
	}
	for m := len(r.Terms) - 1; m >= 0; m-- {
		var others []int
		for l, t := range r.Terms {
			if l != m {
				others = append(others, s.place(t.Column))
			}
		}
		if fewer := s.only(others...).solve(k); fewer != nil {
			r, m = fewer, min(m, len(fewer.Terms))
		}
	}
	s.round(k, r)
	return r
}

// only is the search among some of the columns.
func (s *search) only(columns ...int) *search {
	few := &search{columns: s.columns, weight: s.weight}
	few.extend(slices.Clone(s.weight))
	for _, j := range columns {
		if few.extend(few.weighted(j)) {
			few.inBasis = append(few.inBasis, j)
		}
	}
	return few
}

// solve gives column k by those of the basis, if it follows from them.
func (s *search) solve(k int) *Relation {
	v := s.weighted(k)
	size := norm(v)
	h := project(s.basis, v)
	if norm(v) > nearlyWithout*size {
		return nil
	}
	for m := len(h) - 1; m >= 0; m-- { // from the basis to the columns
		for l := m + 1; l < len(h); l++ {
			h[m] -= h[l] * s.upper[l][m]
		}
		h[m] /= s.upper[m][m]
	}
	for _, text := range []bool{false, true} {
		least := negligible
		if text {
			least = max(least, s.columns[k].half/s.columns[k].unit)
		}
		r := s.sum(k, h, least)
		if s.tolerate(k, r, text); s.holds(k, r) {
			return r
		}
	}
	return nil
}

// sum is column k by the coefficients h of the constant and the basis, without those below least: of its size is what others,
// which have nothing to do with it, add by its rounding.
func (s *search) sum(k int, h []float64, least float64) *Relation {
	c := &s.columns[k]
	r := &Relation{Constant: c.mid + c.unit*h[0]}
	for m, j := range s.inBasis {
		if math.Abs(h[m+1]) >= least {
			of := &s.columns[j]
			f := c.unit * h[m+1] / of.unit
			r.Terms = append(r.Terms, Term{of.Name, f})
			r.Constant -= f * of.mid
		}
	}
	return r
}

func (s *search) place(name string) int {
	return slices.IndexFunc(s.columns, func(c scaled) bool { return c.Name == name })
}

func (s *search) column(name string) *scaled { return &s.columns[s.place(name)] }

// tolerate sets by how much a value may be off: by the rounding of the types, or of text.
func (s *search) tolerate(k int, r *Relation, text bool) {
	c := &s.columns[k]
	r.Rounding, r.Relative = 0, c.eps
	if text {
		r.Rounding, r.Relative = c.half, max(c.eps, c.sig)
	}
	for _, t := range r.Terms {
		of := s.column(t.Column)
		r.Relative = max(r.Relative, of.eps)
		if text {
			r.Rounding += math.Abs(t.Factor) * of.half
			r.Relative = max(r.Relative, of.sig)
		}
	}
}

// holds tells whether the events of the sample agree, within what tells something.
func (s *search) holds(k int, r *Relation) bool {
	c := &s.columns[k]
	columns, value := make([][]float64, len(r.Terms)), make([]float64, len(r.Terms))
	for m, t := range r.Terms {
		columns[m] = s.column(t.Column).x
	}
	limits, exempt := make([]float64, len(c.x)), 0
	for i, x := range c.x {
		for m := range columns {
			value[m] = columns[m][i]
		}
		y, within := r.at(value)
		if !(math.Abs(x-y) <= within) {
			if exempt++; float64(exempt) > mostExempt*float64(len(c.x)) {
				return false
			}
		}
		limits[i] = within
	}
	slices.Sort(limits)
	return len(r.Terms) > 0 && limits[len(limits)/2] <= mostRounding*c.unit
}

// round takes as few digits of the numbers as will do.
func (s *search) round(k int, r *Relation) {
	try := func(change func(r *Relation)) bool {
		other := *r
		other.Terms = slices.Clone(r.Terms)
		change(&other)
		if !s.holds(k, &other) {
			return false
		}
		*r = other
		return true
	}
	for m := range r.Terms {
		for digits := 1; digits < 13 && !try(func(r *Relation) {
			t := &r.Terms[m]
			f := rounded(t.Factor, digits)
			r.Constant += (t.Factor - f) * s.column(t.Column).mid
			t.Factor = f
		}); digits++ {
		}
	}
	for digits := range 13 {
		if try(func(r *Relation) { r.Constant = rounded(r.Constant, digits) }) {
			return
		}
	}
}

// rounded has so many digits; 0 without any.
func rounded(x float64, digits int) float64 {
	if digits == 0 {
		return 0
	}
	y, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'e', digits-1, 64), 64)
	return y
}

// exempt counts the events of t that do not agree with what column k follows from.
func (s *search) exempt(t *events.Table, k int, r *Relation) (n int, err error) {
	if r == nil {
		return 0, nil
	}
	x, err := s.columns[k].values(t)
	if err != nil {
		return 0, err
	}
	columns := make([][]float64, len(r.Terms))
	for m, term := range r.Terms {
		if columns[m], err = s.column(term.Column).values(t); err != nil {
			return 0, err
		}
	}
	return len(r.broken(x, columns)), nil
}

// values are those of the column in t, counted from its origin.
func (c *Column) values(t *events.Table) ([]float64, error) {
	col, err := c.numbers(t)
	if err != nil {
		return nil, err
	}
	x := make([]float64, col.Len())
	c.read(x, col, 0)
	return x, nil
}
