package apply

import (
	"encoding/json"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// A sum is the float64 nearest to the true one, whatever the order and the parts, also after it was written and read.
func TestSumIsExact(t *testing.T) {
	g := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		x := make([]float64, 1+g.IntN(200))
		exact := new(big.Float).SetPrec(4000)
		for i := range x {
			x[i] = math.Ldexp(g.NormFloat64(), g.IntN(120)-60)
			if i > 0 && g.IntN(3) == 0 {
				x[i] = -x[g.IntN(i)] // which cancels
			}
			exact.Add(exact, new(big.Float).SetFloat64(x[i]))
		}
		want, _ := exact.Float64()
		for range 3 {
			g.Shuffle(len(x), func(i, j int) { x[i], x[j] = x[j], x[i] })
			var a, b, read sum
			cut := g.IntN(len(x) + 1)
			for _, v := range x[:cut] {
				a.add(v)
			}
			for _, v := range x[cut:] {
				b.add(v)
			}
			text, err := json.Marshal(b)
			if err == nil {
				err = json.Unmarshal(text, &read)
			}
			if err != nil {
				t.Fatal(err)
			}
			a.join(read)
			if a.value() != want {
				t.Fatalf("%d numbers, cut at %d: %g, not %g", len(x), cut, a.value(), want)
			}
		}
	}
}

// Half a unit in the last place is rounded by what lies below it.
func TestSumRoundsOnce(t *testing.T) {
	for _, c := range []struct {
		x    []float64
		want float64
	}{
		{[]float64{1, 0x1p-53, 0x1p-110}, 1 + 0x1p-52},
		{[]float64{1, 0x1p-53, -0x1p-110}, 1},
		{[]float64{1, 0x1p-53}, 1},
	} {
		var s sum
		for _, x := range c.x {
			s.add(x)
		}
		if s.value() != c.want {
			t.Errorf("%v: %x, not %x", c.x, s.value(), c.want)
		}
	}
}

func TestSumOfWhatIsNoNumber(t *testing.T) {
	var s, read sum
	s.add(1)
	s.add(math.Inf(-1))
	text, err := json.Marshal(s)
	if err == nil {
		err = json.Unmarshal(text, &read)
	}
	if err != nil || !math.IsInf(read.value(), -1) {
		t.Errorf("%g (%v)", read.value(), err)
	}
	read.add(math.Inf(1))
	if !math.IsNaN(read.value()) {
		t.Errorf("%g", read.value())
	}
	if none := (&sum{}).value(); none != 0 {
		t.Errorf("nothing adds up to %g", none)
	}
}
