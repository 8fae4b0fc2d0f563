package train

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-hep/sluice/internal/rng"
)

// outcome is all that a resumed training must share with one that was never interrupted.
func outcome(t *testing.T, obj *gaussian, r *Result) string {
	t.Helper()
	b, err := json.Marshal(r.WithoutClock())
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x %s", obj.params, b)
}

// TestResumeGivesTheSameBits interrupts a training at random steps, again and again, each time with an objective
// that knows nothing of the one before.
func TestResumeGivesTheSameBits(t *testing.T) {
	const n = 150
	for name, cfg := range map[string]Config{
		"adam":     {Patience: 3, LR: 0.3},
		"adamw":    {Optimiser: "adamw", EMA: 0.9, WeightDecay: 0.1, LR: 0.1},
		"sgd":      {Optimiser: "sgd", Nesterov: true, Schedule: Schedule{Type: "step", Every: 2, Warmup: 5}},
		"plain":    {Optimiser: "sgd", Momentum: -1, EMA: 0.5, Schedule: Schedule{Type: "cosine-restarts", First: 7}},
		"no valid": {Valid: -1, Schedule: Schedule{Type: "polynomial", Per: "epoch"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg.Epochs, cfg.Batch = 6, 15
			data := samples(n, cfg)
			// Two steps are undone on the way, one of them the last of an epoch.
			bad := func(step int) bool { return step == 8 || step == 13 }
			whole := newGaussian(n)
			whole.spoil = bad
			r := mustRun(t, whole, data, cfg, Options{Seed: 9})
			want := outcome(t, whole, r)

			random := rng.New(4, rng.StreamTest, 0)
			for round := range 8 {
				opts := Options{Seed: 9, State: filepath.Join(t.TempDir(), "state"), Resume: true, DataID: "toy"}
				done, interruptions := 0, 0
				for {
					obj := newGaussian(n)
					obj.params[0] = float32(random.Float64()) // to be overwritten by the state
					if done == 0 {
						obj.params[0] = 0
					}
					ctx, cancel := context.WithCancel(context.Background())
					stop := 1 + random.IntN(2+4*round)
					obj.seen = func([]int32) {
						if obj.calls == stop {
							cancel()
						}
					}
					before := done
					obj.spoil = func(call int) bool { return bad(before + call) }
					r, err := Run(ctx, obj, data, cfg, opts)
					cancel()
					done += obj.calls
					if err == nil {
						if got := outcome(t, obj, r); got != want {
							t.Fatalf("after %d interruptions:\n%s\nuninterrupted:\n%s", interruptions, got, want)
						}
						break
					}
					interruptions++
					if !errors.Is(err, context.Canceled) || r == nil || !r.Interrupted || r.Steps != done {
						t.Fatalf("interrupted: %+v, %v", r, err)
					}
				}
				if round == 0 && interruptions < 10 {
					t.Fatalf("only %d interruptions", interruptions)
				}
				if err := RemoveState(opts.State); err != nil {
					t.Fatal(err)
				}
				if err := RemoveState(opts.State); err != nil {
					t.Errorf("removing nothing: %v", err)
				}
			}
		})
	}
}

// Interruptions must not let a training that fails go on for ever.
func TestBadStepsInARowAreCountedAcrossInterruptions(t *testing.T) {
	cfg := Config{Epochs: 3, Batch: 10}
	data := samples(100, cfg)
	opts := Options{State: filepath.Join(t.TempDir(), "state"), Resume: true}
	total := 0
	for {
		ctx, cancel := context.WithCancel(context.Background())
		obj := newGaussian(100)
		before := total
		obj.spoil = func(call int) bool { return before+call > 2 }
		obj.seen = func([]int32) {
			if obj.calls == 2 || before+obj.calls == 7 {
				cancel()
			}
		}
		r, err := Run(ctx, obj, data, cfg, opts)
		cancel()
		total += obj.calls
		if !errors.Is(err, context.Canceled) {
			if err == nil || r != nil || total != 7 {
				t.Errorf("failed after %d steps, want 7: %v", total, err)
			}
			return
		}
	}
}

