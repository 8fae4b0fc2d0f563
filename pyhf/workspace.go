package pyhf

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/sluice-hep/sluice/internal/atomicfile"
)

// Workspace is a workspace as the schema has it.
type Workspace struct {
	Channels     []Channel     `json:"channels"`
	Measurements []Measurement `json:"measurements"`
	Observations []Observation `json:"observations"`
	Version      string        `json:"version"`
}

// Channel is a region of disjoint events: its samples add up.
type Channel struct {
	Name    string   `json:"name"`
	Samples []Sample `json:"samples"`
}

// Sample is a process, with its expected events in each bin and what may change them.
type Sample struct {
	Name      string     `json:"name"`
	Data      []float64  `json:"data"`
	Modifiers []Modifier `json:"modifiers"`
}

// Modifier is what a parameter of its name does to a sample. Data are nil of normfactor and lumi, NormSys of normsys, HistoSys of
// histosys, and the absolute errors of the bins of staterror and shapesys.
type Modifier struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Data any    `json:"data"`
}

// NormSys are the factors of a sample where its parameter is -1 and 1.
type NormSys struct {
	Low  float64 `json:"lo"`
	High float64 `json:"hi"`
}

// HistoSys are the bins of a sample where its parameter is -1 and 1.
type HistoSys struct {
	Low  []float64 `json:"lo_data"`
	High []float64 `json:"hi_data"`
}

// Observation is what was seen in the channel of its name.
type Observation struct {
	Name string    `json:"name"`
	Data []float64 `json:"data"`
}

// Measurement is a question to the workspace: the parameter of interest, and how parameters start and end.
type Measurement struct {
	Name   string `json:"name"`
	Config Config `json:"config"`
}

// Config has the name of a normfactor, and what of parameters differs from pyhf's defaults.
type Config struct {
	POI        string      `json:"poi"`
	Parameters []Parameter `json:"parameters"`
}

// Parameter sets what is not nil: a value for each of the parameters of a name, of which a normfactor has one.
type Parameter struct {
	Name    string       `json:"name"`
	Inits   []float64    `json:"inits,omitempty"`
	Bounds  [][2]float64 `json:"bounds,omitempty"`
	Auxdata []float64    `json:"auxdata,omitempty"`
	Sigmas  []float64    `json:"sigmas,omitempty"`
	Fixed   bool         `json:"fixed,omitempty"`
}

// POI is a measurement of a normfactor that starts at 1 and stays between bounds.
func POI(measurement, parameter string, low, high float64, others ...Parameter) Measurement {
	p := Parameter{Name: parameter, Inits: []float64{1}, Bounds: [][2]float64{{low, high}}}
	return Measurement{Name: measurement, Config: Config{POI: parameter, Parameters: append([]Parameter{p}, others...)}}
}

// Lumi is the parameter of the luminosity, known to a relative error, which measurements of samples with Lumi need.
func Lumi(relative float64) Parameter {
	return Parameter{Name: lumi, Inits: []float64{1}, Bounds: [][2]float64{{max(0, 1-5*relative), 1 + 5*relative}},
		Auxdata: []float64{1}, Sigmas: []float64{relative}}
}

const lumi = "lumi"

// WriteFile writes the workspace as JSON, the same bytes for the same workspace; the file appears whole or not at all.
func (w *Workspace) WriteFile(path string) error {
	if err := w.Check(); err != nil {
		return err
	}
	text, err := json.MarshalIndent(w, "", " ")
	if err != nil {
		return fmt.Errorf("pyhf: %w", err)
	}
	if err := atomicfile.WriteFile(path, append(text, '\n')); err != nil {
		return fmt.Errorf("pyhf: %w", err)
	}
	return nil
}

// Check is an error where the workspace is not one of the schema, or where pyhf, which knows more than the schema, would refuse it.
func (w *Workspace) Check() error {
	bins := map[string]int{}
	uses := uses{kinds: map[string]string{}, bins: map[string]int{}}
	for i := range w.Channels {
		c := &w.Channels[i]
		if _, twice := bins[c.Name]; twice || c.Name == "" || len(c.Samples) == 0 {
			return fmt.Errorf("pyhf: channel %d, %q, needs a name of its own and at least one sample", i+1, c.Name)
		}
		bins[c.Name] = len(c.Samples[0].Data)
		if err := c.check(&uses); err != nil {
			return fmt.Errorf("pyhf: channel %q: %w", c.Name, err)
		}
	}
	if len(w.Channels) == 0 || len(w.Measurements) == 0 || w.Version != version {
		return fmt.Errorf("pyhf: a workspace needs a channel, a measurement and version %s", version)
	}
	if len(w.Observations) != len(w.Channels) {
		return fmt.Errorf("pyhf: %d observations for %d channels", len(w.Observations), len(w.Channels))
	}
	for _, o := range w.Observations {
		n, ok := bins[o.Name]
		if !ok || len(o.Data) != n {
			return fmt.Errorf("pyhf: observation %q of %d bins: the channel has %d", o.Name, len(o.Data), n)
		}
		delete(bins, o.Name)
		if err := numbers(o.Data, 0); err != nil {
			return fmt.Errorf("pyhf: observation %q: %w", o.Name, err)
		}
	}
	for _, m := range w.Measurements {
		if err := m.check(&uses); err != nil {
			return fmt.Errorf("pyhf: measurement %q: %w", m.Name, err)
		}
	}
	return nil
}

