package sluice

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/apply"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/journal"
	"github.com/sluice-hep/sluice/model"
)

// ending is a context that is cancelled once it was asked so many times.
type ending struct {
	context.Context
	left int
}

func (c *ending) Err() error {
	if c.left == 0 {
		return context.Canceled
	}
	c.left--
	return nil
}

// moons is a model of x1 and x2, given moon.
func moons(t *testing.T) *model.Model {
	t.Helper()
	c := small("x1", "x2")
	c.Toy, c.Context = card.Toy{Name: "two-moons", Events: 2000}, []string{"moon"}
	r, err := Train(t.Context(), c, "", Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r.Density
}

// threeBlocks is a file of 135,000 events, some with missing values, some far from all training events.
func threeBlocks(t *testing.T, text bool) string {
	t.Helper()
	const n = 135_000
	r := rand.New(rand.NewPCG(5, 6))
	x1, moon, x2, id := make([]float32, n), make([]float32, n), make([]float64, n), make([]int64, n)
	label := make([]string, n)
	for i := range x1 {
		x1[i], x2[i], moon[i] = r.Float32(), r.Float64(), float32(r.IntN(2))
		if r.IntN(100) == 0 {
			x2[i] = math.NaN()
		}
		if r.IntN(1000) == 0 {
			x1[i] = 1e30
		}
		id[i], label[i] = 1<<53+int64(i), fmt.Sprint("µ", i%7)
	}
	columns := []events.Column{
		{Name: "x1", F32: x1}, {Name: "x2", Unit: "cm", Type: events.Float64, F64: x2}, {Name: "moon", F32: moon},
		{Name: "id", Type: events.Int64, I64: id},
	}
	if text {
		columns = append(columns, events.Column{Name: "label", Type: events.Text, Str: label})
	}
	return write(t, "in.parquet", columns...)
}

// An interrupted sample or density goes on, from what of its journal is whole, to the bytes of a run left alone.
func TestInterruptedRunsGoOn(t *testing.T) {
	m, numbers, mixed := moons(t), threeBlocks(t, false), threeBlocks(t, true)
	for _, format := range []string{".npy", ".csv", ".parquet", ".h5", ".root"} {
		file := mixed
		if format == ".npy" { // which holds no text beside numbers
			file = numbers
		}
		draw := Draw{Events: 135_000, Seed: 7, ContextFile: file}
		for verb, run := range map[string]func(ctx context.Context, path string, o Options) (string, error){
			"sample": func(ctx context.Context, path string, o Options) (string, error) {
				_, err := Sample(ctx, m, draw, path, o)
				return "", err
			},
			"density": func(ctx context.Context, path string, o Options) (string, error) {
				e, err := Density(ctx, m, Evaluate{Files: []string{file}, DropNaN: true}, path, o)
				if err != nil {
					return "", err
				}
				return fmt.Sprint(e.Events, e.MeanLogProb, e.OutOfRange), nil
			},
		} {
			t.Run(verb+format, func(t *testing.T) { goesOn(t, format, verb, verb+format == "sample.npy", run) })
		}
		if testing.Short() {
			return
		}
	}
}

// goesOn tries one cut, or every one.
func goesOn(t *testing.T, format, verb string, every bool, run func(ctx context.Context, path string, o Options) (string, error)) {
	dir := t.TempDir()
	var notices []string
	tell := func(line string) { notices = append(notices, line) }
	at := func(name string) (string, Options) {
		path := filepath.Join(dir, name+format)
		return path, Options{Notice: tell, Warn: tell}
	}
	path, o := at("whole")
	result, err := run(t.Context(), path, o)
	if err != nil && format == ".h5" {
		t.Skipf("no HDF5 library: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	whole, warned := bytesOf(t, path), notices
	if _, err := os.Stat(journal.Path(path)); err == nil {
		t.Error("the journal of a run that ended is still there")
	}

	path, o = at("stopped")
	looks := map[string]int{"sample": 4, "density": 2}[verb] // at the context, in two blocks; a sample also reads a file
	if _, err := run(&ending{t.Context(), looks}, path, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Fatal("an interrupted run left a file")
	}
	kept := bytesOf(t, journal.Path(path))
	o.Resume = true
	for what, cut := range cuts(kept) {
		if !every && what != "in the middle of a block" {
			continue
		}
		if err := os.WriteFile(journal.Path(path), cut, 0o666); err != nil {
			t.Fatal(err)
		}
		notices = nil
		again, err := run(t.Context(), path, o)
		if err != nil || again != result || !bytes.Equal(bytesOf(t, path), whole) {
			t.Errorf("%s: resumed, it ends with %q, not %q, or with other bytes (%v)", what, again, result, err)
		}
		resumed := len(notices) > 0 && strings.HasPrefix(notices[0], "resumed after")
		if fromStart := strings.HasSuffix(what, "header"); resumed == fromStart {
			t.Errorf("%s: it says %q", what, notices)
		} else if resumed {
			notices = notices[1:]
		}
		if strings.Join(notices, "\n") != strings.Join(warned, "\n") {
			t.Errorf("%s: it warns of %q, not of %q", what, notices, warned)
		}
		if _, err := os.Stat(journal.Path(path)); err == nil {
			t.Errorf("%s: the journal is still there", what)
		}
	}
}

// cuts are what is left of a journal of two blocks after a kill or a power cut.
func cuts(journal []byte) map[string][]byte {
	n := len(journal)
	flipped := bytes.Clone(journal)
	flipped[n*3/4] ^= 4
	return map[string][]byte{
		"not at all":                    journal,
		"at the last byte":              journal[:n-1],
		"in the middle of a block":      journal[:n*3/4],
		"with zeros for the last block": append(bytes.Clone(journal[:n*3/4]), make([]byte, n)...),
		"with a flipped bit":            flipped,
		"within the header":             journal[:40],
		"before the header":             nil,
	}
}

func bytesOf(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// stopped leaves the journal of a sample of which a block was drawn.
func stopped(t *testing.T, m *model.Model, d Draw) (path string, o Options) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "new.npy")
	if _, err := Sample(&ending{t.Context(), 1}, m, d, path, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
	return path, o
}

// A journal is not taken up by another run, which is told what differs, nor written over by one that does not resume.
func TestJournalsOfOtherRuns(t *testing.T) {
	m, other := moons(t), moons(t)
	other.Density.(*flow.Flow).Params()[0]++
	file := threeBlocks(t, false)
	d := Draw{Events: 70_000, Seed: 1, Context: apply.Values(map[string]any{"moon": 1})}
	path, o := stopped(t, m, d)
	kept := bytesOf(t, journal.Path(path))
	sample := func(m *model.Model, change func(d *Draw)) func() error {
		return func() error {
			d := d
			change(&d)
			_, err := Sample(t.Context(), m, d, path, o)
			return err
		}
	}
	for want, run := range map[string]func() error{
		"the seed was 1 and is 2; to start anew, remove that file": sample(m, func(d *Draw) { d.Seed = 2 }),
		"the number of events was 70000 and is 80000":              sample(m, func(d *Draw) { d.Events = 80_000 }),
		"the shard was 1/1 and is 2/3":                             sample(m, func(d *Draw) { d.Shard, d.Shards = 2, 3 }),
		"the context moon was 1 and is 0":                          sample(m, func(d *Draw) { d.Context = apply.Values(map[string]any{"moon": 0}) }),
		"the context 1 was none and is " + file:                    sample(m, func(d *Draw) { d.Context, d.ContextFile = nil, file }),
		"the model was ":                                           sample(other, func(*Draw) {}),
		"the command was sample and is density": func() error {
			_, err := Density(t.Context(), m, Evaluate{Files: []string{file}, DropNaN: true}, path, o)
			return err
		},
		"holds an interrupted run; go on with --resume, or remove that file": func() error {
			o := o
			o.Resume = false
			_, err := Sample(t.Context(), m, d, path, o)
			return err
		},
	} {
		o.Resume = true
		var in *InputError
		if err := run(); !errors.As(err, &in) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), journal.Path(path)) {
			t.Errorf("%v does not say %q", err, want)
		}
		if !bytes.Equal(bytesOf(t, journal.Path(path)), kept) {
			t.Fatalf("%s: the journal is changed", want)
		}
	}
	const letter = "Dear journal, today was long enough for a header of any kind, and then for some more of it, and then again."
	if err := os.WriteFile(journal.Path(path), []byte(strings.Repeat(letter, 10)), 0o666); err != nil {
		t.Fatal(err)
	}
	var bad *journal.Error
	if err := sample(m, func(*Draw) {})(); !errors.As(err, &bad) || !strings.Contains(err.Error(), "is no journal of a run") {
		t.Errorf("a letter is taken for a journal: %v", err)
	}
}

// A file that changed is another input.
func TestJournalOfAnotherInput(t *testing.T) {
	m, file := moons(t), threeBlocks(t, false)
	path := filepath.Join(t.TempDir(), "scored.npy")
	var o Options
	if _, err := Density(&ending{t.Context(), 1}, m, Evaluate{Files: []string{file}, DropNaN: true}, path, o); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, bytesOf(t, threeBlocks(t, true)), 0o666); err != nil {
		t.Fatal(err)
	}
	o.Resume = true
	_, err := Density(t.Context(), m, Evaluate{Files: []string{file}, DropNaN: true}, path, o)
	if err == nil || !strings.Contains(err.Error(), "the input 1 was "+file) {
		t.Errorf("resumed with another input: %v", err)
	}
}

