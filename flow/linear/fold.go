package linear

import (
	"math"
	"slices"
	"sync"

	"gonum.org/v1/gonum/mat"

	"github.com/sluice-hep/sluice/flow/tile"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/nn"
)

// Map is a linear map of all features, or a shift and a scale of each: several in a row are one, as long as their parameters stay.
type Map interface {
	// Follow sets a to this map after a.
	Follow(a *Affine, p []float32)
	// Work is about how many multiplications an event takes.
	Work() int
}

// Affine is z = Matrix x + Shift of n features in the order of the columns, with log|det Matrix|.
type Affine struct {
	Matrix, Shift []float64
	LogDet        float64
}

// row is row i of the matrix.
func (a *Affine) row(i int) []float64 {
	n := len(a.Shift)
	return a.Matrix[i*n:][:n]
}

// scale is z_f = scale (x_f - from) + to.
func (a *Affine) scale(f int, from, logScale, to float64) {
	s := math.Exp(logScale)
	for j := range a.row(f) {
		a.row(f)[j] *= s
	}
	a.Shift[f] = s*(a.Shift[f]-from) + to
	a.LogDet += logScale
}

// turn multiplies the features in order by a matrix.
func (a *Affine) turn(order []int32, by func(i, j int) float64) {
	before := Affine{Matrix: slices.Clone(a.Matrix), Shift: slices.Clone(a.Shift)}
	for i, f := range order {
		to := a.row(int(f))
		clear(to)
		a.Shift[f] = 0
		for j, g := range order {
			w := by(i, j)
			for k, v := range before.row(int(g)) {
				to[k] += w * v
			}
			a.Shift[f] += w * before.Shift[g]
		}
	}
}

// Fold is a run of maps as one, which takes one product where they take several and solve triangles on the way back.
type Fold struct {
	First, End int // of the layers, [First, End)

	of     []Map
	spans  [][2]int // of the maps' parameters in the flat vector
	n      int
	access sync.Mutex
	by     []float32 // the parameters that dense is of
	dense  *Dense
}

// Folds finds the runs among the layers of a flow of n features, nil where a layer is no map, whose parameters are in these spans. Those
// are left that one product would be more work than.
func Folds(layers []Map, spans [][2]int, n int) (folds []*Fold) {
	work, first := 0, 0
	for i := 0; i <= len(layers); i++ {
		if i < len(layers) && layers[i] != nil {
			work += layers[i].Work()
			continue
		}
		if i > first && work >= n*n {
			folds = append(folds, &Fold{First: first, End: i, of: layers[first:i], spans: spans[first:i], n: n})
		}
		work, first = 0, i+1
	}
	return folds
}

// At is the one map that the run is under the parameters p; nil where that is too near singular to invert in float32. It is made anew
// only when they have moved.
func (f *Fold) At(p []float32) *Dense {
	f.access.Lock()
	defer f.access.Unlock()
	by := f.by
	for _, s := range f.spans {
		if len(by) < s[1]-s[0] || !slices.Equal(by[:s[1]-s[0]], p[s[0]:s[1]]) {
			f.make(p)
			break
		}
		by = by[s[1]-s[0]:]
	}
	if f.by == nil { // there are no parameters
		f.make(p)
	}
	return f.dense
}

func (f *Fold) make(p []float32) {
	f.by = make([]float32, 0, 1)
	for _, s := range f.spans {
		f.by = append(f.by, p[s[0]:s[1]]...)
	}
	a := Affine{Matrix: make([]float64, f.n*f.n), Shift: make([]float64, f.n)}
	for i := range f.n {
		a.row(i)[i] = 1
	}
	for _, m := range f.of {
		m.Follow(&a, p)
	}
	f.dense = newDense(&a)
}

// Dense is z = W x + b by matrices that do not change.
type Dense struct {
	matrix, inverse, shift, back []float32
	logDet                       float32
	n                            int
}

// worstCondition is that of a matrix whose inverse, rounded to float32, takes events back to some 1e-4 of their width.
const worstCondition = 1e3

func newDense(a *Affine) *Dense {
	n := len(a.Shift)
	var inverse mat.Dense
	matrix := mat.NewDense(n, n, a.Matrix)
	if err := inverse.Inverse(matrix); err != nil || !(mat.Norm(matrix, math.Inf(1))*mat.Norm(&inverse, math.Inf(1)) < worstCondition) {
		return nil
	}
	var back mat.VecDense
	back.MulVec(&inverse, mat.NewVecDense(n, a.Shift))
	back.ScaleVec(-1, &back)
	return &Dense{narrow(a.Matrix), narrow(inverse.RawMatrix().Data), narrow(a.Shift), narrow(back.RawVector().Data), float32(a.LogDet), n}
}

// narrow rounds to float32.
func narrow(x []float64) []float32 {
	y := kernel.Aligned(len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}

// Layout implements flow.Transform: the parameters are those of the maps.
func (*Dense) Layout(*nn.Layout, string) {}

// Memory implements flow.Transform.
func (d *Dense) Memory() (rows, scratch int) { return d.n, 0 }

// ToLatent implements flow.Transform.
func (d *Dense) ToLatent(t *tile.Tile, _, mem []float32) {
	d.through(t, d.matrix, d.shift, d.logDet, mem)
}

// ToData implements flow.Transform.
func (d *Dense) ToData(t *tile.Tile, _, mem []float32) {
	d.through(t, d.inverse, d.back, -d.logDet, mem)
}

func (d *Dense) through(t *tile.Tile, matrix, shift []float32, logDet float32, mem []float32) {
	m := kernel.Gemm{M: d.n, N: t.N, K: d.n, A: matrix, LDA: d.n, B: t.X, LDB: kernel.Tile, C: mem, LDC: kernel.Tile, Bias: shift}
	m.Run()
	copy(t.X, mem[:len(t.X)])
	tile.AddTo(t.LogDet[:t.N], logDet)
}
