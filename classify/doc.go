// Package classify tells classes of events apart, and learns a number from events, by networks on tiles: what two-sample tests, searches and
// density ratios need.
//
// All classes count alike in the loss, whatever their numbers and weights, so that the logit of two classes is the logarithm of the ratio of
// their densities, log p1(x)/p0(x) (Cranmer, Pavez and Louppe, arXiv:1506.02169). It is never taken from a probability f/(1-f), which
// has no digits left where f is near 1.
//
// The logit is a linear map of the columns, of their squares and of their products, plus an MLP. The linear map starts at Fisher's
// discriminant, and the parameters kept are those of the start or of an epoch, whichever is best on the validation events. A shift
// or a correlation that is small beside what training can find is so found with as little noise as by a fit of its own.
//
// Weights may be negative: an event then takes from the loss what it would add. Such a loss has no lower bound where a region's weights sum to
// less than 0, so logits are kept within 20 of 0.
package classify
