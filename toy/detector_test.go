package toy

import (
	"math"
	"testing"

	"github.com/sluice-hep/sluice/events"
)

// The jets and their answers come as the functions say that are true of them: efficiency, response, resolution, missing b-tags; and the fakes.
func TestDetectorIsWhatItsFunctionsSay(t *testing.T) {
	const n = 40_000
	table, err := detector.Generate(n, 5)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]*events.Column{}
	for k := range table.Columns {
		found[table.Columns[k].Name] = &table.Columns[k]
	}
	of := func(name string) func(i int) float64 { return found[name].Float }
	seen, pt, genPt, btag := of("reconstructed"), of("Jet_pt"), of("GenJet_pt"), of("Jet_btagDeepFlavB")
	var jets [7]float64
	for i := range n {
		g := genJet(of, i)
		jets[1] += g.Efficiency()
		if seen(i) == 0 {
			continue
		}
		mean, std := g.Response()
		r := pt(i) / genPt(i)
		jets[0]++
		jets[2] += r - mean
		jets[3] += std * std
		jets[4] += (r-mean)*(r-mean)/(std*std) - 1
		jets[6] += g.BTagged()
		jets[5] += flag(btag(i) >= 0)
	}
	m := jets[0]
	for _, c := range []struct {
		what            string
		difference, std float64
	}{
		{"efficiency", jets[0] - jets[1], math.Sqrt(n * 0.15)},
		{"response", jets[2], math.Sqrt(jets[3])},
		{"variance", jets[4], math.Sqrt(m * 4)}, // of a kurtosis near 5
		{"b-tags", jets[5] - jets[6], math.Sqrt(m * 0.15)},
	} {
		if math.Abs(c.difference) > 4*c.std {
			t.Errorf("%s: %g off, of a standard deviation of %g", c.what, c.difference, c.std)
		}
	}
	if e := m / n; e < 0.8 || e > 0.97 {
		t.Errorf("an efficiency of %g", e)
	}
}

// genJet is that of a row.
func genJet(of func(string) func(int) float64, i int) *GenJet {
	return &GenJet{
		Pt: of("GenJet_pt")(i), Eta: of("GenJet_eta")(i), Phi: of("GenJet_phi")(i), Mass: of("GenJet_mass")(i),
		HadronFlavour: int(of("GenJet_hadronFlavour")(i)), PartonFlavour: int(of("GenJet_partonFlavour")(i)), Constituents: int(of("GenJet_nConstituents")(i)),
		ChHEF: of("GenJet_chHEF")(i), MuEF: of("GenJet_muEF")(i), Lxy: of("GenJet_lxy")(i), DRNearest: of("GenJet_drNearest")(i), PtNearest: of("GenJet_ptNearest")(i),
		InEvent: int(of("nGenJet")(i)), Pileup: of("Pileup_nTrueInt")(i),
	}
}

// Of jets that are not seen there is nothing, and all is there of those that are.
func TestDetectorRows(t *testing.T) {
	for _, s := range []*Simulator{detector, detectorFakes} {
		all, err := s.Generate(2000, 3)
		if err != nil {
			t.Fatal(err)
		}
		seen, _ := all.Column("reconstructed")
		for _, c := range all.Columns[len(all.Columns)-17:] {
			for i := range seen.I64 {
				if (seen.I64[i] == 0) != math.IsNaN(c.Float(i)) {
					t.Fatalf("%s, row %d: seen %d, %s %g", s.Name, i, seen.I64[i], c.Name, c.Float(i))
				}
			}
		}
	}
	if len(detector.Parameters) != 1+14 || len(detector.Observables) != 1+17 {
		t.Errorf("%d and %d columns", len(detector.Parameters), len(detector.Observables))
	}
}

// Of each event the fakes are as many as a Poisson number of the mean that is said.
func TestFakes(t *testing.T) {
	table, err := detectorFakes.Generate(20_000, 2)
	if err != nil {
		t.Fatal(err)
	}
	column := func(name string) func(int) float64 {
		c, _ := table.Column(name)
		return c.Float
	}
	seen, slot, n, pileup := column("reconstructed"), column("slot"), column("nGenJet"), column("Pileup_nTrueInt")
	got, want := 0.0, 0.0
	for i := range table.Len() {
		got += seen(i)
		if slot(i) == 0 {
			want += FakesMean(pileup(i), int(n(i)))
		}
	}
	if math.Abs(got-want) > 4*math.Sqrt(want) {
		t.Errorf("%g fakes, and %g are expected", got, want)
	}
}
