package toy

import (
	"math"
	"slices"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
)

// jets are simulated jets as a detector sees them, made to be unfolded: four observables as they are, pt, mass, width and tau21, and as they are measured
// (_reco). pass_truth is 1 where the true pt is above 30 GeV, pass_reco where the jet was found and its measured pt is above 30 GeV: jets from below
// and the noise of 2 % of the events are fakes. What an event lacks is NaN. Those of nature have another truth in the same detector, harder, heavier, wider, and random
// numbers of their own, from a column on.
func jets(name string, shape jetShape, from uint32) *Simulator {
	s := &Simulator{
		Name:        name,
		Parameters:  []events.Column{{Name: "pt", Unit: "GeV"}, {Name: "mass", Unit: "GeV"}, {Name: "width"}, {Name: "tau21"}},
		Observables: []events.Column{{Name: "pt_reco", Unit: "GeV"}, {Name: "mass_reco", Unit: "GeV"}, {Name: "width_reco"}, {Name: "tau21_reco"}},
	}
	s.Generate = func(n int, seed uint64) (*events.Table, error) {
		if err := countable(n); err != nil {
			return nil, err
		}
		t := &events.Table{Columns: slices.Concat(s.Parameters, s.Observables, []events.Column{{Name: "pass_truth"}, {Name: "pass_reco"}})}
		for k := range t.Columns {
			t.Columns[k].F32 = make([]float32, n)
		}
		var u [10]float64
		for i := range n {
			for k := range u {
				rng.Uniform(u[k:k+1], seed, rng.StreamToy, from+uint32(k), uint64(i))
			}
			for k, v := range shape.jet(&u) {
				t.Columns[k].F32[i] = float32(v)
			}
		}
		return t, nil
	}
	return s
}

// jetShape is the truth: pt - 25 GeV is exponential; log(mass/pt), log(width) and the logit of tau21 are normal, and lean on each other.
type jetShape struct{ ptScale, rho, rhoWidth, width, tau float64 }

const (
	jetCut   = 30.0 // GeV
	jetNoise = 0.02
)

// jet is an event of ten uniform numbers.
func (s jetShape) jet(u *[10]float64) (v [10]float64) {
	g := func(k int) float64 { return math.Sqrt2 * math.Erfinv(2*u[k]-1) }
	if u[0] < jetNoise {
		nan := math.NaN()
		pt := 25 - 8*math.Log(u[1])
		v = [10]float64{nan, nan, nan, nan, pt, pt * math.Exp(-1.7+0.5*g(2)), math.Exp(-1.7 + 0.6*g(3)), 1 / (1 + math.Exp(-0.6-0.8*g(4))), 0, 0}
		if pt > jetCut {
			v[9] = 1
		}
		return v
	}
	pt := 25 - s.ptScale*math.Log(u[1])
	rho := s.rho + s.rhoWidth*g(2)
	width := s.width + 0.7*(rho-s.rho) + 0.3*g(3)
	tau := s.tau - 0.5*(rho-s.rho) + 0.6*g(4)
	v = [10]float64{pt, pt * math.Exp(rho), math.Exp(width), 1 / (1 + math.Exp(-tau))}
	if pt > jetCut {
		v[8] = 1
	}
	seen := pt * (0.98 + math.Hypot(0.6/math.Sqrt(pt), 0.05)*g(5))
	v[4], v[5] = seen, v[1]*math.Exp(0.02+0.15*g(6))
	v[6], v[7] = math.Exp(width+0.05+0.18*g(7)), 1/(1+math.Exp(-tau-0.1-0.35*g(8)))
	switch found := (0.6 + 0.35*(1-math.Exp(-(pt-25)/15))) * (1 - 0.8*v[2]); {
	case u[9] > found:
		v[4], v[5], v[6], v[7] = math.NaN(), math.NaN(), math.NaN(), math.NaN()
	case seen > jetCut:
		v[9] = 1
	}
	return v
}
