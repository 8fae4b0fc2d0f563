package export

import (
	"context"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/export/onnx"
	"github.com/sluice-hep/sluice/export/plain"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/model"
)

// Parity is by how much the graphs, evaluated as written, differ from the model, on events drawn from it, of a conditional one given contexts of
// all of the trained range.
type Parity struct {
	Events  int     `json:"events"`
	LogProb float64 `json:"log_prob_max"` // nats
	// Data is relative to the size of a column, or to a quarter of its trained range where that is more. Of an angle, and of a column of a grid,
	// a turn or a step of that is left out.
	Data float64 `json:"to_data_max"`
}

const (
	parityEvents = 1000
	parityWork   = 2e9 // multiplications, of which large networks take many an event
)

// parity compares the graphs with the model.
func parity(ctx context.Context, m *model.Model, of *plain.Model, graphs []onnx.Graph) (*Parity, error) {
	p := &Parity{Events: max(16, min(parityEvents, int(parityWork/float64(max(m.Density.Size(), 1)))))}
	given := contexts(m, p.Events)
	drawn, err := m.Sample(p.Events, given, 1, 0)
	if err != nil {
		return nil, err
	}
	narrowed(drawn)
	for i := range graphs {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		switch g := &graphs[i]; g.Name {
		case "log_prob":
			p.LogProb, err = logProbOff(m, g, drawn, given)
		case "to_data":
			p.Data, err = dataOff(m, of, g, given, p.Events)
		}
		if err != nil {
			return nil, err
		}
	}
	return p, nil
}

// contexts are values of the context, each column by steps of its own through its trained range; nil of a model without.
func contexts(m *model.Model, n int) *events.Table {
	if m.Context == nil || len(m.Context.Columns) == 0 {
		return nil
	}
	t := &events.Table{}
	for i := range m.Context.Columns {
		c := &m.Context.Columns[i]
		col := events.Column{Name: c.Name, Unit: c.Unit, Type: events.Float32}
		for e := range n {
			_, place := math.Modf(float64(e) * math.Sqrt(float64(2+3*i)))
			col.F32 = append(col.F32, float32(c.Min+place*(c.Max-c.Min)))
		}
		t.Columns = append(t.Columns, col)
	}
	return t
}

// narrowed makes all columns float32, as the graphs take them.
func narrowed(t *events.Table) {
	for i := range t.Columns {
		c := &t.Columns[i]
		col := events.Column{Name: c.Name, Unit: c.Unit, Type: events.Float32}
		for e := range c.Len() {
			col.F32 = append(col.F32, float32(c.Float(e)))
		}
		t.Columns[i] = col
	}
}

// rows are the columns of these names, an event a row.
func rows(t *events.Table, names []string) (all []float32) {
	for e := range t.Len() {
		for _, name := range names {
			c, err := t.Column(name)
			if err == nil {
				all = append(all, c.F32[e])
			}
		}
	}
	return all
}

func inputs(m *model.Model, first []float32, given *events.Table) [][]float32 {
	if given == nil {
		return [][]float32{first}
	}
	return [][]float32{first, rows(given, m.Context.Names())}
}

func logProbOff(m *model.Model, g *onnx.Graph, drawn, given *events.Table) (worst float64, err error) {
	got, err := g.Run(inputs(m, rows(drawn, m.Features.Names()), given)...)
	if err != nil {
		return 0, err
	}
	want, err := m.LogProb(drawn, 1)
	if err != nil {
		return 0, err
	}
	far, _ := m.Features.Beyond(drawn, model.Within) // which a sample draws again
	for e, v := range want {
		if float64(got[e]) != v && !slices.Contains(far, int32(e)) { // both may be infinite
			worst = max(worst, math.Abs(float64(got[e])-v))
		}
	}
	return worst, nil
}

func dataOff(m *model.Model, p *plain.Model, g *onnx.Graph, given *events.Table, n int) (worst float64, err error) {
	f := m.Density.(*flow.Flow)
	var context [][]float32
	if given != nil {
		if context, _, err = m.Context.Apply(given, nil); err != nil {
			return 0, err
		}
	}
	z, err := f.Latent(n, context, 2, 0)
	if err != nil {
		return 0, err
	}
	var latent []float32
	for e := range n {
		for k := range z {
			latent = append(latent, z[k][e])
		}
	}
	got, err := g.Run(inputs(m, latent, given)...)
	if err != nil {
		return 0, err
	}
	x, _, err := f.ToData(z, context)
	if err != nil {
		return 0, err
	}
	want, _, err := m.Features.Invert(x)
	if err != nil {
		return 0, err
	}
	far, _ := m.Features.Beyond(want, model.Within) // which a sample draws again
	for i := range want.Columns {
		c := &want.Columns[i]
		width, whole := p.Features[i].Max-p.Features[i].Min, same(&p.Features[i])
		for e := range n {
			if slices.Contains(far, int32(e)) {
				continue
			}
			v := c.Float(e)
			off := math.Abs(float64(got[e*len(want.Columns)+i]) - v)
			off = min(off, math.Abs(off-whole))
			worst = max(worst, off/max(math.Abs(v), width/4, math.SmallestNonzeroFloat32))
		}
	}
	return worst, nil
}

// same is how far apart values of a column are that count as one: a turn of an angle, or neighbours on a grid, which rounding may choose between.
func same(c *plain.Column) (whole float64) {
	for _, s := range c.Steps {
		switch s := s.(type) {
		case *plain.Periodic:
			return s.Turn
		case *plain.Round:
			whole = s.Unit
		}
	}
	return whole
}
