package validate

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/classify"
	"github.com/sluice-hep/sluice/stats"
)

// RatioOptions are those of a Ratio. The zero value of a field means its default.
type RatioOptions struct {
	classify.Options
	Clip float64 // r in Weights at most: what is above is clipped, and counted; default 100
	Tail float64 // the share of the events that a Tail is of; default 0.01
}

// RatioResult is the ratio r(x) = p_reference(x)/p_generated(x) of the densities in each event: generated events that are weighted with r are distributed as
// the reference. It is above 1 where too few events are generated, and below where too many are.
type RatioResult struct {
	// LogReference and LogGenerated are log r of the events of either sample, each by a classifier that has not seen it.
	LogReference []float64 `json:"-"`
	LogGenerated []float64 `json:"-"`
	// Weights are those of the generated events, their own times r, with the sum of their own.
	Weights     []float64 `json:"-"`
	Effective   float64   `json:"effective"`   // events, (sum w)^2 / sum w^2, by Weights
	Before      float64   `json:"before"`      // and by the weights that the generated events had
	Largest     float64   `json:"largest"`     // of Weights, in units of their mean
	Clipped     int       `json:"clipped"`     // events whose r was above the largest allowed
	Temperature float64   `json:"temperature"` // what logits were multiplied by, as held-out events ask: near 0 where the classifier knows nothing
	Trained     int       `json:"trained"`     // events of each sample that a classifier was trained on, at most
	Tails       []Tail    `json:"tails"`       // one a column
	// The f-divergences that the held-out ratio shows, in nats but for Chi2, with the errors of these means by the number of events; by chance they are near 0,
	// and they may be below.
	KL        Measured `json:"kl"`         // of the reference from the generated density, E_ref log r
	KLReverse Measured `json:"kl_reverse"` // of the generated from the reference density, -E_gen log r
	Chi2      Measured `json:"chi2"`       // E_gen (r-1)^2
	Cannot    string   `json:"cannot,omitempty"`
}

// Tail says where in a column the events lie which the ratio is furthest from 1 in.
type Tail struct {
	Lacking   Spread `json:"lacking"`   // reference events of the largest r: what the generated sample lacks
	Reference Spread `json:"reference"` // all reference events
	Surplus   Spread `json:"surplus"`   // generated events of the smallest r: what it has too much of
	Generated Spread `json:"generated"` // all generated events
}

// Measured is a number with its error.
type Measured struct {
	Value float64 `json:"value"`
	Error float64 `json:"error"`
}

// Spread are the quantiles of 16, 50 and 84 % of the finite values, each event counted once whatever its weight; all 0 where there is no such value.
type Spread [3]float64

// Off is how far the median of some events is from that of all, in units of half the distance of the outer quantiles of all.
func (s Spread) Off(all Spread) float64 {
	if width := (all[2] - all[0]) / 2; width > 0 {
		return (s[1] - all[1]) / width
	}
	return 0
}

const (
	foldsOfMany = 2 // of a ratio
	foldsOfFew  = 5
	manyEvents  = 50_000

	sortedEvents = 200_000 // that quantiles are taken of, evenly among more
)

// Ratio trains classifiers and takes the ratio from their held-out logits, times a factor that makes these right on the average (Temperature). Errors
// are as those of C2ST.
func Ratio(ctx context.Context, ref, gen stats.Sample, o RatioOptions) (*RatioResult, error) {
	e, err := labelled(ref, gen)
	if err != nil {
		return nil, err
	}
	if why := tooFew(ref, gen, leastForTest); why != "" {
		return &RatioResult{Cannot: why}, nil
	}
	folds := foldsOfFew
	if len(e.Label) > manyEvents {
		folds = foldsOfMany
	}
	held, err := classify.CrossFit(ctx, e, folds, o.Options)
	switch {
	case ctx.Err() != nil:
		return nil, err
	case err != nil:
		return &RatioResult{Cannot: err.Error()}, nil
	}
	r := &RatioResult{Trained: max(held.Events[0], held.Events[1])}
	if r.Temperature, err = classify.Temperature(held.Logits, e.Label, e.Weights); err != nil {
		return &RatioResult{Cannot: err.Error()}, nil
	}
	for i, f := range held.Logits {
		held.Logits[i] = -r.Temperature * f // a logit is that of generated over reference
	}
	n := len(ref.Columns[0])
	r.LogReference, r.LogGenerated = held.Logits[:n:n], held.Logits[n:]
	if err := r.weigh(gen, orDefault(o.Clip, 100)); err != nil {
		return &RatioResult{Cannot: err.Error()}, nil
	}
	r.tails(ref, gen, orDefault(o.Tail, 0.01))
	r.diverge(ref, gen)
	return r, nil
}

