package classify

import (
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/internal/rng"
)

// Events are what a classifier learns from: one slice a column, of equal lengths. NaN and infinite values are missing, which the classifier
// sees.
type Events struct {
	Columns [][]float64
	Label   []int     // the class of each event, from 0 on
	Weights []float64 // nil where all are 1; of either sign, those of a class with a positive sum
}

// Streams of random numbers: parts of rng.StreamTest.
const (
	subFolds = 1<<16 + iota
	subSome
	subValid
)

func checkColumns(columns [][]float64) (events int, err error) {
	if len(columns) == 0 {
		return 0, fmt.Errorf("classify: there are no columns to learn from")
	}
	events = len(columns[0])
	for _, c := range columns {
		if len(c) != events {
			return 0, fmt.Errorf("classify: columns of %d and %d values", events, len(c))
		}
	}
	return events, nil
}

func checkWeights(w []float64, events int) error {
	if w != nil && len(w) != events {
		return fmt.Errorf("classify: %d weights for %d events", len(w), events)
	}
	for i, v := range w {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("classify: the weight of event %d is %g", i+1, v)
		}
	}
	return nil
}

// check also tells how many events there are.
func (e *Events) check(classes int) (events int, err error) {
	if events, err = checkColumns(e.Columns); err != nil {
		return 0, err
	}
	if len(e.Label) != events {
		return 0, fmt.Errorf("classify: %d labels for %d events", len(e.Label), events)
	}
	for i, l := range e.Label {
		if l < 0 || l >= classes {
			return 0, fmt.Errorf("classify: event %d is of class %d; there are classes 0 to %d", i+1, l, classes-1)
		}
	}
	return events, checkWeights(e.Weights, events)
}

// byClass are the rows of each class, in order.
func byClass(label []int, rows []int32, classes int) [][]int32 {
	of := make([][]int32, classes)
	for _, r := range rows {
		of[label[r]] = append(of[label[r]], r)
	}
	return of
}

func all(n int) []int32 {
	rows := make([]int32, n)
	for i := range rows {
		rows[i] = int32(i)
	}
	return rows
}

// split draws the events of a training, at most so many of each class, and those to validate it by: the same share of each class.
func split(classes [][]int32, o Options, seed uint64) (train, valid []int32) {
	for k, rows := range classes {
		rows = slices.Clone(rows)
		rng.New(seed, rng.StreamTest, subSome).Shuffle(rows)
		if o.Most > 0 {
			rows = rows[:min(len(rows), o.Most)]
		}
		rng.New(seed, rng.StreamTest, subValid+uint32(k)<<8).Shuffle(rows)
		n := min(max(1, int(o.Valid*float64(len(rows)))), len(rows)-1)
		valid, train = append(valid, rows[:n]...), append(train, rows[n:]...)
	}
	slices.Sort(train)
	slices.Sort(valid)
	return train, valid
}

// shares are the weights of events with which every class sums to as much, and the mean over all is 1. nil in weights is 1.
func shares(weights []float64, label func(row int32) int, rows []int32, classes int) ([]float32, error) {
	sum := make([]float64, classes)
	at := func(r int32) float64 {
		if weights == nil {
			return 1
		}
		return weights[r]
	}
	for _, r := range rows {
		sum[label(r)] += at(r)
	}
	for k, s := range sum {
		if !(s > 0) {
			return nil, fmt.Errorf("classify: the weights of class %d sum to %g; they must sum to a positive number", k, s)
		}
	}
	w := make([]float32, len(rows))
	for i, r := range rows {
		w[i] = float32(at(r) / sum[label(r)] * float64(len(rows)) / float64(classes))
	}
	return w, nil
}
