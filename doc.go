// Package sluice is the whole chain of an analysis: events are read, prepared
// and learned, new events are drawn and compared with held-out ones, and a page
// says how far both can be trusted. The command of the same name is a thin face
// of this package; each stage is also a package of its own (events, prep, flow,
// train, model, stats, report).
//
// An analysis is a card (package card):
//
//	c, err := card.Load("jets.yaml")
//	m, result, err := sluice.Train(ctx, c, sluice.Options{})
//	t, err := m.Sample(1000, nil, c.Seed, 0)
//
// Negative log-likelihoods (NLL) are means over events in nats, of the density
// per unit of the user's own columns: the log-determinants of the preparation
// are in them. A density may exceed 1, so they can be negative.
package sluice
