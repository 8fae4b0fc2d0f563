package sluice

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/apply"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/prep"
	"github.com/sluice-hep/sluice/query"
)

// integral sums the density of a model over cells of a grid in one or two features.
func integral(t *testing.T, m *model.Model, grid ...[3]float64) float64 {
	t.Helper()
	total, volume := 1, 1.0
	for _, g := range grid {
		total *= int(g[2])
		volume *= (g[1] - g[0]) / g[2]
	}
	table := &events.Table{}
	stride := 1
	for i, g := range grid {
		x := make([]float64, total)
		for k := range x {
			x[k] = g[0] + (float64(k/stride%int(g[2]))+0.5)*(g[1]-g[0])/g[2]
		}
		stride *= int(g[2])
		table.Columns = append(table.Columns, events.Column{Name: m.Features.Columns[i].Name, Type: events.Float64, F64: x})
	}
	logProb, err := m.LogProb(table, 0)
	if err != nil {
		t.Fatal(err)
	}
	var sum float64
	for _, l := range logProb {
		sum += math.Exp(l)
	}
	return sum * volume
}

// The density is that of the user's columns: it integrates to 1 over them, whatever the preparation. The bound
// covers the grid's error at the kinks of a relu flow; a wrong log-determinant is off by its scale, here 5 or more.
func TestDensityIntegratesToOne(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const n = 2000
	fall, angle := make([]float32, n), make([]float32, n)
	for i := range fall {
		fall[i] = float32(40 * math.Exp(0.5*r.NormFloat64()))
		angle[i] = float32(0.2 * (r.Float64() + r.Float64()))
	}
	file := write(t, "events.csv", events.Column{Name: "pt", F32: fall}, events.Column{Name: "angle", F32: angle})
	chain := prep.Spec{All: []prep.StepSpec{{Kind: "minmax"}, {Kind: "clip", Options: map[string]float64{"b": 1e-2}}, {Kind: "logit"}, {Kind: "standardise"}}}
	for _, c := range []struct {
		name    string
		columns []string
		spec    prep.Spec
		grid    [][3]float64
	}{
		{"auto, 1-D", []string{"pt"}, prep.Spec{}, [][3]float64{{-2000, 5000, 700_000}}},
		{"auto, 2-D", []string{"pt", "angle"}, prep.Spec{}, [][3]float64{{-50, 600, 1300}, {-1, 1.5, 1000}}},
		{"standardise, 1-D", []string{"pt"}, prep.Spec{All: []prep.StepSpec{{Kind: "standardise"}}}, [][3]float64{{-300, 600, 90_000}}},
		{"minmax, clip, logit, standardise, 2-D", []string{"pt", "angle"}, chain, [][3]float64{{0, 300, 1500}, {-0.01, 0.42, 1000}}},
	} {
		job := small(c.columns...)
		job.Files, job.Prepare = []string{file}, c.spec
		r, err := Train(t.Context(), job, "", Options{Threads: 2})
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got := integral(t, r.Density, c.grid...); math.Abs(got-1) > 0.01 {
			t.Errorf("%s: the density integrates to %.4f", c.name, got)
		}
	}
}

// The history is in the user's units too: a change of unit shifts it by the log of the factor. Events of other values are
// split in another way, by which an NLL of 200 events scatters by 0.1; a wrong unit would be off by 7.
func TestUnitsShiftTheHistory(t *testing.T) {
	history := func(unit string) []float64 {
		c := small("a", "x2")
		c.Toy = card.Toy{Name: "banana", Events: 2000}
		c.Define = query.Definitions{{Name: "a", Expr: "x1 * " + unit}}
		r, err := Train(t.Context(), c, "", Options{})
		if err != nil {
			t.Fatal(err)
		}
		all := []float64{float64(r.TrainNLL), float64(r.TestNLL)}
		for _, e := range r.History {
			all = append(all, float64(e.TrainNLL), float64(e.ValidNLL))
		}
		return all
	}
	one, thousand := history("1"), history("1024")
	for i := range one {
		if d := thousand[i] - one[i] - math.Log(1024); math.Abs(d) > 0.3 {
			t.Errorf("entry %d: %.6f becomes %.6f with a unit 1024 times smaller: off by %g", i, one[i], thousand[i], d)
		}
	}
}

// Of a weighted model the mean is by the weights too, where the files hold them: to it the NLL of a training compares.
func TestWeightedMean(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const n = 500
	x := events.Column{Name: "x", Type: events.Float64}
	w := events.Column{Name: "w", Type: events.Float64}
	for range n {
		x.F64, w.F64 = append(x.F64, r.NormFloat64()), append(w.F64, r.Float64()*3-0.5)
	}
	w.F64[7], w.F64[8] = 0, math.NaN()
	c := small("x")
	c.Files, c.Weight, c.DropNaN, c.Define = []string{write(t, "events.csv", x, w)}, "w2", true, card.Definitions{{Name: "w2", Expr: "2*w"}}
	trained, err := Train(t.Context(), c, "", Options{})
	if err != nil {
		t.Fatal(err)
	}
	scored := filepath.Join(t.TempDir(), "scored.parquet")
	var told []string
	o := Options{Notice: func(line string) { told = append(told, line) }}
	got, err := Density(t.Context(), trained.Density, Evaluate{Files: c.Files}, scored, o)
	if err != nil {
		t.Fatal(err)
	}
	all, err := events.ReadAll([]string{scored}, events.Options{})
	if err != nil {
		t.Fatal(err)
	}
	logProb, err := all.Column("log_prob")
	if err != nil {
		t.Fatal(err)
	}
	var sum, weights, plain float64
	for i, l := range logProb.F64 {
		plain += l / n
		if i != 8 {
			sum, weights = sum+w.F64[i]*l, weights+w.F64[i]
		}
	}
	if got.Weight != "w2" || got.WeightedMean == nil || math.Abs(*got.WeightedMean-sum/weights) > 1e-9 || math.Abs(float64(got.MeanLogProb)-plain) > 1e-9 {
		t.Errorf("%+v, not %g by the weights and %g", got, sum/weights, plain)
	}
	if len(told) != 1 || told[0] != `1 of 500 events have no weight ("w2") and are no part of the weighted mean` {
		t.Errorf("%q", told)
	}
	got, err = Density(t.Context(), trained.Density, Evaluate{Files: []string{write(t, "plain.csv", x)}}, scored, o)
	if err != nil || got.WeightedMean != nil || math.Abs(float64(got.MeanLogProb)-plain) > 1e-9 {
		t.Errorf("without weights: %+v, %v", got, err)
	}
}

// A mean that is no number is null in JSON.
func TestMeanInJSON(t *testing.T) {
	for _, x := range []float64{math.NaN(), math.Inf(-1)} {
		text, err := json.Marshal(Evaluated{MeanLogProb: apply.Mean(x)})
		if err != nil || !strings.Contains(string(text), `"mean_log_prob":null`) {
			t.Errorf("%v: %s, %v", x, text, err)
		}
	}
}

func TestShardsThatAreNot(t *testing.T) {
	m := moons(t)
	for _, d := range []Draw{{Events: 10, Shard: 5, Shards: 4}, {Events: 10, Shards: 4}, {Events: 10, Shard: 1}} {
		var input *InputError
		if _, err := Sample(t.Context(), m, d, filepath.Join(t.TempDir(), "a.csv"), Options{}); !errors.As(err, &input) {
			t.Errorf("%d of %d: %v", d.Shard, d.Shards, err)
		}
	}
}
