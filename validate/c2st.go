package validate

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/classify"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/stats"
)

// C2STResult is how well a classifier tells generated from reference events that it has not seen (Lopez-Paz and Oquab, arXiv:1610.06545).
type C2STResult struct {
	Accuracy float64 `json:"accuracy"` // the mean of the shares told right of either sample: 0.5 by chance
	AUC      float64 `json:"auc"`      // the probability that the score of a generated event is above that of a reference event: 0.5 by chance
	AUCError float64 `json:"auc_error"`
	NullMean float64 `json:"null_mean"`
	NullStd  float64 `json:"null_std"` // of the AUC by chance
	JSD      float64 `json:"jsd"`      // the Jensen-Shannon divergence that the calibrated score shows, in nats: at most log 2
	P        float64 `json:"p"`        // of mean scores so far apart by chance
	Draws    int     `json:"draws"`    // permutations of the labels; 0 where P is by formula
	Trained  int     `json:"trained"`  // events of each sample that a classifier was trained on, at most
	Held     [2]int  `json:"held"`     // events scored, of the reference and the generated sample
	Text     string  `json:"text"`
	Cannot   string  `json:"-"` // why there is no number
}

// MarshalJSON writes the numbers, or the reason why there are none.
func (r C2STResult) MarshalJSON() ([]byte, error) {
	if r.Cannot != "" {
		return json.Marshal(stats.Test{Cannot: r.Cannot})
	}
	type numbers C2STResult
	return json.Marshal(numbers(r))
}

// Test is the AUC beside its null distribution, with the p-value of the test.
func (r C2STResult) Test() stats.Test {
	if r.Cannot != "" {
		return stats.Test{Cannot: r.Cannot}
	}
	return stats.Test{Value: r.AUC, Error: r.AUCError, NullMean: r.NullMean, NullStd: r.NullStd, P: r.P, Draws: r.Draws, Events: r.Trained}
}

const (
	testFolds    = 4   // each but the first is scored by classifiers of those before it
	fewEffective = 200 // effective events of a sample in a fold, below which the null distribution is by permutations
	permutations = 999
	leastForTest = 60 // events of a sample
)

// C2ST trains classifiers and says whether they tell the samples apart better than chance. Events have the same columns; a value that is missing
// or infinite is seen as missing. Weights may be of either sign, and of other kinds in the two samples. It ends with ctx; else the only errors are
// those of the samples' shapes, and what stands against a test is said in Cannot.
func C2ST(ctx context.Context, ref, gen stats.Sample, o classify.Options) (*C2STResult, error) {
	e, err := labelled(ref, gen)
	if err != nil {
		return nil, err
	}
	if why := tooFew(ref, gen, leastForTest); why != "" {
		return &C2STResult{Cannot: why}, nil
	}
	held, err := classify.Forward(ctx, e, testFolds, o)
	switch {
	case ctx.Err() != nil:
		return nil, err
	case err != nil:
		return &C2STResult{Cannot: err.Error()}, nil
	}
	blocks, err := blocksOf(e, held)
	if err != nil {
		return &C2STResult{Cannot: err.Error()}, nil
	}
	r := &C2STResult{NullMean: 0.5, Trained: max(held.Events[0], held.Events[1])}
	r.judge(blocks, o.Seed)
	r.JSD = divergence(blocks)
	r.Text = r.sentence()
	return r, nil
}

// judge sets AUC, accuracy and p. That is of the difference of the mean scores, each the probability that a classifier gives to a generated event, in
// standard deviations: where only few events differ it sees more than the AUC, in which those that do not differ are ordered by chance.
func (r *C2STResult) judge(blocks []*block, seed uint64) {
	k := float64(len(blocks))
	var variance, null float64
	few := false
	for _, b := range blocks {
		auc, deviation := b.auc()
		r.AUC += auc / k
		r.Accuracy += b.accuracy() / k
		variance += deviation * deviation
		for s := range b.effective {
			null += 1 / (12 * b.effective[s])
			few = few || b.effective[s] < fewEffective
			r.Held[s] += b.events[s]
		}
	}
	r.AUCError, r.NullStd = math.Sqrt(variance)/k, math.Sqrt(null)/k
	apart := func(labels func(b *block) []int32) (z float64) {
		for _, b := range blocks {
			z += b.apart(labels(b)) / math.Sqrt(k)
		}
		return z
	}
	z := apart(func(b *block) []int32 { return b.label })
	if r.P = math.Erfc(z/math.Sqrt2) / 2; !few {
		return
	}
	random, reached := rng.New(seed, rng.StreamTest, 0), 1
	for range permutations {
		if apart(func(b *block) []int32 { random.Shuffle(b.drawn); return b.drawn }) >= z-1e-9 {
			reached++
		}
	}
	r.P, r.Draws = float64(reached)/(permutations+1), permutations
}