const version = "1.0.0"

// uses are the kinds of modifiers that each parameter stands for, and the numbers of bins of those with one a bin.
type uses struct {
	kinds map[string]string
	bins  map[string]int
}

func (c *Channel) check(u *uses) error {
	for i, s := range c.Samples {
		if s.Name == "" || slices.ContainsFunc(c.Samples[:i], func(o Sample) bool { return o.Name == s.Name }) {
			return fmt.Errorf("sample %d, %q, needs a name of its own", i+1, s.Name)
		}
		n := len(c.Samples[0].Data)
		if len(s.Data) != n || n == 0 {
			return fmt.Errorf("sample %q has %d bins, and %q %d", s.Name, len(s.Data), c.Samples[0].Name, n)
		}
		if err := numbers(s.Data, 0); err != nil {
			return fmt.Errorf("sample %q: %w", s.Name, err)
		}
		for _, m := range s.Modifiers {
			err := m.check(n)
			if err == nil {
				err = u.add(m, c.Name, n)
			}
			if err != nil {
				return fmt.Errorf("sample %q: %s %q: %w", s.Name, m.Type, m.Name, err)
			}
		}
	}
	return nil
}

// add notes a modifier. A parameter a bin is of one channel, that of shapesys of one sample; others are shared by their name, the
// constrained ones of normsys and histosys also with each other.
func (u *uses) add(m Modifier, channel string, bins int) error {
	kind := m.Type
	switch kind {
	case "histosys":
		kind = "normsys"
	case "staterror":
		kind += " of " + channel
	case "shapesys":
		if _, used := u.kinds[m.Name]; used {
			return fmt.Errorf("another modifier has this name, which a shapesys does not share")
		}
	}
	if before, used := u.kinds[m.Name]; used && before != kind {
		return fmt.Errorf("a %s has this name already", before)
	}
	u.kinds[m.Name] = kind
	u.bins[m.Name] = 1
	if m.Type == "staterror" || m.Type == "shapesys" {
		u.bins[m.Name] = bins
	}
	return nil
}

func (m *Modifier) check(bins int) error {
	if m.Name == "" || m.Type == lumi && m.Name != lumi {
		return fmt.Errorf("needs a name, that of lumi is lumi")
	}
	switch data := m.Data.(type) {
	case nil:
		if m.Type != "normfactor" && m.Type != lumi {
			return fmt.Errorf("needs data")
		}
	case NormSys:
		if m.Type != "normsys" || !(data.Low > 0) || !(data.High > 0) {
			return fmt.Errorf("the factors %g and %g must be above 0", data.Low, data.High)
		}
		return numbers([]float64{data.Low, data.High}, 0)
	case HistoSys:
		if m.Type != "histosys" || len(data.Low) != bins || len(data.High) != bins {
			return fmt.Errorf("%d and %d bins for %d", len(data.Low), len(data.High), bins)
		}
		return numbers(slices.Concat(data.Low, data.High), 0)
	case []float64:
		if m.Type != "staterror" && m.Type != "shapesys" || len(data) != bins {
			return fmt.Errorf("%d errors for %d bins", len(data), bins)
		}
		return numbers(data, 0)
	default:
		return fmt.Errorf("data of type %T", data)
	}
	return nil
}

func (m *Measurement) check(u *uses) error {
	if m.Name == "" || u.kinds[m.Config.POI] != "normfactor" {
		return fmt.Errorf("the parameter of interest, %q, is no normfactor of a sample", m.Config.POI)
	}
	hasLumi := false
	for _, p := range m.Config.Parameters {
		n, ok := u.bins[p.Name]
		if !ok {
			return fmt.Errorf("parameter %q is of no modifier", p.Name)
		}
		for what, k := range map[string]int{"inits": len(p.Inits), "bounds": len(p.Bounds), "auxdata": len(p.Auxdata), "sigmas": len(p.Sigmas)} {
			if k > 0 && k != n {
				return fmt.Errorf("parameter %q has %d %s, not %d", p.Name, k, what, n)
			}
		}
		for i, b := range p.Bounds {
			if !(b[0] < b[1]) || i < len(p.Inits) && (p.Inits[i] < b[0] || p.Inits[i] > b[1]) {
				return fmt.Errorf("parameter %q has bounds %g", p.Name, b)
			}
		}
		hasLumi = hasLumi || p.Name == lumi && len(p.Auxdata) == 1 && len(p.Sigmas) == 1
	}
	if u.kinds[lumi] == lumi && !hasLumi {
		return fmt.Errorf("samples have the modifier lumi, whose parameter needs auxdata and sigmas (pyhf.Lumi)")
	}
	return nil
}

// numbers is an error where one is not finite or below the least.
func numbers(x []float64, least float64) error {
	for i, v := range x {
		if v-v != 0 || v < least {
			return fmt.Errorf("bin %d is %g; a number of at least %g must be there", i+1, v, least)
		}
	}
	return nil
}
