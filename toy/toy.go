// Package toy draws events from distributions whose density is known, so that
// what a flow has learned can be held against the truth: the entropy is the
// lowest mean negative log-likelihood that any model can reach; and from
// simulators of pairs of parameters and what is observed given them.
package toy

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/events"
)

// Options choose a variant of a distribution. The zero value of a field means its default.
type Options struct {
	// Noise is the standard deviation of two-moons about its arcs. Default 0.05.
	Noise float64 `yaml:"noise,omitempty" json:"noise,omitempty"`
	// Standardise shifts and scales each column to mean 0 and variance 1, by the exact moments of the
	// distribution rather than those of the events drawn, so that density and entropy stay exact.
	Standardise bool `yaml:"standardise,omitempty" json:"standardise,omitempty"`
}

// Distribution is a distribution of two columns, x1 and x2. One that is a mixture of two equally likely
// parts has a third, which tells the part of each event (0 or 1).
type Distribution struct {
	shape
	mean, std [2]float64 // of the columns; 0 and 1 unless they are standardised
}

// shape is a distribution in its own coordinates.
type shape interface {
	// draw fills the columns; part is nil where there is no label.
	draw(x1, x2, part []float32, seed uint64)
	// label names the column of parts; "" where there is one part.
	label() string
	// logDensity is that of one part, in nats.
	logDensity(part int, x1, x2 float64) float64
	// entropy is that of the whole, and that given the part, in nats.
	entropy() (whole, givenPart float64)
	moments() (mean, variance [2]float64)
}

// Distributions lists those of known density.
func Distributions() []string { return append([]string{"banana", "two-moons"}, PotentialNames()...) }

// New makes a distribution by name: banana is x2 ~ N(0, 2^2), x1 ~ N(x2^2/4, 1); two-moons is
// scikit-learn's make_moons, two half circles of radius 1 with normal noise, and tells the moon in column
// moon (0 the upper, 1 the lower); U1 to U4 are those of Potential.
func New(name string, o Options) (*Distribution, error) {
	d := &Distribution{std: [2]float64{1, 1}}
	switch name {
	case "two-moons":
		o.Noise = cmp.Or(o.Noise, 0.05)
		if !(o.Noise >= 1e-3 && o.Noise <= 1e3) {
			return nil, fmt.Errorf("toy: two-moons: a noise of %g is not between 0.001 and 1000", o.Noise)
		}
		d.shape = newMoons(o.Noise)
	case "banana":
		d.shape = banana{}
	default:
		if i := slices.Index(PotentialNames(), name); i >= 0 {
			d.shape = newField(i)
			break
		}
		return nil, fmt.Errorf("toy: there is no distribution of known density %q; there is %s", name, strings.Join(Distributions(), ", "))
	}
	if name != "two-moons" && o.Noise != 0 {
		return nil, fmt.Errorf("toy: %s has no noise to set", name)
	}
	if o.Standardise {
		mean, variance := d.moments()
		d.mean = mean
		d.std = [2]float64{math.Sqrt(variance[0]), math.Sqrt(variance[1])}
	}
	return d, nil
}

// Generate draws n events. Event i depends on the seed and on i alone.
func (d *Distribution) Generate(n int, seed uint64) (*events.Table, error) {
	if err := countable(n); err != nil {
		return nil, err
	}
	t := &events.Table{Columns: []events.Column{
		{Name: "x1", F32: make([]float32, n)},
		{Name: "x2", F32: make([]float32, n)},
	}}
	var part []float32
	if d.label() != "" {
		part = make([]float32, n)
		t.Columns = append(t.Columns, events.Column{Name: d.label(), F32: part})
	}
	d.draw(t.Columns[0].F32, t.Columns[1].F32, part, seed)
	for k := range d.mean {
		for i, x := range t.Columns[k].F32 {
			t.Columns[k].F32[i] = float32((float64(x) - d.mean[k]) / d.std[k])
		}
	}
	return t, nil
}

// Label names the column that tells the part of each event; "" where the distribution has one part.
func (d *Distribution) Label() string { return d.label() }

// LogDensity is the log of the density at x = (x1, x2), in nats, whatever the part.
func (d *Distribution) LogDensity(x []float64) float64 {
	if d.label() == "" {
		return d.LogDensityGiven(0, x)
	}
	return logAddExp(d.LogDensityGiven(0, x), d.LogDensityGiven(1, x)) - math.Ln2
}

// LogDensityGiven is the log of the density at x of events of one part, 0 or 1.
func (d *Distribution) LogDensityGiven(part int, x []float64) float64 {
	x1, x2 := d.mean[0]+d.std[0]*x[0], d.mean[1]+d.std[1]*x[1]
	return d.logDensity(part, x1, x2) + d.logVolume()
}

// logVolume is the log of the volume in own coordinates of a unit volume of the columns.
func (d *Distribution) logVolume() float64 { return math.Log(d.std[0]) + math.Log(d.std[1]) }

// Entropy is the mean of -LogDensity, and EntropyGiven that of -LogDensityGiven: the lowest negative
// log-likelihoods, in nats, of a model of x1 and x2 without and with the part as context. Those of two-moons
// are integrals over a grid, good to 1e-9, which take up to a second.
func (d *Distribution) Entropy() float64 {
	h, _ := d.entropy()
	return h - d.logVolume()
}

// EntropyGiven: see Entropy.
func (d *Distribution) EntropyGiven() float64 {
	_, h := d.entropy()
	return h - d.logVolume()
}

// logAddExp is log(e^a + e^b).
func logAddExp(a, b float64) float64 {
	hi, lo := max(a, b), min(a, b)
	if math.IsInf(lo, -1) {
		return hi
	}
	return hi + math.Log1p(math.Exp(lo-hi))
}
