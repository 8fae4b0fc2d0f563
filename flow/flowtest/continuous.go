package flowtest

import (
	"fmt"
	"math"
	"slices"

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
		var k, move [][]float64
		var div []float64
		sum, sumDiv := make([][]float64, len(z)), make([]float64, len(z))
		for e := range z {
			sum[e] = make([]float64, len(z[e]))
		}
		for j, weight := range []float64{1. / 6, 1. / 3, 1. / 3, 1. / 6} {
			at := []float64{0, 0.5, 0.5, 1}[j] * dt
			move = nil
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
	given := []float64{t}
	for w := 1; w <= 4; w *= 2 {
		sin, cos := math.Sincos(math.Pi * float64(w) * t)
		given = append(given, cos, sin)
	}
	var layers [][2][]float64
	for l := range len(v.net.part.Options["hidden"].([]int)) + 1 {
		layers = append(layers, [2][]float64{v.net.of(fmt.Sprint(l, ".weight")), v.net.of(fmt.Sprint(l, ".bias"))})
	}
	activation := activations[v.net.part.Options["activation"].(string)]
	var in, out []float64
	of := func(e int) []float64 {
		out = append(out[:0], x[e]...)
		for l, of := range layers {
			in = append(append(append(in[:0], given...), v.context[e]...), out...)
			out = out[:0]
			for o, sum := range of[1] {
				for j, w := range of[0][o*len(in):][:len(in)] {
					sum += w * in[j]
				}
				if l+1 < len(layers) {
					sum = activation(sum)
				}
				out = append(out, sum)
			}
		}
		return out
	}
	for e := range x {
		k, div = append(k, slices.Clone(of(e))), append(div, 0)
		for f, at := range x[e] {
			x[e][f] = at + h
			up := of(e)[f]
			x[e][f] = at - h
			div[e] += (up - of(e)[f]) / (2 * h)
			x[e][f] = at
		}
	}
	return k, div
}
