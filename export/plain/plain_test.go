package plain_test

import (
	"math"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/export/exporttest"
	"github.com/sluice-hep/sluice/export/plain"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/fault"
)

// prepared is an event as the flow sees it.
func prepared(columns []plain.Column, t *events.Table, e int) (x []float64, logDet float64) {
	for i := range columns {
		if len(columns[i].Steps) == 0 {
			continue
		}
		c, _ := t.Column(columns[i].Name)
		y, d := apply(columns[i].Steps, c.Float(e))
		x, logDet = append(x, y), logDet+d
	}
	return x, logDet
}

// The numbers are the model: its log-density and latent, and the way back.
func TestNumbersAreTheModel(t *testing.T) {
	data := exporttest.Events(300)
	for _, c := range exporttest.Models(t) {
		t.Run(c.Name, func(t *testing.T) {
			p, err := plain.Of(c.Model)
			if err != nil {
				t.Fatal(err)
			}
			want, err := c.Model.LogProb(data, 1)
			if err != nil {
				t.Fatal(err)
			}
			var latent [][]float32
			if len(p.Members) == 1 {
				if latent, err = c.Model.ToLatent(data, nil); err != nil {
					t.Fatal(err)
				}
			}
			for e := range want {
				checkEvent(t, p, data, e, want[e], latent)
			}
		})
	}
}

func checkEvent(t *testing.T, p *plain.Model, data *events.Table, e int, want float64, latent [][]float32) {
	t.Helper()
	x, logDet := prepared(p.Features, data, e)
	context, _ := prepared(p.Context, data, e)
	var each []float64
	for i := range p.Members {
		f := given(&p.Members[i], context)
		z, d := f.toLatent(x)
		each = append(each, d+logDet+f.logBase(z))
		if latent == nil {
			continue
		}
		for k := range z {
			if off := math.Abs(z[k] - float64(latent[k][e])); off > 2e-5*(1+math.Abs(z[k])) {
				t.Fatalf("event %d: latent %d is %v, want %v", e, k, z[k], latent[k][e])
			}
		}
		next := 0
		back := f.toData(z)
		for _, c := range p.Features {
			column, _ := data.Column(c.Name)
			v, least := column.Float(e), 1e-5
			for _, s := range c.Steps {
				if r, ok := s.(*plain.Round); ok {
					least = r.Unit
				}
			}
			if off := math.Abs(invert(&c, back[next]) - v); off > least*(1+math.Abs(v)) {
				t.Fatalf("event %d: %s comes back as %v, was %v", e, c.Name, invert(&c, back[next]), v)
			}
			next++
		}
	}
	got := logSum(each) - math.Log(float64(len(each)))
	if !(got == want || math.Abs(got-want) <= 2e-5*(1+math.Abs(want))) {
		t.Fatalf("event %d: log p %v, want %v", e, got, want)
	}
}

// Latents that lie anywhere, also beyond the edges of columns, come back as the events that the model makes of them.
func TestAnyLatentComesBackAsInTheModel(t *testing.T) {
	z := make([][]float32, 4)
	for e := range 400 {
		for k := range z {
			z[k] = append(z[k], float32(4.5*math.Sin(float64(1+e*(k+3)))))
		}
	}
	for _, c := range exporttest.Models(t) {
		f, ok := c.Model.Density.(*flow.Flow)
		if !ok || c.Model.Context != nil {
			continue
		}
		p, err := plain.Of(c.Model)
		if err != nil {
			t.Fatal(err)
		}
		prepared, _, err := f.ToData(z, nil)
		if err != nil {
			t.Fatal(err)
		}
		want, _, err := c.Model.Features.Invert(prepared)
		if err != nil {
			t.Fatal(err)
		}
		for e := range z[0] {
			for k := range p.Features {
				got, v := invert(&p.Features[k], float64(prepared[k][e])), want.Columns[k].Float(e)
				if off := math.Abs(got - v); off > 1e-6*(1+math.Abs(v)) {
					t.Fatalf("%s: %s of %v is %v, not %v", c.Name, p.Features[k].Name, prepared[k][e], got, v)
				}
			}
		}
	}
}

// What has no closed form is the user's error, which says which part it is.
func TestNoClosedForm(t *testing.T) {
	for name, s := range map[string]flow.Spec{
		"continuous": {Type: "cfm", Hidden: []int{8}}, "dsf": {Type: "naf", Hidden: []int{8}}, "bernstein": {Type: "bernstein", Hidden: []int{8}},
		"planar": {Layers: []flow.Part{{Kind: "planar"}}}, "residual-flow": {Layers: []flow.Part{{Kind: "residual-flow"}}},
	} {
		_, err := plain.Of(exporttest.Model(t, exporttest.Flow(t, s, 0), ""))
		if !fault.Is(err) || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "sluice serve") {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := plain.Of(exporttest.Model(t, flow.Invert(exporttest.Flow(t, flow.Spec{Type: "maf"}, 0)), ""))
	if !fault.Is(err) || !strings.Contains(err.Error(), "backwards") {
		t.Error(err)
	}
}

// What is known of a network before a group is what no feature of that group and of those after it changes, and the parameters of the group
// are among it.
func TestKnownUnitsSeeNoLaterFeature(t *testing.T) {
	for _, c := range exporttest.Models(t) {
		p, err := plain.Of(c.Model)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range p.Members[0].Layers {
			l, ok := l.(*plain.Conditional)
			if !ok {
				continue
			}
			known := l.Known()
			outputs := known[len(known)-1]
			for g, end := range l.Ends {
				if outputs[g] < l.At[end] {
					t.Errorf("%s: %d outputs are known for group %d, which takes %d", c.Name, outputs[g], g, l.At[end])
				}
			}
			if len(l.Kept) > 0 {
				continue
			}
			context := make([]float64, l.Net.Layers[0].Context)
			for g := range l.Ends {
				x := []float64{0.3, -0.2, 0.1, 0.4}
				h := network(&l.Net, context, see(l, x))
				begin := 0
				if g > 0 {
					begin = l.Ends[g-1]
				}
				for _, i := range l.Moved[begin:] {
					x[i] += 1.5
				}
				for k, v := range network(&l.Net, context, see(l, x))[:outputs[g]] {
					if v != h[k] {
						t.Fatalf("%s: output %d of the network is known before group %d, and depends on it", c.Name, k, g)
					}
				}
			}
		}
	}
}
