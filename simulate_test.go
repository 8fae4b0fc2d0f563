package sluice

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/simulate"
	"github.com/sluice-hep/sluice/toy"
)

// The intervals of a model of the toy detector hold what they claim; those of the same model, held against a detector of a resolution wider by a third, do not.
func TestCoverageOfASimulation(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a flow of 40,000 jets")
	}
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	jets, err := toy.Generate("detector", 30_000, 9, toy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	writeTable(t, at("jets.parquet"), jets)
	pt, _ := jets.Column("Jet_pt")
	gen, _ := jets.Column("GenJet_pt")
	for i := range pt.F32 {
		r := pt.F32[i] / gen.F32[i]
		pt.F32[i] = gen.F32[i] * (0.95 + 1.33*(r-0.95))
	}
	writeTable(t, at("wider.parquet"), jets)
	c, err := card.Parse([]byte(`
toy: {name: detector, events: 40000}
where: reconstructed == 1
define: {r_pt: Jet_pt / GenJet_pt}
restore: {Jet_pt: r_pt * GenJet_pt}
features: [r_pt]
context: [GenJet_pt, GenJet_eta, Pileup_nTrueInt]
flow: {transforms: 1, hidden: [32, 32]}
train: {epochs: 10, batch: 256}
simulate: {coverage: 2000, bins: {GenJet_pt: [20, 30, 45, 80, 700], GenJet_eta: [0, 1.2, 2.5, 4.7]}}
`), "card.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m, err := Train(t.Context(), c, at("model.safetensors"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]*simulate.Judged{}
	for _, name := range []string{"jets", "wider"} {
		r, err := Simulate(t.Context(), m.Density, Simulation{File: at(name + ".parquet"), Seed: 1}, at(name+".root"), at(name+".html"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		of[name] = r.Judged
	}
	for k, level := range []float64{0.68, 0.95} {
		good, wide := of["jets"].Coverage["r_pt"][k], of["wider"].Coverage["r_pt"][k]
		t.Logf("%g: %.4f ± %.4f, %s; of the wider one %.4f", level, good.Inside, good.Error, &good.Bins, wide.Inside)
		if good.Level != level || math.Abs(good.Inside-level) > 0.02 || good.Bins.Beyond > 0 || good.Bins.Bins < 6 || good.Error > 0.01 {
			t.Errorf("intervals of %g hold %+v", level, good)
		}
		// Of a normal distribution wider by a third, 0.9945 sigma hold 54.5 % and 1.96 sigma 85.9 %.
		if want := math.Erf(math.Erfinv(level) / 1.33); math.Abs(wide.Inside-want) > 0.03 || wide.Bins.Beyond == 0 {
			t.Errorf("intervals of %g hold %.4f of a wider distribution, not %.3f: %+v", level, wide.Inside, want, wide.Bins)
		}
	}
	if q := of["jets"].Quantities["r_pt"][1]; q.Bins < 6 || q.Within+q.Beyond > q.Bins || q.Where == "" {
		t.Errorf("%+v", q)
	}
}
