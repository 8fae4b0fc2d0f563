package fit

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/query"
	"github.com/sluice-hep/sluice/stats"
	"github.com/sluice-hep/sluice/toy"
)

// moonFiles are 20000 events in files of the given format, with a weight of 2 for those of the upper moon.
func moonFiles(t *testing.T, format string) []string {
	t.Helper()
	all, err := toy.Generate("two-moons", 20_000, 1, toy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := events.Define(all, "w", "moon == 0 ? 2 : 1"); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var files []string
	for i, at := range []int{0, 3000, 11_000} {
		path := filepath.Join(dir, fmt.Sprintf("moons%d.%s", i, format))
		out, err := events.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := out.Write(all.Slice(at, []int{3000, 11_000, 20_000}[i])); err != nil {
			t.Fatal(err)
		}
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
		files = append(files, path)
	}
	return files
}

// streamCard trains on a stream of windows of about 3000 events.
func streamCard(files []string) *card.Card {
	c := &card.Card{Name: "moons", Files: files, Features: []string{"x1", "x2"}, Seed: 1, Memory: 400_000}
	c.Flow.Type, c.Flow.Transforms, c.Flow.Hidden = "nsf-ar", 2, []int{16}
	c.Train.Epochs, c.Train.Batch, c.Train.LR = 6, 100, 0.01
	return c
}

func loaded(t *testing.T, c *card.Card) *Data {
	t.Helper()
	d, err := Load(t.Context(), c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The same events as one CSV file, and as three files in another order, are held out alike.
func TestStreamSplitsByEvent(t *testing.T) {
	load := func(files []string) *Data { return loaded(t, streamCard(files)) }
	npy, parquet := moonFiles(t, "npy"), moonFiles(t, "parquet")
	a, b := load(npy), load([]string{parquet[2], parquet[0], parquet[1]})
	if a.windows == nil || !reflect.DeepEqual(a.Held, b.Held) || !reflect.DeepEqual(a.Rows.Test, b.Rows.Test) {
		t.Error("other events are held out where the files come in another order and format")
	}
	for i := range a.Features.Columns { // the rest follows from sums, which round
		if c, d := a.Features.Columns[i], b.Features.Columns[i]; c.Min != d.Min || c.Max != d.Max {
			t.Errorf("column %q is from %g to %g, but %g to %g where the files come in another order", c.Name, c.Min, c.Max, d.Min, d.Max)
		}
	}
}

func TestStreamRefuses(t *testing.T) {
	files := moonFiles(t, "csv")
	for want, set := range map[string]func(*card.Card){
		"room for":             func(c *card.Card) { c.Train.Batch = 4000 },
		"leaves none of 20000": func(c *card.Card) { c.Where = "x1 > 1000" },
		`column "l": 5366 of 20000 values`: func(c *card.Card) {
			c.Define, c.Features = query.Definitions{{Name: "l", Expr: "log(x1)"}}, []string{"l", "x2"}
		},
		"a batch of 30000 need": func(c *card.Card) { c.Train.Batch = 30_000 },
	} {
		c := streamCard(files)
		set(c)
		_, err := Load(t.Context(), c, Options{})
		if !fault.Is(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	c := streamCard(files)
	c.Define, c.Features, c.DropNaN = query.Definitions{{Name: "l", Expr: "log(x1)"}}, []string{"l", "x2"}, true
	p, err := Load(t.Context(), c, Options{})
	if err != nil || !strings.Contains(strings.Join(p.Warnings, "\n"), "left out") {
		t.Errorf("%v %v", p, err)
	}
}

// The NLL that a training reports is the mean of -log_prob that the saved model gives to the same events.
func TestReportedNLLIsThatOfTheModel(t *testing.T) {
	for _, of := range []struct{ weight, kind string }{{}, {weight: "w"}, {kind: "cfm"}, {"w", "cfm"}} {
		weight, c := of.weight, &card.Card{Name: "small", Features: []string{"x1", "x2"}, Seed: 1}
		c.Flow.Type, c.Flow.Hidden = of.kind, []int{16}
		c.Train.Epochs, c.Train.Batch = 2, 128
		c.Toy = card.Toy{Name: "banana", Events: 3000}
		if weight != "" {
			c.Define = query.Definitions{{Name: "w", Expr: "where(x1 > 1, 2.5, 0.5) - 0.6 * (x2 > 3 ? 1 : 0)"}}
			c.Weight = weight
		}
		p := loaded(t, c)
		m, result, err := p.Train(t.Context(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []struct {
			name string
			rows []int32
			nll  float64
		}{
			{"training", p.Rows.Train, float64(result.TrainNLL)}, {"validation", p.Rows.Valid, float64(result.ValidNLL)},
			{"test", p.Rows.Test, float64(result.TestNLL)},
		} {
			logProb, err := m.LogProb(p.Held.Take(s.rows), 0)
			if err != nil {
				t.Fatal(err)
			}
			var sum, norm float64
			for i, r := range s.rows {
				w := 1.0
				if p.weight != nil {
					w = float64(p.weight[r])
				}
				sum -= w * logProb[i]
				norm += w
			}
			// both are sums of the same float32 tiles; only the weights' own rounding differs
			if want := sum / norm; math.Abs(want-s.nll) > 1e-6*math.Abs(want) {
				t.Errorf("%v: NLL of the %s events: %.8f, of the model %.8f", of, s.name, s.nll, want)
			}
		}
	}
}

// Flow matching says what its losses are, has real likelihoods, which get better, and tells how exact the way back is.
func TestFlowMatching(t *testing.T) {
	if testing.Short() {
		t.Skip("a training of some seconds")
	}
	c := &card.Card{Name: "moons", Features: []string{"x1", "x2"}, Seed: 1}
	c.Flow.Type, c.Flow.Hidden = "cfm", []int{48, 48}
	c.Train.Epochs, c.Train.LR = 250, 5e-3
	c.Toy = card.Toy{Name: "two-moons", Events: 10_000}
	d := loaded(t, c)
	m, r, err := d.Train(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Unit != "" || r.HistoryUnit != "squared velocity" || len(r.Notices) < 2 || r.TestError == 0 {
		t.Errorf("%q, %q, %v, %v", r.Unit, r.HistoryUnit, r.Notices, r.TestError)
	}
	held, _ := d.HeldOut()
	logProb, err := m.LogProb(held, 0)
	if err != nil {
		t.Fatal(err)
	}
	truth, err := Truth(c, held, logProb)
	if err != nil {
		t.Fatal(err)
	}
	// a training of a minute reaches the truth to 0.03
	if off := truth.Excess; !(off > -0.02 && off < 0.4) {
		t.Errorf("test NLL %v, %v above the truth", r.TestNLL, off)
	}
	if last := r.History[len(r.History)-1]; !(last.ValidNLL < r.History[0].ValidNLL) {
		t.Errorf("losses %v to %v", r.History[0], last)
	}
}

// The same events validate and test whether all are in memory or not.
func TestMemoryDoesNotChangeWhatIsHeldOut(t *testing.T) {
	c := streamCard(moonFiles(t, "npy")[2:])
	c.Train.Valid, c.Train.Test = 0.01, 0.02
	load := func(memory card.Bytes) *Data {
		c.Memory = memory
		return loaded(t, c)
	}
	whole, stream := load(0), load(200_000)
	if whole.windows != nil || stream.windows == nil || len(whole.Rows.Test) != 180 || len(whole.Rows.Valid) != 90 {
		t.Fatalf("%d test, %d validate", len(whole.Rows.Test), len(whole.Rows.Valid))
	}
	for _, rows := range [][2][]int32{{whole.Rows.Test, stream.Rows.Test}, {whole.Rows.Valid, stream.Rows.Valid}} {
		a, b := whole.Held.Take(rows[0]), stream.Held.Take(rows[1])
		for _, name := range c.Features {
			x, err := a.Column(name)
			y, other := b.Column(name)
			if err != nil || other != nil || !reflect.DeepEqual(x, y) {
				t.Errorf("%d and %d events held out, or others (%v, %v)", a.Len(), b.Len(), err, other)
			}
		}
	}
}

// A context of many classes takes its columns of 0 and 1 out of the memory allowed: a stream where a table as it is would fit.
func TestClassesCountAsMemory(t *testing.T) {
	n := 4000
	x, k := make([]float64, n), make([]int64, n)
	for i := range x {
		x[i], k[i] = math.Sin(float64(i)), int64(i%60)
	}
	table := &events.Table{Columns: []events.Column{{Name: "x", Type: events.Float64, F64: x}, {Name: "k", Type: events.Int64, I64: k}}}
	c := &card.Card{Table: table, Features: []string{"x"}, Context: []string{"k"}, Seed: 1, Memory: 1_000_000}
	c.Train.Batch = 100
	d := loaded(t, c)
	if d.Context.Dim() != 60 || d.windows == nil || len(d.context[0])*4*61 > int(c.Memory) {
		t.Errorf("%d columns of %d events, stream %v", d.Context.Dim(), len(d.context[0]), d.windows != nil)
	}
	c.Memory = 10_000_000
	if d := loaded(t, c); d.windows != nil {
		t.Error("a stream where there is room")
	}
}

// The error of the test's NLL is that of the scatter of the events' log-densities.
func TestErrorOfTheTestNLL(t *testing.T) {
	for _, weight := range []string{"", "w"} {
		c := streamCard(moonFiles(t, "npy"))
		c.Memory, c.Weight, c.Train.Epochs = 0, weight, 1
		d := loaded(t, c)
		m, r, err := d.Train(t.Context(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		test, _ := d.HeldOut()
		logProb, err := m.LogProb(test, 0)
		if err != nil {
			t.Fatal(err)
		}
		w, err := test.Weights()
		if err != nil {
			t.Fatal(err)
		}
		mean, deviation := stats.MeanError(logProb, w)
		// The flow's numbers have seven digits, and are added in another order.
		if math.Abs(float64(r.TestNLL)+mean) > 1e-5 || math.Abs(r.TestError/deviation-1) > 1e-5 {
			t.Errorf("weight %q: %v +- %v, by event %v +- %v", weight, r.TestNLL, r.TestError, -mean, deviation)
		}
	}
}

// A plan has the split and the size of the training, and takes none of its results.
func TestPlanIsThatOfTheTraining(t *testing.T) {
	for _, memory := range []card.Bytes{0, 400_000} {
		c := streamCard(moonFiles(t, "npy"))
		c.Memory, c.Train.Epochs = memory, 1
		d := loaded(t, c)
		p, err := d.Plan(t.Context(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		m, r, err := loaded(t, c).Train(t.Context(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		size := m.Density.Size()
		if f, _ := m.Flow(); f.Spec.Base.Kind == "mixture" { // of one component, by the events that validate
			size -= 5
		}
		if p.Parameters != size || p.StepsPerEpoch != r.Steps || p.StepsMeasured < 3 || !(p.SecondsPerEpoch > 0) || p.Read != 20_000 {
			t.Errorf("%+v; the training has %d parameters and %d steps", p, m.Density.Size(), r.Steps)
		}
	}
}

// A flow that knows its events by heart gets a base as wide as those that validate need: the test events are more probable, by as
// much as the record says, the model is read back as it is, and base: normal in the card leaves the base alone.
func TestWidths(t *testing.T) {
	if testing.Short() {
		t.Skip("two trainings of some seconds")
	}
	c := &card.Card{Seed: 1, Table: &events.Table{}}
	src := rand.New(rand.NewPCG(1, 2))
	for i := range 8 {
		x := events.Column{Name: fmt.Sprint("x", i), Type: events.Float64}
		for e := range 2000 {
			v := src.NormFloat64()
			if i > 0 {
				v = math.Sin(3*c.Table.Columns[i-1].F64[e]) + 0.1*v
			}
			x.F64 = append(x.F64, v)
		}
		c.Table.Columns, c.Features = append(c.Table.Columns, x), append(c.Features, x.Name)
	}
	c.Flow.Type, c.Flow.Transforms, c.Flow.Hidden, c.Flow.Dropout = "", 3, []int{64, 64}, -1
	c.Train.Epochs, c.Train.Valid, c.Train.Test, c.Train.Patience = 60, 0.3, 0.3, -1
	var nll []float64
	for _, base := range []string{"", "normal"} {
		c.Flow.Base.Kind = base
		d := loaded(t, c)
		m, r, err := d.Train(t.Context(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		f, _ := m.Flow()
		said := strings.Contains(strings.Join(r.Notices, "\n"), "as the latents of the 600 events that validate")
		if wide := f.Spec.Base.Kind == "mixture"; wide != (base == "") || said != wide {
			t.Errorf("base %q: %v, %q", base, f.Spec.Base, r.Notices)
		}
		held, _ := d.HeldOut()
		path := filepath.Join(t.TempDir(), "m.safetensors")
		if err := m.Save(path); err != nil {
			t.Fatal(err)
		}
		if m, err = model.Load(path); err != nil {
			t.Fatal(err)
		}
		logProb, err := m.LogProb(held, 0)
		if err != nil {
			t.Fatal(err)
		}
		var sum float64
		for _, v := range logProb {
			sum -= v / float64(len(logProb))
		}
		if math.Abs(sum-float64(r.TestNLL)) > 1e-4 {
			t.Errorf("base %q: NLL of the test events %.5f, of the model %.5f", base, r.TestNLL, sum)
		}
		nll = append(nll, sum)
	}
	if nll[0] >= nll[1] {
		t.Errorf("NLL of %.4f with fitted widths, %.4f without", nll[0], nll[1])
	}
}
