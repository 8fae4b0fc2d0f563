package model

import (
	"cmp"
	"math"

	"github.com/sluice-hep/sluice/events"
)

// Draws is how many places in the cells of integers and other repeated values a density is the mean over, unless told
// otherwise.
const Draws = 32

// LogProb is the log-density of each event in nats, per unit of the features and given the context. Of an integer, a level
// or an atom, a value with a probability of its own, it is that probability: the mean of the density over its cell, at so
// many draws (0: Draws). It depends on the values of the event alone, not on those beside it.
func (m *Model) LogProb(t *events.Table, draws int) ([]float64, error) {
	logProb, _, err := m.evaluate(t, draws, func(x, context [][]float32) ([]float64, [][]float32, error) {
		logProb, err := m.Density.LogProb(x, context)
		return logProb, nil, err
	})
	return logProb, err
}

// Evaluate is LogProb with the latent z of each event, a column for each feature that the flow sees: that of the middle of
// the cell of a repeated value.
func (m *Model) Evaluate(t *events.Table, draws int) (logProb []float64, z [][]float32, err error) {
	return m.evaluate(t, draws, m.Density.Evaluate)
}

// evaluate is the density of the middle of the cells, in one pass with what else density gives, and the mean over all draws
// for the events that have cells.
func (m *Model) evaluate(t *events.Table, draws int, density func(x, context [][]float32) ([]float64, [][]float32, error)) ([]float64, [][]float32, error) {
	x, logDet, placed, err := m.Features.ApplyDraw(t, 0, 1)
	if err != nil {
		return nil, nil, err
	}
	context, err := m.givenContext(t.Len(), t)
	if err != nil {
		return nil, nil, err
	}
	logProb, z, err := density(x, context)
	if err != nil {
		return nil, nil, err
	}
	return addTo(logProb, logDet), z, m.average(logProb, t, placed, cmp.Or(draws, Draws))
}

// average replaces the log-density of the events marked by the logarithm of the mean of their density over so many draws.
func (m *Model) average(logProb []float64, t *events.Table, marked []bool, draws int) error {
	var rows []int32
	for i, is := range marked {
		if is {
			rows = append(rows, int32(i))
		}
	}
	if len(rows) == 0 || draws == 1 {
		return nil
	}
	t = t.Take(rows)
	context, err := m.givenContext(t.Len(), t)
	if err != nil {
		return err
	}
	mean := make([]logMean, len(rows))
	for draw := range draws {
		x, logDet, _, err := m.Features.ApplyDraw(t, draw, draws)
		if err != nil {
			return err
		}
		one, err := m.Density.LogProb(x, context)
		if err != nil {
			return err
		}
		for k, v := range addTo(one, logDet) {
			mean[k].add(v)
		}
	}
	for k, r := range rows {
		logProb[r] = mean[k].of(draws)
	}
	return nil
}

func addTo(x, y []float64) []float64 {
	for i, v := range y {
		x[i] += v
	}
	return x
}

// logMean is the logarithm of a mean whose terms are given by theirs: the largest, and the sum in units of it.
type logMean struct{ most, sum float64 }

func (m *logMean) add(v float64) {
	switch {
	case m.sum == 0:
		m.most, m.sum = v, 1
	case v > m.most:
		m.most, m.sum = v, m.sum*math.Exp(m.most-v)+1
	case v == m.most: // both may be infinite
		m.sum++
	default:
		m.sum += math.Exp(v - m.most)
	}
}

func (m *logMean) of(terms int) float64 { return m.most + math.Log(m.sum/float64(terms)) }
