package simulate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/prep"
	"github.com/sluice-hep/sluice/stats"
)

// Enough objects in a bin for it to be judged.
const Enough = 1000

// Judged is how far a simulation is from the full one, over bins of what is generated with enough objects. The first draw of each object is judged.
type Judged struct {
	Binned     []string             `json:"binned"` // the columns of the bins
	Efficiency Worst                `json:"efficiency"`
	Quantities map[string]*[2]Worst `json:"quantities"` // mean and width of what the flow draws, by its name: response and resolution where that is a ratio
	Coverage   map[string][]Covered `json:"coverage"`   // of the intervals of each quantity
	Objects    [2]float64           `json:"objects"`    // reconstructed ones in an event, in the full simulation and here
	quantities []string
	bins       []bin
	axes       []axis
}

// Worst is the largest of the differences in bins, and how many are large.
type Worst struct {
	Bins    int     `json:"bins"`
	Largest float64 `json:"largest"`       // difference, simulated less true: relative, of efficiencies and coverage absolute
	Error   float64 `json:"largest_error"` // its standard error, by the numbers of objects
	Within  int     `json:"within"`        // bins in which the difference is within tolerance
	Beyond  int     `json:"beyond"`        // bins in which it is beyond tolerance by more than three standard errors
	Unclear int     `json:"unclear"`       // bins whose standard error is larger than the tolerance, so that these say little
	Chi2    float64 `json:"chi2"`          // sum of the squares of the differences in units of their errors
	Pull    float64 `json:"pull"`          // the largest of these, with its sign
	Where   string  `json:"where"`         // the bin that has it
}

// The differences that are small enough.
const (
	toleranceOfMoments    = 0.02
	toleranceOfEfficiency = 0.01
	toleranceOfCoverage   = 0.02
)

func (w *Worst) add(bin string, difference, err, tolerance float64) {
	w.Bins++
	w.Chi2 += difference * difference / (err * err)
	if math.Abs(difference) > math.Abs(w.Largest) {
		w.Largest, w.Error = difference, err
	}
	if pull := difference / err; math.Abs(pull) > math.Abs(w.Pull) {
		w.Pull, w.Where = pull, bin
	}
	if math.Abs(difference) <= tolerance {
		w.Within++
	}
	if math.Abs(difference) > tolerance+3*err {
		w.Beyond++
	}
	if err > tolerance {
		w.Unclear++
	}
}

func (w *Worst) String() string {
	return fmt.Sprintf("largest difference %+.2f ± %.2f %% in %d bins, χ²/ndf %.2f", 100*w.Largest, 100*w.Error, w.Bins, w.Chi2/float64(max(w.Bins, 1)))
}

// Lines say it, a line a quantity.
func (j *Judged) Lines() (lines []string) {
	if j.Efficiency.Bins > 0 {
		lines = append(lines, "efficiency: "+j.Efficiency.String())
	}
	for _, name := range j.quantities {
		q := j.Quantities[name]
		lines = append(lines, fmt.Sprintf("%s: mean, %s", name, &q[0]), fmt.Sprintf("%s: width, %s", name, &q[1]))
		for _, c := range j.Coverage[name] {
			lines = append(lines, fmt.Sprintf("%s: intervals of %g %% hold %.2f ± %.2f %%, %s", name, 100*c.Level, 100*c.Inside, 100*c.Error, &c.Bins))
		}
	}
	return lines
}

// bin are the objects of a bin of what is generated.
type bin struct {
	of       int // objects
	has      [2]int
	quantity []pair // those that both, or one, reconstructs
}

// pair are moments of a quantity in the full simulation, and here.
type pair struct {
	n      [2]float64
	moment [2]stats.Moments
}

// share is the efficiency with its error.
func (b *bin) share(side int) (e, err float64) {
	e = float64(b.has[side]) / float64(b.of)
	return e, math.Sqrt(max(e*(1-e), 1/float64(b.of)) / float64(b.of))
}

