package prep

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/events/profile"
)

// Share is the place of a column among K fractions that sum to 1, which the flow sees as K-1 features. They are broken off a stick, one
// after the other; of what is left, of length R, fraction a takes v = a/R, and its feature is
//
//	u = Phi^-1(1 - (1-v)^m), m the number of fractions after it,
//
// which is a standard normal, independent of the others, where all compositions are equally likely: an even density that ends at an edge of the simplex, at 0
// or 1, becomes a normal tail, not an exponential one as that of a logarithm of ratios. Densities are per unit of any K-1 of the fractions.
type Share struct {
	Of    []string `json:"of"` // all of them, in the order of the columns
	Place int      `json:"place"`
}

const (
	mostOff   = 1e-5  // by which a sum may miss 1, as by rounding: ratios count
	leastLeft = 1e-12 // of what is left: a fraction of less, and of less after it, counts as that
	farthestU = 37    // Phi(-37) is 6e-300
)

// after is the number of fractions after that of the column.
func (s *Share) after() int { return len(s.Of) - 1 - s.Place }

// last is the fraction that the others leave, which has no feature.
func (s *Share) last() bool { return s != nil && s.after() == 0 }

// apply replaces fractions by features: rest is the sum of those after each.
func (s *Share) apply(a, rest, logDet []float64) {
	m := float64(s.after())
	for i := range a {
		left := max(a[i]+rest[i], leastLeft)
		v := min(max(a[i]/left, leastLeft), 1-leastLeft)
		l := math.Log1p(-v) // log(1-v)
		if v > 0.5 {
			l = math.Log(max(rest[i]/left, leastLeft))
		}
		p, q := -math.Expm1(m*l), math.Exp(m*l)
		if p < q {
			a[i] = normalQuantile(p, q)
		} else {
			a[i] = -normalQuantile(q, p)
		}
		logDet[i] += math.Log(m) + (m-1)*l - math.Log(left) - logNormal(a[i])
	}
}

// invert replaces features by fractions of what is left, and takes these off.
func (s *Share) invert(u, left, logDet []float64) {
	if s.last() {
		copy(u, left)
		return
	}
	m := float64(s.after())
	for i := range u {
		x := min(max(u[i], -farthestU), farthestU)
		l := math.Log1p(-normalCDF(x)) / m
		if x > 0 {
			l = math.Log(normalCDF(-x)) / m
		}
		logDet[i] += math.Log(max(left[i], math.SmallestNonzeroFloat64)) + logNormal(x) - math.Log(m) - (m-1)*l
		u[i] = -math.Expm1(l) * left[i]
		left[i] *= math.Exp(l)
	}
}

// restOf sets dst to the sum of the fractions after that of the column, in the columns of a table from lo on.
func (p *Pipeline) restOf(s *Share, dst []float64, in []*events.Column, lo int) {
	clear(dst)
	for _, name := range s.Of[s.Place+1:] {
		c := in[p.place(name)]
		for k := range dst {
			dst[k] += c.Float(lo + k)
		}
	}
}

// share gives the columns among names that are fractions their places.
func (p *Pipeline) share(spec Spec, names []string) error {
	for _, set := range spec.Simplex {
		of := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !slices.Contains(set, name) })
		if len(of) != len(set) || len(of) < 2 {
			return fmt.Errorf("prep: simplex of %s: it takes two features or more, each once", strings.Join(set, ", "))
		}
		for k, name := range of {
			c := p.column(name)
			if c.Share != nil {
				return fmt.Errorf("prep: column %q is in two simplexes", name)
			}
			c.Share = &Share{Of: of, Place: k}
		}
	}
	return nil
}

// fitShares fits the columns that are fractions.
func (p *Pipeline) fitShares(t *events.Table, w []float64) error {
	in, err := p.fractions(t, true)
	if err != nil {
		return err
	}
	for i := range p.Columns {
		c := &p.Columns[i]
		if c.Share == nil {
			continue
		}
		c.Kind, c.Type, c.Unit = profile.KindContinuous, in[i].Type.String(), in[i].Unit
		c.Min, c.Max = rangeOf(in[i])
		others := strings.Join(c.Share.Of, " + ") + " = 1"
		if c.Share.last() {
			c.Why = "what the other fractions leave (" + others + ")"
			c.Chose = c.Why
			continue
		}
		c.Why = "what it takes of what the fractions before it leave (" + others + "), as the normal quantile that it would be if all compositions were equally likely"
		c.Chose, c.Spec = c.Why, []StepSpec{{Kind: "standardise"}}
		x, rest := make([]float64, t.Len()), make([]float64, t.Len())
		c.read(x, in[i], 0)
		p.restOf(c.Share, rest, in, 0)
		c.Share.apply(x, rest, make([]float64, t.Len()))
		if err := p.fitSteps(c, x, w, c.Spec, uint32(i)); err != nil {
			return fmt.Errorf("prep: column %q: %w", c.Name, err)
		}
	}
	return nil
}

