package stats

import (
	"fmt"
	"math"
)

// Oversample fills histograms of draws of which each conditioning event has perEvent, those of the first event first: n draws of one event
// are not n events. A bin of share.SumW is sum w p, with p the share of an event's draws in it and w the event's weight, and SumW2 its variance,
// sum (w p)^2. naive holds the same with sum w^2 p/n, which is right for draws of as many different events, and too small here: its error goes on
// falling with n, though no event is added. w is nil where all weights are 1.
func Oversample(edges, draws []float64, perEvent int, w []float64) (share, naive *Histogram, err error) {
	if perEvent < 1 || len(draws)%perEvent != 0 || w != nil && len(w)*perEvent != len(draws) {
		return nil, nil, fmt.Errorf("stats: %d draws, %d an event, and %d weights", len(draws), perEvent, len(w))
	}
	for _, h := range []**Histogram{&share, &naive} {
		if *h, err = NewHistogram(edges, nil, nil); err != nil {
			return nil, nil, err
		}
	}
	for i := range len(draws) / perEvent {
		one, err := NewHistogram(edges, draws[i*perEvent:][:perEvent], nil)
		if err != nil {
			return nil, nil, err
		}
		share.addDraws(one, weight(w, i), perEvent)
		naive.addDraws(one, weight(w, i), perEvent)
		for b, k := range one.SumW {
			p, e := k/float64(perEvent), weight(w, i)
			share.SumW2[b] += e * e * p * p
			naive.SumW2[b] += e * e * p / float64(perEvent)
		}
	}
	return share, naive, nil
}

// addDraws adds the weight of an event by the shares of its draws.
func (h *Histogram) addDraws(one *Histogram, w float64, perEvent int) {
	for b, k := range one.SumW {
		h.SumW[b] += w * k / float64(perEvent)
	}
	h.Under += w * one.Under / float64(perEvent)
	h.Over += w * one.Over / float64(perEvent)
}

// Add adds the contents of a histogram with the same edges.
func (h *Histogram) Add(o *Histogram) {
	for b := range h.SumW {
		h.SumW[b] += o.SumW[b]
		h.SumW2[b] += o.SumW2[b]
	}
	h.Under, h.Over = h.Under+o.Under, h.Over+o.Over
}

// Shares are the contents in units of a total, such as the sum of all weights, with their standard errors: sqrt(SumW2)/total.
func (h *Histogram) Shares(total float64) (share, err []float64) {
	for b, w := range h.SumW {
		share, err = append(share, w/total), append(err, math.Sqrt(h.SumW2[b])/total)
	}
	return share, err
}
