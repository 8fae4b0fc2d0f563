package kernel

// Sums go through Lanes partial sums, element i into sum i mod Lanes, then a fixed tree over them: the
// same additions in the same order on every CPU.

// Sum returns the sum of x.
func Sum(x []float32) float32 {
	var s [Lanes]float32
	for len(x) > 0 {
		n := min(len(x), chunk)
		sumLanes(&s, x[:n])
		x = x[n:]
	}
	return tree(&s)
}

// AddRowSums adds to dst[r], for r < rows, the sum of the n values at src[r*ld].
func AddRowSums(dst, src []float32, ld, rows, n int) {
	if len(dst) < rows || !holds(src, ld, rows, n) {
		panic("kernel: an operand is too small for sums of rows")
	}
	if n <= 0 {
		return
	}
	for r := 0; r < rows; {
		strip := min(rows-r, 1+chunk/n)
		addRowSums(dst[r:], src[r*ld:], ld, strip, n)
		r += strip
	}
}

// SquaredNorm returns the sum of the squares of x, in float64.
func SquaredNorm(x []float32) float64 {
	var s [Lanes]float64
	for len(x) >= Lanes {
		n := min(len(x), chunk) &^ (Lanes - 1)
		squareLanes(&s, x[:n])
		x = x[n:]
	}
	squareLanesGeneric(&s, x)
	return tree(&s)
}

// tree adds the lanes pairwise: i with i+8, then +4, +2, +1.
func tree[T float32 | float64](s *[Lanes]T) T {
	for w := Lanes / 2; w > 0; w /= 2 {
		for i := range w {
			s[i] += s[i+w]
		}
	}
	return s[0]
}

func sumLanesGeneric(s *[Lanes]float32, x []float32) {
	for i, v := range x {
		s[i%Lanes] += v
	}
}

func squareLanesGeneric(s *[Lanes]float64, x []float32) {
	for i, v := range x {
		s[i%Lanes] += float64(v) * float64(v)
	}
}

func addRowSumsGeneric(dst, src []float32, ld, rows, n int) {
	for r := range rows {
		var s [Lanes]float32
		sumLanesGeneric(&s, src[r*ld:][:n])
		dst[r] += tree(&s)
	}
}
