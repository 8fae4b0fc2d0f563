package unfold

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/toy"
)

func TestStudy(t *testing.T) {
	if os.Getenv("STUDY") == "" {
		t.Skip()
	}
	fmt.Sscanf(os.Getenv("NET"), "%d,%d,%d,%d", &study.h[0], &study.h[1], &study.e, &study.p)
	sim, _ := toy.Jets(30000, 1, false)
	data, _ := toy.Jets(15000, 2, true)
	c, err := card.Parse([]byte(`files: [none.csv]
features: [pt, mass, width, tau21]
context: [pt_reco, mass_reco, width_reco, tau21_reco]
flow: {type: nsf, transforms: 3, hidden: [48, 48], bins: 8}
train: {epochs: 15, batch: 256}
unfold: {data: [none.csv], known: true, pass_truth: pass_truth, pass_reco: pass_reco, iterations: 4, `+os.Getenv("STUDY")+`}
`), "toy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c.Files, c.Table, c.Unfold.Data, c.Unfold.Table = nil, sim, nil, data
	r, err := Run(context.Background(), c, Options{Threads: 1, Notice: func(s string) { fmt.Println(s) }, Warn: func(s string) { fmt.Println("WARN", s) }, Stage: func(s string) { fmt.Println(time.Now().Format("05.0"), s) }})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("%+v\n", r.Events)
	for _, name := range r.Order {
		m := r.Methods[name]
		fmt.Printf("%s: total %.0f +- %.0f (%.0f) eff %.0f, %.1f s, cov %v pull %v %v\n", name, m.Total, m.TotalError, m.Truth, m.Effective, m.Seconds, *m.Coverage68, *m.Pull, *m.PullWidth)
		for _, it := range m.Iterations {
			fmt.Printf("   change %.2f folded %.2f chi2 %v\n", it.Change, it.Folded, deref(it.Chi2))
		}
		for _, s := range m.Columns {
			var x float64
			for b, v := range s.Values {
				x += (v - s.Truth[b]) * (v - s.Truth[b]) / s.Truth[b] / float64(len(s.Values))
			}
			fmt.Printf("   simple %.2f  ", x)
			fmt.Printf("   %s chi2 %v/%d pulls %.1f\n", s.Name, deref(s.Chi2), s.NDF, s.Pulls)
		}
		for _, c := range m.Calibration {
			fmt.Println("   calib", c.Coverage68, c.Coverage95, c.Good(), c.Events)
		}
	}
}

func deref(x *float64) any {
	if x == nil {
		return "-"
	}
	return fmt.Sprintf("%.2f", *x)
}
