package toy

import (
	"math"
	"testing"
)

// The formulas of table 1 of arXiv:1505.05770.
var table1 = map[string]func(x, y float64) float64{
	"U1": func(x, y float64) float64 {
		return math.Pow((math.Hypot(x, y)-2)/0.4, 2)/2 - math.Log(math.Exp(-math.Pow((x-2)/0.6, 2)/2)+math.Exp(-math.Pow((x+2)/0.6, 2)/2))
	},
	"U2": func(x, y float64) float64 { return math.Pow((y-math.Sin(2*math.Pi*x/4))/0.4, 2) / 2 },
	"U3": func(x, y float64) float64 {
		w1, w2 := math.Sin(2*math.Pi*x/4), 3*math.Exp(-math.Pow((x-1)/0.6, 2)/2)
		return -math.Log(math.Exp(-math.Pow((y-w1)/0.35, 2)/2) + math.Exp(-math.Pow((y-w1+w2)/0.35, 2)/2))
	},
	"U4": func(x, y float64) float64 {
		w1, w3 := math.Sin(2*math.Pi*x/4), 3/(1+math.Exp(-(x-1)/0.3))
		return -math.Log(math.Exp(-math.Pow((y-w1)/0.4, 2)/2) + math.Exp(-math.Pow((y-w1+w3)/0.35, 2)/2))
	},
}

// Potentials are those of the paper within |x1| = 4, but for a constant, and their gradients those of themselves everywhere.
func TestPotentials(t *testing.T) {
	for _, name := range PotentialNames() {
		u, err := NewPotential(name)
		if err != nil {
			t.Fatal(err)
		}
		at, _, _ := u(0.3, 0.2)
		constant := at + table1[name](0.3, 0.2)
		for x := -5.05; x < 5.2; x += 0.35 {
			for y := -4.; y < 4; y += 0.7 {
				v, byX, byY := u(x, y)
				if math.Abs(x) < 4 && math.Abs(v+table1[name](x, y)-constant) > 1e-9*(1+math.Abs(v)) {
					t.Errorf("%s: log p(%v, %v) is %v, not %v", name, x, y, v, constant-table1[name](x, y))
				}
				const h = 1e-5
				right, _, _ := u(x+h, y)
				left, _, _ := u(x-h, y)
				up, _, _ := u(x, y+h)
				down, _, _ := u(x, y-h)
				if d := math.Abs((right-left)/(2*h)-byX) + math.Abs((up-down)/(2*h)-byY); d > 1e-5*(1+math.Abs(byX)+math.Abs(byY)) {
					t.Errorf("%s: the gradient at (%v, %v) is %v, %v", name, x, y, byX, byY)
				}
			}
		}
	}
	if _, err := NewPotential("U5"); err == nil {
		t.Error("there is a U5")
	}
}
