package simulate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/plot"
	"github.com/sluice-hep/sluice/report"
	"github.com/sluice-hep/sluice/stats"
)

// page judges a simulation by the full one, which the file of generated objects has beside them: efficiency, response and resolution in bins, quantiles,
// single values, numbers of objects, the columns one by one.
func (r *run) page() (*report.Page, error) {
	s := r.result
	var err error
	if s.Judged, err = r.judge(); err != nil {
		return nil, err
	}
	text, err := r.card.Portable().YAML()
	if err != nil {
		return nil, err
	}
	info, err := r.m.Info()
	if err != nil {
		return nil, err
	}
	p := &report.Page{
		Title: "Simulation: " + cmp.Or(r.card.Title, r.card.Name), Card: string(text), Model: info.Hash, Summary: r.summary(),
		Lead: "Objects drawn by a model, each given a generated one, beside those of the full simulation of the same generated objects.",
	}
	for _, section := range []func() (report.Section, error){r.efficiencies, r.responses, r.intervals, r.quantiles, r.singles, r.numbers, r.columnsSection, r.oversampled} {
		part, err := section()
		if err != nil {
			return nil, err
		}
		if part.Title != "" {
			p.Sections = append(p.Sections, part)
		}
	}
	return p, nil
}

func (r *run) summary() []report.Fact {
	s, j := r.result, r.result.Judged
	f := []report.Fact{
		{Name: "Events", Value: fmt.Sprint(s.Events), Note: fmt.Sprintf("%s, each drawn %s", say.Count(uint64(s.Generated), "generated object"), say.Count(uint64(s.Draws), "time"))},
		{Name: "Speed", Value: fmt.Sprintf("%.0f events/s", s.PerSecond), Note: fmt.Sprintf("%.0f generated objects/s, folding, writing and all", float64(s.Generated*s.Draws)/s.Seconds)},
	}
	if r.plan.Exists != "" {
		f = append(f, j.Efficiency.fact("Efficiency"))
	}
	for _, name := range j.quantities {
		f = append(f, j.Quantities[name][0].fact("Mean of "+r.label(name)), j.Quantities[name][1].fact("Width of "+r.label(name)))
	}
	return append(f,
		report.Fact{Name: "Drawn again", Value: fmt.Sprint(s.Redrawn), Note: fmt.Sprintf("too far outside the trained range; %d values are clipped", s.Clipped)},
		report.Fact{Name: "Lacking", Value: fmt.Sprint(s.Lacking), Note: "values that reconstructed objects should have"})
}

// fact is a line of the summary.
func (w *Worst) fact(name string) report.Fact {
	return report.Fact{Name: name + ", off by", Value: fmt.Sprintf("%+.2f ± %.2f %%", 100*w.Largest, 100*w.Error),
		Note: fmt.Sprintf("at most, in %s; χ²/ndf %.2f", say.Count(w.Bins, "bin"), w.Chi2/float64(max(w.Bins, 1)))}
}

func (r *run) label(name string) string { return cmp.Or(r.card.Labels[name], name) }

// sliced calls f for each bin of the second axis, with its name and the places of its bins along the first.
func (j *Judged) sliced(f func(name string, of []int)) {
	n, name := 1, func(int) string { return "" }
	if len(j.axes) > 1 {
		n, name = len(j.axes[1].edges)-1, j.axes[1].name
	}
	for y := range n {
		var of []int
		for x := range len(j.axes[0].edges) - 1 {
			of = append(of, x*n+y)
		}
		f(name(y), of)
	}
}

// Drawn are bins with so many objects; those with Enough are judged.
const drawnFrom = Enough / 10

// across is the axis along which bins are drawn, with their edges. It ends where there are hardly any events.
func (j *Judged) across() (x plot.Axis, edges []float64) {
	a := &j.axes[0]
	edges = slices.Clone(a.edges)
	n := len(edges) - 1
	edges[n] = max(min(edges[n], stats.Quantile(a.sorted, 0.999)), edges[n-1]+(edges[n]-edges[n-1])/10)
	if x = (plot.Axis{Label: a.label(), Unit: a.column.Unit}); edges[0] > 0 && edges[n] > 5*edges[0] {
		x.Scale = plot.Logarithmic
	}
	return x, edges
}

