package feed

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/sluice-hep/sluice/events"
)

// files reads the columns id, x, n and w of files in small blocks.
type files struct {
	*events.Chain
	block  int
	closed *int
	fail   int // the call of Next that fails
	calls  int
}

func (f *files) Next() (Block, error) {
	if f.calls++; f.calls == f.fail {
		return Block{}, errors.New("the disk is gone")
	}
	t, err := f.Read(f.block)
	if err != nil {
		return Block{}, err
	}
	b := Block{Table: t}
	for i := range t.Len() {
		b.Rows = append(b.Rows, f.First()+int64(i))
	}
	return b, nil
}

func (f *files) Close() error {
	*f.closed++
	return f.Chain.Close()
}

// write makes files of so many events; every event has an id of its own.
func write(t *testing.T, sizes ...int) []string {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	dir := t.TempDir()
	var paths []string
	id := 0
	for k, n := range sizes {
		c := []events.Column{{Name: "id"}, {Name: "x"}, {Name: "n"}, {Name: "w"}}
		for range n {
			level := float32(r.IntN(3))
			if id == 1234 {
				level = 7 // once only
			}
			for j, v := range []float32{float32(id), float32(r.NormFloat64() + 100), level, float32(r.Float64() - 0.05)} {
				c[j].F32 = append(c[j].F32, v)
			}
			id++
		}
		path := filepath.Join(dir, fmt.Sprintf("part%d.npy", k))
		out, err := events.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := out.Write(&events.Table{Columns: c}); err != nil {
			t.Fatal(err)
		}
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

func open(t *testing.T, paths []string, block int) *files {
	t.Helper()
	in, err := events.OpenAll(paths, events.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &files{Chain: in, block: block, closed: new(int)}
}

func survey(t *testing.T, paths []string, block int, cfg Config) *Survey {
	t.Helper()
	src := open(t, paths, block)
	defer src.Close()
	s, err := Take(t.Context(), src, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var config = Config{Columns: []string{"id", "x", "n"}, Valid: 0.1, Test: 0.2, Seed: 3, Held: 1 << 20, Sample: 1 << 20}

func ids(t *testing.T, table interface {
	Column(name string) (*events.Column, error)
}) []float64 {
	t.Helper()
	c, err := table.Column("id")
	if err != nil {
		t.Fatal(err)
	}
	x, err := c.Floats(nil)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestSamplesArePartsOfTheEvents(t *testing.T) {
	paths := write(t, 3000, 1, 999)
	s := survey(t, paths, 100, config)
	all := slices.Concat(ids(t, s.Valid), ids(t, s.Test), ids(t, s.Sample))
	slices.Sort(all)
	if s.Events != 4000 || len(all) != 4000 || len(slices.Compact(all)) != 4000 || s.Train != s.Sample.Len() {
		t.Fatalf("%d events: %d train, %d in the sample, %d validate, %d test", s.Events, s.Train, s.Sample.Len(), s.Valid.Len(), s.Test.Len())
	}
	if a, b := s.Valid.Len(), s.Test.Len(); a != 400 || b != 800 {
		t.Errorf("%d validate, %d test; a tenth and a fifth were asked for", a, b)
	}
	if s.Moments != nil || s.Sample.Weight != "" {
		t.Error("the sample holds all events, but says otherwise")
	}
}

func TestSamplesDoNotDependOnTheOrderOfFiles(t *testing.T) {
	paths := write(t, 2000, 500, 700)
	cfg := config
	cfg.Held, cfg.Sample = 150, 400
	a := survey(t, paths, 100, cfg)
	slices.Reverse(paths)
	b := survey(t, paths, 33, cfg)
	for _, c := range []struct {
		name string
		a, b Numbered
	}{{"validation", a.Valid, b.Valid}, {"test", a.Test, b.Test}} {
		if c.a.Len() != 150 || !reflect.DeepEqual(c.a, c.b) {
			t.Errorf("%s events: %d and %d, or others", c.name, c.a.Len(), c.b.Len())
		}
	}
	if !reflect.DeepEqual(ids(t, a.Sample)[:400], ids(t, b.Sample)[:400]) || a.Train != b.Train || a.Train != 3200-300 {
		t.Errorf("%d or %d train, or the samples differ", a.Train, b.Train)
	}
	if a.ID == b.ID {
		t.Error("files in another order have the same identity, though sections come in another order")
	}
	cfg.Seed++
	if c := survey(t, paths, 33, cfg); reflect.DeepEqual(b.Test, c.Test) {
		t.Error("another seed holds the same events")
	}
}

func TestWitnessesOfASample(t *testing.T) {
	paths := write(t, 20000)
	cfg := config
	cfg.Sample, cfg.Valid, cfg.Test, cfg.Weight = 500, -1, -1, "w"
	cfg.Columns = []string{"x", "n"}
	s := survey(t, paths, 128, cfg)
	all, err := events.ReadAll(paths, events.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w, x := all.Columns[3].F32, all.Columns[1].F32
	var n, sum, squares float64
	for i, v := range x {
		n += max(float64(w[i]), 0)
		sum += max(float64(w[i]), 0) * float64(v)
	}
	for i, v := range x {
		squares += max(float64(w[i]), 0) * (float64(v) - sum/n) * (float64(v) - sum/n)
	}
	if m := s.Moments["x"]; math.Abs(m.Mean-sum/n) > 1e-10 || math.Abs(m.Std-math.Sqrt(squares/n)) > 1e-10 {
		t.Errorf("moments %v, want %g and %g", m, sum/n, math.Sqrt(squares/n))
	}
	got, err := s.Sample.Column("x")
	if err != nil {
		t.Fatal(err)
	}
	if slices.Min(got.F32) != slices.Min(x) || slices.Max(got.F32) != slices.Max(x) {
		t.Error("the sample lacks the least or the largest value")
	}
	if level, err := s.Sample.Column("n"); err != nil || !slices.Contains(level.F32, 7) {
		t.Errorf("the sample lacks a level that one event has (%v)", err)
	}
	weights, err := s.Sample.Column(s.Sample.Weight)
	if err != nil {
		t.Fatal(err)
	}
	var kept, shown float64
	for i, v := range weights.F64 {
		if i < 500 {
			kept += v
		} else {
			shown += max(v, 0)
		}
	}
	if shown > 0.02*kept || shown == 0 || s.Sample.Len() > 700 {
		t.Errorf("of %d events those that show the range weigh %g beside %g", s.Sample.Len(), shown, kept)
	}
	var want WeightSum
	for _, v := range w {
		want.Add(float64(v))
	}
	if math.Abs(s.Weights.Sum()-want.Sum()) > 1e-9 || s.Weights.Negative != want.Negative {
		t.Errorf("weights %+v, want %+v", s.Weights, want)
	}
}

func TestWeightsOfTrainingEvents(t *testing.T) {
	paths := write(t, 3000)
	cfg := config
	cfg.Weight = "w"
	s := survey(t, paths, 100, cfg)
	var want WeightSum
	c, err := s.Sample.Column("w")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range c.F32 {
		want.Add(float64(v))
	}
	if math.Abs(s.Weights.Sum()-want.Sum()) > 1e-6 || s.Weights.Events != want.Events || s.Weights.Negative != want.Negative {
		t.Errorf("weights %+v, want %+v", s.Weights, want)
	}
}

func TestSurveyErrors(t *testing.T) {
	paths := write(t, 100)
	src := open(t, paths, 10)
	defer src.Close()
	src.fail = 3
	if _, err := Take(t.Context(), src, config); err == nil || !strings.Contains(err.Error(), "disk is gone") {
		t.Error(err)
	}
	for _, err := src.Next(); err != io.EOF; _, err = src.Next() {
	}
	if s, err := Take(t.Context(), src, config); err != nil || s.Events != 0 || s.Train != 0 || s.Test.Len() != 0 {
		t.Errorf("no events: %+v, %v", s, err)
	}
}

// Each event of a column that rises is the largest so far; the sample must not keep them all.
func TestSampleOfARisingColumn(t *testing.T) {
	cfg := config
	cfg.Sample = 500
	s := survey(t, write(t, 20000), 64, cfg)
	if n := s.Sample.Len(); n > 500+200 {
		t.Errorf("a sample of 500 has %d events", n)
	}
	all := slices.Concat(ids(t, s.Valid), ids(t, s.Test))
	for _, id := range []float64{0, 1, 2, 3, 19999, 19998, 19997, 19996} {
		if kept := ids(t, s.Sample); !slices.Contains(all, id) {
			if id < 4 && slices.Min(kept) > id || id > 4 && slices.Max(kept) < id {
				t.Errorf("event %g trains, and the sample goes from %g to %g", id, slices.Min(kept), slices.Max(kept))
			}
		}
	}
}

func TestFractionsOfNone(t *testing.T) {
	paths := write(t, 3000)
	for _, c := range []struct {
		valid, test float64
		want        [2]bool
	}{{0.1, -1, [2]bool{true, false}}, {-1, 0.1, [2]bool{false, true}}, {-1, -1, [2]bool{}}} {
		cfg := config
		cfg.Valid, cfg.Test = c.valid, c.test
		s := survey(t, paths, 100, cfg)
		if got := [2]bool{s.Valid.Len() == 300, s.Test.Len() == 300}; got != c.want || s.Train+s.Valid.Len()+s.Test.Len() != 3000 {
			t.Errorf("fractions %g and %g: %d validate, %d test, %d train", c.valid, c.test, s.Valid.Len(), s.Test.Len(), s.Train)
		}
	}
}

// Events that there is no room to hold train, and so count for the range, the moments and the weights.
func TestEventsNotHeldTrain(t *testing.T) {
	paths := write(t, 5000)
	cfg := config
	cfg.Held, cfg.Sample, cfg.Weight = 20, 300, "w"
	s := survey(t, paths, 64, cfg)
	all, err := events.ReadAll(paths, events.Options{})
	if err != nil {
		t.Fatal(err)
	}
	held := slices.Concat(ids(t, s.Valid), ids(t, s.Test))
	var want WeightSum
	least, most, n, sum := math.Inf(1), math.Inf(-1), 0.0, 0.0
	for i, id := range all.Columns[0].F32 {
		if slices.Contains(held, float64(id)) {
			continue
		}
		x, w := float64(all.Columns[1].F32[i]), float64(all.Columns[3].F32[i])
		want.Add(w)
		least, most = min(least, x), max(most, x)
		n, sum = n+max(w, 0), sum+max(w, 0)*x
	}
	if len(held) != 40 || s.Train != 4960 || s.Weights.Events != want.Events || s.Weights.Negative != want.Negative || math.Abs(s.Weights.Sum()-want.Sum()) > 1e-9 {
		t.Errorf("%d held, %d train with weights %+v, want %+v", len(held), s.Train, s.Weights, want)
	}
	x, err := s.Sample.Column("x")
	if err != nil {
		t.Fatal(err)
	}
	if float64(slices.Min(x.F32)) != least || float64(slices.Max(x.F32)) != most || math.Abs(s.Moments["x"].Mean-sum/n) > 1e-10 {
		t.Errorf("the sample is from %g to %g, the training events from %g to %g; mean %g, want %g",
			slices.Min(x.F32), slices.Max(x.F32), least, most, s.Moments["x"].Mean, sum/n)
	}
}

func TestWeightsAreOfTheIdentity(t *testing.T) {
	paths := write(t, 500)
	cfg := config
	cfg.Weight = "w"
	a := survey(t, paths, 64, cfg)
	cfg.Weight = "x"
	if b := survey(t, paths, 64, cfg); a.ID == b.ID {
		t.Error("other weights, and the same identity")
	}
}

// Texts of a survey are held once each, and hold on to no block that they came in.
func TestTextsAreShared(t *testing.T) {
	s := newSurveyor(Config{})
	a := s.shared([]string{"ee", "mumu", "ee"})
	b := s.shared([]string{string([]byte("mumu")), ""})
	if !slices.Equal(a, []string{"ee", "mumu", "ee"}) || !slices.Equal(b, []string{"mumu", ""}) {
		t.Errorf("%q, %q", a, b)
	}
	if unsafe.StringData(a[1]) != unsafe.StringData(b[0]) || unsafe.StringData(a[0]) != unsafe.StringData(a[2]) {
		t.Error("equal texts are held twice")
	}
	for i := range 3 * mostLevels {
		s.shared([]string{strconv.Itoa(i)})
	}
	if len(s.texts) > mostLevels+1 {
		t.Errorf("%d texts are held", len(s.texts))
	}
}
