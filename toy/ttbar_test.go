package toy

import (
	"fmt"
	"math"
	"testing"

	"github.com/sluice-hep/sluice/internal/reference"
	"github.com/sluice-hep/sluice/internal/rng"
)

func TestReferenceNeutrinoPz(t *testing.T) {
	var in struct {
		MassW  float64      `json:"m_W"`
		Lepton [][3]float64 `json:"lepton_p"`
		Mass   []float64    `json:"lepton_mass"`
		MET    [][2]float64 `json:"met"`
	}
	var out struct {
		Solutions [][2]float64 `json:"solutions"`
		Imaginary []float64    `json:"imaginary_part"`
		WMass     [][2]float64 `json:"w_mass"`
	}
	reference.Read(t, "neutrino_pz", &in, &out)
	complex := 0
	for i, l := range in.Lepton {
		small, large, imaginary := NeutrinoPz(l, in.Mass[i], in.MET[i], in.MassW)
		for k, got := range []float64{small, large, imaginary} {
			want := append(out.Solutions[i][:], out.Imaginary[i])[k]
			reference.Near(t, fmt.Sprintf("number %d of configuration %d", k+1, i+1), got, want, 1e-9*(1+math.Abs(want)))
		}
		for k, pz := range []float64{small, large} {
			met := in.MET[i]
			nu := momentum{met[0], met[1], pz, math.Hypot(math.Hypot(met[0], met[1]), pz)}
			lepton := momentum{l[0], l[1], l[2], math.Sqrt(l[0]*l[0] + l[1]*l[1] + l[2]*l[2] + in.Mass[i]*in.Mass[i])}
			reference.Near(t, fmt.Sprintf("W mass of configuration %d", i+1), lepton.plus(nu).mass(), out.WMass[i][k], 1e-6)
		}
		if imaginary > 0 {
			complex++
		}
	}
	if complex != 8 {
		t.Errorf("%d configurations have complex solutions", complex)
	}
}

// A decay keeps four-momentum and masses, in any frame.
func TestTopDecayConservesMomentum(t *testing.T) {
	random := rng.New(1, rng.StreamToy, 0)
	for range 1000 {
		t1, t2 := topPair(radiated(random), random)
		for _, top := range []momentum{t1, t2} {
			b, lepton, nu := topDecay(top, massMuon, random)
			sum := b.plus(lepton).plus(nu)
			for k, d := range []float64{sum.x - top.x, sum.y - top.y, sum.z - top.z, sum.e - top.e} {
				if math.Abs(d) > 1e-9*top.e {
					t.Fatalf("component %d of the decay is off by %g GeV of %g", k, d, top.e)
				}
			}
			w := lepton.plus(nu).mass()
			if math.Abs(top.mass()-massTop) > 15*widthTop+1e-6 || math.Abs(w-MassW) > 15*widthW+1e-6 || math.Abs(b.mass()-massB) > 1e-3*b.e || nu.mass() > 1e-3*nu.e {
				t.Fatalf("masses %g, %g, %g and %g", top.mass(), w, b.mass(), nu.mass())
			}
		}
	}
}

func TestTTbar(t *testing.T) {
	const n = 4000
	events, err := Generate("ttbar", n, 3, Options{})
	if err != nil {
		t.Fatal(err)
	}
	fewer, err := Generate("ttbar", 10, 3, Options{})
	if err != nil {
		t.Fatal(err)
	}
	column := map[string][]float32{}
	for k, c := range events.Columns {
		column[c.Name] = c.F32
		for i, v := range fewer.Columns[k].F32 {
			if v != c.F32[i] {
				t.Fatalf("%s of event %d depends on the number of events", c.Name, i)
			}
		}
	}
	var complex, pull, nearest float64
	for i := range n {
		pt := func(name string) float64 {
			return math.Hypot(float64(column[name+"_px"][i]), float64(column[name+"_py"][i]))
		}
		jets := int(column["n_jet"][i])
		tags := float32(0)
		for k := 1; k <= ttbarJets; k++ {
			name := fmt.Sprintf("jet%d", k)
			tags += column[name+"_btag"][i]
			if got := pt(name); k > jets && got != 0 || k <= jets && got <= 25 || k > 1 && got > pt(fmt.Sprintf("jet%d", k-1)) {
				t.Fatalf("jet %d of %d has a pT of %g", k, jets, got)
			}
		}
		if jets < 4 || pt("lepton") <= 25 || math.Abs(float64(column["lepton_eta"][i])) >= 2.4 || tags == 0 || jets <= ttbarJets && tags != column["n_bjet"][i] {
			t.Fatalf("event %d is not selected: %d jets, %g tags", i, jets, tags)
		}
		if column["nu_pz_imaginary"][i] > 0 {
			complex++
		}
		pz := pt("nu") * math.Sinh(float64(column["nu_eta"][i]))
		if math.Abs(pz-float64(column["nu_pz_small"][i])) < math.Abs(pz-float64(column["nu_pz_large"][i])) {
			nearest++
		}
		pull += math.Pow(float64(column["nu_px"][i]-column["met_px"][i]), 2)
	}
	// Of W bosons at the LHC, some 30 % have complex solutions, and in some 65 % of the others the smaller one is the right one.
	if complex /= n; complex < 0.2 || complex > 0.45 {
		t.Errorf("%.2f of the events have complex solutions", complex)
	}
	if nearest /= n * (1 - complex); nearest < 0.55 || nearest > 0.75 {
		t.Errorf("the smaller solution is the nearer in %.2f of the events", nearest)
	}
	if pull = math.Sqrt(pull / n); pull < 15 || pull > 35 {
		t.Errorf("the resolution of the missing momentum is %.1f GeV", pull)
	}
}
