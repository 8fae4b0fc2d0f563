package rng

import (
	"math"
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
