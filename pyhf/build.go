package pyhf

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/uhi"
)

// Region is a channel to be: what was observed, nil for what is expected (an Asimov data set), and of what the expectation is made.
// All histograms have the same axis of edges.
type Region struct {
	Name      string
	Observed  *uhi.Histogram
	Templates []Template
}

// Template is a sample to be.
type Template struct {
	Name    string
	Nominal *uhi.Histogram
	// StatError gives each bin of the region a parameter, shared by all templates that ask for it, with the error of their variances.
	StatError bool
	// Free are the names of normfactors: the template times a parameter that is not constrained.
	Free []string
	// Shapes are the template at -1 and +1 of a constrained parameter (histosys), Norms the factors there (normsys), by its name.
	// Those of one name, here and in other templates, move together.
	Shapes map[string]Variation
	Norms  map[string]NormSys
	// Independent are absolute errors of the bins, each with a parameter of its own (shapesys), by a name that nothing else has.
	Independent map[string][]float64
	Lumi        bool // scales with the luminosity
}

// Variation is a template as a systematic effect changes it.
type Variation struct{ Down, Up *uhi.Histogram }

// Build makes a workspace. Bins below floor, which is above 0, are raised to it: a template without events in a bin would make events
// observed there impossible. Notes say how many were, and how many events lie beyond the edges, which no workspace has a place for.
func Build(regions []Region, measurements []Measurement, floor float64) (w *Workspace, notes []string, err error) {
	if !(floor > 0) {
		return nil, nil, fmt.Errorf("pyhf: a floor of %g: it must be above 0", floor)
	}
	w = &Workspace{Measurements: measurements, Version: version}
	for i := range measurements {
		if measurements[i].Config.Parameters == nil {
			measurements[i].Config.Parameters = []Parameter{}
		}
	}
	for i := range regions {
		b := builder{region: &regions[i], floor: floor}
		c, observed, err := b.channel()
		if err != nil {
			return nil, nil, fmt.Errorf("pyhf: channel %q: %w", regions[i].Name, err)
		}
		w.Channels = append(w.Channels, c)
		w.Observations = append(w.Observations, Observation{Name: c.Name, Data: observed})
		notes = append(notes, b.notes()...)
	}
	return w, notes, w.Check()
}

// builder makes a channel.
type builder struct {
	region                *Region
	floor                 float64
	edges                 []float64
	raised, bins, errors  int
	beyond, all, observed float64 // events
}

func (b *builder) channel() (c Channel, observed []float64, err error) {
	c.Name = b.region.Name
	for i := range b.region.Templates {
		t := &b.region.Templates[i]
		s, err := b.sample(t)
		if err != nil {
			return c, nil, fmt.Errorf("template %q: %w", t.Name, err)
		}
		c.Samples = append(c.Samples, s)
	}
	if b.region.Observed == nil {
		observed = make([]float64, max(len(b.edges)-1, 0))
		for _, s := range c.Samples {
			for k, v := range s.Data {
				observed[k] += v
			}
		}
		return c, observed, nil
	}
	observed, _, err = b.inside(b.region.Observed, &b.observed)
	if err != nil {
		err = fmt.Errorf("observed: %w", err)
	}
	return c, observed, err
}

// sample has the modifiers sorted by kind and name.
func (b *builder) sample(t *Template) (s Sample, err error) {
	s = Sample{Name: t.Name, Modifiers: []Modifier{}}
	var errors []float64
	if s.Data, errors, err = b.template(t.Nominal, &b.beyond); err != nil {
		return s, err
	}
	for _, v := range t.Nominal.Values {
		b.all += v
	}
	var again float64 // the same events, beyond the edges of a variation
	add := func(kind, name string, data any) { s.Modifiers = append(s.Modifiers, Modifier{name, kind, data}) }
	for _, name := range slices.Sorted(maps.Keys(t.Shapes)) {
		var h HistoSys
		if h.Low, _, err = b.template(t.Shapes[name].Down, &again); err == nil {
			h.High, _, err = b.template(t.Shapes[name].Up, &again)
		}
		if err != nil {
			return s, fmt.Errorf("shape %q: %w", name, err)
		}
		add("histosys", name, h)
	}
	if t.Lumi {
		add(lumi, lumi, nil)
	}
	for _, name := range t.Free {
		add("normfactor", name, nil)
	}
	for _, name := range slices.Sorted(maps.Keys(t.Norms)) {
		add("normsys", name, t.Norms[name])
	}
	for _, name := range slices.Sorted(maps.Keys(t.Independent)) {
		add("shapesys", name, t.Independent[name])
	}
	if t.StatError {
		add("staterror", "stat_"+b.region.Name, errors)
	}
	return s, nil
}

// template is a histogram's bins, at least the floor, and their errors. A bin that had to be raised has the floor for an error too,
// and so has one without: pyhf has no parameter for a bin of no error.
func (b *builder) template(h *uhi.Histogram, beyond *float64) (values, errors []float64, err error) {
	values, variances, err := b.inside(h, beyond)
	for i, v := range values {
		b.bins++
		errors = append(errors, math.Sqrt(max(variances[i], 0)))
		if v < b.floor {
			values[i], errors[i] = b.floor, max(errors[i], b.floor)
			b.raised++
		}
		if errors[i] == 0 {
			errors[i] = b.floor
			b.errors++
		}
	}
	return values, errors, err
}

// inside are the contents of the bins between the edges, which all histograms of a region share; what is beyond is added up.
func (b *builder) inside(h *uhi.Histogram, beyond *float64) (values, variances []float64, err error) {
	if h == nil || len(h.Axes) != 1 || h.Axes[0].Categories != nil {
		return nil, nil, fmt.Errorf("a template is a histogram of one axis of edges")
	}
	if err := h.Check(); err != nil {
		return nil, nil, err
	}
	a := &h.Axes[0]
	if b.edges == nil {
		b.edges = a.Edges
	}
	if !slices.Equal(a.Edges, b.edges) {
		return nil, nil, fmt.Errorf("its edges are not those of the first template")
	}
	first := 0
	if a.Underflow {
		first = 1
	}
	for i, v := range h.Values {
		if k := i - first; k < 0 || k >= len(b.edges)-1 {
			*beyond += math.Abs(v)
			continue
		}
		values, variances = append(values, v), append(variances, h.Variance(i))
	}
	return values, variances, nil
}

func (b *builder) notes() (notes []string) {
	in := "channel " + b.region.Name + ": "
	if b.raised > 0 {
		notes = append(notes, fmt.Sprintf("%s%d of %s of templates held less than %g events, and were raised to that", in, b.raised, say.Count(b.bins, "bin"), b.floor))
	}
	if b.errors > 0 {
		notes = append(notes, fmt.Sprintf("%s%s of templates had no error, and got one of %g events", in, say.Count(b.errors, "bin"), b.floor))
	}
	if b.beyond > 0 || b.observed > 0 {
		notes = append(notes, fmt.Sprintf("%s%.4g of %.4g expected and %.4g observed events lie beyond the edges, and are left out", in, b.beyond, b.all, b.observed))
	}
	return notes
}
