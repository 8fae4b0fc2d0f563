package sluice

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
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

func trainTo(t *testing.T, c *card.Card, o Options) (*Training, []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "m.safetensors")
	r, err := TrainFile(context.Background(), c, path, o)
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
			c.Define, c.Where = card.Definitions{{Name: "r", Expr: "x1*x1"}}, "r > 0.01 && x2 > -2"
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
		// The stream has room for about 400 test events of a density whose logarithm varies by about 1: 0.05, and four of these
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
		_, err := TrainFile(ctx, streamCard(files), path, Options{Resume: true})
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
	_, err := TrainFile(ctx, streamCard(files), path, Options{Progress: func(train.Progress) { cancel() }})
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
		if _, err := TrainFile(context.Background(), c, path, Options{Resume: true}); !errors.As(err, &state) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The same events as one CSV file, and as three files in another order, are held out alike.
func TestStreamSplitsByEvent(t *testing.T) {
	load := func(files []string) *Prepared {
		p, err := Load(context.Background(), streamCard(files), Options{})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	npy, parquet := moonFiles(t, "npy"), moonFiles(t, "parquet")
	a, b := load(npy), load([]string{parquet[2], parquet[0], parquet[1]})
	if a.windows == nil || !reflect.DeepEqual(a.Events, b.Events) || !reflect.DeepEqual(a.Rows.Test, b.Rows.Test) {
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
		"moons0.csv: column": func(c *card.Card) {
			c.Define, c.Features = card.Definitions{{Name: "l", Expr: "log(x1)"}}, []string{"l", "x2"}
		},
		"a batch of 30000 need": func(c *card.Card) { c.Train.Batch = 30_000 },
	} {
		c := streamCard(files)
		set(c)
		_, err := Load(context.Background(), c, Options{})
		var in *InputError
		if !errors.As(err, &in) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	c := streamCard(files)
	c.Define, c.Features, c.DropNaN = card.Definitions{{Name: "l", Expr: "log(x1)"}}, []string{"l", "x2"}, true
	p, err := Load(context.Background(), c, Options{})
	if err != nil || !strings.Contains(strings.Join(p.Notices, "\n"), "left out") {
		t.Errorf("%v %v", p, err)
	}
}

func TestRunOnAStream(t *testing.T) {
	c := streamCard(moonFiles(t, "npy"))
	c.Train.Epochs, c.Context = 2, []string{"moon"}
	out := filepath.Join(t.TempDir(), "out")
	s, err := Run(context.Background(), c, out, RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	drawn, err := events.ReadAll([]string{s.Sample}, events.Options{})
	if err != nil || drawn.Len() != 20_000 {
		t.Errorf("%d events drawn, %v", drawn.Len(), err)
	}
	again, err := Run(context.Background(), c, out, RunOptions{})
	if err != nil || again.Hash != s.Hash || again.Train.Seconds != s.Train.Seconds {
		t.Errorf("a second run trained anew (%v)", err)
	}
	c.Train.Valid, c.Train.Test = -1, -1
	if _, err := Run(context.Background(), c, filepath.Join(t.TempDir(), "out"), RunOptions{}); err == nil || !strings.Contains(err.Error(), "held out") {
		t.Error(err)
	}
}

// The same events validate and test whether all are in memory or not.
func TestMemoryDoesNotChangeWhatIsHeldOut(t *testing.T) {
	c := streamCard(moonFiles(t, "npy")[2:])
	c.Train.Valid, c.Train.Test = 0.01, 0.02
	load := func(memory card.Bytes) *Prepared {
		c.Memory = memory
		p, err := Load(context.Background(), c, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	whole, stream := load(0), load(200_000)
	if whole.windows != nil || stream.windows == nil || len(whole.Rows.Test) != 180 || len(whole.Rows.Valid) != 90 {
		t.Fatalf("%d test, %d validate", len(whole.Rows.Test), len(whole.Rows.Valid))
	}
	for _, rows := range [][2][]int32{{whole.Rows.Test, stream.Rows.Test}, {whole.Rows.Valid, stream.Rows.Valid}} {
		a, b := whole.Events.Take(rows[0]), stream.Events.Take(rows[1])
		for _, name := range c.Features {
			x, err := a.Column(name)
			y, other := b.Column(name)
			if err != nil || other != nil || !reflect.DeepEqual(x, y) {
				t.Errorf("%d and %d events held out, or others (%v, %v)", a.Len(), b.Len(), err, other)
			}
		}
	}
}
