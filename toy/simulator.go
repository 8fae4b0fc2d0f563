package toy

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
)

// Simulator draws pairs of parameters, from their prior, and of what is observed given them.
type Simulator struct {
	Name                    string
	Parameters, Observables []events.Column // names and units
	// Generate draws n events with their parameters. Event i depends on the seed and on i alone.
	Generate func(n int, seed uint64) (*events.Table, error)
	// Simulate draws the observables x of one event given its parameters; nil where events come with parameters of their own alone.
	Simulate func(theta, x []float64, random *rng.Source)
	// LogPrior is the log-density of the parameters, and LogLikelihood that of x given them, in nats; nil where unknown. Where Partial is set a term of
	// x alone is left out.
	LogPrior      func(theta []float64) float64
	LogLikelihood func(theta, x []float64) float64
	Partial       bool
}

// simulators are those there are, a line each.
var simulators = []*Simulator{
	sbiTwoMoons,
	gaussianMixture,
	bernoulliGLM,
	slcp,
	ttbar(),
	showers,
	detector,
	detectorFakes,
	jets("jets", jetShape{ptScale: 30, rho: -1.9, rhoWidth: 0.35, width: -2, tau: 0.3}, 0),
	jets("jets-nature", jetShape{ptScale: 34, rho: -1.83, rhoWidth: 0.33, width: -1.93, tau: 0.15}, 16),
}

// Find returns the simulator of that name, or nil.
func Find(name string) *Simulator {
	for _, s := range simulators {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// Names lists all that events can be drawn from: the distributions of known density, and the simulators.
func Names() []string {
	names := Distributions()
	for _, s := range simulators {
		names = append(names, s.Name)
	}
	return names
}

// Generate draws n events of a distribution, or of a simulator, which takes no options.
func Generate(name string, n int, seed uint64, o Options) (*events.Table, error) {
	if err := Check(name, o); err != nil {
		return nil, err
	}
	if s := Find(name); s != nil {
		return s.Generate(n, seed)
	}
	d, err := New(name, o)
	if err != nil {
		return nil, err
	}
	return d.Generate(n, seed)
}

// Check tells whether there is such a toy with such options.
func Check(name string, o Options) error {
	switch {
	case !slices.Contains(Names(), name):
		return fmt.Errorf("toy: there is no toy %q; there is %s", name, strings.Join(Names(), ", "))
	case Find(name) == nil:
		_, err := New(name, o)
		return err
	case o != Options{}:
		return fmt.Errorf("toy: %s is a simulator, which has no noise to set and is not standardised", name)
	}
	return nil
}

// countable refuses numbers of events that no table has.
func countable(n int) error {
	if n < 1 || n > math.MaxInt32 {
		return fmt.Errorf("toy: %d events; ask for 1 to %d", n, math.MaxInt32)
	}
	return nil
}

// numbered are columns NAME_1 to NAME_n.
func numbered(name string, n int) []events.Column {
	c := make([]events.Column, n)
	for i := range c {
		c[i].Name = fmt.Sprintf("%s_%d", name, i+1)
	}
	return c
}

// pairs makes a simulator of float32 columns of a prior: each event has random numbers of its own.
func pairs(s Simulator, prior func(theta []float64, random *rng.Source)) *Simulator {
	return s.filled(func(row []float64, random *rng.Source) {
		theta, x := row[:len(s.Parameters)], row[len(s.Parameters):]
		prior(theta, random)
		s.Simulate(theta, x, random)
	})
}

// filled makes a simulator of float32 columns of what fills the row of an event, parameters before observables.
func (s Simulator) filled(fill func(row []float64, random *rng.Source)) *Simulator {
	s.Generate = func(n int, seed uint64) (*events.Table, error) {
		if err := countable(n); err != nil {
			return nil, err
		}
		t := &events.Table{Columns: slices.Concat(s.Parameters, s.Observables)}
		for k := range t.Columns {
			t.Columns[k].F32 = make([]float32, n)
		}
		row := make([]float64, len(t.Columns))
		for i := range n {
			fill(row, rng.New(seed, rng.StreamToy, uint32(i)))
			for k, v := range row {
				t.Columns[k].F32[i] = float32(v)
			}
		}
		return t, nil
	}
	return &s
}

// box is a prior that is even between -half and half in each parameter.
type box float64

func (half box) draw(theta []float64, random *rng.Source) {
	for k := range theta {
		theta[k] = float64(half) * (2*random.Float64() - 1)
	}
}

func (half box) logDensity(theta []float64) float64 {
	for _, v := range theta {
		if !(math.Abs(v) <= float64(half)) {
			return math.Inf(-1)
		}
	}
	return -float64(len(theta)) * math.Log(2*float64(half))
}

const log2Pi = 1.8378770664093454835606594728112

// logNormal is the log-density of a normal number of mean 0 and width sigma.
func logNormal(x, sigma float64) float64 {
	z := x / sigma
	return -z*z/2 - math.Log(sigma) - log2Pi/2
}