// A kill without warning leaves the last state on disk; it is newer than the gap between saves, and as good.
func TestKilledTrainingGoesOnFromTheLastState(t *testing.T) {
	const n = 150
	cfg := Config{Epochs: 5, Batch: 15, EMA: 0.8}
	data := samples(n, cfg)
	whole := newGaussian(n)
	want := outcome(t, whole, mustRun(t, whole, data, cfg, Options{}))
	path := filepath.Join(t.TempDir(), "state")
	var states [][]byte
	obj := newGaussian(n)
	obj.seen = func([]int32) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(states) == 0 || !bytes.Equal(b, states[len(states)-1]) {
			states = append(states, b)
		}
	}
	// A step takes 6 s, an epoch 48: states after 24 and 48 s of each, the very last unseen.
	now := func() time.Time { return time.Unix(int64(6*obj.calls), 0) }
	if _, err := run(context.Background(), obj, data, cfg, Options{State: path}, now); err != nil {
		t.Fatal(err)
	}
	if len(states) != 10 {
		t.Fatalf("%d states in 5 epochs of 48 s, want the first and 9 more", len(states))
	}
	for i, s := range states {
		if err := os.WriteFile(path, s, 0o600); err != nil {
			t.Fatal(err)
		}
		obj := newGaussian(n)
		if got := outcome(t, obj, mustRun(t, obj, data, cfg, Options{State: path, Resume: true})); got != want {
			t.Errorf("from state %d:\n%s\nuninterrupted:\n%s", i, got, want)
		}
		if obj.calls > 40 || i == len(states)-1 && obj.calls > 4 {
			t.Errorf("state %d was not taken up: %d steps of 40", i, obj.calls)
		}
	}
}

