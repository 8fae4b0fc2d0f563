// Package stats measures how far two samples of events are apart: distances
// and tests of one column (Kolmogorov-Smirnov, Wasserstein, chi2 of
// histograms), of several (energy distance, maximum mean discrepancy, sliced
// Wasserstein; FPD, KPD and PRDC under the names they are published by), and
// the difference of correlations; whether a sample copies its training events
// (Copies); what a score separates (ROC). Compare does what a user wants to
// see of two tables at once, CompareJointly what tells the columns together
// from chance. docs/validation.md says how each number and its probability
// come about.
//
// Everything is computed in float64 and takes event weights; nil weights mean
// that every event weighs 1. Weights may be negative as long as their sum is
// positive: a cumulative distribution then need not rise everywhere, and what
// is computed from it keeps its definition.
package stats
