package model

import (
	"fmt"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/mix"
)

// Members are the models of an ensemble's members; nil of any other density.
func (m *Model) Members() (members []*Model) {
	e, ok := m.Density.(*mix.Ensemble)
	if !ok {
		return nil
	}
	for _, d := range e.Members {
		one := *m
		one.Density = d
		members = append(members, &one)
	}
	return members
}

// LogProbs is LogProb of an ensemble, whose density is the mean of its members', with the standard deviation of their log-densities.
func (m *Model) LogProbs(t *events.Table, draws int) (logProb, deviation []float64, err error) {
	var each [][]float64
	for _, one := range m.Members() {
		l, err := one.LogProb(t, draws)
		if err != nil {
			return nil, nil, err
		}
		each = append(each, l)
	}
	if len(each) == 0 {
		return nil, nil, fmt.Errorf("model: a density of type %T has no members", m.Density)
	}
	logProb, deviation = mix.Mean(each)
	return logProb, deviation, nil
}

// NoLatent says why Evaluate gives no latent; "" where it gives one.
func (m *Model) NoLatent() string {
	if d, ok := m.Density.(interface{ NoLatent() string }); ok {
		return d.NoLatent()
	}
	return ""
}

// chooser is a density that draws each event from one of several.
type chooser interface {
	// Choose numbers, from 0 on, those that draw the events of the numbers given, and Chooses is what they are called.
	Choose(numbers []uint64, context [][]float32, seed uint64) ([]int, error)
	Chooses() string
}

// Chooses is what the densities are called from one of which each event is drawn: member, of an ensemble, or component, of a mixture; ""
// where there is one density.
func (m *Model) Chooses() string {
	if d, ok := m.Density.(chooser); ok {
		return d.Chooses()
	}
	return ""
}

// chosen says, from 1 on, which density drew each of n events, of which those in again were drawn another time, by seeds of their own.
func (m *Model) chosen(n int, given [][]float32, seed, first uint64, again map[int32]uint64) ([]int64, error) {
	d := m.Density.(chooser)
	numbers := make([]uint64, n)
	for i := range numbers {
		numbers[i] = first + uint64(i)
	}
	which, err := d.Choose(numbers, given, seed)
	if err != nil {
		return nil, err
	}
	one := make([][]float32, len(given))
	for r, seed := range again {
		for c := range given {
			one[c] = given[c][r : r+1]
		}
		w, err := d.Choose(numbers[r:r+1], one, seed)
		if err != nil {
			return nil, err
		}
		which[r] = w[0]
	}
	numbered := make([]int64, n)
	for i, w := range which {
		numbered[i] = int64(w) + 1
	}
	return numbered, nil
}
