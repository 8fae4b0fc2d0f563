package stats

import (
	"math"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/internal/reference"
	"github.com/sluice-hep/sluice/internal/rng"
)

type rocVector struct {
	AUC       float64
	FPR, TPR  []float64
	SIC       []float64 `json:"sic_at_fpr_gt_0"`
	MaxSIC    float64   `json:"sic_max"`
	Cut       []float64 `json:"cut_points"`
	TPRAtCut  []float64 `json:"tpr_at_cut"`
	FPRAtCut  []float64 `json:"fpr_at_cut"`
	SICAtCut  []float64 `json:"sic_at_cut"`
	Eff       []float64 `json:"signal_efficiency"`
	Rejection []float64 `json:"background_rejection_linear_interpolation"`
	AP        float64   `json:"average_precision"`
	LogLoss   float64   `json:"log_loss_of_sigmoid"`
	Brier     float64   `json:"brier_of_sigmoid"`
}

// The tolerance is the vectors' own.
func TestReferenceROC(t *testing.T) {
	var in struct {
		Label  []int
		Score  []float64
		Ties   []float64 `json:"score_ties"`
		Weight []float64
	}
	var out map[string]rocVector
	reference.Read(t, "roc_sic", &in, &out)
	signal := make([]bool, len(in.Label))
	for i, v := range in.Label {
		signal[i] = v == 1
	}
	if len(out) != 4 {
		t.Fatalf("%d cases", len(out))
	}
	for name, want := range out {
		score, w := in.Score, []float64(nil)
		if strings.HasPrefix(name, "ties") {
			score = in.Ties
		}
		if strings.HasSuffix(name, "weighted") {
			w = in.Weight
		}
		r, err := NewROC(score, signal, w)
		if err != nil {
			t.Fatal(err)
		}
		want.check(t, name, r)
		p := make([]float64, len(score))
		for i, v := range score {
			p[i] = 1 / (1 + math.Exp(-(v - 0.5)))
		}
		logLoss, brier, err := ProbabilityScores(p, signal, w)
		if err != nil {
			t.Fatal(err)
		}
		reference.Near(t, name+" log loss", logLoss, want.LogLoss, 1e-12)
		reference.Near(t, name+" Brier", brier, want.Brier, 1e-12)
	}
}

func (want *rocVector) check(t *testing.T, name string, r *ROC) {
	t.Helper()
	if len(r.TPR) != len(want.TPR) {
		t.Fatalf("%s: %d points, want %d", name, len(r.TPR), len(want.TPR))
	}
	sic := 0
	for i := range r.TPR {
		reference.Near(t, name+" TPR", r.TPR[i], want.TPR[i], 1e-12)
		reference.Near(t, name+" FPR", r.FPR[i], want.FPR[i], 1e-12)
		if r.FPR[i] > 0 {
			reference.Near(t, name+" SIC", r.At(i).SIC, want.SIC[sic], 1e-12)
			sic++
		}
	}
	auc, _ := r.AUC()
	reference.Near(t, name+" AUC", auc, want.AUC, 1e-12)
	reference.Near(t, name+" average precision", r.AveragePrecision(), want.AP, 1e-12)
	if s, ok := r.MaxSIC(0); !ok || math.Abs(s.SIC-want.MaxSIC) > 1e-12 {
		t.Errorf("%s: largest SIC %+v, want %g", name, s, want.MaxSIC)
	}
	for i, cut := range want.Cut {
		s := r.Select(cut)
		reference.Near(t, name+" TPR at cut", s.TPR, want.TPRAtCut[i], 1e-12)
		reference.Near(t, name+" FPR at cut", s.FPR, want.FPRAtCut[i], 1e-12)
		reference.Near(t, name+" SIC at cut", s.SIC, want.SICAtCut[i], 1e-12)
	}
	for i, e := range want.Eff {
		reference.Near(t, name+" rejection", r.Rejection(e).Rejection, want.Rejection[i], 1e-12)
	}
}

func TestReferenceDeLong(t *testing.T) {
	var in struct{ Positive, Negative []float64 }
	var out struct{ AUC, Variance float64 }
	reference.Read(t, "scores_auc_isotonic", &in, &out)
	signal := make([]bool, len(in.Positive)+len(in.Negative))
	for i := range in.Positive {
		signal[i] = true
	}
	score := append(in.Positive, in.Negative...)
	r, err := NewROC(score, signal, nil)
	if err != nil {
		t.Fatal(err)
	}
	auc, e := r.AUC()
	reference.Near(t, "AUC", auc, out.AUC, 1e-12)
	reference.Near(t, "variance", e*e, out.Variance, 1e-12)
	// weights of any unit are no events
	w := make([]float64, len(score))
	for i := range w {
		w[i] = 1e-30
	}
	if r, err = NewROC(score, signal, w); err != nil {
		t.Fatal(err)
	}
	weighted, f := r.AUC()
	reference.Near(t, "AUC with weights", weighted, auc, 1e-12)
	reference.Near(t, "error with weights", f, e, 1e-12)
}

// scored draws n scores, signal being a sigma above background, and weights of +-1 times up to 2.
func scored(n int, stream uint32) (score []float64, signal []bool, w []float64) {
	src := rng.New(3, rng.StreamTest, stream)
	for range n {
		s := src.Float64() < 0.3
		v := src.NormFloat64()
		if s {
			v++
		}
		weight := 2 * src.Float64()
		if src.Float64() < 0.2 {
			weight = -weight
		}
		score, signal, w = append(score, v), append(signal, s), append(w, weight)
	}
	return score, signal, w
}

