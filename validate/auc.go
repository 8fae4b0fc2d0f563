package validate

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/classify"
	"github.com/sluice-hep/sluice/stats"
)

// block is a set of scores in rising order, those of events whose labels may be exchanged.
type block struct {
	score, weight []float64
	probability   []float64 // of a generated event, by the score
	label, drawn  []int32   // 1 for generated; drawn is what a permutation makes of it
	events        [2]int    // of the reference and the generated sample
	total         [2]float64
	effective     [2]float64 // (sum w)^2 / sum w^2
}

// blocksOf are the folds that have scores.
func blocksOf(e classify.Events, held *classify.HeldOut) (blocks []*block, err error) {
	rows := make([][]int32, held.Folds)
	for i, f := range held.Fold {
		rows[f] = append(rows[f], int32(i))
	}
	for k, of := range rows[1:] {
		slices.SortStableFunc(of, func(a, b int32) int { return cmp.Compare(held.Logits[a], held.Logits[b]) })
		b := &block{}
		var squares [2]float64
		for _, r := range of {
			l, w := e.Label[r], 1.0
			if e.Weights != nil {
				w = e.Weights[r]
			}
			b.score, b.weight, b.label = append(b.score, held.Logits[r]), append(b.weight, w), append(b.label, int32(l))
			b.probability = append(b.probability, 1/(1+math.Exp(-held.Logits[r])))
			b.events[l]++
			b.total[l] += w
			squares[l] += w * w
		}
		for l, t := range b.total {
			if !(t > 0) {
				return nil, fmt.Errorf("the weights of fold %d sum to %g; there are too many negative ones", k+2, t)
			}
			b.effective[l] = t * t / squares[l]
		}
		b.drawn = slices.Clone(b.label)
		blocks = append(blocks, b)
	}
	return blocks, nil
}

// auc is the area under the curve of the scores, and its standard error. The weights of either sample have a positive sum, as blocksOf sees to.
func (b *block) auc() (auc, deviation float64) {
	generated := make([]bool, len(b.label))
	for i, l := range b.label {
		generated[i] = l == 1
	}
	roc, err := stats.NewROC(b.score, generated, b.weight)
	if err != nil {
		return math.NaN(), math.NaN()
	}
	return roc.AUC()
}

// apart is the difference of the mean scores of the two samples by these labels, as probabilities of generated events, in its standard deviations. That
// quotient, unlike the difference, has one distribution of permutations and of samples whose weights are not of one kind (Janssen, Stat. Probab. Lett.
// 36 (1997) 9). It is 0 where all scores are one, and beyond all numbers where weights cancel.
func (b *block) apart(label []int32) float64 {
	var sum, first, w2, first2, second2 [2]float64
	for i, l := range label {
		w, p := b.weight[i], b.probability[i]
		sum[l] += w
		first[l] += w * p
		w2[l] += w * w
		first2[l] += w * w * p
		second2[l] += w * w * p * p
	}
	if !(sum[0] > 0 && sum[1] > 0) {
		return math.Inf(1)
	}
	var variance float64
	for l := range sum {
		mean, unbiased := first[l]/sum[l], float64(b.events[l])/float64(max(b.events[l]-1, 1))
		variance += unbiased * (second2[l] - 2*mean*first2[l] + mean*mean*w2[l]) / (sum[l] * sum[l])
	}
	if variance < 1e-20 {
		return 0
	}
	return (first[1]/sum[1] - first[0]/sum[0]) / math.Sqrt(variance)
}

// accuracy is the mean of the shares of both samples that are on their side of 0.
func (b *block) accuracy() float64 {
	var right [2]float64
	for i, s := range b.score {
		l := b.label[i]
		switch {
		case s == 0:
			right[l] += b.weight[i] / 2
		case s > 0 == (l == 1):
			right[l] += b.weight[i]
		}
	}
	return (right[0]/b.total[0] + right[1]/b.total[1]) / 2
}
