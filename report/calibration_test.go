package report

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/stats"
	"github.com/sluice-hep/sluice/train"
	"github.com/sluice-hep/sluice/validate"
)

// calibration is one of events that lie at random, or nearer to the middle of what is drawn, in two columns.
func calibration(t *testing.T, n int, wide bool) *validate.Calibration {
	t.Helper()
	src := rng.New(1, rng.StreamTest, 0)
	u := make([]float64, n)
	for i := range u {
		if u[i] = src.Float64(); wide {
			u[i] = (u[i] + src.Float64()) / 2
		}
	}
	level := func(u []float64) *stats.Calibration {
		c, err := stats.NewCalibration(u, nil, 1)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	p := 0.5
	c := &validate.Calibration{Events: n, HeldOut: 2 * n, Effective: float64(n), Draws: 100, Conditional: true, AveragedP: &p}
	c.HPD, c.TARP = level(stats.Central(u)), level(u)
	if c.HPD.KS.Cannot == "" {
		c.SBCP, c.HPDP, c.TARPP = &c.TARP.Chi2.P, &c.HPD.KS.P, &c.TARP.KS.P
	}
	for _, name := range []string{"pt", "<b>eta</b>"} {
		c.Columns = append(c.Columns, validate.CalibratedColumn{Name: name, PIT: level(u), Central: level(stats.Central(u)), Averaged: &stats.Averaged{}})
	}
	return c
}

func TestCalibrationSection(t *testing.T) {
	for _, c := range []struct {
		n        int
		wide     bool
		pictures int
		says     []string
	}{
		{500, false, 3, []string{"no more than chance", "as it should be", "&lt;b&gt;eta&lt;/b&gt;", "500 of 1000 held-out events"}},
		{500, true, 3, []string{"too wide", "more than chance (p = "}},
		{10, true, 0, []string{"too few"}},
	} {
		s, err := CalibrationSection(calibration(t, c.n, c.wide), func(name string) string { return name })
		if err != nil || len(s.Pictures) != c.pictures {
			t.Fatalf("%d events: %d pictures, %v", c.n, len(s.Pictures), err)
		}
		var page bytes.Buffer
		if err := (&Page{Title: "x", Sections: []Section{s}}).Render(&page); err != nil {
			t.Fatal(err)
		}
		for _, want := range c.says {
			if !strings.Contains(page.String(), want) {
				t.Errorf("%d events, wide %v: no %q on the page: %s", c.n, c.wide, want, s.Text)
			}
		}
	}
}

func TestCalibrationOfFlows(t *testing.T) {
	flows := &Flows{Each: []*Analysis{{Name: "a", Train: &train.Result{}, Calibration: calibration(t, 500, true)}, {Name: "b", Train: &train.Result{}, Calibration: calibration(t, 10, false)}}}
	s, err := flows.calibration()
	if err != nil || len(s) != 1 || len(s[0].Rows) != 2 || len(s[0].Rows[0]) != len(s[0].Head) || s[0].Rows[1][3] != "–" || s[0].Rows[0][3] == "–" {
		t.Errorf("%+v, %v", s, err)
	}
	flows.Each[1].Calibration = nil
	if s, _ := flows.calibration(); s != nil {
		t.Errorf("of one of two: %+v", s)
	}
}

// A model without a context is not drawn from, and compared columns alone stay alone.
func TestNoCalibrationWithoutAContext(t *testing.T) {
	c, err := card.Parse([]byte("files: [a.csv]\nfeatures: [x]\n"), "card.yaml")
	if err != nil {
		t.Fatal(err)
	}
	a := &Analysis{Card: c}
	if c, err := a.calibrate(context.Background()); c != nil || err != nil {
		t.Errorf("%+v, %v", c, err)
	}
}