// The errors are the scatter of many samples, with weights of either sign as well: within 10 %, three times the scatter's own error from 400 samples.
func TestErrorsOfROCAreTheScatter(t *testing.T) {
	for _, weighted := range []bool{false, true} {
		var got, errs [3][]float64
		for i := range 400 {
			score, signal, w := scored(1500, uint32(i))
			if !weighted {
				w = nil
			}
			r, err := NewROC(score, signal, w)
			if err != nil {
				t.Fatal(err)
			}
			auc, aucErr := r.AUC()
			s, j := r.Select(0.7), r.Rejection(0.5)
			for k, v := range [3][2]float64{{auc, aucErr}, {s.SIC, s.SICError}, {1 / j.Rejection, j.Error / (j.Rejection * j.Rejection)}} {
				got[k], errs[k] = append(got[k], v[0]), append(errs[k], v[1])
			}
		}
		for k, name := range []string{"AUC", "SIC"} {
			scatter, mean := NewMoments(got[k], nil).Std, NewMoments(errs[k], nil).Mean
			if ratio := mean / scatter; !(ratio > 0.9 && ratio < 1.1) {
				t.Errorf("%s, weighted %v: error %g, scatter %g", name, weighted, mean, scatter)
			}
		}
		mean := NewMoments(got[0], nil).Mean
		if want := 0.5 * math.Erfc(-0.5); math.Abs(mean-want) > 0.005 { // Phi(1/sqrt 2)
			t.Errorf("AUC %g, want %g", mean, want)
		}
	}
}

func TestROCEdges(t *testing.T) {
	inf := math.Inf(1)
	r, err := NewROC([]float64{inf, 2, math.NaN(), -inf, 1e300, math.NaN()}, []bool{true, false, true, false, true, false}, nil)
	if err != nil || r.Skipped != 2 {
		t.Fatalf("%v, %d skipped", err, r.Skipped)
	}
	if auc, e := r.AUC(); auc != 1 || e != 0 {
		t.Errorf("AUC %g +- %g", auc, e)
	}
	if j := r.Rejection(0.5); j.Rejection != 0 || math.Abs(j.MoreThan-2./3) > 1e-12 {
		t.Errorf("rejection without background: %+v", j)
	}
	if s, ok := r.MaxSIC(EnoughBackground); ok {
		t.Errorf("a largest SIC of 2 background events: %+v", s)
	}
	if s := r.Separation(0.5); s.MaxSIC != nil || !strings.Contains(s.Cannot, "25 effective background") || s.Skipped != 2 {
		t.Errorf("%+v", s)
	}
	if s := r.Select(inf); s.TPR != 0.5 || s.FPR != 0 || s.SIC != 0 {
		t.Errorf("at infinity: %+v", s)
	}
	same, err := NewROC(make([]float64, 100), append(make([]bool, 50), []bool{true, 49: true}...), nil)
	if err != nil {
		t.Fatal(err)
	}
	if auc, _ := same.AUC(); auc != 0.5 {
		t.Errorf("AUC of equal scores %g", auc)
	}
	for name, c := range map[string]struct {
		signal []bool
		w      []float64
		want   string
	}{
		"one class":    {[]bool{true, true}, nil, "0 background events"},
		"no weight":    {[]bool{true, false}, []float64{0, 1}, "1 signal events have scores, and their weights sum to 0"},
		"negative":     {[]bool{true, false}, []float64{1, -1}, "sum to -1"},
		"weight":       {[]bool{true, false}, []float64{1, inf}, "weight 1 is +Inf"},
		"lengths":      {[]bool{true}, nil, "2 scores, 1 labels"},
		"more weights": {[]bool{true, false}, []float64{1}, "1 weights"},
	} {
		if _, err := NewROC([]float64{1, 2}, c.signal, c.w); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, p := range []float64{-0.1, 1.1, math.NaN()} {
		if _, _, err := ProbabilityScores([]float64{0.5, p}, []bool{true, false}, nil); err == nil || !strings.Contains(err.Error(), "probability 1 is") {
			t.Errorf("probability %v: %v", p, err)
		}
	}
}

// The largest SIC is not where chance makes it, and points for a picture are few, in order, and reach both ends.
func TestMaxSICLeavesBackground(t *testing.T) {
	score, signal, _ := scored(20000, 1)
	r, err := NewROC(score, signal, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, ok := r.MaxSIC(EnoughBackground)
	if !ok || s.Background < EnoughBackground || s.SICError/s.SIC > 0.13 {
		t.Errorf("%+v", s)
	}
	sum := r.Separation(0.3, 0.5)
	if sum.MaxSIC == nil || *sum.MaxSIC != s || len(sum.Rejections) != 2 || !(sum.Rejections[0].Rejection > sum.Rejections[1].Rejection) {
		t.Errorf("%+v", sum)
	}
	points := r.Points(200)
	if n := len(points); n < 100 || n > 200 || points[0] != 0 || points[n-1] != len(r.TPR)-1 {
		t.Errorf("%d points", n)
	}
	for i := 1; i < len(points); i++ {
		if points[i] <= points[i-1] || r.TPR[points[i]]-r.TPR[points[i-1]] > 0.02 {
			t.Fatalf("points %d, %d", points[i-1], points[i])
		}
	}
}
