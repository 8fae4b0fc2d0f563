// Package plot draws the pictures of a report: generated samples over reference
// events column by column, correlation matrices, corner plots, loss curves, ROC and
// other curves with bands, and small multiples of histograms and of 2-D samples. A
// picture is an SVG, a PNG or a PDF; the same input gives the same bytes.
//
// The look follows the habits of particle physics: ticks inside on all four
// sides, units in brackets, filled reference, ratio panel below. Colours are from
// the set of Okabe and Ito, which colour-blind readers can tell apart.
package plot
