// Package background estimates a background in a region of interest from events in control regions.
//
// A card (card.Background) names the bins of two control variables, whose pairs are the regions, the features, and the control variables that a flow is given
// as its context. Two things are learned in the control regions and carried into the region of interest:
//
//   - how many events there are, by ABCD: log N is a sum of a number for the bin of either variable, or, extended (Choi and Oh, arXiv:1906.10831), with
//     slopes of these;
//   - what they look like: by the density of the features given the control variables, from which events of the region of interest are drawn; or, where
//     there is a simulation, by a flow between its density and that of the data (arXiv:2211.02487), or one that makes the two alike by their maximum mean
//     discrepancy (ABCDnn, arXiv:2008.03636), which carries the simulated events of the region of interest to what data would look like there.
//
// Closure is the same for each control region in turn, of which nothing is learned then: how far the shapes and the number of its events are from what is
// predicted is the systematic error of the estimate. A search for a resonance goes over it.
package background
