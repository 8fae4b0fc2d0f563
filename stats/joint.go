package stats

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/sluice-hep/sluice/internal/rng"
)

// JointOptions say how much is taken by CompareJointly; each 0 stands for the number behind it.
type JointOptions struct {
	Seed       uint64
	Draws      int // from the null distributions: 499, so that no p is below 0.002
	Directions int // of the sliced distances: 50
	Pairwise   int // events of either sample, at most, in sums over pairs: 2000
	Sliced     int // events of either sample, at most, that are projected: 10,000
	Threads    int // all; the numbers do not depend on it
}

func (o *JointOptions) fill() {
	for _, f := range []struct {
		field *int
		usual int
	}{{&o.Draws, 499}, {&o.Directions, 50}, {&o.Pairwise, 2000}, {&o.Sliced, 10000}} {
		if *f.field <= 0 {
			*f.field = f.usual
		}
	}
}

// Joint are distances between samples in all columns together. They are computed of the columns' normal scores: the quantiles of a normal distribution
// at the ranks in both samples together, weights aside, so that neither units nor far-out values matter.
type Joint struct {
	SlicedW1 Test `json:"sliced_w1"` // mean Wasserstein-1 distance of projections on random directions, in standard deviations
	SlicedKS Test `json:"sliced_ks"` // the largest Kolmogorov-Smirnov distance of these projections
	Energy   Test `json:"energy"`    // square of the energy distance, the mean over all pairs
	MMD      Test `json:"mmd"`       // square of the maximum mean discrepancy with a Gaussian kernel, the mean over all pairs
	// Bandwidth of the kernel: the median distance of two events of both samples together.
	Bandwidth float64 `json:"mmd_bandwidth,omitempty"`
}

// CompareJointly tests whether two samples of finite values are of one distribution. An error is what makes them unfit to compare;
// where chance cannot be told, the tests say so.
func CompareJointly(x, y Sample, o JointOptions) (*Joint, error) {
	if err := check(x, y); err != nil {
		return nil, err
	}
	o.fill()
	j := &Joint{}
	j.sliced(x, y, o)
	j.pairwise(x, y, o)
	return j, nil
}

// scores takes at most n events of each sample and gives their normal scores. Columns that are constant are left out. It says why
// there is nothing to compare, if there is not.
func scores(x, y Sample, n int, seed uint64) (a, b Sample, why string) {
	x, y = x.pick(n, rng.New(seed, rng.StreamTest, pickFirst)), y.pick(n, rng.New(seed, rng.StreamTest, pickSecond))
	if why = cannot(x, y); why != "" {
		return a, b, why
	}
	if a, b = inScores(x, y); a.Columns == nil {
		why = "every column has one value only, the same in both samples"
	}
	return a, b, why
}

func inScores(x, y Sample) (a, b Sample) {
	a.Weights, b.Weights = x.Weights, y.Weights
	for k := range x.Columns {
		pooled := slices.Concat(x.Columns[k], y.Columns[k])
		if slices.Max(pooled) > slices.Min(pooled) {
			pooled = normalScores(pooled)
			a.Columns, b.Columns = append(a.Columns, pooled[:x.len():x.len()]), append(b.Columns, pooled[x.len():])
		}
	}
	return a, b
}

// Parts of the random stream of a seed beside those of the draws.
const (
	pickFirst = 1<<31 + iota
	pickSecond
	pickDirections
)

// normalScores are the normal quantiles of the values' ranks, of the mean rank where values are equal.
func normalScores(x []float64) []float64 {
	o, z := order(x), make([]float64, len(x))
	for i := 0; i < len(o); {
		end := i + 1
		for end < len(o) && x[o[end]] == x[o[i]] {
			end++
		}
		score := distuv.UnitNormal.Quantile(float64(i+end) / 2 / float64(len(o)))
		for ; i < end; i++ {
			z[o[i]] = score
		}
	}
	return z
}

// slice is the order of the projections of both samples on a direction.
type slice struct {
	order []int32
	gap   []float64 // to the next projection
}

func (j *Joint) sliced(x, y Sample, o JointOptions) {
	a, b, why := scores(x, y, o.Sliced, o.Seed)
	if why != "" {
		j.SlicedW1, j.SlicedKS = Test{Cannot: why}, Test{Cannot: why}
		return
	}
	t := slicedTests(a, b, directions(len(a.Columns), o.Directions, o.Seed), o)
	j.SlicedW1, j.SlicedKS = t[0].of(a, b, x, y), t[1].of(a, b, x, y)
}

// directions are uniform on the sphere; in one dimension there is one.
func directions(dim, n int, seed uint64) [][]float64 {
	if dim == 1 {
		return [][]float64{{1}}
	}
	src, d := rng.New(seed, rng.StreamTest, pickDirections), make([][]float64, n)
	for i := range d {
		d[i] = make([]float64, dim)
		var square float64
		for k := range d[i] {
			d[i][k] = src.NormFloat64()
			square += d[i][k] * d[i][k]
		}
		for k := range d[i] {
			d[i][k] /= math.Sqrt(square)
		}
	}
	return d
}

