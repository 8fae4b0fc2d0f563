package unfold

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/toy"
)

func TestExact(t *testing.T) {
	for seed := uint64(2); seed < 6; seed++ {
		for _, nature := range []bool{false, true} {
			sim, _ := toy.Jets(30000, 1, false)
			data, _ := toy.Jets(15000, seed, nature)
			c, err := card.Parse([]byte(`files: [none.csv]
features: [pt, mass, width, tau21]
context: [pt_reco, mass_reco, width_reco, tau21_reco]
unfold: {data: [none.csv], known: true, pass_truth: pass_truth, pass_reco: pass_reco}
`), "toy.yaml")
			if err != nil {
				t.Fatal(err)
			}
			c.Files, c.Table, c.Unfold.Data, c.Unfold.Table = nil, sim, nil, data
			j, err := load(context.Background(), c)
			if err != nil {
				t.Fatal(err)
			}
			w := j.replica(0, 1).newWeighing()
			n := func(x, m, s float64) float64 { return -(x-m)*(x-m)/2/s/s - math.Log(s) }
			for i := range w.factor {
				w.factor[i] = 0.5
				if nature && !math.IsNaN(j.sim.truth[0][i]) {
					pt, rho, wd, tau := j.sim.truth[0][i], math.Log(j.sim.truth[1][i]/j.sim.truth[0][i]), math.Log(j.sim.truth[2][i]), j.sim.truth[3][i]
					tau = math.Log(tau / (1 - tau))
					l := func(ps, r, rw, wi, ta float64) float64 {
						return -(pt-25)/ps - math.Log(ps) + n(rho, r, rw) + n(wd, wi+0.7*(rho-r), 0.3) + n(tau, ta-0.5*(rho-r), 0.6)
					}
					w.factor[i] *= math.Exp(l(34, -1.83, 0.33, -1.93, 0.15) - l(30, -1.9, 0.35, -2, 0.3))
				}
			}
			s := w.step(Cloud{Columns: j.allTruth, Weight: w.weights(j.sim.isTruth, true)})
			fmt.Println(seed, nature, s.Folded, sum(s.Weight, nil, seq(len(s.Weight))))
			if nature {
			    tr, _ := j.known(context.Background())
				for f, h := range j.spectra(&s.Cloud) {
					fmt.Printf("%.0f\n%.0f\n", h, tr.spectra[f])
				}
			}
		}
	}
}
func seq(n int) (r []int32) {
	for i := range n {
		r = append(r, int32(i))
	}
	return
}
