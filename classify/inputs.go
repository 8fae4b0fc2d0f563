package classify

import (
	"cmp"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/internal/kernel"
)

const (
	sortedEvents = 50_000 // by which columns are standardised
	atomShare    = 0.01   // of the events that have one value: then it is seen as a value of its own
	mostAtoms    = 4      // of a column
	straight     = 3      // widths from the middle beyond which a value counts by its logarithm
	furthest     = 10     // and what it is at most
	productsOf   = 20     // columns at most, of which the products are seen: there are half as many as their square
)

// inputs are what a network sees of events. A column is (x-centre)/scale by its median and the quantiles one standard deviation from it, and
// beyond three of these grows by its logarithm only, so that nothing far out squeezes the rest. Missing values and values that many events
// have, such as -999, are each a column of their own besides.
type inputs struct {
	columns []input
	rows    int // of all of them
	values  int // the first rows: those of values. Of them squares and products follow all the others
}

// Seen is what a classifier of these columns would see of their events, products left out: columns without a unit, at most 10 from 0, in which no
// value is missing or infinite. It depends on no label. None is left of columns of a single value.
func Seen(columns [][]float64) ([][]float32, error) {
	n, err := checkColumns(columns)
	if err != nil {
		return nil, err
	}
	return newInputs(columns, all(n)).take(columns, all(n)), nil
}

// take is what is seen of the events in rows, a slice a row of inputs.
func (in *inputs) take(columns [][]float64, rows []int32) (x [][]float32) {
	flat := kernel.Aligned(in.rows * len(rows))
	for i := range in.rows {
		x = append(x, flat[i*len(rows):][:len(rows)])
	}
	in.fill(flat, len(rows), columns, rows, len(rows))
	return x
}

type input struct {
	column        int
	centre, scale float64
	missing       bool
	atoms         []float64
}

// newInputs looks at events, which need no label. Columns of a single value are left out.
func newInputs(columns [][]float64, rows []int32) *inputs {
	in := &inputs{}
	for c, x := range columns {
		if i, varies := newInput(c, x, rows); varies {
			in.columns = append(in.columns, i)
			in.values++
			in.rows += 1 + len(i.atoms)
			if i.missing {
				in.rows++
			}
		}
	}
	return in
}

func newInput(column int, x []float64, rows []int32) (in input, varies bool) {
	in.column = column
	step := max(1, len(rows)/sortedEvents)
	var v []float64
	for i := 0; i < len(rows); i += step {
		if w := x[rows[i]]; isFinite(w) {
			v = append(v, w)
		} else {
			in.missing = true
		}
	}
	if len(v) == 0 {
		return in, false
	}
	slices.Sort(v)
	if v[0] == v[len(v)-1] {
		in.centre, in.scale = v[0], 1
		return in, in.missing
	}
	in.atoms = atomsOf(v)
	between := slices.DeleteFunc(slices.Clone(v), func(w float64) bool { return slices.Contains(in.atoms, w) })
	if len(between) < 10 {
		between = v
	}
	in.centre, in.scale = middle(between)
	return in, true
}

func isFinite(v float64) bool { return v-v == 0 }

// atomsOf are the values that stand most often in v, which is sorted.
func atomsOf(v []float64) (atoms []float64) {
	least := max(10, int(atomShare*float64(len(v))))
	type run struct {
		value float64
		n     int
	}
	var runs []run
	for i := 0; i < len(v); {
		j := i + 1
		for j < len(v) && v[j] == v[i] {
			j++
		}
		if j-i >= least {
			runs = append(runs, run{v[i], j - i})
		}
		i = j
	}
	slices.SortStableFunc(runs, func(a, b run) int { return cmp.Compare(b.n, a.n) })
	for _, r := range runs[:min(len(runs), mostAtoms)] {
		atoms = append(atoms, r.value)
	}
	return atoms
}

// middle is the median of sorted values and half the distance between the quantiles that are a standard deviation of a normal one away, or
// what else is a width.
func middle(v []float64) (centre, scale float64) {
	at := func(p float64) float64 { return v[int(p*float64(len(v)-1))] }
	centre = at(0.5)
	for _, p := range []float64{0.1587, 0.05, 0.01, 0} {
		if scale = at(1-p)/2 - at(p)/2; scale > 0 && isFinite(scale) {
			return centre, scale
		}
	}
	return centre, 1
}

func (in *input) see(x float64) float32 {
	if !isFinite(x) {
		return 0
	}
	z := (x - in.centre) / in.scale
	if a := math.Abs(z); a > straight {
		z = math.Copysign(min(straight+math.Log(a-straight+1), furthest), z)
	}
	return float32(z)
}

// fill sets the rows of a tile to the events in rows of columns; ld is the length of a row, and the last event is repeated up to n.
func (in *inputs) fill(dst []float32, ld int, columns [][]float64, rows []int32, n int) {
	mark := in.values
	for c := range in.columns {
		i := &in.columns[c]
		x := columns[i.column]
		for e, r := range rows {
			dst[c*ld+e] = i.see(x[r])
		}
		marks := func(is func(v float64) bool) {
			d := dst[mark*ld:][:n]
			clear(d)
			for e, r := range rows {
				if is(x[r]) {
					d[e] = 1
				}
			}
			mark++
		}
		for _, a := range i.atoms {
			marks(func(v float64) bool { return v == a })
		}
		if i.missing {
			marks(func(v float64) bool { return !isFinite(v) })
		}
	}
	for row := range in.rows {
		d := dst[row*ld:][:n]
		for e := len(rows); e < n; e++ {
			d[e] = d[len(rows)-1]
		}
	}
}

// products is the number of squares and products.
func (in *inputs) products() int {
	if in.values <= productsOf {
		return in.values * (in.values + 1) / 2
	}
	return in.values
}

// multiply sets the rows of a tile that follow those of fill: squares, and products where there are few columns.
func (in *inputs) multiply(x []float32, n int) {
	at := in.rows
	for i := range in.values {
		first := 0
		if in.values > productsOf {
			first = i
		}
		for j := first; j <= i; j++ {
			kernel.Mul(x[at*kernel.Tile:][:n], x[i*kernel.Tile:][:n], x[j*kernel.Tile:][:n])
			at++
		}
	}
}
