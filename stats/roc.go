package stats

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// ROC is what selections score >= threshold leave of signal and background. It has one point for each different score, thresholds
// descending, after one at infinity where nothing is selected. With weights of either sign the shares need not ascend everywhere, and each number keeps its definition.
type ROC struct {
	Threshold []float64
	TPR, FPR  []float64 // shares of the signal, and of the background, that are selected
	Skipped   int       // events left out, whose score is NaN

	signal, background class
}

// class is the sums over one class of events up to each point, of weights and of their squares; squares is nil where all weights are 1.
type class struct {
	events          int
	weights, square []float64
}

// NewROC takes the score of each event, any number (the larger, the more like signal), whether it is signal, and weights, nil where
// all are 1. NaN is left out and counted. It is an error if either class has no event or no positive sum of weights.
func NewROC(score []float64, signal []bool, w []float64) (*ROC, error) {
	if len(signal) != len(score) || w != nil && len(w) != len(score) {
		return nil, fmt.Errorf("stats: %d scores, %d labels and %d weights", len(score), len(signal), len(w))
	}
	order := make([]int32, 0, len(score))
	for i, v := range score {
		if w != nil && !finite(w[i]) {
			return nil, fmt.Errorf("stats: weight %d is %v", i, w[i])
		}
		if !math.IsNaN(v) {
			order = append(order, int32(i))
		}
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Or(cmp.Compare(score[b], score[a]), cmp.Compare(a, b)) })
	r := &ROC{Skipped: len(score) - len(order), Threshold: []float64{math.Inf(1)}}
	r.signal.start(w)
	r.background.start(w)
	for i, e := range order {
		if i == 0 || score[e] != score[order[i-1]] {
			r.Threshold = append(r.Threshold, score[e])
			r.signal.next()
			r.background.next()
		}
		if signal[e] {
			r.signal.add(weight(w, int(e)))
		} else {
			r.background.add(weight(w, int(e)))
		}
	}
	var err error
	if r.TPR, err = r.signal.shares("signal"); err == nil {
		r.FPR, err = r.background.shares("background")
	}
	return r, err
}

func (c *class) start(w []float64) {
	c.weights = []float64{0}
	if w != nil {
		c.square = []float64{0}
	}
}

func (c *class) next() {
	c.weights = append(c.weights, c.weights[len(c.weights)-1])
	if c.square != nil {
		c.square = append(c.square, c.square[len(c.square)-1])
	}
}

func (c *class) add(w float64) {
	c.events++
	c.weights[len(c.weights)-1] += w
	if c.square != nil {
		c.square[len(c.square)-1] += w * w
	}
}

// sums are those of weights and of their squares up to point i.
func (c *class) sums(i int) (w, w2 float64) {
	if c.square == nil {
		return c.weights[i], c.weights[i]
	}
	return c.weights[i], c.square[i]
}

func (c *class) last() int { return len(c.weights) - 1 }

func (c *class) shares(name string) ([]float64, error) {
	total := c.weights[c.last()]
	if !(total > 0) || !finite(total) {
		return nil, fmt.Errorf("stats: %d %s events have scores, and their weights sum to %g; a ROC curve needs both signal and background of positive weight", c.events, name, total)
	}
	s := make([]float64, len(c.weights))
	for i, w := range c.weights {
		s[i] = w / total
	}
	return s, nil
}

// variance is that of the share of a class selected at point i, binomial: (1-s)^2 of the events selected and s^2 of the others, each with its weight squared.
func (c *class) variance(i int) float64 {
	w, w2 := c.sums(i)
	total, total2 := c.sums(c.last())
	s := w / total
	return ((1-s)*(1-s)*w2 + s*s*(total2-w2)) / (total * total)
}

