package rntuple

// XXH3 is for the writer of the tests.
var XXH3 = xxh3
