package flowtest

import (
	"math"

	"github.com/sluice-hep/sluice/flow"
)

// adaptive is the number of steps that stand for those of a tolerance: they are far more exact.
const adaptive = 24

// continuous goes along dx/dt = v from t = 1 to 0 by the classical method of Runge and Kutta, with the divergence of v by central differences.
func (o *Oracle) continuous(l flow.Layer, z, context [][]float64, logDet []float64) {
	steps := l.Part.Options["steps"].(int)
	if steps == 0 {
		steps = adaptive
	}
	field := velocity{network{o: o, part: l.Part, scope: l.Scope}, context}
	dt := -1 / float64(steps)
	for i := range steps {
		t := 1 + float64(i)*dt
		move := [][]float64{}
		var k [][]float64
		var div []float64
		sum, sumDiv := make([][]float64, len(z)), make([]float64, len(z))
		for e := range z {
			sum[e] = make([]float64, len(z[e]))
		}
		for j, weight := range []float64{1. / 6, 1. / 3, 1. / 3, 1. / 6} {
			at := []float64{0, 0.5, 0.5, 1}[j] * dt
			move = move[:0]
			for e := range z {
				x := append([]float64(nil), z[e]...)
				for f := range x {
					if j > 0 {
						x[f] += at * k[e][f]
					}
				}
				move = append(move, x)
			}
			k, div = field.at(move, t+at)
			for e := range z {
				sumDiv[e] += dt * weight * div[e]
				for f := range sum[e] {
					sum[e][f] += dt * weight * k[e][f]
				}
			}
		}
		for e := range z {
			logDet[e] += sumDiv[e]
			for f := range z[e] {
				z[e][f] += sum[e][f]
			}
		}
	}
}

// velocity is v, whose network sees t, cosines and sines of it, and the context in every layer.
type velocity struct {
	net     network
	context [][]float64
}

// at is v and its divergence.
func (v velocity) at(x [][]float64, t float64) (k [][]float64, div []float64) {
	const h = 1e-5
	var in [][]float64
	v.net.context = nil
	for e := range x {
		given := []float64{t}
		for w := 1; w <= 4; w *= 2 {
			sin, cos := math.Sincos(math.Pi * float64(w) * t)
			given = append(given, cos, sin)
		}
		given = append(given, v.context[e]...)
		for f := range 2*len(x[e]) + 1 {
			y := append([]float64(nil), x[e]...)
			if f > 0 {
				y[(f-1)/2] += h * float64(1-2*(f%2))
			}
			in, v.net.context = append(in, y), append(v.net.context, given)
		}
	}
	for l := range len(v.net.part.Options["hidden"].([]int)) + 1 {
		if l > 0 {
			in = v.net.activate(in)
		}
		in = v.net.linear(string(rune('0'+l)), in)
	}
	for e := range x {
		of := in[e*(2*len(x[e])+1):]
		k, div = append(k, of[0]), append(div, 0)
		for f := range x[e] {
			div[e] += (of[2*f+2][f] - of[2*f+1][f]) / (2 * h)
		}
	}
	return k, div
}
