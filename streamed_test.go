package sluice

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/prep"
	"github.com/sluice-hep/sluice/query"
	"github.com/sluice-hep/sluice/toy"
	"github.com/sluice-hep/sluice/train"
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

func trainTo(t *testing.T, c *card.Card, o Options) (*TrainResult, []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "m.safetensors")
	r, err := Train(context.Background(), c, path, o)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return r, file
}

func TestStreamLearnsWhatMemoryWould(t *testing.T) {
	files := moonFiles(t, "npy")
	for name, set := range map[string]func(*card.Card){
		"plain":    func(*card.Card) {},
		"weighted": func(c *card.Card) { c.Weight = "w" },
		"context":  func(c *card.Card) { c.Context = []string{"moon"} },
		"selected": func(c *card.Card) {
			c.Define, c.Where = query.Definitions{{Name: "r", Expr: "x1*x1"}}, "r > 0.01 && x2 > -2"
		},
		"standardised": func(c *card.Card) {
			if err := c.Set("prepare", "[standardise]"); err != nil {
				t.Fatal(err)
			}
		},
	} {
		c := streamCard(files)
		set(c)
		var lines []string
		streamed, _ := trainTo(t, c, Options{Notice: func(line string) { lines = append(lines, line) }})
		if text := strings.Join(lines, "\n"); !strings.Contains(text, "more than fit") || name == "selected" != strings.Contains(text, "pass the selection") {
			t.Errorf("%s: notices %q", name, lines)
		}
		c.Memory = 0
		whole, _ := trainTo(t, c, Options{})
		// A stream holds 416 test events, whose NLL varies by 0.7 to 1: the means scatter by 0.05.
		if d := float64(streamed.TestNLL - whole.TestNLL); math.Abs(d) > 0.2 {
			t.Errorf("%s: test NLL %v from a stream, %v from memory", name, streamed.TestNLL, whole.TestNLL)
		}
		if d := float64(streamed.TestNLL - streamed.TrainNLL); math.Abs(d) > 0.2 {
			t.Errorf("%s: test NLL %v, training NLL %v", name, streamed.TestNLL, streamed.TrainNLL)
		}
	}
}

func TestStreamIsReproducible(t *testing.T) {
	files := moonFiles(t, "parquet")
	_, one := trainTo(t, streamCard(files), Options{Threads: 1})
	_, three := trainTo(t, streamCard(files), Options{Threads: 3})
	if !bytes.Equal(one, three) {
		t.Error("the model depends on the number of threads")
	}
	path := filepath.Join(t.TempDir(), "m.safetensors")
	stops := 0
	for wait := 60 * time.Millisecond; ; wait += wait / 3 {
		ctx, cancel := context.WithTimeout(context.Background(), wait)
		_, err := Train(ctx, streamCard(files), path, Options{Resume: true})
		cancel()
		if err == nil {
			break
		}
		if stops++; !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	}
	if stops == 0 {
		t.Error("the training was over before it could be interrupted")
	}
	resumed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one, resumed) {
		t.Error("the model depends on interruptions")
	}
}

func TestStreamResumesTheSameOnly(t *testing.T) {
	files := moonFiles(t, "npy")
	path := filepath.Join(t.TempDir(), "m.safetensors")
	ctx, cancel := context.WithCancel(context.Background())
	_, err := Train(ctx, streamCard(files), path, Options{Progress: func(train.Progress) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	for name, set := range map[string]func(*card.Card){
		"windows of another size": func(c *card.Card) { c.Memory = 500_000 },
		"files in another order":  func(c *card.Card) { c.Files = []string{files[1], files[0], files[2]} },
		"fewer files":             func(c *card.Card) { c.Files = files[:2] },
	} {
		c := streamCard(files)
		set(c)
		var state *train.StateError
		if _, err := Train(context.Background(), c, path, Options{Resume: true}); !errors.As(err, &state) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRunOnAStream(t *testing.T) {
	c := streamCard(moonFiles(t, "npy"))
	c.Train.Epochs, c.Context, c.Compare.Tests = 2, []string{"moon"}, card.TestsOfColumns
	out := filepath.Join(t.TempDir(), "out")
	s, err := Run(context.Background(), c, out, Options{})
	if err != nil {
		t.Fatal(err)
	}
	drawn, err := events.ReadAll([]string{s.Sample}, events.Options{})
	if err != nil || drawn.Len() != 20_000 {
		t.Errorf("%d events drawn, %v", drawn.Len(), err)
	}
	again, err := Run(context.Background(), c, out, Options{})
	if err != nil || again.Hash != s.Hash || again.Train.Seconds != s.Train.Seconds {
		t.Errorf("a second run trained anew (%v)", err)
	}
	c.Train.Valid, c.Train.Test = -1, -1
	if _, err := Run(context.Background(), c, filepath.Join(t.TempDir(), "out"), Options{}); err == nil || !strings.Contains(err.Error(), "held out") {
		t.Error(err)
	}
}

// A density does not depend on the unit of weights: cross sections of 1e-46, or numbers that no float32 holds.
func TestWeightsOfAnyUnitGiveTheSameModel(t *testing.T) {
	moons, err := toy.Generate("two-moons", 6000, 1, toy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, memory := range []card.Bytes{0, 200_000} { // all at once, and a stream
		var want *TrainResult
		for _, unit := range []float64{1, 0x1p-152, 0x1p130, 0x1p1000} { // powers of 2 round nothing
			w := events.Column{Name: "w", Type: events.Float64, F64: make([]float64, moons.Len())}
			for i := range w.F64 {
				w.F64[i] = unit * float64(1+2*(i%2))
			}
			c := small("x1", "x2")
			c.Files, c.Weight, c.Memory = []string{write(t, "moons.npy", append(slices.Clone(moons.Columns), w)...)}, "w", memory
			got, _ := trainTo(t, c, Options{})
			if want == nil {
				want = got
			}
			if got.TrainNLL != want.TrainNLL || got.ValidNLL != want.ValidNLL || got.TestNLL != want.TestNLL {
				t.Errorf("memory %v, in units of %g: test NLL %v, want %v", memory, unit, got.TestNLL, want.TestNLL)
			}
		}
	}
}

// A stream of a mixed table, some of whose numbers are not there, starts before its first window is read, whether or not events are
// held out.
func TestStreamOfAMixedTable(t *testing.T) {
	g := rng.New(9, rng.StreamToy, 0)
	n, x := events.Column{Name: "n", Type: events.Float64}, events.Column{Name: "x", Type: events.Float64}
	for range 12_000 {
		k := float64(g.IntN(3))
		v := g.NormFloat64() + k
		if k == 0 {
			v = math.NaN()
		}
		n.F64, x.F64 = append(n.F64, k), append(x.F64, v)
	}
	for _, held := range []float64{0, 0.1} {
		c := streamCard([]string{write(t, "mixed.npy", n, x)})
		c.Features, c.Missing, c.Memory = []string{"n", "x"}, prep.Missing{All: prep.Gap{Model: true}}, 200_000
		c.Train.Valid, c.Train.Test, c.Train.Epochs = cmp.Or(held, -1), cmp.Or(held, -1), 2
		var lines []string
		trainTo(t, c, Options{Notice: func(line string) { lines = append(lines, line) }})
		if said := strings.Join(lines, "\n"); !strings.Contains(said, "at a time") || !strings.Contains(said, "always missing where n is 0") {
			t.Errorf("no stream of a mixed table: %q", lines)
		}
	}
}
