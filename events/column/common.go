package column

// Common is the type that holds the values of a and of b, of which one is Text at most where both are: ok is false for
// text beside numbers. Integers of both kinds are Uint64, and integers beside floats are Float64; either holds the values
// that most files have, and Settle tells those that it does not.
func Common(a, b Type) (t Type, ok bool) {
	switch {
	case a == b:
		return a, true
	case a == Text || b == Text:
		return Text, false
	case (a == Int64 || a == Uint64) && (b == Int64 || b == Uint64):
		return Uint64, true
	}
	return Float64, true
}
