package kernel

// One call of assembly each, as in dispatch_amd64.go: a tile of a layer is a few microseconds of work.

//go:noinline
func affineRows(dst, x, scale, shift []float32, n int, relu bool) {
	switch isa {
	case isaAVX512:
		if relu {
			affineReLURowsAVX512(&dst[0], &x[0], &scale[0], &shift[0], len(scale), n)
		} else {
			affineRowsAVX512(&dst[0], &x[0], &scale[0], &shift[0], len(scale), n)
		}
	case isaAVX2:
		if relu {
			affineReLURowsAVX2(&dst[0], &x[0], &scale[0], &shift[0], len(scale), n)
		} else {
			affineRowsAVX2(&dst[0], &x[0], &scale[0], &shift[0], len(scale), n)
		}
	default:
		affineRowsGeneric(dst, x, scale, shift, n, relu)
	}
}

//go:noinline
func normBackwardRows(dx, dy, x, slope, byX, rest []float32, n int, add bool) {
	switch isa {
	case isaAVX512:
		if add {
			normBackwardAddRowsAVX512(&dx[0], &dy[0], &x[0], &slope[0], &byX[0], &rest[0], len(slope), n)
		} else {
			normBackwardRowsAVX512(&dx[0], &dy[0], &x[0], &slope[0], &byX[0], &rest[0], len(slope), n)
		}
	case isaAVX2:
		if add {
			normBackwardAddRowsAVX2(&dx[0], &dy[0], &x[0], &slope[0], &byX[0], &rest[0], len(slope), n)
		} else {
			normBackwardRowsAVX2(&dx[0], &dy[0], &x[0], &slope[0], &byX[0], &rest[0], len(slope), n)
		}
	default:
		normBackwardRowsGeneric(dx, dy, x, slope, byX, rest, n, add)
	}
}

//go:noinline
func momentRows(sums, products, x, y []float32, n int) {
	switch isa {
	case isaAVX512:
		momentRowsAVX512(&sums[0], &products[0], &x[0], &y[0], len(sums), n)
	case isaAVX2:
		momentRowsAVX2(&sums[0], &products[0], &x[0], &y[0], len(sums), n)
	default:
		momentRowsGeneric(sums, products, x, y, n)
	}
}

//go:noinline
func gatedAdd(dst, x, y, gate []float32) {
	switch isa {
	case isaAVX512:
		gatedAddAVX512(&dst[0], &x[0], &y[0], &gate[0], len(dst))
	case isaAVX2:
		gatedAddAVX2(&dst[0], &x[0], &y[0], &gate[0], len(dst))
	default:
		gatedAddGeneric(dst, x, y, gate)
	}
}

//go:noinline
func gatedBackward(dy, dGate, d, gate, next, x []float32) {
	switch isa {
	case isaAVX512:
		gatedBackwardAVX512(&dy[0], &dGate[0], &d[0], &gate[0], &next[0], &x[0], len(dy))
	case isaAVX2:
		gatedBackwardAVX2(&dy[0], &dGate[0], &d[0], &gate[0], &next[0], &x[0], len(dy))
	default:
		gatedBackwardGeneric(dy, dGate, d, gate, next, x)
	}
}