// around is the axis of differences in percent, with the curve of those that are small enough. It has room for the largest difference and the usual error, but not for
// bins whose error is far larger than that of others.
func around(label string, tolerance float64, curves []plot.Curve) (y plot.Axis, small plot.Curve) {
	var errors []float64
	for _, c := range curves {
		for i, v := range c.Y {
			if !math.IsNaN(v) {
				errors = append(errors, c.High[i]-v)
			}
		}
	}
	slices.Sort(errors)
	most, usual := 1.5*tolerance, 0.0
	if len(errors) > 0 {
		usual = errors[len(errors)/2]
	}
	for _, c := range curves {
		for i, v := range c.Y {
			if !math.IsNaN(v) && c.High[i]-v <= 4*usual {
				most = max(most, math.Abs(v))
			}
		}
	}
	most += usual
	x := curves[0].X
	small = plot.Curve{Name: fmt.Sprintf("within %g %%", tolerance), Expected: true, X: []float64{x[0], x[len(x)-1]}, Y: []float64{0, 0}, Low: []float64{-tolerance, -tolerance}, High: []float64{tolerance, tolerance}}
	return plot.Axis{Label: label, Unit: "%", Min: -most, Max: most}, small
}

// differences is the picture of differences in percent, of a curve for each slice.
func (j *Judged) differences(label string, tolerance float64, curves []plot.Curve) (*plot.Picture, error) {
	x, _ := j.across()
	y, small := around(label, tolerance, curves)
	v := plot.Curves{X: x, Y: y, Curves: append([]plot.Curve{small}, curves...), Alt: label}
	return v.Picture()
}

// extent says of how many bins a sum is.
func (w *Worst) extent(tolerance float64) string {
	return fmt.Sprintf("Of %s with more than %d objects, %d are within %g %%, and %d beyond it by more than three standard errors; in %d the error is larger than that.", say.Count(uint64(w.Bins), "bin"), Enough, w.Within, 100*tolerance, w.Beyond, w.Unclear)
}

// efficiencies show how often objects are reconstructed.
func (r *run) efficiencies() (s report.Section, err error) {
	if r.plan.Exists == "" {
		return s, nil
	}
	j := r.result.Judged
	s = report.Section{
		Title: "Efficiency", Text: "The share of generated objects that are reconstructed, in bins of what is generated: that of the full simulation with its error, and that of the model; and their differences. " +
			j.Efficiency.extent(toleranceOfEfficiency) + fmt.Sprintf(" The largest difference is %+.2f ± %.2f %%; χ²/ndf %.2f. Pictures show bins with more than %d.", 100*j.Efficiency.Largest, 100*j.Efficiency.Error, j.Efficiency.Chi2/float64(max(j.Efficiency.Bins, 1)), drawnFrom),
		Head: []string{"Of", "Value", "Objects", "Full simulation", "Model", "Difference", "Error"}, Numbers: [2]int{2, 7},
	}
	x, edges := j.across()
	var off []plot.Curve
	j.sliced(func(name string, of []int) {
		c := [2]plot.Curve{{Name: "full simulation", Expected: true}, {Name: "model"}}
		d := plot.Curve{Name: name, X: edges}
		for side := range c {
			c[side].X = edges
			for _, p := range of {
				e, sigma := j.efficiency(p, side)
				c[side].Y, c[side].Low, c[side].High = append(c[side].Y, e), append(c[side].Low, e-sigma), append(c[side].High, e+sigma)
			}
		}
		for i, p := range of {
			_, a := j.efficiency(p, 0)
			_, b := j.efficiency(p, 1)
			diff, sigma := 100*(c[1].Y[i]-c[0].Y[i]), 100*math.Hypot(a, b)
			d.Y, d.Low, d.High = append(d.Y, diff), append(d.Low, diff-sigma), append(d.High, diff+sigma)
		}
		off = append(off, d)
		v := plot.Curves{X: x, Y: plot.Axis{Label: strings.TrimSuffix("efficiency, "+name, ", ")}, Curves: c[:], Alt: "Efficiency " + name}
		picture, e := v.Picture()
		err = cmp.Or(err, e)
		s.Pictures = append(s.Pictures, picture)
	})
	if err != nil {
		return s, err
	}
	picture, err := j.differences("efficiency, difference", 100*toleranceOfEfficiency, off)
	s.Pictures = append(s.Pictures, picture)
	s.Rows = r.efficienciesOfGroups()
	return s, err
}

