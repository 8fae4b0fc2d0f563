package simulate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/plot"
	"github.com/sluice-hep/sluice/report"
	"github.com/sluice-hep/sluice/stats"
)

// Page judges a simulation by the full one, which the file of generated objects has beside them: efficiency, response and resolution in bins, quantiles,
// single values, numbers of objects, the columns one by one.
func (s *Simulated) Page() (*report.Page, error) {
	r := s.run
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
		Title: "Simulation: " + cmp.Or(r.card.Title, r.card.Name), Card: string(text), Model: info.Hash, Summary: s.facts(),
		Lead: "Objects drawn by a model, each given a generated one, beside those of the full simulation of the same generated objects.",
	}
	for _, section := range []func() (report.Section, error){r.efficiencies, r.responses, r.quantiles, r.singles, r.numbers, r.columnsSection, r.oversampled} {
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

func (s *Simulated) facts() []report.Fact {
	j := s.Judged
	f := []report.Fact{
		{Name: "Events", Value: fmt.Sprint(s.Events), Note: fmt.Sprintf("%s, each drawn %s", say.Count(uint64(s.Generated), "generated object"), say.Count(uint64(s.Draws), "time"))},
		{Name: "Speed", Value: fmt.Sprintf("%.3g events/s", s.PerSecond), Note: fmt.Sprintf("%.3g generated objects/s, folding, writing and all", float64(s.Generated*s.Draws)/s.Seconds)},
		{Name: "Efficiency", Value: fmt.Sprintf("%+.2f %%", 100*j.Efficiency.Largest), Note: "largest difference of a bin; " + j.Efficiency.String()},
	}
	for _, name := range j.quantities {
		f = append(f, report.Fact{Name: "Mean of " + s.run.label(name), Value: fmt.Sprintf("%+.2f %%", 100*j.Quantities[name][0].Largest), Note: j.Quantities[name][0].String()},
			report.Fact{Name: "Width of " + s.run.label(name), Value: fmt.Sprintf("%+.2f %%", 100*j.Quantities[name][1].Largest), Note: j.Quantities[name][1].String()})
	}
	return append(f,
		report.Fact{Name: "Drawn again", Value: fmt.Sprint(s.Redrawn), Note: "too far outside the trained range; no value is clipped"},
		report.Fact{Name: "Lacking", Value: fmt.Sprint(s.Lacking), Note: "values that reconstructed objects should have"})
}

func (r *run) label(name string) string { return cmp.Or(r.card.Labels[name], name) }

// sliced calls f for each bin of the second axis, with its name and the places of its bins along the first.
func (j *Judged) sliced(axes []axis, f func(name string, of []int)) {
	n := max(j.shape[1], 1)
	for y := range n {
		var of []int
		for x := range j.shape[0] {
			of = append(of, x*n+y)
		}
		name := ""
		if j.shape[1] > 0 {
			name = fmt.Sprintf("%s %.3g to %.3g", axes[1].label(), axes[1].edges[y], axes[1].edges[y+1])
		}
		f(name, of)
	}
}

// efficiencies show how often objects are reconstructed.
func (r *run) efficiencies() (s report.Section, err error) {
	if r.plan.Exists == "" {
		return s, nil
	}
	axes, err := r.axes()
	if err != nil {
		return s, err
	}
	j := r.result.Judged
	s = report.Section{
		Title: "Efficiency", Text: "The share of generated objects that are reconstructed, in bins of what is generated: that of the full simulation with its error, and that of the model. " + j.Efficiency.String() +
			fmt.Sprintf(" of more than %d objects; %d of them are beyond %g %% by more than three standard errors.", Enough, j.Efficiency.Beyond, 100*toleranceOfEfficiency),
		Head: []string{"Of", "Value", "Objects", "Full simulation", "Model", "Difference", "Error"}, Numbers: [2]int{2, 7},
	}
	j.sliced(axes, func(name string, of []int) {
		c := [2]plot.Curve{{Name: "full simulation", Expected: true}, {Name: "model"}}
		for side := range c {
			c[side].X = axes[0].edges
			for _, p := range of {
				e, sigma := math.NaN(), math.NaN()
				if b := &j.bins[p]; b.of > Enough/10 {
					e, sigma = b.share(side)
				}
				c[side].Y, c[side].Low, c[side].High = append(c[side].Y, e), append(c[side].Low, e-sigma), append(c[side].High, e+sigma)
			}
		}
		v := plot.Curves{X: plot.Axis{Label: axes[0].label(), Unit: axes[0].column.Unit}, Y: plot.Axis{Label: cmp.Or("efficiency, "+name, "efficiency")}, Curves: c[:], Alt: "Efficiency " + name}
		picture, e := v.Picture()
		err = cmp.Or(err, e)
		s.Pictures = append(s.Pictures, picture)
	})
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
		s.Rows = append(s.Rows, []string{g.column, g.value, fmt.Sprint(len(g.rows)), fmt.Sprintf("%.4f", t), fmt.Sprintf("%.4f", m), fmt.Sprintf("%+.4f", m-t), fmt.Sprintf("%.4f", math.Sqrt((t*(1-t)+m*(1-m))/n[0]))})
	}
	return s, err
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
	axes, err := r.axes()
	j := r.result.Judged
	if err != nil || len(j.quantities) == 0 {
		return s, err
	}
	s = report.Section{
		Title: "Response and resolution", Text: fmt.Sprintf("Mean and standard deviation of what is computed from reconstructed and generated columns, in bins of what is generated with more than %d objects: relative differences, model less full "+
			"simulation, with their errors by the numbers of objects. Those of a mean are relative to it, or to the width where that is larger; a width is one over the mean where the mean is larger. Beyond are bins that are off by more than %g %% by more than three standard errors.", Enough, 100*toleranceOfMoments),
		Head: []string{"Quantity", "Of", "Bins", "Largest difference", "Error", "χ²/ndf", "Beyond"}, Numbers: [2]int{2, 7},
	}
	for k, name := range j.quantities {
		for w, what := range []string{"mean", "width"} {
			o := j.Quantities[name][w]
			s.Rows = append(s.Rows, []string{r.label(name), what, fmt.Sprint(o.Bins), fmt.Sprintf("%+.2f %%", 100*o.Largest), fmt.Sprintf("%.2f %%", 100*o.Error), fmt.Sprintf("%.2f", o.Chi2/float64(max(o.Bins, 1))), fmt.Sprint(o.Beyond)})
			var values, off []plot.Curve
			j.sliced(axes, func(slice string, of []int) {
				c := [3]plot.Curve{{Expected: true}, {Name: slice}, {Name: slice}}
				for i := range c {
					c[i].X = axes[0].edges
				}
				for _, p := range of {
					v, sigma := [3]float64{math.NaN(), math.NaN(), math.NaN()}, math.NaN()
					if q := &j.bins[p].quantity[k]; min(q.n[0], q.n[1]) > Enough {
						if v[0], v[1] = q.moment[0].Mean, q.moment[1].Mean; w == 1 {
							v[0], v[1] = q.moment[0].Std, q.moment[1].Std
						}
						if v[2], sigma = q.mean(); w == 1 {
							v[2], sigma = q.width()
						}
						v[2], sigma = 100*v[2], 100*sigma
					}
					for i := range c {
						c[i].Y = append(c[i].Y, v[i])
					}
					c[2].Low, c[2].High = append(c[2].Low, v[2]-sigma), append(c[2].High, v[2]+sigma)
				}
				values, off = append(values, c[0], c[1]), append(off, c[2])
			})
			for _, v := range []plot.Curves{
				{Y: plot.Axis{Label: what + " of " + r.label(name)}, Curves: values}, {Y: plot.Axis{Label: what + " of " + r.label(name) + ", difference", Unit: "%"}, Curves: off},
			} {
				v.X, v.Alt = plot.Axis{Label: axes[0].label(), Unit: axes[0].column.Unit}, v.Y.Label
				picture, e := v.Picture()
				if e != nil {
					return s, e
				}
				s.Pictures = append(s.Pictures, picture)
			}
		}
	}
	return s, nil
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
	axes, err := r.axes()
	if err != nil {
		return s, err
	}
	s = report.Section{Title: "Conditional quantiles", Text: fmt.Sprintf("Quantiles of each feature at 5, 25, 50, 75 and 95 %% in bins of %s: the ratio of those of the model to those of the full simulation where all are positive, else their difference in "+
		"units of half the central 68 %% of the full simulation. Single values of many objects (see below) are left out.", axes[0].label())}
	place := axes[0].places()
	for _, name := range r.numeric() {
		atoms := r.atoms(name)
		values := r.inBins(name, place, len(axes[0].edges)-1, atoms)
		curves := make([]plot.Curve, len(levels))
		positive := true
		for k := range curves {
			curves[k] = plot.Curve{Name: fmt.Sprintf("%g %%", 100*levels[k]), X: axes[0].edges}
		}
		for p := range values[0] {
			positive = positive && (len(values[0][p]) == 0 || stats.Quantile(values[0][p], levels[0]) > 0)
		}
		for p := range values[0] {
			t, m := values[0][p], values[1][p]
			for k, level := range levels {
				y := math.NaN()
				switch {
				case min(len(t), len(m)) <= Enough:
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
		v := plot.Curves{X: plot.Axis{Label: axes[0].label(), Unit: axes[0].column.Unit}, Y: plot.Axis{Label: r.label(name) + ", " + what}, Curves: curves, Alt: "Quantiles of " + name}
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
					share[k] = n / of
					variance[k] = share[k] * (1 - share[k]) / of
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
	for _, o := range r.objects {
		var values [2][]float64
		for k := range sides {
			values[k] = slices.DeleteFunc(sides[k].values(o.name), math.IsNaN)
		}
		picture, err := overlay(r.label(o.name), o.unit, values[0], values[1])
		if err != nil {
			return s, fmt.Errorf("column %q: %w", o.name, err)
		}
		s.Pictures = append(s.Pictures, picture)
	}
	return s, nil
}

// oversampled shows what many draws of an object gain, and what they do not.
func (r *run) oversampled() (s report.Section, err error) {
	if r.Draws < 2 {
		return s, nil
	}
	s = report.Section{Title: "Many draws of an object", Text: fmt.Sprintf("Histograms of all %d draws of each generated object over the full simulation of one, as shares of the generated objects, with the errors that follow from the number of objects "+
		"(arXiv:2402.13684 calls it oversampling) and, for comparison, those that as many independent objects would have.", r.Draws)}
	side := r.sides()[0]
	total := float64(r.result.Generated)
	for _, h := range r.spectra {
		if h.name != r.plan.Order {
			continue
		}
		truth, err := stats.NewHistogram(h.share.Edges, side.values(h.name), nil)
		if err != nil {
			return s, err
		}
		v := plot.Oversampling{Label: r.label(h.name), Unit: h.unit, Draws: r.Draws, Edges: h.share.Edges}
		v.Reference, v.ReferenceError = truth.Shares(total)
		v.Generated, v.Error = h.share.Shares(total)
		_, v.Naive = h.naive.Shares(total)
		picture, err := v.Picture()
		if err != nil {
			return s, err
		}
		s.Pictures = append(s.Pictures, picture)
	}
	return s, nil
}
