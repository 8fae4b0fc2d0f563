package stats

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/internal/rng"
)

// study counts how often each test rejects samples of one distribution.
type study struct {
	names  []string
	counts map[string]*[3]int // p <= 0.05, p <= 0.01, all
	cannot int
}

func (s *study) add(name string, p float64) {
	c := s.counts[name]
	if c == nil {
		c = &[3]int{}
		s.names, s.counts[name] = append(s.names, name), c
	}
	c[2]++
	if p <= 0.05 {
		c[0]++
	}
	if p <= 0.01 {
		c[1]++
	}
}

// scenarios are the weights of the two samples: "x" for those that depend on x, "n" for one in five negative, whatever x is.
var scenarios = [][2]string{{"", ""}, {"n", "n"}, {"n", ""}, {"x", ""}}

// nullSample has a normal column, an exponential, a uniform, one that is correlated with these, and a small integer. Weights that depend on x
// belong to events of another distribution, which they turn into the same.
func nullSample(n int, weights string, src *rng.Source) Sample {
	s := Sample{Columns: make([][]float64, 5)}
	for k := range s.Columns {
		s.Columns[k] = make([]float64, n)
	}
	if weights != "" {
		s.Weights = make([]float64, n)
	}
	for i := range n {
		x := src.NormFloat64()
		switch weights {
		case "n":
			if s.Weights[i] = 1; src.Float64() < 0.2 {
				s.Weights[i] = -1
			}
		case "x": // x is drawn from N(0.3, 1.1^2)
			x = 0.3 + 1.1*x
			s.Weights[i] = 1.1 * math.Exp((x-0.3)*(x-0.3)/(2*1.1*1.1)-x*x/2)
		}
		s.Columns[0][i] = x
		s.Columns[1][i] = -math.Log(src.Float64())
		s.Columns[2][i] = src.Float64()
		s.Columns[3][i] = 0.6*x + 0.8*src.NormFloat64() + 0.3*s.Columns[1][i]
		s.Columns[4][i] = math.Floor(-2*math.Log(src.Float64()) + 0.5*s.Columns[2][i])
	}
	return s
}

// run makes pairs of samples of n events and counts what the tests say. Draws are few for the time's sake, which does not bias p.
func (s *study) run(t *testing.T, pairs, first, n int, weights [2]string, o JointOptions) {
	for i := range pairs {
		src := rng.New(77, rng.StreamToy, uint32(first+i))
		x, y := nullSample(n, weights[0], src), nullSample(n, weights[1], src)
		c, err := compare(table(x.Columns, x.Weights), table(y.Columns, y.Weights), []string{"a", "b", "c", "d", "e"}, nulls{o.Draws, uint64(1_000_000 + first + i)})
		if err != nil {
			t.Fatal(err)
		}
		for k, name := range c.Names {
			col := c.Columns[name]
			kind := []string{"normal", "exponential", "uniform", "correlated", "integer"}[k]
			s.add("KS, "+kind, col.KSP)
			s.add("W1, "+kind, col.W1P)
			s.add("chi2, "+kind, col.Chi2P)
			s.add("window, "+kind, col.Window.P)
			s.add("outside, "+kind, col.OutsideP)
		}
		s.add("Pearson", c.Linear.P)
		s.add("Spearman", c.Rank.P)
		o.Seed = uint64(first + i)
		j, err := CompareJointly(x, y, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, test := range []struct {
			name string
			Test
		}{{"sliced W1", j.SlicedW1}, {"sliced KS", j.SlicedKS}, {"energy", j.Energy}, {"MMD", j.MMD}} {
			if test.Cannot != "" {
				s.cannot++
				continue
			}
			s.add(test.name, test.P)
		}
		s.distances(x, y, o)
	}
}

// distances are FPD and KPD, whose batches have no part in p, and PRDC, of fewer events.
func (s *study) distances(x, y Sample, o JointOptions) {
	q := QualityOptions{Seed: o.Seed, Threads: o.Threads}
	r, g := byLargest(x, y)
	s.add("FPD", frechetTest(r, g, o.Draws, q).P)
	r, g = kernelScale(x, y)
	s.add("KPD", kernelTest(r, g, multinomial(len(x.Columns)+1, kernelDegree), o.Draws, q).P)
	if p := newPRDCOf(x, y, o.Sliced, o.Draws, q); p.Cannot == "" {
		s.add("PRDC", p.P)
		return
	}
	s.cannot++
}

func (s *study) table() string {
	var b strings.Builder
	for _, name := range s.names {
		c := s.counts[name]
		fmt.Fprintf(&b, "%-24s %5.2f %% %5.2f %% of %d\n", name, 100*float64(c[0])/float64(c[2]), 100*float64(c[1])/float64(c[2]), c[2])
	}
	if s.cannot > 0 {
		fmt.Fprintln(&b, s.cannot, "tests say that they cannot tell")
	}
	return b.String()
}

// The rates of errors of the first kind, in docs/validation.md: SLUICE_STUDY=1000 go test -run Study -timeout 3h -v ./stats
func TestStudy(t *testing.T) {
	pairs, err := strconv.Atoi(os.Getenv("SLUICE_STUDY"))
	if err != nil {
		t.Skip("SLUICE_STUDY is the number of pairs")
	}
	only := os.Getenv("SLUICE_STUDY_WEIGHTS")
	for i, weights := range scenarios {
		if only != "" && !slices.Contains(strings.Split(only, ","), strconv.Itoa(i)) {
			continue
		}
		s := study{counts: map[string]*[3]int{}}
		for first := 0; first < pairs; first += 100 {
			done := min(first+100, pairs)
			s.run(t, done-first, first, 5000, weights, JointOptions{Draws: 99, Directions: 8, Pairwise: 200, Sliced: 1000})
			t.Logf("%d pairs, weights %q, rejected at 5 %% and 1 %%:\n%s", done, weights, s.table())
		}
	}
}