// efficiency is that of a bin with its error, NaN where it has too few objects to be drawn.
func (j *Judged) efficiency(p, side int) (e, sigma float64) {
	if b := &j.bins[p]; b.of > drawnFrom {
		return b.share(side)
	}
	return math.NaN(), math.NaN()
}

func (r *run) efficienciesOfGroups() (rows [][]string) {
	sides := r.sides()
	for _, g := range r.groups() {
		var n, has [2]float64
		for _, i := range g.rows {
			for side := range sides {
				n[side]++
				if sides[side].has(i) {
					has[side]++
				}
			}
		}
		t, m := has[0]/n[0], has[1]/n[1]
		rows = append(rows, []string{g.column, g.value, fmt.Sprint(len(g.rows)), fmt.Sprintf("%.4f", t), fmt.Sprintf("%.4f", m), fmt.Sprintf("%+.4f", m-t), fmt.Sprintf("%.4f", math.Sqrt((t*(1-t)+m*(1-m))/n[0]))})
	}
	return rows
}

// group are the objects of which a context column has a value; all, where it has no name.
type group struct {
	column, value string
	rows          []int
}

// groups are all objects, and those of each value of context columns of a few.
func (r *run) groups() []group {
	all := group{column: "all"}
	for i := range r.drawn.Len() {
		all.rows = append(all.rows, i)
	}
	groups := []group{all}
	for _, name := range r.m.Context.Names() {
		c, _ := r.events.table.Column(name)
		by := map[float64][]int{}
		for i := 0; i < c.Len() && len(by) <= 6 && c.Type == events.Int64; i++ {
			by[c.Float(i)] = append(by[c.Float(i)], i)
		}
		if len(by) < 2 || len(by) > 6 {
			continue
		}
		values := make([]float64, 0, len(by))
		for v := range by {
			values = append(values, v)
		}
		slices.Sort(values)
		for _, v := range values {
			groups = append(groups, group{r.label(name), strconv.FormatFloat(v, 'g', -1, 64), by[v]})
		}
	}
	return groups
}

// responses show mean and width of each quantity, along the first axis, and how far they are off in bins of both.
func (r *run) responses() (s report.Section, err error) {
	j := r.result.Judged
	if len(j.quantities) == 0 {
		return s, nil
	}
	s = report.Section{
		Title: "Response and resolution", Text: fmt.Sprintf("Mean and standard deviation of what is computed from reconstructed and generated columns, in bins of what is generated with more than %d objects: relative differences, model less full "+
			"simulation, with their errors by the numbers of objects. Those of a mean are relative to it, or to the width where that is larger; a width is one over the mean where the mean is larger. Within are bins that are off by at most %g %%, beyond those that are off by more, by more than "+
			"three standard errors; in unclear ones the error is larger than that. Pictures show bins with more than %d.", Enough, 100*toleranceOfMoments, drawnFrom),
		Head: []string{"Quantity", "Of", "Bins", "Within", "Beyond", "Unclear", "Largest difference", "Error", "χ²/ndf", "Largest pull", "In"}, Numbers: [2]int{2, 10},
	}
	for k, name := range j.quantities {
		for w, what := range []string{"mean", "width"} {
			o := j.Quantities[name][w]
			s.Rows = append(s.Rows, append([]string{r.label(name), what}, o.row()...))
			values, off := j.curves(k, w)
			x, _ := j.across()
			v := plot.Curves{X: x, Y: plot.Axis{Label: what + " of " + r.label(name)}, Curves: values}
			v.Y.Min, v.Y.Max = span(values)
			v.Alt = v.Y.Label
			picture, err := v.Picture()
			if err != nil {
				return s, err
			}
			difference, err := j.differences(v.Y.Label+", difference", 100*toleranceOfMoments, off)
			if err != nil {
				return s, err
			}
			s.Pictures = append(s.Pictures, picture, difference)
		}
	}
	return s, nil
}

