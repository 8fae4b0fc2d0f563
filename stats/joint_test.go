package stats

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/internal/rng"
)

// A small form of TestStudy: no test rejects samples of one distribution much more often than it says, and all together do as often,
// whatever the weights.
func TestErrorsOfTheFirstKind(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const pairs = 60
	for _, weights := range scenarios {
		s := study{counts: map[string]*[3]int{}}
		s.run(t, pairs, 1_000_000, 800, weights, JointOptions{Draws: 39, Directions: 5, Pairwise: 200, Sliced: 400})
		rejected, all := 0.0, 0.0
		for name, c := range s.counts {
			if c[0] > 11 { // of 60 at 5 %: in one of ten thousand
				t.Errorf("weights %q: %s rejects %d of %d", weights, name, c[0], c[2])
			}
			if !strings.HasPrefix(name, "outside") { // whose p is a bound
				rejected, all = rejected+float64(c[0]), all+float64(c[2])
			}
		}
		if rate := rejected / all; rate < 0.03 || rate > 0.075 || s.cannot > 0 {
			t.Errorf("weights %q: the tests reject %.1f %%, and %d cannot tell:\n%s", weights, 100*rate, s.cannot, s.table())
		}
	}
}

func shifted(x []float64, by float64) []float64 {
	y := slices.Clone(x)
	for i := range y {
		y[i] += by
	}
	return y
}

// negative gives one event in five the weight -1.
func negative(n int) []float64 {
	src, w := rng.New(3, rng.StreamTest, 0), make([]float64, n)
	for i := range w {
		if w[i] = 1; src.Float64() < 0.2 {
			w[i] = -1
		}
	}
	return w
}