func (r *C2STResult) sentence() string {
	told := "does not tell generated from reference events better than chance would"
	switch {
	case r.P < 0.001:
		told = "tells generated from reference events"
	case r.P < 0.05:
		told = "tells generated from reference events a little better than chance mostly would"
	}
	return fmt.Sprintf("A classifier %s (p = %.2g): of a generated and a reference event that it has not seen, it scores the generated one higher in %.2f %% of the cases (AUC %.4f +- %.4f; 0.5 +- %.4f by chance), and tells %.2f %% of the events right.",
		told, r.P, 100*r.AUC, r.AUC, r.AUCError, r.NullStd, 100*r.Accuracy)
}

// shaped is an error where the samples have not the same columns, or columns and weights of different lengths.
func shaped(ref, gen stats.Sample) error {
	if len(ref.Columns) == 0 || len(ref.Columns) != len(gen.Columns) {
		return fmt.Errorf("validate: samples of %d and %d columns", len(ref.Columns), len(gen.Columns))
	}
	n, m := len(ref.Columns[0]), len(gen.Columns[0])
	for c := range ref.Columns {
		if len(ref.Columns[c]) != n || len(gen.Columns[c]) != m {
			return fmt.Errorf("validate: columns of %d and %d values beside others of %d and %d", len(ref.Columns[c]), len(gen.Columns[c]), n, m)
		}
	}
	for _, s := range []stats.Sample{ref, gen} {
		if s.Weights != nil && len(s.Weights) != len(s.Columns[0]) {
			return fmt.Errorf("validate: %d events but %d weights", len(s.Columns[0]), len(s.Weights))
		}
	}
	return nil
}

// labelled are the events of both samples, the generated ones of class 1. Where either has weights both have.
func labelled(ref, gen stats.Sample) (e classify.Events, err error) {
	if err := shaped(ref, gen); err != nil {
		return e, err
	}
	n, m := len(ref.Columns[0]), len(gen.Columns[0])
	for c := range ref.Columns {
		e.Columns = append(e.Columns, append(ref.Columns[c][:n:n], gen.Columns[c]...))
	}
	e.Label = make([]int, n+m)
	for i := n; i < n+m; i++ {
		e.Label[i] = 1
	}
	if ref.Weights != nil || gen.Weights != nil {
		e.Weights = append(weightsOf(ref), weightsOf(gen)...)
	}
	return e, nil
}

// weightsOf is a copy, 1 where there are none.
func weightsOf(s stats.Sample) []float64 { return weightsOr1(s.Weights, len(s.Columns[0])) }

func weightsOr1(w []float64, n int) []float64 {
	if w == nil {
		return slices.Repeat([]float64{1}, n)
	}
	return slices.Clone(w)
}

// tooFew says what stands against a test of the samples; empty for nothing.
func tooFew(ref, gen stats.Sample, least int) string {
	for i, s := range []stats.Sample{ref, gen} {
		which := [2]string{"reference", "generated"}[i]
		var sum float64
		for i, w := range weightsOf(s) {
			if w-w != 0 {
				return fmt.Sprintf("the weight of event %d of the %s sample is %g", i+1, which, w)
			}
			sum += w
		}
		switch n := len(s.Columns[0]); {
		case n < least:
			return fmt.Sprintf("the %s sample has %d events; this test takes at least %d", which, n, least)
		case !(sum > 0):
			return fmt.Sprintf("the weights of the %s sample sum to %g; they must sum to a positive number", which, sum)
		}
	}
	return ""
}

// divergence is the Jensen-Shannon divergence of the two samples by their calibrated scores, (E_ref log 2(1-p) + E_gen log 2p)/2: of each half of the
// events by the calibration of the other half, so that chance does not look like a difference. What classifiers do not see is not in it.
func divergence(blocks []*block) float64 {
	var half [2]struct{ score, label, weight []float64 }
	for _, b := range blocks {
		for i, s := range b.score {
			h := &half[i%2]
			l := int(b.label[i])
			h.score, h.label = append(h.score, s), append(h.label, float64(l))
			h.weight = append(h.weight, b.weight[i]/b.total[l])
		}
	}
	sum, total := [2]float64{}, [2]float64{}
	for i, h := range half {
		other := half[1-i]
		c, err := classify.NewIsotonic(other.score, other.label, other.weight)
		if err != nil {
			return 0
		}
		least := 1 / float64(2+len(other.score))
		for j, s := range h.score {
			p := min(max(c.At(s), least), 1-least)
			if h.label[j] == 0 {
				p = 1 - p
			}
			l := int(h.label[j])
			sum[l] += h.weight[j] * math.Log(2*p)
			total[l] += h.weight[j]
		}
	}
	return min(max((sum[0]/total[0]+sum[1]/total[1])/2, 0), math.Ln2)
}