// span is the range of curves, with some room.
func span(curves []plot.Curve) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, c := range curves {
		for _, v := range c.Y {
			if !math.IsNaN(v) {
				lo, hi = min(lo, v), max(hi, v)
			}
		}
	}
	if !(lo < hi) {
		return 0, 0
	}
	return lo - (hi-lo)/20, hi + (hi-lo)/20
}

// row are the cells of a table.
func (w *Worst) row() []string {
	return []string{fmt.Sprint(w.Bins), fmt.Sprint(w.Within), fmt.Sprint(w.Beyond), fmt.Sprint(w.Unclear), fmt.Sprintf("%+.2f %%", 100*w.Largest), fmt.Sprintf("%.2f %%", 100*w.Error),
		fmt.Sprintf("%.2f", w.Chi2/float64(max(w.Bins, 1))), fmt.Sprintf("%+.1f", w.Pull), w.Where}
}

// curves are means (w 0) or widths (1) of a quantity along the first axis, those of the full simulation before those of the model, and how far they are off in percent, a curve
// for each slice of the second axis.
func (j *Judged) curves(k, w int) (values, off []plot.Curve) {
	_, edges := j.across()
	j.sliced(func(slice string, of []int) {
		truth, drawn, d := plot.Curve{Expected: true, X: edges}, plot.Curve{Name: slice, X: edges}, plot.Curve{Name: slice, X: edges}
		if values == nil {
			truth.Name = "full simulation"
		}
		for _, p := range of {
			v, sigma := [3]float64{math.NaN(), math.NaN(), math.NaN()}, math.NaN()
			if q := &j.bins[p].quantity[k]; min(q.n[0], q.n[1]) > drawnFrom {
				v[0], v[1] = q.moment[0].Mean, q.moment[1].Mean
				v[2], sigma = q.mean()
				if w == 1 {
					v[0], v[1] = q.moment[0].Std, q.moment[1].Std
					v[2], sigma = q.width()
				}
			}
			truth.Y, drawn.Y, d.Y = append(truth.Y, v[0]), append(drawn.Y, v[1]), append(d.Y, 100*v[2])
			d.Low, d.High = append(d.Low, 100*(v[2]-sigma)), append(d.High, 100*(v[2]+sigma))
		}
		values, off = append(values, truth, drawn), append(off, d)
	})
	return values, off
}

