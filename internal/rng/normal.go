package rng

import (
	"math"

	"github.com/sluice-hep/sluice/internal/kernel"
)

// Normal fills dst with standard normal numbers: dst[i] belongs to event first+i of the given column of the stream.
func Normal(dst []float32, seed uint64, stream, column uint32, first uint64) {
	if column%2 == 0 {
		NormalPair(dst, nil, seed, stream, column/2, first)
	} else {
		NormalPair(nil, dst, seed, stream, column/2, first)
	}
}

// NormalPair fills two columns of equal length, 2*pair and 2*pair+1, at the price of one, by the Box-Muller transform. Either
// may be nil.
func NormalPair(even, odd []float32, seed uint64, stream, pair uint32, first uint64) {
	if even != nil && odd != nil {
		normalPairs(even, odd, seed, stream, pair, first)
		return
	}
	var unwanted [64]float32
	dst := even
	if even == nil {
		dst = odd
	}
	for len(dst) > 0 {
		n := min(len(dst), len(unwanted))
		if even != nil {
			normalPairs(dst[:n], unwanted[:n], seed, stream, pair, first)
		} else {
			normalPairs(unwanted[:n], dst[:n], seed, stream, pair, first)
		}
		dst, first = dst[n:], first+uint64(n)
	}
}

func normalPairs(even, odd []float32, seed uint64, stream, pair uint32, first uint64) {
	done := kernel.NormalPairs(even, odd, kernel.NormalCounter{
		Key0: seed & math.MaxUint32, Key1: seed >> 32, Event: first, Pair: uint64(pair), Stream: uint64(stream),
	})
	for i := done; i < len(even); i++ {
		e := first + uint64(i)
		a, b, c, d := Block(seed, uint32(e), uint32(e>>32), pair, stream)
		even[i], odd[i] = boxMuller(unit(a, b), unit(c, d))
	}
}

// boxMuller gives two standard normal numbers from two uniform ones. It is exact to 1e-12 before it is rounded to float32. The
// operations and their order are those of the vector code in internal/kernel, so that the bits are the same on every CPU.
func boxMuller(u, v float64) (even, odd float32) {
	r := math.Sqrt(minusTwoLog(u))
	cos, sin := turn(v)
	return float32(r * cos), float32(r * sin)
}

// minusTwoLog is -2 log u for u in (0, 1): u = 2^k m, m in [sqrt(1/2), sqrt 2), and log m = 2 artanh((m-1)/(m+1)).
func minusTwoLog(u float64) float64 {
	const one, root = 0x3ff << 52, 0x3fe6a09e667f3bcd // bits of 1 and of sqrt(1/2)
	x := math.Float64bits(u) + (one - root)
	k := float64(int64(x>>52) - 1023)
	m := math.Float64frombits(x&(1<<52-1) + root)
	s := (m - 1) / (m + 1)
	z := s * s
	l := math.FMA(s, z*polynomial(z, &logTerms), s)
	return math.FMA(l, -4, k*(-2*math.Ln2))
}

// turn is cosine and sine of v full turns: n quarters, and part of one, in [-1/2, 1/2].
func turn(v float64) (cos, sin float64) {
	const magic = 0x1.8p52 // added to it, a small number loses what is behind its point
	big := 4*v + magic
	n := math.Float64bits(big)
	part := 4*v - (big - magic)
	h := part * part
	sin = part * polynomial(h, &sinTerms)
	cos = math.FMA(h, polynomial(h, &cosTerms), 1)
	if n&1 != 0 {
		cos, sin = sin, cos
	}
	return flip(cos, (n+1)&2), flip(sin, n&2)
}

// flip changes the sign of x where two is 2 and not 0.
func flip(x float64, two uint64) float64 { return math.Float64frombits(math.Float64bits(x) ^ two<<62) }

// Minimax fits, lowest power first: of (artanh(s)/s - 1)/s^2 in s^2, and of sin(x pi/2)/x and (cos(x pi/2) - 1)/x^2 in x^2.
var (
	logTerms = [...]float64{0.3333333333368754, 0.19999999398668794, 0.14285877267957245, 0.11095700415154251, 0.09681326857101004, 0}
	sinTerms = [...]float64{1.57079632679489, -0.645964097504309, 0.07969262615574603, -0.004681752591458209, 0.00016042926504495616, -3.556386260704784e-06}
	cosTerms = [...]float64{-1.233700550135279, 0.25366950772284663, -0.020863475058875536, 0.0009191963343183554, -2.4909228700967793e-05, 0}
)

func polynomial(x float64, c *[6]float64) float64 {
	y := c[5]
	for i := 4; i >= 0; i-- {
		y = math.FMA(y, x, c[i])
	}
	return y
}
