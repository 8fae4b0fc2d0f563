package sluice_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice"
	"github.com/sluice-hep/sluice/card"
)

func quickSearch(t *testing.T) *card.Card {
	t.Helper()
	c, err := card.Load("cards/anomaly-lhco.yaml")
	if err == nil {
		err = c.Use("quick")
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The quick profile finds the signal of the LHC Olympics, and its page is written.
func TestAnomalyQuick(t *testing.T) {
	if testing.Short() {
		t.Skip("trains on 50,000 jets")
	}
	c := quickSearch(t)
	out := filepath.Join(t.TempDir(), "new", "found")
	r, err := sluice.Anomaly(context.Background(), c, out, sluice.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Events.Region != 12_881+250 || r.Background.Truth.Events != 12_881 {
		t.Errorf("%d events, %g of background", r.Events.Region, r.Background.Truth.Events)
	}
	if off := r.Background.Estimate/12_881 - 1; off < -0.02 || off > 0.02 { // 0.9 % is the statistical error of the truth, 0.8 % that of the fit
		t.Errorf("the background is expected to be %g", r.Background.Estimate)
	}
	for name, least := range map[string]float64{"supervised": 7, "cathode": 3, "r-anode": 3} { // 8.4, 5.6 and 3.6, each with an error of 0.8 or less
		if *r.Methods[name].MaxSIC < least {
			t.Errorf("%s has a max SIC of %.2f", name, *r.Methods[name].MaxSIC)
		}
	}
	if _, err := os.Stat(r.Report); err != nil {
		t.Error(err)
	}
}

// smallSearch has two trials of some tenths of a second.
const smallSearch = `toy: {name: two-moons, events: 20000}
define: {m: x2 + 3}
features: [x1]
context: [m]
flow: {type: maf, transforms: 1, hidden: [8]}
train: {epochs: 2}
anomaly: {signal_region: [3.1, 3.3], label: moon, methods: [cathode, cwola], seeds: 2, folds: 2, networks: 1, experiments: 20}
`

// A search that was interrupted after its first trial goes on with the second, to what one left alone finds, and nothing else is left.
func TestAnomalyGoesOn(t *testing.T) {
	c, err := card.Parse([]byte(smallSearch), "small.yaml")
	if err != nil {
		t.Fatal(err)
	}
	find := func(ctx context.Context, out string, stage func(name string)) (string, error) {
		r, err := sluice.Anomaly(ctx, c, out, sluice.Options{Stage: stage})
		if err != nil {
			return "", err
		}
		r.Out, r.Report, r.Seconds = "", "", 0
		for _, m := range r.Methods {
			m.Seconds = 0
		}
		text, err := json.Marshal(r)
		return string(text), err
	}
	want, err := find(context.Background(), t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	_, err = find(ctx, out, func(name string) {
		if strings.HasPrefix(name, "seed 2") {
			cancel()
		}
	})
	var stop *sluice.InterruptedError
	if !errors.As(err, &stop) || stop.Kept != filepath.Join(out, "stages") {
		t.Fatalf("%v is no interruption with something kept", err)
	}
	var first int
	got, err := find(context.Background(), out, func(name string) {
		if strings.HasPrefix(name, "seed 1") {
			first++
		}
	})
	if err != nil || got != want || first > 0 {
		t.Errorf("%v; seed 1 had %d stages again;\n%s\nnot\n%s", err, first, got, want)
	}
	left, err := os.ReadDir(out)
	if err != nil || len(left) != 1 {
		t.Errorf("%v are left (%v)", left, err)
	}
}

// A search that is interrupted before it found anything, or cannot be, leaves nothing.
func TestAnomalyLeavesNothing(t *testing.T) {
	c := quickSearch(t)
	dir := t.TempDir()
	out := filepath.Join(dir, "new", "found")
	ctx, cancel := context.WithCancel(context.Background())
	_, err := sluice.Anomaly(ctx, c, out, sluice.Options{Stage: func(name string) {
		if name == "background" {
			cancel()
		}
	}})
	var stop *sluice.InterruptedError
	if !errors.As(err, &stop) || !errors.Is(err, context.Canceled) {
		t.Errorf("%v is no interruption", err)
	}
	c.Anomaly.Label = "tau21_light"
	if _, err = sluice.Anomaly(context.Background(), c, out, sluice.Options{}); err == nil {
		t.Error("a feature is taken as the label")
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("%v are left (%v)", left, err)
	}
}