// intervals show how often values of the full simulation lie in the intervals of the model.
func (r *run) intervals() (s report.Section, err error) {
	j := r.result.Judged
	if len(j.Coverage) == 0 || len(j.quantities) == 0 {
		return s, nil
	}
	s = report.Section{
		Title: "Coverage of the intervals", Text: fmt.Sprintf("The central intervals of %d draws of an object claim to hold 68 and 95 %% of what a detector may make of it: how often they hold what the full simulation made of it, of up to %s of each bin that it reconstructs, and how far "+
			"that is off in the bins. Within are bins that are off by at most %g %%, beyond those that are off by more, by more than three standard errors; in unclear ones the error is larger than that.", intervalDraws, say.Count(uint64(r.plan.Coverage), "object"), 100*toleranceOfCoverage),
		Head: []string{"Quantity", "Claimed", "Held", "Error", "Bins", "Within", "Beyond", "Unclear", "Largest", "Error", "χ²/ndf", "Pull"}, Numbers: [2]int{1, 12},
	}
	for _, name := range j.quantities {
		for _, c := range j.Coverage[name] {
			s.Rows = append(s.Rows, append([]string{r.label(name), fmt.Sprintf("%g %%", 100*c.Level), fmt.Sprintf("%.2f %%", 100*c.Inside), fmt.Sprintf("%.2f %%", 100*c.Error)}, c.Bins.row()[:8]...)) // a page has no room for the place
			picture, err := j.differences(fmt.Sprintf("%g %% intervals of %s, held − claimed", 100*c.Level, r.label(name)), 100*toleranceOfCoverage, j.heldCurves(&c))
			if err != nil {
				return s, err
			}
			s.Pictures = append(s.Pictures, picture)
		}
	}
	return s, nil
}

// heldCurves are what intervals hold less what they claim, in percent.
func (j *Judged) heldCurves(c *Covered) (curves []plot.Curve) {
	_, edges := j.across()
	j.sliced(func(slice string, of []int) {
		u := plot.Curve{Name: slice, X: edges}
		for _, p := range of {
			d, sigma := math.NaN(), math.NaN()
			if j.bins[p].of > drawnFrom {
				d, sigma = 100*(c.bins[p].share-c.Level), 100*c.bins[p].err
			}
			u.Y, u.Low, u.High = append(u.Y, d), append(u.Low, d-sigma), append(u.High, d+sigma)
		}
		curves = append(curves, u)
	})
	return curves
}

// numeric are the features that are numbers with no few values.
func (r *run) numeric() (names []string) {
	for k := range r.m.Features.Columns {
		if c := &r.m.Features.Columns[k]; !c.Constant() && !c.Whole() {
			names = append(names, c.Name)
		}
	}
	return names
}

var levels = []float64{0.05, 0.25, 0.5, 0.75, 0.95}

// quantiles compare those of each feature along the first axis.
func (r *run) quantiles() (s report.Section, err error) {
	axes := r.result.Judged.axes
	x, edges := r.result.Judged.across()
	s = report.Section{Title: "Conditional quantiles", Text: fmt.Sprintf("Quantiles of each feature at 5, 25, 50, 75 and 95 %% in bins of %s: the ratio of those of the model to those of the full simulation where all are positive, else their difference in "+
		"units of half the central 68 %% of the full simulation. Single values of many objects (see below) are left out.", axes[0].label())}
	place := axes[0].places()
	for _, name := range r.numeric() {
		atoms := r.atoms(name)
		values := r.inBins(name, place, len(axes[0].edges)-1, atoms)
		curves := make([]plot.Curve, len(levels))
		positive := true
		for k := range curves {
			curves[k] = plot.Curve{Name: fmt.Sprintf("%g %%", 100*levels[k]), X: edges}
		}
		for p := range values[0] {
			positive = positive && (len(values[0][p]) == 0 || stats.Quantile(values[0][p], levels[0]) > 0)
		}
		for p := range values[0] {
			t, m := values[0][p], values[1][p]
			for k, level := range levels {
				y := math.NaN()
				switch {
				case min(len(t), len(m)) <= drawnFrom:
				case positive:
					y = stats.Quantile(m, level) / stats.Quantile(t, level)
				default:
					y = (stats.Quantile(m, level) - stats.Quantile(t, level)) / ((stats.Quantile(t, 0.84) - stats.Quantile(t, 0.16)) / 2)
				}
				curves[k].Y = append(curves[k].Y, y)
			}
		}
		what := "ratio"
		if !positive {
			what = "difference / width"
		}
		v := plot.Curves{X: x, Y: plot.Axis{Label: r.label(name) + ", " + what}, Curves: curves, Alt: "Quantiles of " + name}
		picture, err := v.Picture()
		if err != nil {
			return s, err
		}
		s.Pictures = append(s.Pictures, picture)
	}
	return s, nil
}

