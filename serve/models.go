package serve

import (
	"slices"

	"github.com/sluice-hep/sluice/internal/floats"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/prep"
)

// served is a model with its name.
type served struct {
	*engine
	name  string
	about about
	wrong map[string]string // why what cannot be asked for cannot
}

// about is what a client is told of a model: nothing of files, whose names its card may have.
type about struct {
	Name       string   `json:"name"`
	Features   []field  `json:"features"`
	Context    []field  `json:"context"`
	Can        []string `json:"can"` // what can be asked for
	Parameters int      `json:"parameters"`
	Members    int      `json:"members,omitempty"` // of an ensemble
	Hash       string   `json:"sha256"`
	Selection  string   `json:"selection,omitempty"` // the events of which it learned the density
}

// field is a column that a model knows.
type field struct {
	Name  string      `json:"name"`
	Unit  string      `json:"unit,omitempty"`
	Kind  string      `json:"kind"`
	Range *[2]float64 `json:"range,omitempty"` // trained
	Names []string    `json:"names,omitempty"` // in place of a range
	Lacks bool        `json:"may_be_missing,omitempty"`
}

func newServed(n Named, s *slots) (*served, error) {
	m := n.Model
	hash, err := m.Hash()
	if err != nil {
		return nil, err
	}
	e := newEngine(m, s)
	v := &served{engine: e, name: n.Name, wrong: e.cannot()}
	v.about = about{
		Name: n.Name, Features: fields(m.Features), Context: fields(m.Context), Parameters: m.Density.Size(), Members: len(m.Members()),
		Hash: hash, Selection: e.card.Where,
	}
	for _, what := range []string{"density", "latent", "sample", "posterior"} {
		if v.wrong[what] == "" {
			v.about.Can = append(v.about.Can, what)
		}
	}
	return v, nil
}

func fields(p *prep.Pipeline) []field {
	all := []field{}
	if p == nil {
		return all
	}
	lacks := p.MayLack()
	known := model.Columns(p)
	for _, name := range p.Names() {
		f := field{Name: name, Kind: "continuous", Lacks: slices.Contains(lacks, name)}
		for _, c := range known {
			if c.Name == name {
				f.Unit, f.Kind, f.Names = c.Unit, c.Kind, c.Names
				if c.Names == nil {
					f.Range = &[2]float64{c.Min, c.Max}
				}
			}
		}
		all = append(all, f)
	}
	return all
}

// cannot finds out what a density does not give, and why, by a try of what may be in closed form in one direction alone. The event that is tried is one that
// the density draws: of a table whose codes say which cells have no value, zeros may be none.
func (e *engine) cannot() map[string]string {
	why := map[string]string{"latent": e.NoLatent()}
	features, context := e.Density.Dims()
	given := floats.Columns(context, 1)
	x, err := e.Density.Sample(1, given, 1, 0)
	if err != nil {
		why["sample"], why["posterior"] = err.Error(), err.Error()
		x = floats.Columns(features, 1)
	}
	if _, err := e.Density.LogProb(x, given); err != nil {
		why["density"], why["latent"] = err.Error(), err.Error()
	}
	if context == 0 {
		why["posterior"] = "it has no context, which is what is observed"
	}
	return why
}
