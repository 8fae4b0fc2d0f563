// Package unfold takes the effects of a detector out of data: what distribution of the true columns x has given the measured ones, y?
//
// A simulation has pairs of x and y. Events that pass both selections, that of the truth and that of the measurement, teach p(x|y); those that pass the
// second alone are fakes, those that pass the first alone are lost. What is unfolded are the true columns of all events that pass the truth's
// selection. There are three methods, each of which goes in iterations, as what the simulation takes for true before any measurement matters:
//
//   - iterated (arXiv:2212.08674): a flow learns p(x|y). Each event of the data gives draws of x, with the probability to be no fake for a weight; a
//     classifier weighs the truth of the simulation to look like these; the flow goes on learning with these weights. In the end each draw counts by one over its efficiency.
//   - omnifold (arXiv:1911.09107): a classifier weighs the simulation to look like the data in y; another carries the weights over to x, as
//     their mean given x. The events unfolded are those of the simulation.
//   - matrix (D'Agostini, NIM A 362 (1995) 487): the same in bins of one column, x and y by themselves.
//
// Acceptance is treated as in arXiv:2105.04448: an event that is lost has the mean weight of those with its x, a fake that of those with its y. One
// classifier of the events that pass both, with their new weights and with the old, gives such a mean, for all events at once: the ratio of both densities.
package unfold