// mean is the difference of means and its error, in units of the true mean or of the true width where that is larger.
func (p *pair) mean() (difference, err float64) {
	t, s := p.moment[0], p.moment[1]
	unit := max(math.Abs(t.Mean), t.Std)
	return (s.Mean - t.Mean) / unit, math.Hypot(t.Std/math.Sqrt(p.n[0]), s.Std/math.Sqrt(p.n[1])) / unit
}

// width is the relative difference of the standard deviations over the means, where these are larger, and its error.
func (p *pair) width() (difference, err float64) {
	t, s := p.moment[0], p.moment[1]
	rel := func(side int) float64 { return math.Sqrt((p.moment[side].Kurtosis + 2) / (4 * p.n[side])) }
	ratio := s.Std / t.Std
	if math.Abs(t.Mean) > t.Std {
		ratio *= t.Mean / s.Mean
	}
	return ratio - 1, math.Hypot(rel(0), rel(1))
}

// judge compares the first draws with the full simulation.
func (r *run) judge() (*Judged, error) {
	j := &Judged{Quantities: map[string]*[2]Worst{}}
	axes, err := r.axes()
	if err != nil {
		return nil, err
	}
	place := make([]int, r.drawn.Len())
	j.axes = axes
	for _, a := range axes {
		j.Binned = append(j.Binned, a.label())
	}
	total := 1
	for k := range axes {
		for i, p := range axes[k].places() {
			if p < 0 || place[i] < 0 {
				place[i] = -1
				continue
			}
			place[i] = place[i]*(len(axes[k].edges)-1) + p
		}
		total *= len(axes[k].edges) - 1
	}
	j.bins = make([]bin, total)
	sides := r.sides()
	for i, p := range place {
		if p < 0 {
			continue
		}
		j.bins[p].of++
		for s := range sides {
			if sides[s].has(i) {
				j.bins[p].has[s]++
			}
		}
	}
	j.quantities = r.quantities()
	for _, name := range j.quantities {
		r.moments(j, name, place)
		j.Quantities[name] = &[2]Worst{}
	}
	j.sum(r.plan.Exists != "")
	j.Objects = r.multiplicity()
	return j, r.coverage(j, place)
}

// name says which bin one is.
func (j *Judged) name(p int) string {
	var parts []string
	for _, a := range slices.Backward(j.axes) {
		n := len(a.edges) - 1
		parts = append(parts, a.name(p%n))
		p /= n
	}
	slices.Reverse(parts)
	return strings.Join(parts, ", ")
}

// sum looks for the largest differences; of efficiencies only where objects may not be reconstructed.
func (j *Judged) sum(efficiency bool) {
	for i := range j.bins {
		b := &j.bins[i]
		if b.of <= Enough {
			continue
		}
		if efficiency {
			t, te := b.share(0)
			s, se := b.share(1)
			j.Efficiency.add(j.name(i), s-t, math.Hypot(te, se), toleranceOfEfficiency)
		}
		for k, name := range j.quantities {
			if p := &b.quantity[k]; min(p.n[0], p.n[1]) > Enough {
				d, e := p.mean()
				j.Quantities[name][0].add(j.name(i), d, e, toleranceOfMoments)
				d, e = p.width()
				j.Quantities[name][1].add(j.name(i), d, e, toleranceOfMoments)
			}
		}
	}
}

// sides are the full simulation and the first draws, row by row.
func (r *run) sides() [2]source {
	var s [2]source
	for k, t := range []*events.Table{r.events.table, r.drawn} {
		s[k].Table = t
		s[k].exists, _ = t.Column(r.plan.Exists)
	}
	return s
}

// quantities are the features that are computed from reconstructed and generated columns, and are numbers.
func (r *run) quantities() (names []string) {
	for _, d := range r.card.Define {
		k := slices.IndexFunc(r.m.Features.Columns, func(c prep.Column) bool { return c.Name == d.Name })
		if k >= 0 && !r.m.Features.Columns[k].Whole() {
			names = append(names, d.Name)
		}
	}
	return names
}

