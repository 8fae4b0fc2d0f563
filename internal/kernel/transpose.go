package kernel

// Transpose sets dst[c*ldd+r] to src[r*lds+c] for r < rows and c < cols. dst and src must not overlap.
func Transpose(dst []float32, ldd int, src []float32, lds, rows, cols int) {
	if !holds(dst, ldd, cols, rows) || !holds(src, lds, rows, cols) {
		panic("kernel: an operand is too small for a transpose")
	}
	if rows < 8 || cols < 8 {
		transposeGeneric(dst, ldd, src, lds, rows, cols)
		return
	}
	for r := 0; r < rows; r += 8 {
		r := min(r, rows-8) // the last strip overlaps the one before
		transposeStrip(dst[r:], ldd, src[r*lds:], lds, cols&^7)
		if cols%8 != 0 {
			c := cols - 8
			transposeStrip(dst[c*ldd+r:], ldd, src[r*lds+c:], lds, 8)
		}
	}
}

func transposeGeneric(dst []float32, ldd int, src []float32, lds, rows, cols int) {
	for r := range rows {
		for c, v := range src[r*lds:][:cols] {
			dst[c*ldd+r] = v
		}
	}
}
