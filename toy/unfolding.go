package toy

import (
	"fmt"
	"math"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
)

// Jets are simulated jets as a detector sees them, made to be unfolded: four observables as they are, pt, mass, width and tau21, and as they are measured
// (_reco). pass_truth is 1 where the true pt is above 30 GeV, pass_reco where the jet was found and its measured pt is above 30 GeV: jets from below
// and those of 2 % of the events that are noise are fakes. What an event lacks is NaN. Event i depends on the seed and on i alone.
//
// The jets of nature have another truth in the same detector: harder, heavier, wider.
func Jets(n int, seed uint64, nature bool) (*events.Table, error) {
	if n < 1 || n > math.MaxInt32 {
		return nil, fmt.Errorf("toy: %d events; ask for 1 to %d", n, math.MaxInt32)
	}
	t := &events.Table{}
	for _, c := range [][2]string{
		{"pt", "GeV"}, {"mass", "GeV"}, {"width"}, {"tau21"}, {"pt_reco", "GeV"}, {"mass_reco", "GeV"}, {"width_reco"}, {"tau21_reco"}, {"pass_truth"}, {"pass_reco"},
	} {
		t.Columns = append(t.Columns, events.Column{Name: c[0], Unit: c[1], F32: make([]float32, n)})
	}
	s := jetShape{ptScale: 30, rho: -1.9, rhoWidth: 0.35, width: -2, tau: 0.3}
	sources := uint32(0)
	if nature {
		s, sources = jetShape{ptScale: 34, rho: -1.83, rhoWidth: 0.33, width: -1.93, tau: 0.15}, 16
	}
	var u [12]float64
	for i := range n {
		for k := range u {
			rng.Uniform(u[k:k+1], seed, rng.StreamToy, sources+uint32(k), uint64(i))
		}
		for k, v := range s.jet(&u) {
			t.Columns[k].F32[i] = float32(v)
		}
	}
	return t, nil
}

// jetShape is the truth: pt - 25 GeV is exponential; log(mass/pt), log(width) and the logit of tau21 are normal, and lean on each other.
type jetShape struct{ ptScale, rho, rhoWidth, width, tau float64 }

const (
	jetCut   = 30.0 // GeV
	jetNoise = 0.02
)

// jet is an event of twelve uniform numbers.
func (s jetShape) jet(u *[12]float64) (v [10]float64) {
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