// AUC is the area under the curve by trapezoids, the probability that a signal event has a higher score than a background one, ties counted half, and its
// error by the method of DeLong, DeLong and Clarke-Pearson (Biometrics 44 (1988) 837): the scatter over signal of the share of background below it, and the reverse.
func (r *ROC) AUC() (auc, err float64) {
	for i := 1; i < len(r.TPR); i++ {
		auc += (r.FPR[i] - r.FPR[i-1]) * (r.TPR[i] + r.TPR[i-1]) / 2
	}
	var s, b float64
	for i := 1; i < len(r.TPR); i++ {
		below := 1 - (r.FPR[i]+r.FPR[i-1])/2 // of the background, for signal at this score
		above := (r.TPR[i] + r.TPR[i-1]) / 2
		_, s1 := r.signal.sums(i)
		_, s0 := r.signal.sums(i - 1)
		_, b1 := r.background.sums(i)
		_, b0 := r.background.sums(i - 1)
		s += (s1 - s0) * (below - auc) * (below - auc)
		b += (b1 - b0) * (above - auc) * (above - auc)
	}
	return auc, math.Sqrt(r.signal.meanVariance(s) + r.background.meanVariance(b))
}

// meanVariance is that of a weighted mean, given sum w^2 (x - mean)^2; 0 where there is one event.
func (c *class) meanVariance(squares float64) float64 {
	w, w2 := c.sums(c.last())
	if bias := 1 - w2/(w*w); bias > 0 {
		return squares / (w * w * bias)
	}
	return 0
}

// AveragePrecision is the sum over the curve of the purity at each point times the signal it adds.
func (r *ROC) AveragePrecision() (ap float64) {
	for i := 1; i < len(r.TPR); i++ {
		if selected := r.signal.weights[i] + r.background.weights[i]; selected != 0 {
			ap += (r.TPR[i] - r.TPR[i-1]) * r.signal.weights[i] / selected
		}
	}
	return ap
}

// Selection is a cut on the score: at SIC = TPR/sqrt(FPR) times the significance that signal has without it.
type Selection struct {
	Threshold float64 `json:"threshold"`
	TPR       float64 `json:"tpr"`
	FPR       float64 `json:"fpr"`
	SIC       float64 `json:"sic"`
	SICError  float64 `json:"sic_error"` // binomial, of signal and background
	// Background is the effective number of background events selected.
	Background float64 `json:"background_events"`
}

// At is the selection of point i; its SIC is 0 where no background is left to measure it by.
func (r *ROC) At(i int) Selection {
	s := Selection{Threshold: r.Threshold[i], TPR: r.TPR[i], FPR: r.FPR[i], Background: effective(r.background.sums(i))}
	if s.FPR > 0 {
		s.SIC = s.TPR / math.Sqrt(s.FPR)
		s.SICError = math.Sqrt((r.signal.variance(i) + s.TPR*s.TPR*r.background.variance(i)/(4*s.FPR*s.FPR)) / s.FPR)
	}
	return s
}

// Select is the selection score >= threshold.
func (r *ROC) Select(threshold float64) Selection {
	i, _ := slices.BinarySearchFunc(r.Threshold, threshold, func(t, threshold float64) int {
		if t >= threshold {
			return -1
		}
		return 1
	})
	s := r.At(max(i-1, 0))
	s.Threshold = threshold
	return s
}

// EnoughBackground is the number of effective background events that MaxSIC should leave: FPR is then known to 20 %.
const EnoughBackground = 25

// MaxSIC is the selection of the largest SIC among those that leave at least so many effective background events. Where there are fewer SIC
// is chance, and its largest value the largest chance. It is false where no selection leaves as many.
func (r *ROC) MaxSIC(background float64) (most Selection, ok bool) {
	for i := range r.TPR {
		if s := r.At(i); s.FPR > 0 && s.Background >= background && (!ok || s.SIC > most.SIC) {
			most, ok = s, true
		}
	}
	return most, ok
}

// Rejection is the background rejection 1/FPR at an efficiency, and its binomial error, with FPR by straight lines along the curve. Where no
// background is selected there is no number, and MoreThan is what it exceeds at 95 % confidence.
type Rejection struct {
	Efficiency float64 `json:"efficiency"`
	Rejection  float64 `json:"rejection,omitempty"`
	Error      float64 `json:"error,omitempty"`
	MoreThan   float64 `json:"more_than,omitempty"`
}