// diverge takes the f-divergences as means of held-out events: no ratio has seen the event that it is taken of.
func (r *RatioResult) diverge(ref, gen stats.Sample) {
	mean := func(logRatio, w []float64, of func(float64) float64) (m Measured) {
		x := make([]float64, len(logRatio))
		for i, f := range logRatio {
			x[i] = of(f)
		}
		m.Value, m.Error = stats.MeanError(x, w)
		return m
	}
	r.KL = mean(r.LogReference, ref.Weights, func(f float64) float64 { return f })
	r.KLReverse = mean(r.LogGenerated, gen.Weights, func(f float64) float64 { return -f })
	r.Chi2 = mean(r.LogGenerated, gen.Weights, func(f float64) float64 { return math.Expm1(f) * math.Expm1(f) })
}

func orDefault(v, otherwise float64) float64 {
	if v > 0 {
		return v
	}
	return otherwise
}

// weigh sets Weights and what goes with them.
func (r *RatioResult) weigh(gen stats.Sample, largest float64) error {
	r.Weights = weightsOf(gen)
	var own, own2, sum, sum2 float64
	for i, w := range r.Weights {
		own += w
		own2 += w * w
		ratio := math.Exp(r.LogGenerated[i])
		if ratio > largest {
			ratio = largest
			r.Clipped++
		}
		r.Weights[i] *= ratio
		sum += r.Weights[i]
		sum2 += r.Weights[i] * r.Weights[i]
	}
	if !(sum > 0) {
		return fmt.Errorf("the weights times the ratio sum to %g: there are too many negative ones where the ratio is large", sum)
	}
	r.Before, r.Effective = own*own/own2, sum*sum/sum2
	for i := range r.Weights {
		r.Weights[i] *= own / sum
		r.Largest = max(r.Largest, math.Abs(r.Weights[i])*float64(len(r.Weights))/own)
	}
	return nil
}

// tails looks where the share of the events lies that have the largest and the smallest ratio.
func (r *RatioResult) tails(ref, gen stats.Sample, share float64) {
	lacking, surplus := outermost(r.LogReference, share, -1), outermost(r.LogGenerated, share, 1)
	for c := range ref.Columns {
		r.Tails = append(r.Tails, Tail{
			Lacking: spreadOf(ref.Columns[c], lacking), Reference: spreadOf(ref.Columns[c], nil),
			Surplus: spreadOf(gen.Columns[c], surplus), Generated: spreadOf(gen.Columns[c], nil),
		})
	}
}

// outermost are the events of the smallest values (sign 1) or the largest (sign -1).
func outermost(v []float64, share, sign float64) []int32 {
	order := make([]int32, len(v))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(sign*v[a], sign*v[b]) })
	return order[:max(1, int(share*float64(len(v))))]
}

// spreadOf takes the events in rows; where nil all of them, or some of very many.
func spreadOf(x []float64, rows []int32) (s Spread) {
	var v []float64
	take := func(w float64) {
		if w-w == 0 {
			v = append(v, w)
		}
	}
	if rows == nil {
		for i := 0; i < len(x); i += max(1, len(x)/sortedEvents) {
			take(x[i])
		}
	}
	for _, r := range rows {
		take(x[r])
	}
	if len(v) == 0 {
		return s
	}
	slices.Sort(v)
	for i, p := range []float64{0.16, 0.5, 0.84} {
		s[i] = v[int(p*float64(len(v)-1)+0.5)]
	}
	return s
}
