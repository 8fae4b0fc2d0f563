// Package prep prepares columns of events for a flow and puts them back: every
// column passes through a chain of invertible one-dimensional maps, and each map
// adds its log-derivative, so that a density learned on prepared columns becomes
// a density per unit of the user's own columns.
//
// Arithmetic is float64 inside and float32 out: near a column's maximum the logit
// loses its digits in float32. Maps are fitted once, on training events, and kept
// in the model as JSON, which restores every number bit by bit.
//
// A column comes back as the type that it had. Integers beyond 2^43 (event numbers,
// microseconds since 1970) are counted from the middle of their range, so that
// float64 holds their steps, and come back to the last digit.
//
// Integers and other repeated values have no density. The steps dequantise,
// levels and spread give each event of such a value its own place in a cell, by
// noise that depends on the seed, the column and the event's number alone; their
// inverse puts the value back.
package prep