// Rejection is that where the curve first reaches a signal efficiency above 0, and at most 1.
func (r *ROC) Rejection(efficiency float64) Rejection {
	i := 1
	for i < len(r.TPR)-1 && r.TPR[i] < efficiency {
		i++
	}
	at := 1.0
	if step := r.TPR[i] - r.TPR[i-1]; step > 0 {
		at = min(max((efficiency-r.TPR[i-1])/step, 0), 1)
	}
	between := func(a, b float64) float64 { return a + (b-a)*at }
	fpr := between(r.FPR[i-1], r.FPR[i])
	if !(fpr > 0) {
		return Rejection{Efficiency: efficiency, MoreThan: effective(r.background.sums(r.background.last())) / 3}
	}
	variance := between(r.background.variance(i-1), r.background.variance(i))
	return Rejection{Efficiency: efficiency, Rejection: 1 / fpr, Error: math.Sqrt(variance) / (fpr * fpr)}
}

// Separation is what a curve amounts to in a few numbers.
type Separation struct {
	AUC              float64     `json:"auc"`
	AUCError         float64     `json:"auc_error"`
	AveragePrecision float64     `json:"average_precision"`
	Rejections       []Rejection `json:"rejections"`
	MaxSIC           *Selection  `json:"max_sic,omitempty"`
	Cannot           string      `json:"max_sic_cannot,omitempty"` // why there is no MaxSIC
	Skipped          int         `json:"skipped,omitempty"`        // events whose score is NaN
}

// Separation has the rejection at each efficiency, and the largest SIC that leaves EnoughBackground.
func (r *ROC) Separation(efficiencies ...float64) Separation {
	s := Separation{AveragePrecision: r.AveragePrecision(), Skipped: r.Skipped}
	s.AUC, s.AUCError = r.AUC()
	for _, e := range efficiencies {
		s.Rejections = append(s.Rejections, r.Rejection(e))
	}
	most, ok := r.MaxSIC(EnoughBackground)
	if !ok {
		s.Cannot = fmt.Sprintf("no selection leaves %d effective background events", EnoughBackground)
		return s
	}
	most.Threshold = min(max(most.Threshold, -math.MaxFloat64), math.MaxFloat64)
	s.MaxSIC = &most
	return s
}

// Points are at most n of the curve's, for a picture: half evenly spaced in TPR, half in log FPR, and both ends.
func (r *ROC) Points(n int) (points []int) {
	last := len(r.TPR) - 1
	if last < n {
		n = last + 1
		for i := range n {
			points = append(points, i)
		}
		return points
	}
	smallest := math.Log(1 / max(effective(r.background.sums(last)), 2))
	half := max(n/2-1, 1)
	cell := func(i int) [2]int {
		log := smallest
		if r.FPR[i] > 0 {
			log = max(math.Log(r.FPR[i]), smallest)
		}
		return [2]int{int(r.TPR[i] * float64(half)), int(log / smallest * float64(half))}
	}
	points = []int{0}
	for i := 1; i < last; i++ {
		if now, was := cell(i), cell(points[len(points)-1]); now != was && len(points) < n-1 {
			points = append(points, i)
		}
	}
	return append(points, last)
}

// ProbabilityScores are the mean logarithmic loss, in nats, and the mean square error (Brier score) of probabilities of being signal. A number outside
// [0, 1] is an error; a certain one that is wrong makes the logarithmic loss infinite.
func ProbabilityScores(p []float64, signal []bool, w []float64) (logLoss, brier float64, err error) {
	if len(signal) != len(p) || w != nil && len(w) != len(p) {
		return 0, 0, fmt.Errorf("stats: %d probabilities, %d labels and %d weights", len(p), len(signal), len(w))
	}
	var total float64
	for i, v := range p {
		if !(v >= 0 && v <= 1) {
			return 0, 0, fmt.Errorf("stats: probability %d is %v; it must be in [0, 1] (a score of any other kind takes a ROC curve)", i, v)
		}
		right := v
		if !signal[i] {
			right = 1 - v
		}
		e := weight(w, i)
		total += e
		if e != 0 {
			logLoss -= e * math.Log(right)
		}
		brier += e * (1 - right) * (1 - right)
	}
	if !(total > 0) {
		return 0, 0, fmt.Errorf("stats: the weights of %d events sum to %g; they must sum to a positive number", len(p), total)
	}
	return logLoss / total, brier / total, nil
}
