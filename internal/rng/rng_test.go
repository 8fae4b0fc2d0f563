package rng

import (
	"math"
	"slices"
	"testing"
)

// Known answers of the generator's authors (Random123, kat_vectors, philox4x32 10).
func TestPhiloxKnownAnswers(t *testing.T) {
	for _, c := range []struct {
		key  uint64
		in   [4]uint32
		want [4]uint32
	}{
		{0, [4]uint32{}, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{^uint64(0), [4]uint32{^uint32(0), ^uint32(0), ^uint32(0), ^uint32(0)}, [4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{0x299f31d0_a4093822, [4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, [4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	} {
		a, b, cc, d := Block(c.key, c.in[0], c.in[1], c.in[2], c.in[3])
		if got := [4]uint32{a, b, cc, d}; got != c.want {
			t.Errorf("Block(%x, %x) = %x, want %x", c.key, c.in, got, c.want)
		}
	}
}

func TestNormalMomentsAndSlices(t *testing.T) {
	const n = 200_000
	x := make([]float32, n)
	for _, col := range []uint32{0, 1, 7} {
		Normal(x, 5, StreamSample, col, 0)
		var m, v, k float64
		for _, a := range x {
			m += float64(a)
			v += float64(a) * float64(a)
			k += math.Pow(float64(a), 4)
		}
		m, v, k = m/n, v/n, k/n
		// five standard errors: 1/sqrt(n), sqrt(2/n), sqrt(96/n)
		if math.Abs(m) > 0.0112 || math.Abs(v-1) > 0.0159 || math.Abs(k-3) > 0.11 {
			t.Errorf("column %d: mean %v, variance %v, fourth moment %v", col, m, v, k)
		}
		part := make([]float32, 100)
		Normal(part, 5, StreamSample, col, 1234)
		for i, a := range part {
			if a != x[1234+i] {
				t.Fatalf("event %d depends on where the slice starts", 1234+i)
			}
		}
	}
}

// The number of an event is its own, in whatever company it comes.
func TestUniformOfAnyEvents(t *testing.T) {
	whole := make([]float64, 300)
	Uniform(whole, 5, StreamDequantise, 2, 1<<32-100)
	event := []uint64{1<<32 - 100, 1<<32 + 7, 1<<32 - 1, 1<<32 + 7}
	x := make([]float64, len(event))
	UniformAt(x, 5, StreamDequantise, 2, event)
	for i, e := range event {
		if want := whole[e-(1<<32-100)]; x[i] != want {
			t.Errorf("event %d: %v, want %v", e, x[i], want)
		}
	}
}

// Vector code and plain Go give the same bits, wherever a slice begins and ends, also where the event's number passes 32 bits.
func TestNormalPairBits(t *testing.T) {
	const n = 1000
	for _, first := range []uint64{0, 77, 1<<32 - 500, 1<<64 - n} {
		even, odd := make([]float32, n), make([]float32, n)
		NormalPair(even, odd, 0x0123456789abcdef, StreamSample, 3, first)
		for i := range n {
			e := first + uint64(i)
			a, b, c, d := Block(0x0123456789abcdef, uint32(e), uint32(e>>32), 3, StreamSample)
			x, y := boxMuller(unit(a, b), unit(c, d))
			if even[i] != x || odd[i] != y {
				t.Fatalf("event %d: %v and %v, want %v and %v", e, even[i], odd[i], x, y)
			}
		}
		for _, col := range []uint32{6, 7} {
			alone := make([]float32, 150)
			Normal(alone, 0x0123456789abcdef, StreamSample, col, first+33)
			if !slices.Equal(alone, [][]float32{even, odd}[col-6][33:183]) {
				t.Errorf("column %d from event %d depends on the other column", col, first+33)
			}
		}
	}
}

// The transform against the mathematical library's functions, in the bulk, at the edges of its branches and in the far tails.
func TestBoxMullerAccuracy(t *testing.T) {
	src := New(1, StreamTest, 0)
	us := []float64{0x1p-53, 0x1p-52, 1e-12, 0.5, math.Sqrt2 / 2, math.Nextafter(math.Sqrt2/2, 0), 1 - 0x1p-53, 1 - 0x1p-30}
	vs := []float64{0x1p-53, 1 - 0x1p-53, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 0.125 + 0x1p-50}
	for range 100_000 {
		us, vs = append(us, src.Float64()), append(vs, src.Float64())
	}
	for i, u := range us {
		v := vs[i%len(vs)]
		r := math.Sqrt(-2 * math.Log(u))
		sin, cos := math.Sincos(2 * math.Pi * v)
		x, y := boxMuller(u, v)
		for _, c := range [][2]float64{{float64(x), r * cos}, {float64(y), r * sin}} {
			// half a unit of float32's last place, and 1e-12 of the radius
			if d := math.Abs(c[0] - c[1]); d > 0x1p-24*math.Abs(c[1])+1e-12*r {
				t.Errorf("u = %v, v = %v: %v, want %v", u, v, c[0], c[1])
			}
		}
	}
}

// The largest deviation of the empirical distribution from the normal one, and the tails, which are counted in a sample large enough.
func TestNormalDistribution(t *testing.T) {
	n := 1 << 20
	if testing.Short() {
		n = 1 << 18
	}
	even, odd := make([]float32, n/2), make([]float32, n/2)
	NormalPair(even, odd, 9, StreamSample, 0, 0)
	x := append(even, odd...)
	slices.Sort(x)
	phi := func(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }
	var ks float64
	for i, v := range x {
		ks = max(ks, math.Abs(phi(float64(v))-(float64(i)+0.5)/float64(n)))
	}
	// Kolmogorov: exceeded by chance once in 1e6 such tests
	if limit := 2.7 / math.Sqrt(float64(n)); ks > limit {
		t.Errorf("the distribution is %v off, more than %v", ks, limit)
	}
	for s := 1.0; s <= 4; s++ {
		want := float64(n) * phi(-s)
		below, _ := slices.BinarySearch(x, float32(-s))
		above, _ := slices.BinarySearch(x, float32(s))
		for _, got := range []int{below, n - above} {
			if math.Abs(float64(got)-want) > 5*math.Sqrt(want)+3 {
				t.Errorf("%d beyond %v standard deviations, want %.0f", got, s, want)
			}
		}
	}
}

// The largest radius is that of the smallest uniform number, 8.57.
func TestNormalReachesFarTails(t *testing.T) {
	x, _ := boxMuller(0x1p-53, 0x1p-53)
	if want := math.Sqrt(2 * 53 * math.Ln2); math.Abs(float64(x)-want) > 1e-6 {
		t.Errorf("%v, want %v", x, want)
	}
}

func TestIntNIsUniform(t *testing.T) {
	s := New(3, StreamTest, 0)
	var c [7]int
	const n = 70_000
	for range n {
		c[s.IntN(7)]++
	}
	for i, k := range c {
		if math.Abs(float64(k)-n/7) > 5*math.Sqrt(n/7) {
			t.Errorf("%d came %d times of %d", i, k, n)
		}
	}
}

func BenchmarkNormalPair(b *testing.B) {
	x, y := make([]float32, 64), make([]float32, 64)
	for b.Loop() {
		NormalPair(x, y, 1, StreamSample, 0, 0)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(128*b.N), "ns/number")
}
