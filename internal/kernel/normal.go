package kernel

// NormalCounter says which numbers of Philox4x32-10 a call of NormalPairs takes; see package rng.
type NormalCounter struct {
	Key0, Key1   uint64 // halves of the key, in 32 bits
	Event        uint64 // number of the first event
	Pair, Stream uint64 // the counter's other words, in 32 bits
}

// NormalPairs sets the first so many elements of even and odd, which are of equal length, to pairs of standard normal
// numbers, and returns how many: none where there is no vector code for it. The bits are those of package rng's plain Go.
func NormalPairs(even, odd []float32, at NormalCounter) int {
	whole := len(even) &^ (Lanes - 1)
	done := 0
	for done < whole {
		n := min(whole-done, chunk/8)
		if !normalPairs(even[done:done+n], odd[done:done+n], &at) {
			break
		}
		done += n
		at.Event += uint64(n)
	}
	return done
}
