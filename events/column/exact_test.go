package column

import (
	"encoding/json"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// Differences are those of big integers rounded to float64, sums those of big integers, and JSON keeps every digit.
func TestExactAgainstBigIntegers(t *testing.T) {
	edges := []int64{0, 1, -1, 1<<53 + 1, 1<<32 - 1, math.MaxInt64, math.MaxInt64 - 1, math.MinInt64, math.MinInt64 + 1}
	integer := rapid.OneOf(rapid.Int64(), rapid.SampledFrom(edges), rapid.Int64Range(1<<62, 1<<62+1000))
	rapid.Check(t, func(t *rapid.T) {
		v, w := integer.Draw(t, "v"), integer.Draw(t, "w")
		u := rapid.Uint64().Draw(t, "u")
		c, d := Column{Type: Int64, I64: []int64{v, w}}, Column{Type: Uint64, U64: []uint64{u}}
		a, b, e := c.Exact(0), c.Exact(1), d.Exact(0)
		for _, pair := range []struct {
			x, y Exact
			want *big.Int
		}{
			{a, b, new(big.Int).Sub(big.NewInt(v), big.NewInt(w))},
			{e, a, new(big.Int).Sub(new(big.Int).SetUint64(u), big.NewInt(v))},
		} {
			want, _ := new(big.Float).SetInt(pair.want).Float64()
			if got := pair.x.Minus(pair.y); got != want {
				t.Fatalf("%v - %v = %v, want %v", pair.x, pair.y, got, want)
			}
		}
		if a.Int64() != v || e.Uint64() != u || a.Float() != float64(v) || e.Float() != float64(u) {
			t.Fatalf("%d and %d come back as %d and %d", v, u, a.Int64(), e.Uint64())
		}
		step := rapid.Int64Range(-1<<53, 1<<53).Draw(t, "step")
		sum := new(big.Int).Add(big.NewInt(v), big.NewInt(step))
		if got := a.Plus(float64(step)); sum.IsInt64() && got.Int64() != sum.Int64() || !sum.IsInt64() && got.Int64() != saturated(sum) {
			t.Fatalf("%d + %d = %v", v, step, got)
		}
		for _, x := range []Exact{a, e} {
			text, err := json.Marshal(x)
			var back Exact
			if err == nil {
				err = json.Unmarshal(text, &back)
			}
			if err != nil || back != x {
				t.Fatalf("%v comes back from JSON as %v (%v)", x, back, err)
			}
		}
	})
}

func saturated(v *big.Int) int64 {
	if v.Sign() < 0 {
		return math.MinInt64
	}
	return math.MaxInt64
}

// A float beside an integer: 1550083467000000.25 less 1550083467000000 is 0.25.
func TestExactOfFloats(t *testing.T) {
	floats := Column{Type: Float64, F64: []float64{1550083467000000.25, 1e300, math.NaN()}}
	integers := Column{Type: Int64, I64: []int64{1550083467000000}}
	from := integers.Exact(0)
	dst := make([]float64, 3)
	floats.Distances(dst, 0, from)
	if dst[0] != 0.25 || dst[1] != 1e300 || dst[2] == dst[2] {
		t.Errorf("distances %v", dst)
	}
	if end := floats.Exact(1); end.Int64() != math.MaxInt64 || end.Uint64() != math.MaxUint64 {
		t.Errorf("1e300 is %d and %d", end.Int64(), end.Uint64())
	}
	if s := from.String() + " " + floats.Exact(0).String(); s != "1550083467000000 1.5500834670000002e+15" {
		t.Error(s)
	}
	for _, text := range []string{`1.5`, `"1"`, `1e3`, `18446744073709551616`, `[]`} {
		if err := json.Unmarshal([]byte(text), new(Exact)); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}
