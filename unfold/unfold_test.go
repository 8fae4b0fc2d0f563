package unfold

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/internal/stages"
)

// smeared are events of one true column x, normal, and what is measured of it, y = x + 0.5 n: those with x > -2 pass truth, and of these the
// better part is measured; a share of all is noise about -1.5. Columns x, y, pass_truth, pass_reco and w.
func smeared(n int, mean, width, noises float64, seed uint64) *events.Table {
	g := rng.New(seed, rng.StreamToy, 0)
	columns := make([][]float64, 5)
	for range n {
		x, noise := mean+width*g.NormFloat64(), g.Float64() < noises
		y, found := x+0.5*g.NormFloat64(), g.Float64() < 0.6+0.3*math.Tanh(x)
		row := []float64{x, y, 1, 1, 1}
		if x < -2 {
			row[2] = 0
		}
		if !found {
			row[1], row[3] = math.NaN(), 0
		}
		if noise {
			row = []float64{math.NaN(), -1.5 + 0.5*g.NormFloat64(), 0, 1, 1}
		}
		for c, v := range row {
			columns[c] = append(columns[c], v)
		}
	}
	return table([]string{"x", "y", "pass_truth", "pass_reco", "w"}, columns, nil)
}

// toyCard unfolds data of another mean and width than the simulation's.
func toyCard(t *testing.T, more string) *card.Card {
	t.Helper()
	c, err := card.Parse([]byte(`files: [none.csv]
features: [x]
context: [y]
flow: {type: nsf-ar, transforms: 1, hidden: [24], bins: 8}
train: {epochs: 20, lr: 0.005, batch: 128, test: 0.3}
unfold: {data: [none.csv], known: true, pass_truth: pass_truth, pass_reco: pass_reco, edges: {x: [-2, -1, -0.5, 0, 0.5, 1, 2]}, iterations: 3, replicas: 12, draws: 2, networks: 1, fine_tune: 2`+more+`}
`), "toy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c.Files, c.Table, c.Unfold.Data, c.Unfold.Table = nil, smeared(6000, 0, 1, 0.01, 1), nil, smeared(4000, 0.3, 0.9, 0.01, 2)
	return c
}

// All methods bring the truth of the data back from which the simulation is far, with efficiency and fakes corrected for.
func TestMethodsFindTheTruth(t *testing.T) {
	c := toyCard(t, `, prior: "exp(-x/4)"`)
	r, err := Run(context.Background(), c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	truth := smeared(400_000, 0.3, 0.9, 0.01, 3)
	var want []float64
	for i, v := range truth.Columns[0].F64 {
		if want == nil {
			want = make([]float64, 8)
		}
		if truth.Columns[2].F64[i] == 1 {
			want[bin(r.job.edges[0], v)] += 0.01
		}
	}
	far := func(h []float64) (off float64) {
		for b, v := range h {
			off += math.Abs(v-want[b+1]) / 4000
		}
		return off
	}
	start := far(r.naive[0][1:7])
	for _, name := range []string{"iterated", "omnifold", "matrix"} {
		m := r.Methods[name]
		s := m.Columns[0]
		t.Logf("%-9s %.0f ± %.0f events, truly %.0f; off by %.3f, the simulation %.3f; pulls %.1f, prior %.0f", name, m.Total, m.TotalError, m.Truth, far(s.Values), start, s.pulls(), s.Prior)
		if far(s.Values) > 0.5*start { // the 4,000 events of the data alone are off by 0.03
			t.Errorf("%s is off by %.3f of the events, the simulation by %.3f", name, far(s.Values), start)
		}
		if math.Abs(m.Total-m.Truth) > 5*m.TotalError {
			t.Errorf("%s unfolds to %.0f ± %.0f events of %.0f", name, m.Total, m.TotalError, m.Truth)
		}
		for b, e := range s.Errors {
			if root := math.Sqrt(s.Values[b]); e < 0.4*root || e > 5*root { // chance alone gives a root of the number; few replicas know it to a fifth
				t.Errorf("%s: bin %d has the error %.1f, %.1f by chance", name, b+1, e, root)
			}
		}
		if len(m.Iterations) != 3 || s.Chi2 == nil || len(s.Prior) != 6 {
			t.Errorf("%s: %d iterations, chi2 %v, prior %v", name, len(m.Iterations), s.Chi2, s.Prior)
		}
	}
	for _, k := range r.Methods["iterated"].Calibration {
		if math.Abs(k.Coverage68-0.683) > 0.06 { // a thousand events: 0.015, and six epochs
			t.Errorf("regions of 68 %% hold %.3f", k.Coverage68)
		}
	}
	page, err := r.Page(c)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := page.Render(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Unfolded and true", "Migration", "Correlations of the bins", "Calibration of single events, last iteration", "exp(-x/4)", "D&#39;Agostini"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	dir := t.TempDir()
	if err := r.Write(dir, "test", page); err != nil {
		t.Fatal(err)
	}
	unfolded, err := events.ReadAll([]string{filepath.Join(dir, "unfolded-omnifold.parquet")}, events.Options{})
	if err != nil || !slices.Equal(unfolded.Names(), []string{"x", "weight"}) || unfolded.Len() != len(r.job.sim.isTruth) {
		t.Errorf("%v: unfolded events are %v", err, unfolded.Names())
	}
	written, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if err != nil || !strings.Contains(string(written), `"iterated/x"`) || !strings.Contains(string(written), `"covariance"`) {
		t.Errorf("%v: report.json is %.200s", err, written)
	}
}

// A tenth of noise, which does not follow the truth, is subtracted; weighed as if it did, it is unfolded to events that are not there.
func TestFakesAreSubtracted(t *testing.T) {
	off := map[string]float64{}
	for _, fakes := range []string{"weighed", "subtracted"} {
		c := toyCard(t, ", methods: [omnifold], fakes: "+fakes)
		c.Unfold.Replicas, c.Table, c.Unfold.Table = 2, smeared(9000, 0, 1, 0.1, 1), smeared(6000, 0.3, 0.9, 0.1, 2)
		if fakes == "subtracted" {
			c.Unfold.Luminosity = 6.0 / 9
		}
		r, err := Run(context.Background(), c, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range r.Order {
			off[fakes+" "+name] = r.Methods[name].Total/r.Methods[name].Truth - 1
		}
		if noise := r.Events.Fakes; noise < 800 || r.Events.Data > 6000 {
			t.Errorf("%+v", r.Events)
		}
	}
	for _, name := range []string{"omnifold", "matrix"} {
		if got := off["subtracted "+name]; math.Abs(got) > 0.03 || off["weighed "+name] < 0.03 { // 4,000 events: 0.016
			t.Errorf("%s is off by %.3f with fakes subtracted, by %.3f with fakes weighed", name, got, off["weighed "+name])
		}
	}
}

// The result is the same for any number of threads, and weights of either sign count: those of pairs of events that cancel do nothing but add scatter.
func TestThreadsAndSigns(t *testing.T) {
	if testing.Short() {
		t.Skip("several unfoldings")
	}
	run := func(threads int, change func(c *card.Card)) *Result {
		c := toyCard(t, "")
		c.Unfold.Replicas, c.Unfold.Iterations = 3, 2
		change(c)
		r, err := Run(context.Background(), c, Options{Threads: threads})
		if err != nil {
			t.Fatal(err)
		}
		r.Seconds = 0
		for _, m := range r.Methods {
			m.Seconds = 0
		}
		return r
	}
	text := func(r *Result) string {
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	one := run(1, func(*card.Card) {})
	if text(one) != text(run(2, func(*card.Card) {})) {
		t.Error("two threads unfold to something else than one")
	}
	signed := run(2, func(c *card.Card) {
		c.Weight, c.Unfold.DataWeight = "w", "w"
		for _, sample := range []**events.Table{&c.Table, &c.Unfold.Table} { // a fifth of the events comes again, twice, with weights 1 and -1
			again := (*sample).Slice(0, (*sample).Len()/5)
			for _, w := range []float64{1, -1} {
				more := again.Slice(0, again.Len())
				weights := make([]float64, again.Len())
				for i := range weights {
					weights[i] = w
				}
				more.Set(events.Column{Name: "w", Type: events.Float64, F64: weights})
				whole := (*sample).Slice(0, (*sample).Len())
				whole.Append(more)
				*sample = whole
			}
		}
	})
	for name, m := range signed.Methods {
		if off := math.Abs(m.Total - one.Methods[name].Total); off > 0.04*m.Total {
			t.Errorf("%s: %.0f events with weights that cancel, %.0f without", name, m.Total, one.Methods[name].Total)
		}
		if name == "matrix" && math.Abs(m.Total-one.Methods[name].Total) > 1e-6*m.Total {
			t.Errorf("matrix: %v and %v events", m.Total, one.Methods[name].Total)
		}
	}
}

// An unfolding that is interrupted goes on from the replicas that were done, to the same numbers.
func TestGoesOn(t *testing.T) {
	folder := t.TempDir()
	run := func(at string) (found []float64, kept int, err error) {
		s, err := stages.Open(folder, "one")
		if err != nil {
			t.Fatal(err)
		}
		c := toyCard(t, ", methods: [omnifold], prior: exp(-x/4)")
		c.Unfold.Replicas = 3
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		r, err := Run(ctx, c, Options{Threads: 1, Kept: s, Stage: func(name string) {
			if name == at {
				stop()
			}
		}})
		if err != nil {
			return nil, s.Kept, err
		}
		m := r.Methods["omnifold"].Columns[0]
		return slices.Concat(m.Values, m.Errors, m.Prior), s.Kept, s.Done()
	}
	if _, _, err := run("omnifold: other prior"); err == nil {
		t.Fatal("it was not interrupted")
	}
	after, kept, err := run("")
	if err != nil || kept != 4 {
		t.Fatalf("%v, %d stages were kept", err, kept)
	}
	whole, kept, err := run("")
	if err != nil || kept != 0 || !slices.Equal(whole, after) {
		t.Errorf("%v, %d kept: %v in one go, %v after an interruption", err, kept, whole, after)
	}
}

// A bin that nothing is ever unfolded to has no error, and so no pull, and no share of the changes: numbers that a report cannot hold.
func TestEmptyBin(t *testing.T) {
	r := &Result{truth: &truth{variance: [][]float64{{0, 0, 0, 0}}, own: true}, Replicas: 8}
	s := &Spectrum{Values: []float64{4, 0}, Errors: []float64{2, 0}, Truth: []float64{2, 0}, Prior: []float64{1, 0}}
	r.compare(s, 0, [][]float64{{4, 0}, {0, 0}})
	if len(s.Pulls) != 2 || *s.Pulls[0] != 1 || s.Pulls[1] != nil || s.PriorShift() != 0.125 {
		t.Errorf("pulls %v, shift %g", s.pulls(), s.PriorShift())
	}
	if _, err := json.Marshal(s); err != nil {
		t.Error(err)
	}
}

// What cannot be unfolded is one clear line.
func TestBadInput(t *testing.T) {
	set := func(t *events.Table, name string, f func(i int, v float64) float64) {
		c, err := t.Column(name)
		if err != nil {
			panic(err)
		}
		for i, v := range c.F64 {
			c.F64[i] = f(i, v)
		}
	}
	zero := func(int, float64) float64 { return 0 }
	for name, c := range map[string]struct {
		change func(c *card.Card)
		want   string
	}{
		"no column":         {func(c *card.Card) { c.Unfold.Table.Columns = c.Unfold.Table.Columns[2:] }, `the data: events: no columns "x", "y"; there is pass_truth`},
		"efficiency 0":      {func(c *card.Card) { set(c.Table, "pass_reco", zero) }, "the simulation: no event passes pass_reco: the efficiency is 0"},
		"nothing true":      {func(c *card.Card) { set(c.Table, "pass_truth", zero) }, "the simulation: no event passes pass_truth: there is nothing to unfold to"},
		"no data":           {func(c *card.Card) { set(c.Unfold.Table, "pass_reco", zero) }, "the data: 0 of 4000 events are measured (pass_reco 1): an unfolding takes at least 100"},
		"weights of 0":      {func(c *card.Card) { c.Weight = "w"; set(c.Table, "w", zero) }, "that pass both selections sum to 0; they must sum to a positive number"},
		"data weights of 0": {func(c *card.Card) { c.Unfold.DataWeight = "w"; set(c.Unfold.Table, "w", zero) }, "measured events sum to 0; they must sum to a positive number"},
		"a flag of 2":       {func(c *card.Card) { set(c.Table, "pass_truth", func(i int, v float64) float64 { return 2 }) }, "pass_truth is 2 in event 1; it must be 1 for events that pass and 0 for others"},
		"a hole": {func(c *card.Card) {
			set(c.Table, "x", func(i int, v float64) float64 {
				if i == 6 {
					return math.NaN()
				}
				return v
			})
			set(c.Table, "pass_truth", func(i int, v float64) float64 { return 1 })
		}, "the simulation: x is NaN in event 7, which passes (pass_truth 1); leave such events out (where)"},
		"a bin of nothing": {func(c *card.Card) { c.Unfold.Edges = map[string][]float64{"x": {-1, 0, 1, 50, 60}} }, "unfold.edges.x: no event of the simulation that is unfolded to has x from 50 to 60"},
		"prior of 0":       {func(c *card.Card) { c.Unfold.Prior = "0*x" }, "unfold.prior: the weights of the"},
	} {
		t.Run(name, func(t *testing.T) {
			job := toyCard(t, "")
			c.change(job)
			_, err := Run(context.Background(), job, Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// Data beyond the range of the simulation are told, with their number.
func TestDataBeyondTheSimulation(t *testing.T) {
	c := toyCard(t, "")
	c.Unfold.Known = false
	y, _ := c.Unfold.Table.Column("y")
	y.F64[slices.IndexFunc(y.F64, func(v float64) bool { return v > 0 })] = 50
	j, err := load(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	lines := j.sim.beyond(j.data, c.Context)
	if len(lines) != 1 || !strings.Contains(lines[0], "of the data has a y beyond the simulation's") && !strings.Contains(lines[0], "of the data have a y beyond the simulation's") {
		t.Errorf("%q", lines)
	}
}

// By a matrix without migration the data come back divided by the efficiency, and folding the truth and unfolding it is the truth.
func TestMatrix(t *testing.T) {
	m := migration{both: [][]float64{{0, 0, 0, 0}, {0, 40, 10, 0}, {0, 20, 60, 0}, {0, 0, 0, 0}}, truth: []float64{0, 100, 100, 0}, fakes: []float64{0, 20, 0, 0}}
	truth := []float64{0, 50, 300, 0}
	measured := make([]float64, 4)
	for i, row := range m.response() {
		for k, p := range row {
			measured[k] += truth[i] * p
		}
	}
	for k, fakes := range m.fakes { // as many in each measured bin, for what is measured there, as in the simulation
		var both float64
		for i := range m.both {
			both += m.both[i][k]
		}
		if both > 0 {
			measured[k] *= (both + fakes) / both
		}
	}
	all := m.unfold(measured, 200)
	for i, v := range all[len(all)-1] {
		if math.Abs(v-truth[i]) > 1e-3*(1+truth[i]) {
			t.Errorf("bin %d unfolds to %v, not %v", i, v, truth[i])
		}
	}
	if first := all[0]; math.Abs(first[1]-truth[1]) < 5 {
		t.Errorf("one iteration has forgotten the simulation: %v", first)
	}
}

// Poisson numbers of uniform ones have mean and variance 1.
func TestPoisson(t *testing.T) {
	var sum, square float64
	const n = 100_000
	for i := range n {
		v := poisson((float64(i) + 0.5) / n)
		sum, square = sum+v/n, square+v*v/n
	}
	if math.Abs(sum-1) > 1e-3 || math.Abs(square-2) > 1e-3 {
		t.Errorf("mean %v, mean square %v", sum, square)
	}
}

// chi2 by an estimated covariance is corrected for the number of replicas: in the mean it is the number of bins.
func TestChi2(t *testing.T) {
	g := rng.New(1, rng.StreamTest, 0)
	const replicas, bins, trials = 15, 4, 2000
	draw := func() []float64 {
		d := make([]float64, bins)
		common := g.NormFloat64()
		for b := range d {
			d[b] = common + g.NormFloat64()
		}
		return d
	}
	var mean float64
	for range trials {
		var all [][]float64
		for range replicas {
			all = append(all, draw())
		}
		v, ok := chi2(draw(), covariance(all), make([]float64, bins), replicas)
		if !ok {
			t.Fatal("no inverse")
		}
		mean += v / trials
	}
	if math.Abs(mean-bins) > 0.3 { // its scatter is some 4
		t.Errorf("chi2 is %v in the mean, of %d bins", mean, bins)
	}
	if _, ok := chi2(draw(), covariance([][]float64{draw(), draw(), draw()}), make([]float64, bins), 3); ok {
		t.Error("three replicas have an inverse of four bins")
	}
}

// What the data contradict once it is folded again is told.
func TestUnfoldedAgainstTheData(t *testing.T) {
	for folded, want := range map[float64]int{1: 0, 3.8: 1} {
		var told []string
		r := &Result{}
		r.settled("iterated", &Method{Iterations: []Iteration{{Folded: folded}}}, Options{Warn: func(line string) { told = append(told, line) }})
		if len(told) != want || len(r.Warnings) != want {
			t.Errorf("a chi2 of %g a bin: %q", folded, told)
		}
	}
}