// someState leaves the state of an interrupted training and says what began it.
func someState(t testing.TB) (path string, data Data, cfg Config) {
	t.Helper()
	cfg = Config{Epochs: 3, Batch: 10}
	data = samples(100, cfg)
	path = filepath.Join(t.TempDir(), "jets.state")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	obj := newGaussian(100)
	obj.seen = func([]int32) {
		if obj.calls == 12 {
			cancel()
		}
	}
	if _, err := Run(ctx, obj, data, cfg, Options{State: path, DataID: "a"}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	return path, data, cfg
}

func TestStateOfAnotherTrainingIsRefused(t *testing.T) {
	path, data, cfg := someState(t)
	other := cfg
	other.LR = 0.5
	for reason, c := range map[string]struct {
		obj  *gaussian
		data Data
		cfg  Config
		opts Options
	}{
		"another configuration": {newGaussian(100), data, other, Options{DataID: "a"}},
		"seed 0, not 1":         {newGaussian(100), data, cfg, Options{DataID: "a", Seed: 1}},
		"other data":            {newGaussian(100), data, cfg, Options{DataID: "b"}},
		"to other data":         {newGaussian(100), Data{Train: data.Train, Valid: data.Test, Test: data.Valid}, cfg, Options{DataID: "a"}},
		"2 parameters, not 3":   {&gaussian{params: make([]float32, 3)}, data, cfg, Options{DataID: "a"}},
	} {
		c.opts.State, c.opts.Resume = path, true
		_, err := Run(context.Background(), c.obj, c.data, c.cfg, c.opts)
		var at *StateError
		if !errors.As(err, &at) || at.Path != path || !strings.Contains(err.Error(), reason) {
			t.Errorf("want %q: %v", reason, err)
		}
	}
	if r := mustRun(t, newGaussian(100), data, cfg, Options{DataID: "a", State: path, Resume: true}); r.Steps != 24 {
		t.Errorf("a state refused was harmed: %d steps", r.Steps)
	}
}

func TestDamagedStateIsRefused(t *testing.T) {
	path, data, cfg := someState(t)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	resume := func(b []byte) error {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		obj := newGaussian(100)
		before := slices.Clone(obj.params)
		_, err := Run(context.Background(), obj, data, cfg, Options{DataID: "a", State: path, Resume: true})
		if err != nil && !slices.Equal(before, obj.params) {
			t.Errorf("%d bytes: refused, but the parameters have changed", len(b))
		}
		return err
	}
	var at *StateError
	for n := 0; n < len(good); n += 7 {
		if err := resume(good[:n]); !errors.As(err, &at) {
			t.Fatalf("cut off at %d of %d bytes: %v", n, len(good), err)
		}
	}
	for i := 0; i < len(good); i += 5 {
		b := slices.Clone(good)
		b[i] ^= 1 << (i % 8)
		if err := resume(b); !errors.As(err, &at) {
			t.Fatalf("byte %d of %d flipped: %v", i, len(good), err)
		}
	}
	// With a check sum that fits.
	for name, change := range map[string]func([]byte){
		"huge header":    func(b []byte) { binary.LittleEndian.PutUint64(b[len(stateMagic):], 1<<62) },
		"short header":   func(b []byte) { binary.LittleEndian.PutUint64(b[len(stateMagic):], 10) },
		"negative steps": func(b []byte) { replace(t, b, `"steps":12`, `"steps":-1`) },
		"other history":  func(b []byte) { replace(t, b, `"epoch":1,"step":4`, `"epoch":2,"step":4`) },
		"other arrays":   func(b []byte) { replace(t, b, `"arrays":5`, `"arrays":9`) },
		"no factor":      func(b []byte) { replace(t, b, `"lr_factor":1`, `"lr_factor":0`) },
	} {
		b := slices.Clone(good)
		change(b)
		if err := resume(sealed(b)); !errors.As(err, &at) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := resume(append(sealed(good)[:len(good)-4], sealed(append(good, 0, 0, 0, 0))[len(good)-4:]...)); !errors.As(err, &at) {
		t.Errorf("more bytes than arrays: %v", err)
	}
	if err := resume(good); err != nil {
		t.Errorf("the sound state: %v", err)
	}
}

func replace(t *testing.T, b []byte, from, to string) {
	t.Helper()
	i := bytes.Index(b, []byte(from))
	if i < 0 {
		t.Fatalf("the state says no %s", from)
	}
	copy(b[i:], to)
}

// sealed gives b the check sum that it should have.
func sealed(b []byte) []byte {
	b = slices.Clone(b)
	n := len(b) - 4
	binary.LittleEndian.PutUint32(b[n:], crc32.Checksum(b[:n], castagnoli))
	return b
}

func FuzzState(f *testing.F) {
	path, data, cfg := someState(f)
	good, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte(stateMagic))
	cfg = cfg.WithDefaults()
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 4 {
			b = sealed(b)
		}
		tr, err := newTrainer(newGaussian(100), data, cfg, Options{DataID: "a", State: "state"}, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		tr.id = tr.identity()
		if err := tr.readState(bytes.NewReader(b), int64(len(b))); err != nil && tr.at.Steps != 0 {
			t.Fatalf("refused, and yet taken up: %v", err)
		}
	})
}

func TestPlaceThatCannotBeWrittenIsKnownAtOnce(t *testing.T) {
	cfg := Config{Epochs: 3, Batch: 10}
	obj := newGaussian(100)
	path := filepath.Join(t.TempDir(), "missing", "state")
	_, err := Run(context.Background(), obj, samples(100, cfg), cfg, Options{State: path, Resume: true})
	if err == nil || !strings.Contains(err.Error(), path) || obj.calls > 0 {
		t.Errorf("%v, after %d steps", err, obj.calls)
	}
}

// A disk that fills up in the middle costs the state, not the training.
func TestStateThatCannotBeSavedLaterIsSaid(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	cfg := Config{Epochs: 3, Batch: 10}
	obj := newGaussian(100)
	obj.seen = func([]int32) {
		if obj.calls == 4 {
			os.RemoveAll(dir)
		}
	}
	var said []string
	opts := Options{State: filepath.Join(dir, "state"), Progress: func(p Progress) {
		if p.Notice != "" {
			said = append(said, p.Notice)
		}
	}}
	r, err := run(context.Background(), obj, samples(100, cfg), cfg, opts, steadyClock(2*time.Second))
	if err != nil || r.Steps != 24 {
		t.Fatalf("%+v, %v", r, err)
	}
	if len(said) < 2 || !strings.Contains(said[0], "the training goes on") || len(r.Notices) != 0 {
		t.Errorf("said %q, kept %q", said, r.Notices)
	}
}