// fractions are the columns of t, by those of the pipeline, nil for those that are none. Such as are negative or do not sum to 1 are an error, and in
// training those that are 0: the density of fractions has no such values.
func (p *Pipeline) fractions(t *events.Table, training bool) (in []*events.Column, err error) {
	in = make([]*events.Column, len(p.Columns))
	for i := range p.Columns {
		c := &p.Columns[i]
		if c.Share == nil {
			continue
		}
		if in[i], err = c.in(t, false); err != nil {
			return nil, err
		}
		if err := checkFraction(in[i], training); err != nil {
			return nil, err
		}
	}
	for i := range p.Columns {
		if s := p.Columns[i].Share; s.last() {
			if err := p.checkSum(s, in, t.Len(), training); err != nil {
				return nil, err
			}
		}
	}
	return in, nil
}

func checkFraction(c *events.Column, training bool) error {
	what, remedy := "", ""
	n, first := 0, 0
	for i := range c.Len() {
		v := c.Float(i)
		if v > 0 || v == 0 && !training {
			continue
		}
		if n++; n == 1 {
			first = i
		}
		if v < 0 || what == "" {
			what, remedy = "negative", "leave these events out"
			if v == 0 {
				what, remedy = "0, which the density of fractions never is", "leave these events out, or the column, where what it counts may be absent"
			}
		}
	}
	if n == 0 {
		return nil
	}
	return fmt.Errorf("prep: column %q: %d of %d fractions are %s, %s; %s (where: %s > 0)", c.Name, n, c.Len(), what, firstOf(first, c.Float(first), training), remedy, c.Name)
}

// firstOf is where the first of some values is, and which. The events that a training is given are in another order than those of their files.
func firstOf(row int, value float64, training bool) string {
	if training {
		return fmt.Sprintf("one of them %.6g", value)
	}
	return fmt.Sprintf("the first in row %d (%.6g)", row+1, value)
}

func (p *Pipeline) checkSum(s *Share, in []*events.Column, events int, training bool) error {
	n, first, far, value := 0, 0, 0.0, 0.0
	sum := make([]float64, 1)
	all := &Share{Of: s.Of, Place: -1}
	for i := range events {
		p.restOf(all, sum, in, i)
		off := math.Abs(sum[0] - 1)
		if off <= mostOff {
			continue
		}
		if n++; n == 1 {
			first, value = i, sum[0]
		}
		far = max(far, off)
	}
	if n == 0 {
		return nil
	}
	a, of := s.Of[0], strings.Join(s.Of, " + ")
	return fmt.Errorf("prep: the fractions %s do not sum to 1 in %d of %d events, %s, the farthest off by %.3g; "+
		"divide each by their sum (define: {f_%s: %s/(%s)} and so on), or leave these events out (where: abs(%s - 1) < %g)", strings.Join(s.Of, ", "), n, events, firstOf(first, value, training), far, a, a, of, of, mostOff)
}

// checkShares refuses fractions that no fit could have given.
func (p *Pipeline) checkShares() error {
	for i := range p.Columns {
		c := &p.Columns[i]
		s := c.Share
		if s == nil {
			continue
		}
		wrong := fmt.Errorf("prep: column %q: it cannot be such a fraction", c.Name)
		lone := c.Follows == nil && c.Told == nil && c.Marked == nil && c.Own == nil && c.Names == nil && !c.Missing && c.Origin == column.Exact{} && !p.Noiseless && c.Kind == profile.KindContinuous
		if len(s.Of) < 2 || s.Place < 0 || s.Place >= len(s.Of) || s.Of[s.Place] != c.Name || (len(c.Steps) == 0) != s.last() || !lone {
			return wrong
		}
		before := -1
		for k, name := range s.Of {
			at := p.place(name)
			if at <= before {
				return wrong
			}
			if other := p.Columns[at].Share; other == nil || other.Place != k || !slices.Equal(other.Of, s.Of) {
				return wrong
			}
			before = at
		}
	}
	return nil
}