// inBins are the values of a column in bins, ascending, in the full simulation and here, but for some.
func (r *run) inBins(name string, place []int, bins int, but []float64) (values [2][][]float64) {
	for s, side := range r.sides() {
		values[s] = make([][]float64, bins)
		c, _ := side.Column(name)
		for i, p := range place {
			if v := c.Float(i); p >= 0 && side.has(i) && !math.IsNaN(v) && !slices.Contains(but, v) {
				values[s][p] = append(values[s][p], v)
			}
		}
		for p := range values[s] {
			slices.Sort(values[s][p])
		}
	}
	return values
}

// atoms are the values of a column that more than 0.1 % of the reconstructed objects of the full simulation have, at most eight, in order.
func (r *run) atoms(name string) (values []float64) {
	counts, n := map[float64]int{}, 0
	side := r.sides()[0]
	c, _ := side.Column(name)
	for i := range side.Len() {
		if v := c.Float(i); side.has(i) && !math.IsNaN(v) {
			counts[v]++
			n++
		}
	}
	for v, k := range counts {
		if 1000*k > n && k >= 10 {
			values = append(values, v)
		}
	}
	slices.SortFunc(values, func(a, b float64) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	values = values[:min(len(values), 8)]
	slices.Sort(values)
	return values
}

// singles are how often single values come, of all objects and of those of each value of contexts of a few.
func (r *run) singles() (s report.Section, err error) {
	s = report.Section{
		Title: "Single values", Text: "How often reconstructed objects have single values, of those that more than 0.1 % of the full simulation have (the eight most frequent of a column): of all, and given each value of context columns of a few.",
		Head: []string{"Column", "Value", "Of", "", "Full simulation", "Model", "Difference", "Error"}, Numbers: [2]int{4, 8},
	}
	sides, groups := r.sides(), r.groups()
	for _, o := range r.objects {
		for _, v := range r.atoms(o.name) {
			for _, g := range groups {
				var share, variance [2]float64
				for k := range sides {
					c, _ := sides[k].Column(o.name)
					n, of := 0.0, 0.0
					for _, i := range g.rows {
						if sides[k].has(i) {
							if of++; c.Float(i) == v {
								n++
							}
						}
					}
					share[k] = n / max(of, 1)
					variance[k] = share[k] * (1 - share[k]) / max(of, 1)
				}
				s.Rows = append(s.Rows, []string{r.label(o.name), strconv.FormatFloat(v, 'g', 6, 64), g.column, g.value, fmt.Sprintf("%.4f", share[0]), fmt.Sprintf("%.4f", share[1]), fmt.Sprintf("%+.4f", share[1]-share[0]), fmt.Sprintf("%.4f", math.Sqrt(variance[0]+variance[1]))})
			}
		}
	}
	if s.Rows == nil {
		return report.Section{}, nil
	}
	return s, nil
}

// numbers are those of reconstructed objects in events.
func (r *run) numbers() (s report.Section, err error) {
	truth := make([]float64, r.events.len())
	side := r.sides()[0]
	var numbers, fakes []float64
	for e := range truth {
		for i := r.events.first[e]; i < r.events.first[e+1]; i++ {
			if side.has(i) {
				truth[e]++
			}
		}
		numbers, fakes = append(numbers, float64(r.counts[0][e])), append(fakes, float64(r.counts[1][e]))
	}
	label := "reconstructed objects of generated ones"
	picture, err := overlay(label, "", truth, numbers)
	if err != nil {
		return s, err
	}
	s = report.Section{Title: "Objects of an event", Pictures: []*plot.Picture{picture}, Text: fmt.Sprintf("Reconstructed objects of generated ones: %.4f an event, and %.4f in the full simulation.", r.result.Judged.Objects[1], r.result.Judged.Objects[0])}
	if r.fakes != nil {
		mean, sigma := stats.MeanError(fakes, nil)
		s.Text += fmt.Sprintf(" Besides %.4f ± %.4f an event that nothing generated.", mean, sigma)
	}
	return s, nil
}

// overlay is a column of the model over that of the full simulation.
func overlay(label, unit string, truth, drawn []float64) (*plot.Picture, error) {
	a, err := stats.NewCDF(truth, nil)
	if err != nil {
		return nil, err
	}
	b, err := stats.NewCDF(drawn, nil)
	if err != nil {
		return nil, err
	}
	bins := stats.NewBins(a, b, 50)
	side := func(c *stats.CDF, name string, n int) plot.Histogram {
		h := c.Histogram(bins)
		p := plot.Histogram{Name: name, Edges: h.Edges, SumW: h.SumW, SumW2: h.SumW2, Under: h.Under, Over: h.Over, Under2: h.Under2, Over2: h.Over2, Events: n}
		for _, v := range bins.Apart {
			w, w2 := c.At(v)
			p.Apart, p.Apart2 = append(p.Apart, w), append(p.Apart2, w2)
		}
		return p
	}
	o := plot.Overlay{Label: label, Unit: unit, Log: bins.Log, Width: bins.Width, Apart: bins.Apart, Reference: side(a, "Full simulation", len(truth)), Generated: []plot.Histogram{side(b, "Model", len(drawn))}}
	return o.Picture()
}

// columnsSection are the columns of reconstructed objects.
func (r *run) columnsSection() (s report.Section, err error) {
	s = report.Section{Title: "Columns", Text: "The columns of reconstructed objects of generated ones, of the full simulation and of the model, the first draw."}
	sides := r.sides()
	var empty []string
	for _, o := range r.objects {
		var values [2][]float64
		for k := range sides {
			values[k] = slices.DeleteFunc(sides[k].values(o.name), math.IsNaN)
		}
		if len(values[0]) == 0 || len(values[1]) == 0 {
			empty = append(empty, r.label(o.name))
			continue
		}
		picture, err := overlay(r.label(o.name), o.unit, values[0], values[1])
		if err != nil {
			return s, fmt.Errorf("column %q: %w", o.name, err)
		}
		s.Pictures = append(s.Pictures, picture)
	}
	if empty != nil {
		s.Text += " Without a value in the full simulation or of the model: " + strings.Join(empty, ", ") + "."
	}
	return s, nil
}

// oversampled shows what many draws of an object gain, and what they do not.
func (r *run) oversampled() (s report.Section, err error) {
	k := slices.IndexFunc(r.spectra, func(s *spectrum) bool { return s.generated })
	if r.Draws < 2 || k < 0 {
		return s, nil
	}
	s = report.Section{Title: "Many draws of an event", Text: fmt.Sprintf("Histograms of all %d draws of each generated event over the full simulation of one, of objects that were generated, as shares of these, with the errors that follow from the number of "+
		"events (arXiv:2402.13684 calls it oversampling) and, for comparison, those that draws of as many independent events would have. The ROOT file has such histograms of all columns, fakes and all.", r.Draws)}
	h, side, total := r.spectra[k], r.sides()[0], float64(r.result.Generated)
	v := plot.Oversampling{Label: r.label(h.name), Unit: h.unit, Draws: r.Draws, Edges: h.edges}
	var truth spectrum
	truth.begin(h.edges)
	c, err := side.Column(h.name)
	if err != nil {
		return s, err
	}
	for e := range r.events.len() {
		for i := r.events.first[e]; i < r.events.first[e+1]; i++ {
			if v := c.Float(i); side.has(i) && !math.IsNaN(v) {
				truth.add(v, 1)
			}
		}
		truth.end(1)
	}
	v.Reference, v.ReferenceError, _ = truth.shares(total)
	v.Generated, v.Error, v.Naive = h.shares(total)
	picture, err := v.Picture()
	if err != nil {
		return s, err
	}
	s.Pictures = append(s.Pictures, picture)
	return s, nil
}
