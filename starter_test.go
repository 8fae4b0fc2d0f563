package sluice_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/fit"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/query"
	"github.com/sluice-hep/sluice/train"
)

// The card that a file gives is accepted, names each step of each kind of column, and trains the model of auto.
func TestStarterIsWhatAutoDoes(t *testing.T) {
	g := rng.New(3, rng.StreamToy, 0)
	dir := t.TempDir()
	var text strings.Builder
	text.WriteString("pt,phi,njets,grid,code,met,u,gap,label,run,iso,kind\n")
	for i := range 4000 {
		met, gap, infinite := 20*math.Exp(0.5*g.NormFloat64()), "", fmt.Sprint(g.Float64())
		if g.IntN(10) == 0 {
			met = -999
		}
		if i%100 == 7 {
			gap = ""
		} else {
			gap = fmt.Sprint(g.NormFloat64())
		}
		if i == 9 {
			infinite = "inf"
		}
		fmt.Fprintln(&text, strings.Join([]string{
			fmt.Sprint(25 * math.Pow(1-g.Float64(), -0.25)), fmt.Sprint(math.Pi * (2*g.Float64() - 1)), fmt.Sprint(g.IntN(7)),
			fmt.Sprintf("%.1f", 10+g.NormFloat64()), fmt.Sprint(7919 * (1 + g.IntN(90)*g.IntN(90))), fmt.Sprint(met),
			fmt.Sprint(g.Float64()), gap, fmt.Sprint("ev", i), "7", infinite, []string{"e", "mu", "tau"}[i*i%5%3],
		}, ","))
	}
	file := filepath.Join(dir, "a.csv")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	starter, err := sluice.Starter(t.Context(), []string{file}, query.Reading{}, sluice.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"# left out: label (text, no feature: more than 1000 different texts, of which the first is \"ev0\" in row 1)", "kind: [category]", "# left out: run (the same value", "# left out: iso (1 value is infinite",
		"# missing: gap has no value in 40 of 4000 events", "missing: model", "pt: [{quantile: {low: 25}}]", "{periodic: {",
		"{dequantise: {step: 0.1}}", "met: [atoms, quantile]", "u: [{quantile: {high: 1, low: 0}}]", "njets: [category]",
	} {
		if !strings.Contains(string(starter), want) {
			t.Errorf("%q is missing in\n%s", want, starter)
		}
	}
	spelled, err := card.Parse(starter, "a.yaml")
	if err != nil {
		t.Fatalf("%v in\n%s", err, starter)
	}
	auto := *spelled
	auto.Prepare = card.Card{}.Prepare
	var nll [2]train.NLL
	for i, c := range []*card.Card{spelled, &auto} {
		c.Train.Epochs = 1
		r, err := sluice.Train(t.Context(), c, "", sluice.Options{})
		if err != nil {
			t.Fatal(err)
		}
		nll[i] = r.TestNLL
	}
	if nll[0] != nll[1] {
		t.Errorf("the card trains to %v, auto to %v", nll[0], nll[1])
	}
}

// What inspect shows is what a training does, whichever events it holds out: edges and grids that few events decide, values that
// one event alone has, and a value far out, which both name once with its row.
func TestInspectShowsThePlanOfATraining(t *testing.T) {
	for seed := range uint64(6) {
		g := rng.New(seed, rng.StreamToy, 0)
		c := make([]events.Column, 12)
		for k := range c {
			c[k] = events.Column{Name: fmt.Sprint("x", k), Type: events.Float64}
			for range 400 {
				v := min(g.NormFloat64(), 1+0.1*float64(k)) // a cut that is seen or is not
				c[k].F64 = append(c[k].F64, v+1e-3*g.Float64())
			}
		}
		row := g.IntN(400)
		c[0].F64[row] = 1e30
		for i := range c[1].F64 {
			c[1].F64[i] = math.Round(10*c[1].F64[i]) / 10
		}
		c[1].F64[row] = 0.123
		tab := &events.Table{Columns: c}
		file := filepath.Join(t.TempDir(), "a.csv")
		out, err := events.Create(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(out.Write(tab), out.Close()); err != nil {
			t.Fatal(err)
		}
		shown, err := sluice.Inspect(t.Context(), []string{file}, query.Reading{})
		if err != nil {
			t.Fatal(err)
		}
		d, err := fit.Load(t.Context(), &card.Card{Files: []string{file}, Features: tab.Names(), Seed: seed, Train: train.Config{Batch: 16, Test: 0.4}}, fit.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for k, s := range shown.Columns {
			did := d.Features.Columns[k]
			var steps []string
			for _, step := range did.Spec {
				steps = append(steps, step.String())
			}
			if plan := "[" + strings.Join(steps, ", ") + "]"; plan != s.Plan || did.Chose != s.Why {
				t.Errorf("%s: %s is shown, %s is done\n%s\n%s", s.Name, s.Plan, plan, s.Why, did.Chose)
			}
		}
		want := fmt.Sprintf(`column "x0": 1 of 400 values lies more than a thousand times further out than all others, the farthest at 1e+30 (row %d)`, row+1)
		for _, lines := range [][]string{shown.Notes, slices.Concat(d.Notices, d.Warnings)} {
			if n := strings.Count(strings.Join(lines, "\n"), want); n != 1 {
				t.Errorf("%q is said %d times in %q", want, n, lines)
			}
		}
	}
}
