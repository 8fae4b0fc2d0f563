package prep

import "math"

// periodic takes an angle from Low to High to a turn, y = (x - Cut)/(High - Low) modulo 1, cut where the fewest events lie.
// Low and High are one place.
type periodic struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	Cut  float64 `json:"cut"` // from Low to High
}

// cutBins are places to cut at, each judged by the events within one of them on either side.
const cutBins = 64

func (s *periodic) Kind() string { return "periodic" }

func (s *periodic) Fit(x, w []float64) error {
	rounding := 1e-12 * (s.High - s.Low) // of the ends of the cells of a grid
	if err := inside("periodic", x, s.Low-rounding, s.High+rounding); err != nil {
		return err
	}
	var in [cutBins]float64
	for i, v := range x {
		in[min(max(int((v-s.Low)/(s.High-s.Low)*cutBins), 0), cutBins-1)] += weight(w, i)
	}
	least := math.Inf(1)
	for k := range in {
		if n := in[k] + in[(k+cutBins-1)%cutBins]; n < least {
			least, s.Cut = n, s.Low+(s.High-s.Low)*float64(k)/cutBins
		}
	}
	return nil
}

func (s *periodic) Apply(x, logDet []float64) {
	turn := s.High - s.Low
	for i, v := range x {
		y := math.Mod(v-s.Cut, turn) / turn
		if y < 0 {
			y++
		}
		x[i] = min(y, highest)
	}
	addAll(logDet, -math.Log(turn))
}

func (s *periodic) Invert(y, logDet []float64) {
	turn := s.High - s.Low
	for i, v := range y {
		_, v = math.Modf(v)
		if v < 0 {
			v++
		}
		x := s.Cut + v*turn
		if x >= s.High {
			x -= turn
		}
		y[i] = min(max(x, s.Low), s.High)
	}
	addAll(logDet, math.Log(turn))
}

func (s *periodic) limits() (low, high float64) { return s.Low, s.High }

func (s *periodic) check() error {
	return require(finite(s.Low, s.High, s.Cut, s.High-s.Low) && s.Low < s.High && s.Cut >= s.Low && s.Cut <= s.High,
		"low, cut and high are not finite numbers in order")
}