// A correlation of its own, with each column right, is seen by all joint tests, also with negative weights on one side.
func TestJointTestsSeeACorrelation(t *testing.T) {
	const n = 1500
	x := Sample{Columns: [][]float64{normals(n, 50), normals(n, 51)}}
	y := Sample{Columns: [][]float64{normals(n, 52), normals(n, 53)}}
	for i, v := range y.Columns[0] {
		y.Columns[1][i] = 0.6*v + 0.8*y.Columns[1][i]
	}
	for _, w := range [][]float64{nil, negative(n)} {
		x.Weights = w
		j, err := CompareJointly(x, y, JointOptions{Draws: 99, Pairwise: 1000, Seed: 5})
		if err != nil {
			t.Fatal(err)
		}
		for name, test := range map[string]Test{"sliced W1": j.SlicedW1, "sliced KS": j.SlicedKS, "energy": j.Energy, "MMD": j.MMD} {
			if test.P > 0.01 || test.Value < test.NullMean+2*test.NullStd || test.Cannot != "" || test.Draws != 99 {
				t.Errorf("%s: %+v", name, test)
			}
		}
		if j.Energy.Events != 1000 || j.SlicedW1.Events != 0 {
			t.Errorf("events taken: %d, %d", j.Energy.Events, j.SlicedW1.Events)
		}
		c, err := Compare(table(x.Columns, w), table(y.Columns, nil), nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.Linear.P > 1e-6 || c.Rank.P > 1e-6 || math.Abs(c.Linear.Diff-0.6) > 5*c.Linear.Error || c.RankError[1][0] != c.Rank.Error {
			t.Errorf("%+v, %+v", c.Linear, c.Rank)
		}
	}
}

// The numbers depend on the seed, not on the threads.
func TestJointIsTheSameForAnyThreads(t *testing.T) {
	x := Sample{[][]float64{normals(300, 54), normals(300, 55)}, negative(300)}
	y := Sample{Columns: [][]float64{normals(200, 56), normals(200, 57)}}
	run := func(seed uint64, threads int) *Joint {
		j, err := CompareJointly(x, y, JointOptions{Draws: 50, Pairwise: 150, Sliced: 250, Seed: seed, Threads: threads})
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	one := run(1, 1)
	for _, threads := range []int{5, 0, -1} {
		if other := run(1, threads); !reflect.DeepEqual(one, other) {
			t.Errorf("%d threads: %+v, %+v", threads, one, other)
		}
	}
	if other := run(2, 1); one.Energy.Value == other.Energy.Value || one.SlicedW1.NullMean == other.SlicedW1.NullMean {
		t.Errorf("two seeds give %+v and %+v", one, other)
	}
}

// Without weights a p-value by permutation is exact: of seven events a sample all 3432 divisions are as likely.
func TestPermutationIsExact(t *testing.T) {
	x := Sample{Columns: [][]float64{{1, 2, 3, 4, 5, 6, 7}}}
	y := Sample{Columns: [][]float64{{11, 12, 13, 14, 15, 16, 17}}}
	const draws = 20_000
	ks := slicedTests(x, y, [][]float64{{1}}, JointOptions{Draws: draws})[1]
	// two of the divisions set the samples apart
	if want, got := 2./3432, ks.P-1./(draws+1); math.Abs(ks.Value-1) > 1e-12 || math.Abs(got-want) > 5*math.Sqrt(want/draws) {
		t.Errorf("%+v, want p %g", ks, want)
	}
}

// Events count by their weights: with weights of 0 some are none, and equal weights are as good as none.
func TestJointWeights(t *testing.T) {
	x, y := Sample{Columns: [][]float64{normals(200, 58)}}, Sample{Columns: [][]float64{normals(200, 59)}}
	plain, err := CompareJointly(x, y, JointOptions{Draws: 19})
	if err != nil {
		t.Fatal(err)
	}
	x.Weights = make([]float64, 200)
	for i := range x.Weights {
		x.Weights[i] = 0.25
	}
	equal, err := CompareJointly(x, y, JointOptions{Draws: 19})
	if err != nil || !reflect.DeepEqual(plain, equal) {
		t.Errorf("%+v, with equal weights %+v (%v)", plain, equal, err)
	}
}

func TestJointSaysWhatIsWrong(t *testing.T) {
	good := Sample{Columns: [][]float64{normals(50, 60), normals(50, 61)}}
	with := func(v float64) Sample {
		s := Sample{Columns: [][]float64{good.Columns[0], slices.Clone(good.Columns[1])}}
		s.Columns[1][6] = v
		return s
	}
	for name, c := range map[string]struct {
		x, y Sample
		want string
	}{
		"columns":  {good, Sample{Columns: good.Columns[:1]}, "samples of 2 and 1 columns"},
		"lengths":  {good, Sample{Columns: [][]float64{good.Columns[0], {1}}}, "columns of 50 and 1 values"},
		"none":     {good, Sample{Columns: [][]float64{{}, {}}}, "columns of 0 and 0 values"},
		"infinity": {good, with(math.Inf(-1)), "the generated sample, column 2, event 7: -Inf"},
		"NaN":      {with(math.NaN()), good, "the reference sample, column 2, event 7: NaN"},
		"zeros":    {good, Sample{good.Columns, make([]float64, 50)}, "the weights of the generated sample sum to 0"},
		"weights":  {good, Sample{good.Columns, make([]float64, 49)}, "50 events but 49 weights"},
	} {
		_, err := CompareJointly(c.x, c.y, JointOptions{})
		if err == nil || !strings.HasPrefix(err.Error(), "stats: "+c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
	one, ones := Sample{Columns: [][]float64{{1}, {2}}}, Sample{Columns: [][]float64{make([]float64, 50), make([]float64, 50)}}
	for name, c := range map[string]struct {
		x, y Sample
		want string
	}{
		"one event": {good, one, "the generated sample has 1 effective events; at least 20 are needed"},
		"constants": {ones, ones, "every column has one value only, the same in both samples"},
	} {
		j, err := CompareJointly(c.x, c.y, JointOptions{})
		if err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(j)
		if err != nil || strings.Count(string(data), `{"cannot":"`+c.want+`"}`) != 4 {
			t.Errorf("%s: %s (%v)", name, data, err)
		}
	}
	// constants that differ are told apart, beside one that does not
	twos := Sample{Columns: [][]float64{ones.Columns[0], shifted(ones.Columns[1], 2)}}
	if j, err := CompareJointly(ones, twos, JointOptions{Draws: 99}); err != nil || j.SlicedKS.P != 0.01 || j.Energy.P != 0.01 || j.MMD.P != 0.01 {
		t.Errorf("%+v, %v", j, err)
	}
}

// A single event that differs from all others makes no test fail, nor do numbers at the ends of float64.
func TestJointOfExtremes(t *testing.T) {
	x, y := make([]float64, 900), make([]float64, 900)
	x[5] = 1
	huge := normals(900, 64)
	huge[0], huge[1] = math.MaxFloat64, -math.MaxFloat64
	for name, pair := range map[string][2][]float64{"one": {x, y}, "huge": {huge, normals(900, 65)}} {
		j, err := CompareJointly(Sample{Columns: [][]float64{pair[0]}}, Sample{Columns: [][]float64{pair[1]}}, JointOptions{Draws: 99})
		if err != nil {
			t.Fatal(err)
		}
		for _, test := range []Test{j.SlicedW1, j.SlicedKS, j.Energy, j.MMD} {
			if test.P < 0.02 || !finite(test.Value) || test.Cannot != "" {
				t.Errorf("%s: %+v", name, test)
			}
		}
		c, err := Compare(table([][]float64{pair[0]}, nil), table([][]float64{pair[1]}, nil), nil)
		if err != nil {
			t.Fatal(err)
		}
		if a := c.Columns["a"]; a.KSP < 0.1 || a.W1P < 0.1 || !finite(a.W1Null) || !finite(a.JSD) {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

func TestOrder(t *testing.T) {
	for _, n := range []int{0, 1, 10, 5000} {
		x := normals(n, 62)
		for i := range x {
			switch i % 7 {
			case 1:
				x[i] = math.Round(x[i]) // also -0
			case 2:
				x[i] *= 1e300
			case 3:
				x[i] = 5e-324
			}
		}
		want := make([]int32, n)
		for i := range want {
			want[i] = int32(i)
		}
		slices.SortStableFunc(want, func(a, b int32) int {
			switch {
			case x[a] < x[b]:
				return -1
			case x[a] > x[b]:
				return 1
			}
			return 0
		})
		if got := order(x); !slices.Equal(got, want) {
			t.Errorf("of %d values: %v", n, got[:min(n, 20)])
		}
	}
}

// The error of a rank correlation is the scatter of it between samples, where columns go together and where they do not, with weights and ties.
func TestRankCorrelationErrors(t *testing.T) {
	const trials, n = 200, 500
	src := rng.New(8, rng.StreamTest, 1)
	for _, strength := range []float64{0, 0.9} {
		var r, variance []float64
		for range trials {
			x, y, w := make([]float64, n), make([]float64, n), make([]float64, n)
			for i := range x {
				x[i] = src.NormFloat64()
				y[i] = math.Round(2 * (strength*x[i] + math.Sqrt(1-strength*strength)*src.NormFloat64()))
				w[i] = src.Float64()
			}
			c, err := compare(table([][]float64{x, y}, w), table([][]float64{x, y}, w), nil, nulls{1, 1})
			if err != nil {
				t.Fatal(err)
			}
			r, variance = append(r, c.RankReference[0][1]), append(variance, c.RankError[0][1]*c.RankError[0][1]/2)
		}
		said, was := math.Sqrt(NewMoments(variance, nil).Mean), NewMoments(r, nil).Std
		// the scatter of 200 trials is known to 5 %
		if math.Abs(said/was-1) > 0.15 {
			t.Errorf("strength %g: the error is %.4f, correlations scatter by %.4f", strength, said, was)
		}
	}
}

// Samples that have nothing in common are as far apart as can be, in numbers.
func TestNoOverlap(t *testing.T) {
	x := normals(400, 63)
	c, err := Compare(table([][]float64{x}, nil), table([][]float64{shifted(x, 100)}, negative(400)), nil)
	if err != nil {
		t.Fatal(err)
	}
	a := c.Columns["a"]
	if a.KSP > 1e-20 || math.Abs(a.JSD-math.Ln2) > 0.03 || math.Abs(a.Separation-1) > 0.03 || a.KL != nil || a.W1P > 0.002 || a.Window.P > 1e-6 || a.Cannot != "" {
		t.Errorf("%+v", a)
	}
	few, err := Compare(table([][]float64{x[:3]}, nil), table([][]float64{x}, nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	if a := few.Columns["a"]; !strings.HasPrefix(a.Cannot, "3 effective events of the reference and 400 generated ones") || a.W1P != 1 {
		t.Errorf("%+v", a)
	}
}

// What is said to be chance of a divergence is what it is on average between samples of one distribution.
func TestDivergencesByChance(t *testing.T) {
	var jsd, separation, jsdNull, separationNull float64
	const trials = 40
	for i := range trials {
		x, y := normals(3000, uint32(1000+2*i)), normals(1000, uint32(1001+2*i))
		c, err := compare(table([][]float64{x}, negative(3000)), table([][]float64{y}, nil), nil, nulls{1, 1})
		if err != nil {
			t.Fatal(err)
		}
		a := c.Columns["a"]
		jsd, jsdNull = jsd+a.JSD, jsdNull+a.JSDNull
		separation, separationNull = separation+a.Separation, separationNull+a.SeparationNull
	}
	// 40 trials of some 50 bins: 3 %; shares near 0 are beyond the second order
	if math.Abs(jsd/jsdNull-1) > 0.2 || math.Abs(separation/separationNull-1) > 0.2 {
		t.Errorf("JSD %.4f, by chance %.4f; separation %.4f, by chance %.4f", jsd/trials, jsdNull/trials, separation/trials, separationNull/trials)
	}
}