func slicedTests(x, y Sample, directions [][]float64, o JointOptions) []Test {
	slices := make([]slice, len(directions))
	each(len(directions), o.Threads, func() func(int) {
		return func(i int) { slices[i] = newSlice(x, y, directions[i]) }
	})
	return newPool(x, y).test(o.Draws, o.Threads, o.Seed, 2, func(c []float64, out [][lanes]float64) {
		for _, s := range slices {
			s.add(c, &out[0], &out[1])
		}
		for l := range lanes {
			out[0][l] /= float64(len(slices))
		}
	})
}

func newSlice(x, y Sample, direction []float64) slice {
	p := append(x.project(direction), y.project(direction)...)
	s := slice{order: order(p), gap: make([]float64, len(p))}
	for i := range s.order[1:] {
		s.gap[i] = p[s.order[i+1]] - p[s.order[i]]
	}
	return s
}

// add sums the Wasserstein distances and takes the largest of the Kolmogorov-Smirnov distances.
func (s slice) add(c []float64, w1, ks *[lanes]float64) {
	var f [lanes]float64
	for i, at := range s.order {
		e, gap := (*[lanes]float64)(c[int(at)*lanes:]), s.gap[i]
		for l := range lanes {
			f[l] += e[l]
		}
		if gap > 0 {
			for l := range lanes {
				d := math.Abs(f[l])
				w1[l] += gap * d
				ks[l] = max(ks[l], d)
			}
		}
	}
}

func (j *Joint) pairwise(x, y Sample, o JointOptions) {
	a, b, why := scores(x, y, o.Pairwise, o.Seed)
	if why != "" {
		j.Energy, j.MMD = Test{Cannot: why}, Test{Cannot: why}
		return
	}
	energy, mmd, h := pairwiseTests(a, b, 0, o)
	j.Energy, j.MMD, j.Bandwidth = energy.of(a, b, x, y), mmd.of(a, b, x, y), h
}

// pairwiseTests are of the energy distance and of the maximum mean discrepancy of a bandwidth, or where that is 0 of the median distance.
func pairwiseTests(x, y Sample, bandwidth float64, o JointOptions) (energy, mmd Test, h float64) {
	p, k := newPool(x, y), newPairs(x, y, o.Threads)
	energy = p.test(o.Draws, o.Threads, o.Seed, 1, func(c []float64, out [][lanes]float64) {
		k.sum(c, &out[0])
		for l := range lanes {
			out[0][l] *= -2
		}
	})[0]
	if h = bandwidth; h == 0 {
		h = k.median()
	}
	k.gaussian(h, o.Threads)
	mmd = p.test(o.Draws, o.Threads, o.Seed, 1, func(c []float64, out [][lanes]float64) {
		k.sum(c, &out[0])
		for l := range lanes {
			out[0][l] *= 2
		}
		for i := 0; i < len(c); i += lanes {
			for l := range lanes {
				out[0][l] += c[i+l] * c[i+l] // of an event with itself
			}
		}
	})[0]
	return energy, mmd, h
}

// of says how many events of each sample were taken, where not all were.
func (t Test) of(a, b, x, y Sample) Test {
	if a.len() < x.len() || b.len() < y.len() {
		t.Events = max(a.len(), b.len())
	}
	return t
}

// pairs holds a number of each pair of events: row i has those with the events before it.
type pairs [][]float64

// newPairs are the Euclidean distances.
func newPairs(x, y Sample, threads int) pairs {
	d, rows := len(x.Columns), append(x.rows(), y.rows()...)
	k := make(pairs, x.len()+y.len())
	each(len(k), threads, func() func(int) {
		return func(i int) {
			k[i] = make([]float64, i)
			p := rows[i*d:][:d]
			for j := range k[i] {
				q, squared := rows[j*d:][:d], 0.0
				for n, v := range p {
					squared += (v - q[n]) * (v - q[n])
				}
				k[i][j] = math.Sqrt(squared)
			}
		}
	})
	return k
}

// median is of the distances above 0, of all or of some hundred thousand pairs; the largest distance of all where these are 0.
func (k pairs) median() float64 {
	var d []float64
	largest := 0.0
	n := len(k) * (len(k) - 1) / 2
	step, at := n/100_000+1, 0
	for _, row := range k {
		for _, v := range row {
			largest = max(largest, v)
		}
		for ; at < len(row); at += step {
			if row[at] > 0 {
				d = append(d, row[at])
			}
		}
		at -= len(row)
	}
	if d == nil {
		return largest
	}
	slices.Sort(d)
	return d[len(d)/2]
}

// gaussian turns distances into exp(-d^2 / (2 h^2)).
func (k pairs) gaussian(h float64, threads int) {
	each(len(k), threads, func() func(int) {
		return func(i int) {
			for j, d := range k[i] {
				k[i][j] = math.Exp(-d * d / (2 * h * h))
			}
		}
	})
}

// sum is that of the numbers of all pairs, each times the shares of both events.
func (k pairs) sum(c []float64, out *[lanes]float64) {
	for i, row := range k {
		var s [lanes]float64
		for j, v := range row {
			e := (*[lanes]float64)(c[j*lanes:])
			for l := range lanes {
				s[l] += v * e[l]
			}
		}
		for l := range lanes {
			out[l] += s[l] * c[i*lanes+l]
		}
	}
}
