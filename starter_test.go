package sluice_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/query"
	"github.com/sluice-hep/sluice/train"
)

// The card that a file gives is accepted, names each step of each kind of column, and trains the model of auto.
func TestStarterIsWhatAutoDoes(t *testing.T) {
	g := rng.New(3, rng.StreamToy, 0)
	dir := t.TempDir()
	var text strings.Builder
	text.WriteString("pt,phi,njets,grid,code,met,u,gap,label,run,iso\n")
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
			fmt.Sprint(g.Float64()), gap, "a", "7", infinite,
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
		"# left out: label (text: not a feature)", "# left out: run (the same value", "# left out: iso (1 value is infinite",
		"# drop_nan: gap is missing in 40 of 4000 events", "drop_nan: true", "pt: [{quantile: {low: 25}}]", "{periodic: {",
		"{dequantise: {step: 0.1}}", "met: [spread, quantile]", "u: [{quantile: {high: 1, low: 0}}]", "njets: [levels]",
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
