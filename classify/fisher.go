package classify

import (
	"gonum.org/v1/gonum/mat"

	"github.com/sluice-hep/sluice/internal/batch"
	"github.com/sluice-hep/sluice/internal/kernel"
)

const (
	ridge       = 1e-4 // of the mean variance: columns may be copies of each other
	fisherWork  = 4e9  // products that its covariance may take
	fisherLeast = 5000 // events
)

// moments are those of the inputs of a network, products included, in events: covariance within classes, by the absolute weights so that it is
// never negative; of each class the mean by the weights as they are; and what goes with targets.
type moments struct {
	scatter *mat.SymDense
	mean    [][]float64 // of each class
	against [][]float64 // of each target: its covariance with the inputs
	target  []float64   // and its mean
}

// takeMoments goes by at most so many events as take a moment, evenly among rows. class and targets may be nil.
func takeMoments(o *objective, rows []int32, class []float32, classes int, targets [][]float32) *moments {
	p := o.width()
	if most := max(fisherLeast, int(fisherWork/float64(p*p))); len(rows) > most {
		some := make([]int32, most)
		for i := range some {
			some[i] = rows[i*len(rows)/most]
		}
		rows = some
	}
	s := newScatter(p, classes, len(targets))
	space := o.spaces[0]
	for first := 0; first < len(rows); first += kernel.Tile {
		tile := rows[first:min(first+kernel.Tile, len(rows))]
		space.begin(len(tile))
		x := o.seen(space)
		batch.Gather(x, o.x, tile, space.pass.N)
		o.multiply(x, space.pass.N)
		for e, r := range tile {
			k := 0
			if class != nil {
				k = int(class[r])
			}
			w := float64(o.weight[r])
			s.add(x[e:], w, k)
			for t, y := range targets {
				s.addTarget(x[e:], w, t, float64(y[r]))
			}
		}
		s.square(x, o.weight, tile, space.pass.N)
	}
	return s.moments()
}

// scatter adds up moments about 0.
type scatter struct {
	p             int
	sum, absolute []float64   // of weights, a class
	x, xAbsolute  [][]float64 // and of weights times inputs
	y             []float64   // of weights times targets
	xy            [][]float64
	xx            []float64
	tile, weighed []float32
	turned        []float32
}

func newScatter(p, classes, targets int) *scatter {
	matrix := func(n int) (m [][]float64) {
		for range n {
			m = append(m, make([]float64, p))
		}
		return m
	}
	return &scatter{
		p: p, sum: make([]float64, classes), absolute: make([]float64, classes), x: matrix(classes), xAbsolute: matrix(classes),
		y: make([]float64, targets), xy: matrix(targets), xx: make([]float64, p*p),
		tile: make([]float32, p*p), weighed: kernel.Aligned(p * kernel.Tile), turned: kernel.Aligned(kernel.RoundLanes(p) * kernel.Tile),
	}
}

// add takes an event whose inputs are a tile apart.
func (s *scatter) add(x []float32, w float64, class int) {
	a := max(w, -w)
	s.sum[class] += w
	s.absolute[class] += a
	sum, absolute := s.x[class], s.xAbsolute[class]
	for i := range sum {
		v := float64(x[i*kernel.Tile])
		sum[i] += w * v
		absolute[i] += a * v
	}
}

func (s *scatter) addTarget(x []float32, w float64, t int, y float64) {
	s.y[t] += w * y
	for i := range s.xy[t] {
		s.xy[t][i] += w * y * float64(x[i*kernel.Tile])
	}
}

// square adds the products of all inputs with each other in a tile.
func (s *scatter) square(x, weight []float32, rows []int32, n int) {
	for i := range s.p {
		d := s.weighed[i*kernel.Tile:][:n]
		clear(d)
		for e, r := range rows {
			d[e] = x[i*kernel.Tile+e] * max(weight[r], -weight[r])
		}
	}
	ld := kernel.RoundLanes(s.p)
	kernel.Transpose(s.turned, ld, x, kernel.Tile, s.p, n)
	g := kernel.Gemm{M: s.p, N: s.p, K: n, A: s.weighed, LDA: kernel.Tile, B: s.turned, LDB: ld, C: s.tile, LDC: s.p}
	g.Run()
	for i, v := range s.tile {
		s.xx[i] += float64(v)
	}
}

func (s *scatter) moments() *moments {
	m := &moments{scatter: mat.NewSymDense(s.p, nil)}
	var all, sum float64
	for k, a := range s.absolute {
		all += a
		sum += s.sum[k]
		mean := make([]float64, s.p)
		for i := range mean {
			mean[i] = s.x[k][i] / s.sum[k]
		}
		m.mean = append(m.mean, mean)
	}
	var trace float64
	for i := range s.p {
		for j := i; j < s.p; j++ {
			v := s.xx[i*s.p+j]
			for k, a := range s.absolute {
				v -= s.xAbsolute[k][i] * s.xAbsolute[k][j] / max(a, 1e-300)
			}
			m.scatter.SetSym(i, j, v/all)
		}
		trace += m.scatter.At(i, i)
	}
	for i := range s.p {
		m.scatter.SetSym(i, i, m.scatter.At(i, i)+ridge*max(trace/float64(s.p), 1e-12))
	}
	for t := range s.xy {
		y := s.y[t] / sum
		against := make([]float64, s.p)
		for i := range against {
			against[i] = s.xy[t][i]/sum - y*s.x[0][i]/s.sum[0]
		}
		m.target, m.against = append(m.target, y), append(m.against, against)
	}
	return m
}

// plane is a linear function by its slope, up to the covariance, and its value at a place.
type plane struct {
	slope, place []float64
	value        float64
}

// planes are, of two classes, the logit of normal distributions of one covariance, of slope m1-m0 and 0 in the middle between the means; of several classes that of
// each, of slope m and 0 at m/2; and of targets the least squares.
func (m *moments) planes(outputs int) (all []plane) {
	between := func(a, b []float64, f, g float64) []float64 {
		v := make([]float64, len(a))
		for i := range v {
			v[i] = f*a[i] + g*b[i]
		}
		return v
	}
	switch {
	case len(m.against) > 0:
		for t, c := range m.against {
			all = append(all, plane{c, m.mean[0], m.target[t]})
		}
	case outputs == 1:
		all = append(all, plane{between(m.mean[1], m.mean[0], 1, -1), between(m.mean[1], m.mean[0], 0.5, 0.5), 0})
	default:
		for _, mean := range m.mean {
			all = append(all, plane{mean, between(mean, mean, 0.5, 0), 0})
		}
	}
	return all
}

// fisher sets the linear map to these planes in the first p inputs, with the others' weights 0: Fisher's discriminant. It leaves 0 where the covariance has no inverse.
func (n *network) fisher(params []float32, m *moments, p int) {
	view := n.layout.Views[0]
	w, bias := view.Of(params), n.layout.Views[1].Of(params)
	clear(w)
	clear(bias)
	var chol mat.Cholesky
	if !chol.Factorize(m.scatter.SliceSym(0, p)) {
		return
	}
	for output, f := range m.planes(n.outputs) {
		slope := mat.NewVecDense(p, nil)
		if chol.SolveVecTo(slope, mat.NewVecDense(p, f.slope[:p])) != nil {
			continue
		}
		for i := range p {
			w[output*view.Cols+i] = float32(slope.AtVec(i))
			f.value -= slope.AtVec(i) * f.place[i]
		}
		bias[output] = float32(f.value)
	}
}
