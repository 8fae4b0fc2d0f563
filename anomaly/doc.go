// Package anomaly searches for a resonance that nobody has a model of: events in a window of a mass, the signal region, that look unlike those
// beside it.
//
// A card (card.Anomaly) names the mass, its only context, and the features x. The density of background p_B(x|m) is that of its flow, learned in
// the sidebands and carried into the signal region by the context. Methods differ in what they compare with it:
//
//   - anode (arXiv:2001.04990): the density of the events in the signal region, log p(x|m) - log p_B(x|m).
//   - r-anode (arXiv:2312.11629): the density p_S(x|m) of what is to be added to p_B, in w p_S + (1-w) p_B; log p_S(x|m) - log p_B(x|m).
//   - cathode (arXiv:2109.00546): a classifier tells the events from draws of p_B.
//   - lacathode (arXiv:2210.14924): the same in the latent space of p_B.
//   - cwola (arXiv:1902.02634): a classifier tells them from events of the sidebands nearby.
//   - idealised: a classifier tells them from true background of the signal region, which labels give.
//   - supervised: a classifier tells signal from background, by labels.
//
// Every event is scored by what has not been trained on it.
package anomaly