// moments fills in those of a quantity in all bins.
func (r *run) moments(j *Judged, name string, place []int) {
	sides := r.sides()
	values := [2][][]float64{make([][]float64, len(j.bins)), make([][]float64, len(j.bins))}
	for s := range sides {
		c, _ := sides[s].Column(name)
		for i, p := range place {
			if v := c.Float(i); p >= 0 && sides[s].has(i) && !math.IsNaN(v) {
				values[s][p] = append(values[s][p], v)
			}
		}
	}
	for p := range j.bins {
		var q pair
		for s := range sides {
			q.n[s], q.moment[s] = float64(len(values[s][p])), stats.NewMoments(values[s][p], nil)
		}
		j.bins[p].quantity = append(j.bins[p].quantity, q)
	}
}

// multiplicity is the mean number of reconstructed objects in an event, of those generated.
func (r *run) multiplicity() (mean [2]float64) {
	for s, side := range r.sides() {
		for i := range side.Len() {
			if side.has(i) {
				mean[s] += 1 / float64(r.events.len())
			}
		}
	}
	return mean
}

// axis is a column in whose bins is judged.
type axis struct {
	column *events.Column
	size   bool // its absolute value
	edges  []float64
	sorted []float64 // what is binned, ascending
}

func (a *axis) label() string {
	if a.size {
		return "|" + a.column.Name + "|"
	}
	return a.column.Name
}

// name is that of a bin.
func (a *axis) name(k int) string {
	return fmt.Sprintf("%s %g to %g", a.label(), round(a.edges[k]), round(a.edges[k+1]))
}

// round leaves three digits.
func round(x float64) float64 {
	v, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 3, 64), 64)
	return v
}

// places are the bins of the rows, -1 for none.
func (a *axis) places() []int {
	at := make([]int, a.column.Len())
	for i := range at {
		v := a.column.Float(i)
		if a.size {
			v = math.Abs(v)
		}
		k, found := slices.BinarySearch(a.edges, v)
		if !found || k == len(a.edges)-1 {
			k--
		}
		if at[i] = k; k >= len(a.edges)-1 || math.IsNaN(v) {
			at[i] = -1
		}
	}
	return at
}

// axes are at most two: of pt and eta, or as the card says.
func (r *run) axes() (axes []axis, err error) {
	plan := r.plan.Bins
	if plan == nil {
		plan = map[string][]float64{r.plan.Generated + "_pt": nil, r.plan.Generated + "_eta": nil}
	}
	var names []string
	for name := range plan {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		first := func(name string) int { return map[bool]int{true: 0, false: 1}[strings.HasSuffix(name, "_pt")] }
		return cmp.Or(first(a)-first(b), cmp.Compare(a, b))
	})
	for k, name := range names {
		c, err := r.events.table.Column(name)
		if err != nil {
			return nil, fmt.Errorf("%w; simulations are judged in its bins (simulate.bins)", err)
		}
		a := axis{column: c, edges: plan[name]}
		x := make([]float64, c.Len())
		for i := range x {
			x[i] = c.Float(i)
		}
		slices.Sort(x)
		if a.edges == nil {
			for q, n := 0, []int{10, 6}[k]; q <= n; q++ {
				a.edges = append(a.edges, stats.Quantile(x, float64(q)/float64(n)))
			}
			a.edges = slices.Compact(a.edges)
		}
		if len(a.edges) < 2 {
			return nil, fmt.Errorf("column %q has one value, so that there are no bins to judge in; name others (simulate.bins)", name)
		}
		if a.size = a.edges[0] >= 0 && x[0] < 0; a.size {
			for i, v := range x {
				x[i] = math.Abs(v)
			}
			slices.Sort(x)
		}
		a.sorted = x
		axes = append(axes, a)
	}
	return axes, nil
}
