package model

import (
	"fmt"
	"math"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
)

// Within is how far beyond the trained range of a feature, in units of it, an event is drawn unless told otherwise.
const Within = 0.5

// Factor is what a word for it stands for: 0 for Within, the smallest number above 0 for 0.
func Factor(within float64) float64 {
	switch within {
	case 0:
		return Within
	case math.SmallestNonzeroFloat64:
		return 0
	}
	return within
}

// mostTries is how often an event is drawn before it is given up.
const mostTries = 100

// Sample draws n events, those that follow the first ones of an endless sample: event i depends on the seed, on i and
// on its context alone. context is a table of n events with the context columns, which the result carries
// after the features; nil for a model without.
func (m *Model) Sample(n int, context *events.Table, seed, first uint64) (*events.Table, error) {
	t, _, err := m.SampleWithin(n, context, seed, first, math.Inf(1))
	return t, err
}

// SampleWithin is Sample without the events of which a feature lies further beyond its trained range than within times that:
// see Factor; infinity for no bound. They are drawn again, from numbers that depend on the seed, on i and on the try alone;
// redrawn is how many they were. An event that lies too far in every try is an error.
func (m *Model) SampleWithin(n int, context *events.Table, seed, first uint64, within float64) (t *events.Table, redrawn int, err error) {
	t, _, again, err := m.draw(n, context, seed, first, within)
	return t, len(again), err
}

// SampleNamed is SampleWithin with a column at the end that says which of several densities drew each event; see Chooses.
func (m *Model) SampleNamed(n int, context *events.Table, seed, first uint64, within float64) (t *events.Table, redrawn int, err error) {
	t, given, again, err := m.draw(n, context, seed, first, within)
	if err != nil {
		return nil, 0, err
	}
	which, err := m.chosen(n, given, seed, first, again)
	t.Columns = append(t.Columns, events.Column{Name: m.Chooses(), Type: events.Int64, I64: which})
	return t, len(again), err
}

// draw draws events, and gives their context as the density sees it, and the seeds of those that were drawn again.
func (m *Model) draw(n int, context *events.Table, seed, first uint64, within float64) (t *events.Table, given [][]float32, again map[int32]uint64, err error) {
	fail := func(err error) (*events.Table, [][]float32, map[int32]uint64, error) { return nil, nil, nil, err }
	if n < 0 {
		return fail(fmt.Errorf("model: %d events to draw", n))
	}
	within = Factor(within)
	if given, err = m.givenContext(n, context); err != nil {
		return fail(err)
	}
	x, err := m.Density.Sample(n, given, seed, first)
	if err != nil {
		return fail(err)
	}
	if t, _, err = m.Features.Invert(x); err != nil {
		return fail(err)
	}
	if rows, far := m.Features.Beyond(t, within); len(rows) > 0 {
		if again, err = m.redraw(x, given, rows, far, seed, first, within); err != nil {
			return fail(err)
		}
		if t, _, err = m.Features.Invert(x); err != nil {
			return fail(err)
		}
	}
	for _, name := range m.contextNames() {
		c, err := context.Column(name)
		if err != nil {
			return fail(err)
		}
		t.Columns = append(t.Columns, m.Context.AsTrained(c))
	}
	return t, given, again, nil
}

// redraw draws the events in rows again until none of them lies too far; far says how the first of them does. It gives the seed that
// each was drawn by.
func (m *Model) redraw(x, given [][]float32, rows []int32, far string, seed, first uint64, within float64) (seeds map[int32]uint64, err error) {
	seeds = map[int32]uint64{}
	for try := uint32(1); len(rows) > 0; try++ {
		if try == mostTries {
			return nil, &FarError{fmt.Sprintf("event %d was drawn %d times, and lay further than %g times the trained range beyond it each time (%s): "+
				"allow more (--within), or train the model better", first+uint64(rows[0])+1, mostTries, within, far)}
		}
		own := rng.New(seed, rng.StreamRedraw, try).Uint64()
		again, err := m.drawRows(given, rows, len(x[0]), own, first)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			seeds[r] = own
		}
		for c := range x {
			for k, r := range rows {
				x[c][r] = again[c][k]
			}
		}
		t, _, err := m.Features.Invert(again)
		if err != nil {
			return nil, err
		}
		var still []int32
		still, far = m.Features.Beyond(t, within)
		for i, k := range still {
			still[i] = rows[k]
		}
		rows = still
	}
	return seeds, nil
}

// FarError is that of an event that lies too far beyond the trained range in every try.
type FarError struct{ text string }

func (e *FarError) Error() string { return e.text }

// drawRows draws the events in rows, of n that follow the first ones: one by one where they are few.
func (m *Model) drawRows(given [][]float32, rows []int32, n int, seed, first uint64) ([][]float32, error) {
	out := make([][]float32, m.Features.Dim())
	if len(rows) > n/64 {
		x, err := m.Density.Sample(n, given, seed, first)
		for c := range x {
			out[c] = pick(x[c], rows)
		}
		return out, err
	}
	one := make([][]float32, len(given))
	for _, r := range rows {
		for c := range given {
			one[c] = given[c][r : r+1]
		}
		x, err := m.Density.Sample(1, one, seed, first+uint64(r))
		if err != nil {
			return nil, err
		}
		for c := range x {
			out[c] = append(out[c], x[c][0])
		}
	}
	return out, nil
}

func pick(x []float32, rows []int32) []float32 {
	y := make([]float32, len(rows))
	for k, r := range rows {
		y[k] = x[r]
	}
	return y
}