// What the user gave amiss ends a run for good: nothing is left behind that would stand in the way of the next.
func TestNoJournalIsKeptInVain(t *testing.T) {
	m, file := moons(t), threeBlocks(t, false)
	path := filepath.Join(t.TempDir(), "scored.npy")
	var o Options
	var in *InputError
	if _, err := Density(t.Context(), m, Evaluate{Files: []string{file}}, path, o); !errors.As(err, &in) || !strings.Contains(err.Error(), "--drop-nan") {
		t.Fatalf("missing values: %v", err)
	}
	if _, err := os.Stat(journal.Path(path)); err == nil {
		t.Error("a journal is left of a run that cannot end well")
	}
	if _, err := Density(&ending{t.Context(), 0}, m, Evaluate{Files: []string{file}}, path, o); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := os.Stat(journal.Path(path)); err == nil {
		t.Error("a journal without a block is left")
	}
}

// No verb writes over a file that it reads.
func TestContextIsNotOverwritten(t *testing.T) {
	file := write(t, "moon.csv", events.Column{Name: "moon", F32: []float32{0, 1, 1}})
	before := bytesOf(t, file)
	_, err := Sample(t.Context(), moons(t), Draw{Events: 3, ContextFile: file}, file, Options{})
	if err == nil || !strings.Contains(err.Error(), "would be overwritten") || !bytes.Equal(bytesOf(t, file), before) {
		t.Errorf("%v", err)
	}
}
