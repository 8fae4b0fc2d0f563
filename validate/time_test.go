package validate

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/sluice-hep/sluice/classify"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/stats"
)

func TestTimes(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("N"))
	d, _ := strconv.Atoi(os.Getenv("D"))
	if n == 0 {
		t.Skip()
	}
	mk := func(seed uint64) *events.Table {
		r := rng.New(seed, rng.StreamTest, 7)
		tb := &events.Table{}
		for k := range d {
			x := make([]float64, n)
			for i := range x {
				x[i] = r.NormFloat64()
				if k > 0 {
					x[i] += 0.5 * tb.Columns[k-1].F64[i]
				}
			}
			tb.Columns = append(tb.Columns, numbers(fmt.Sprint("c", k), x))
		}
		return tb
	}
	a, b := mk(1), mk(2)
	at := time.Now()
	lap := func(s string) { fmt.Printf("%-20s %.2f s\n", s, time.Since(at).Seconds()); at = time.Now() }
	c, err := stats.Compare(a, b, nil)
	if err != nil {
		t.Fatal(err)
	}
	lap("columns")
	j, _ := newJoint(c.Names, a, b)
	x, y := j.samples[0], j.samples[1]
	lap("joint")
	o := classify.Options{Seed: 1}
	q, _ := C2ST(t.Context(), x, y, o)
	lap("c2st " + fmt.Sprint(q.AUC, q.P))
	NPLM(t.Context(), x, y, NPLMOptions{Seed: 1})
	lap("nplm")
	stats.CompareJointly(x, y, stats.JointOptions{Seed: 1})
	lap("jointly")
	stats.FPD(x, y, stats.QualityOptions{Seed: 1})
	lap("fpd")
	stats.KPD(x, y, stats.QualityOptions{Seed: 1})
	lap("kpd")
	stats.NewPRDC(x, y, stats.QualityOptions{Seed: 1})
	lap("prdc")
	Ratio(t.Context(), x, y, RatioOptions{Options: o})
	lap("ratio")
}
