// Package rng gives counter-based random numbers: every value is a pure
// function of a seed, a stream and a counter, so event i of a sample does not
// depend on how many events came before it or on the number of threads.
//
// The generator is Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random
// numbers: as easy as 1, 2, 3", SC 2011).
package rng

import (
	"math"
	"math/bits"
)

// Streams keep the users of one seed apart.
const (
	StreamInit       uint32 = iota + 1 // parameters at the start
	StreamPermute                      // permutations inside a flow
	_                                  // once the division of events
	StreamShuffle                      // order of events in an epoch
	StreamDequantise                   // uniform noise on integers
	StreamSample                       // latent events
	StreamToy                          // toy distributions and simulators
	StreamTest                         // permutation and bootstrap tests
	StreamWindow                       // order of events in a window of them: of the first window, and one more for each that follows
)

// Streams beyond those of any window.
const (
	StreamCells   uint32 = 1<<31 + iota // order in which the strata of a cell are visited
	StreamRedraw                        // seeds of the tries after the first to draw an event
	StreamBase                          // seeds of draws of the base that are to be others than a sample's
	StreamProbe                         // directions in which traces are estimated
	StreamTime                          // times at which flow matching looks
	StreamCodes                         // codes of categorical features
	StreamMember                        // which of several densities draws an event, and the seeds of these
	StreamSearch                        // thinned signal, folds and masses of a search
	StreamChain                         // moves of a Markov chain
	StreamFakes                         // objects that nothing generated: of the toy detector, and of a simulation
	StreamRegion                        // resamplings, trainings and pseudo-experiments of an estimate of a background
	StreamPredict                       // draws of a posterior that go on, into a simulator or a chain, and what is simulated with them
	StreamUnfold                        // classifiers and replicas of an unfolding
)

// Block is Philox4x32-10: four 32-bit words for one 128-bit counter and one 64-bit key.
func Block(key uint64, c0, c1, c2, c3 uint32) (uint32, uint32, uint32, uint32) {
	k0, k1 := uint32(key), uint32(key>>32)
	for range 10 {
		h0, l0 := bits.Mul32(0xD2511F53, c0)
		h1, l1 := bits.Mul32(0xCD9E8D57, c2)
		c0, c1, c2, c3 = h1^c1^k0, l1, h0^c3^k1, l0
		k0 += 0x9E3779B9
		k1 += 0xBB67AE85
	}
	return c0, c1, c2, c3
}

// Uniform fills dst with numbers in (0, 1), never 0 or 1: dst[i] belongs to event first+i of the
// given column of the stream.
func Uniform(dst []float64, seed uint64, stream, column uint32, first uint64) {
	for i := range dst {
		dst[i] = uniform(seed, stream, column, first+uint64(i))
	}
}

// UniformAt is Uniform for events of any numbers: dst[i] belongs to event[i].
func UniformAt(dst []float64, seed uint64, stream, column uint32, event []uint64) {
	for i, e := range event[:len(dst)] {
		dst[i] = uniform(seed, stream, column, e)
	}
}

func uniform(seed uint64, stream, column uint32, event uint64) float64 {
	a, b, _, _ := Block(seed, uint32(event), uint32(event>>32), column, stream)
	return unit(a, b)
}

// unit maps 64 random bits to the centre of one of 2^52 cells of (0, 1).
func unit(hi, lo uint32) float64 {
	x := uint64(hi)<<32 | uint64(lo)
	return (float64(x>>12) + 0.5) * 0x1p-52
}

// Source is a sequential view of one stream; it implements math/rand/v2's Source.
type Source struct {
	seed   uint64
	stream uint32
	sub    uint32
	n      uint64
	spare  uint64
	have   bool
}

// New returns the generator of one stream; sub separates its parts (a layer, an epoch).
func New(seed uint64, stream, sub uint32) *Source {
	return &Source{seed: seed, stream: stream, sub: sub}
}

// Uint64 returns the next 64 random bits.
func (s *Source) Uint64() uint64 {
	if s.have {
		s.have = false
		return s.spare
	}
	a, b, c, d := Block(s.seed, uint32(s.n), uint32(s.n>>32), s.sub, s.stream)
	s.n++
	s.spare, s.have = uint64(c)<<32|uint64(d), true
	return uint64(a)<<32 | uint64(b)
}

// Float64 returns a number in (0, 1), never 0 or 1.
func (s *Source) Float64() float64 { return (float64(s.Uint64()>>12) + 0.5) * 0x1p-52 }

// NormFloat64 returns a standard normal number.
func (s *Source) NormFloat64() float64 {
	return math.Sqrt(-2*math.Log(s.Float64())) * math.Cos(2*math.Pi*s.Float64())
}

// IntN returns an integer in [0, n) without bias (Lemire's method, arXiv:1805.10941). It panics if n < 1.
func (s *Source) IntN(n int) int {
	if n < 1 {
		panic("rng: IntN needs n >= 1")
	}
	hi, lo := bits.Mul64(s.Uint64(), uint64(n))
	if lo < uint64(n) {
		t := -uint64(n) % uint64(n)
		for lo < t {
			hi, lo = bits.Mul64(s.Uint64(), uint64(n))
		}
	}
	return int(hi)
}

// Perm returns a random permutation of 0..n-1 (Fisher and Yates).
func (s *Source) Perm(n int) []int32 {
	p := make([]int32, n)
	for i := range p {
		p[i] = int32(i)
	}
	s.Shuffle(p)
	return p
}

// Shuffle puts p in random order.
func (s *Source) Shuffle(p []int32) {
	for i := len(p) - 1; i > 0; i-- {
		j := s.IntN(i + 1)
		p[i], p[j] = p[j], p[i]
	}
}
