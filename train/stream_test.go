package train

import (
	"context"
	"errors"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

// windows gives the events of a sample in the order that all of them in memory would have, but fails with the
// context, and has only some near.
type windows struct {
	shuffled
	near  int
	calls int
	stop  func()
	at    int // the call that stops
}

func (w *windows) Rows(ctx context.Context, epoch, first, n int) ([]int32, error) {
	if w.calls++; w.calls == w.at {
		w.stop()
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return w.shuffled.Rows(ctx, epoch, first, n)
}

func (w *windows) Near(ctx context.Context, epoch, event int) ([]int32, error) {
	if event < 0 {
		return nil, errors.New("no such event")
	}
	return w.rows[:w.near], ctx.Err()
}

func TestStreamTrainsAsEventsInMemory(t *testing.T) {
	cfg := Config{Epochs: 3, Batch: 30}
	obj, data := newGaussian(500), samples(500, cfg)
	want := mustRun(t, obj, data, cfg, Options{Seed: 4})
	streamed := newGaussian(500)
	in := Data{Valid: data.Valid, Test: data.Test, Stream: &windows{shuffled: shuffled{rows: data.Train, seed: 4}, near: 40}}
	got := mustRun(t, streamed, in, cfg, Options{Seed: 4})
	if !slices.Equal(obj.params, streamed.params) {
		t.Errorf("parameters %v, in memory %v", streamed.params, obj.params)
	}
	if float64(got.TrainNLL) != streamed.loss(data.Train[:40]) {
		t.Errorf("training loss %v is not that of the events in memory", got.TrainNLL)
	}
	got.TrainNLL = want.TrainNLL
	if a, b := got.WithoutClock(), want.WithoutClock(); !reflect.DeepEqual(a, b) {
		t.Errorf("%+v\nin memory %+v", a, b)
	}
}

func TestStreamInterruptedGoesOn(t *testing.T) {
	cfg := Config{Epochs: 3, Batch: 30}
	whole, data := newGaussian(500), samples(500, cfg)
	stream := func() *windows { return &windows{shuffled: shuffled{rows: data.Train, seed: 4}, near: 40} }
	in := Data{Valid: data.Valid, Test: data.Test, Stream: stream()}
	mustRun(t, whole, in, cfg, Options{Seed: 4})
	for _, at := range []int{1, 5, 14, 27, 39} { // within a step of the stream
		opts := Options{Seed: 4, State: filepath.Join(t.TempDir(), "state"), Resume: true}
		ctx, cancel := context.WithCancel(context.Background())
		broken := stream()
		broken.at, broken.stop = at, cancel
		in.Stream = broken
		obj := newGaussian(500)
		if r, err := Run(ctx, obj, in, cfg, opts); !errors.Is(err, context.Canceled) || !r.Interrupted {
			t.Fatalf("call %d: %v", at, err)
		}
		in.Stream = stream()
		obj = newGaussian(500)
		mustRun(t, obj, in, cfg, opts)
		if !slices.Equal(obj.params, whole.params) {
			t.Errorf("call %d: parameters %v, not interrupted %v", at, obj.params, whole.params)
		}
	}
}

func TestStreamThatFailsEndsTheTraining(t *testing.T) {
	cfg := Config{Epochs: 3, Batch: 30}
	data := samples(500, cfg)
	bad := &windows{shuffled: shuffled{rows: data.Train, seed: 4}, near: 40}
	failed := errors.New("the file is gone")
	in := Data{Valid: data.Valid, Stream: failing{bad, failed}}
	if r, err := Run(context.Background(), newGaussian(500), in, cfg, Options{}); r != nil || !errors.Is(err, failed) {
		t.Errorf("%v %v", r, err)
	}
}

type failing struct {
	Stream
	err error
}

func (f failing) Rows(ctx context.Context, epoch, first, n int) ([]int32, error) {
	if epoch == 1 {
		return nil, f.err
	}
	return f.Stream.Rows(ctx, epoch, first, n)
}
