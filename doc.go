// Package sluice is the whole chain of an analysis: events are read, prepared and learned, new events are drawn and compared
// with held-out ones, and a page says how far both can be trusted. The command of the same name is a thin face of this
// package; each stage is also a package of its own (query, fit, apply, report, record; events, prep, flow, train, model, stats).
//
// An analysis is a card (package card), from a file or made in place:
//
//	c := &card.Card{Files: []string{"jets.root"}, Features: []string{"pt", "eta"}, Seed: 1}
//	r, err := sluice.Train(ctx, c, "jets.safetensors", sluice.Options{})
//	new, err := r.Density.Sample(1000, nil, c.Seed, 0)
//
// Every verb takes a context, what it works on, the file or folder that it writes if any, and options. It ends early, with an
// *InterruptedError, when the context does; an *InputError is the user's; a file that it writes appears whole or not at all.
//
// Negative log-likelihoods (NLL) are means over events in nats, of the density per unit of the user's own columns: the
// log-determinants of the preparation are in them. A density may exceed 1, so they can be negative.
package sluice
