package train

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-hep/sluice/internal/mpi"
)

// peer is what a process has of a training.
type peer struct {
	params []float32
	result *Result
	err    error
}

// together trains with so many processes; each may change its own training.
func together(n int, cfg Config, own func(rank int, obj *gaussian, data *Data, opts *Options, now *func() time.Time) context.Context) []peer {
	all := make([]peer, n)
	var ends sync.WaitGroup
	for _, w := range mpi.Goroutines(n) {
		ends.Go(func() {
			obj, data, opts, now := newGaussian(500), samples(500, cfg), Options{Seed: 4, Peers: w}, time.Now
			ctx := w.Context(own(w.Rank(), obj, &data, &opts, &now))
			r, err := run(ctx, obj, data, cfg, opts, now)
			all[w.Rank()] = peer{obj.params, r, err}
		})
	}
	ends.Wait()
	return all
}

// The clock of the first process is that of all: they take the same steps at the same learning rates, and end together.
func TestPeersHaveOneClock(t *testing.T) {
	cfg := Config{Epochs: 1000, Batch: 50, MaxSeconds: 30}
	all := together(3, cfg, func(rank int, obj *gaussian, _ *Data, _ *Options, now *func() time.Time) context.Context {
		*now = func() time.Time { return time.Unix(0, 0).Add(time.Duration((1+5*rank)*obj.calls) * time.Second) }
		return context.Background()
	})
	for rank, o := range all {
		if o.err != nil || o.result.Steps != 30 || !slices.Equal(o.params, all[0].params) {
			t.Errorf("rank %d: %v after %+v, %v", rank, o.params, o.result, o.err)
		}
	}
}

// A signal to any process ends all, with the state of the first on disk, from which another number of processes goes on to the same bits.
func TestPeersEndTogether(t *testing.T) {
	cfg, state := Config{Epochs: 3, Batch: 50}, filepath.Join(t.TempDir(), "state")
	const stopped, n = 11, 3
	signal, cancel := context.WithCancel(context.Background())
	for rank, o := range together(n, cfg, func(rank int, obj *gaussian, _ *Data, opts *Options, _ *func() time.Time) context.Context {
		if rank == 0 {
			opts.State = state
		}
		if rank == n-1 {
			obj.seen = func([]int32) {
				if obj.calls == stopped {
					cancel()
				}
			}
			return signal
		}
		return context.Background()
	}) {
		if !errors.Is(o.err, context.Canceled) || o.result == nil || !o.result.Interrupted || o.result.Steps != stopped {
			t.Errorf("rank %d: %+v, %v", rank, o.result, o.err)
		}
	}
	alone := newGaussian(500)
	mustRun(t, alone, samples(500, cfg), cfg, Options{Seed: 4})
	for rank, o := range together(2, cfg, func(rank int, _ *gaussian, _ *Data, opts *Options, _ *func() time.Time) context.Context {
		if rank == 0 {
			opts.State, opts.Resume = state, true
		}
		return context.Background()
	}) {
		if o.err != nil || !slices.Equal(o.params, alone.params) {
			t.Errorf("rank %d: %v, %v; alone %v", rank, o.params, o.err, alone.params)
		}
	}
}

// broken is a stream that fails at a step.
type broken struct {
	shuffled
	err error
}

func (b *broken) Rows(ctx context.Context, epoch, first, n int) ([]int32, error) {
	if epoch == 1 {
		return nil, b.err
	}
	return b.shuffled.Rows(ctx, epoch, first, n)
}

// A file that one process cannot read, or a state that the first cannot take up, is an error of all.
func TestPeersFailTogether(t *testing.T) {
	cfg := Config{Epochs: 3, Batch: 50}
	for rank, o := range together(3, cfg, func(rank int, _ *gaussian, data *Data, _ *Options, _ *func() time.Time) context.Context {
		if rank == 1 {
			data.Stream = &broken{shuffled{rows: data.Train, seed: 4}, errors.New("no such file")}
		}
		return context.Background()
	}) {
		if o.err == nil || !strings.HasSuffix(o.err.Error(), "no such file") || strings.HasPrefix(o.err.Error(), "rank 1") != (rank != 1) {
			t.Errorf("rank %d: %v", rank, o.err)
		}
	}
	state := filepath.Join(t.TempDir(), "state")
	mustRun(t, newGaussian(500), samples(500, cfg), cfg, Options{Seed: 5, State: state})
	for rank, o := range together(2, cfg, func(rank int, _ *gaussian, _ *Data, opts *Options, _ *func() time.Time) context.Context {
		if rank == 0 {
			opts.State, opts.Resume = state, true
		}
		return context.Background()
	}) {
		var other *StateError
		if o.err == nil || errors.As(o.err, &other) != (rank == 0) {
			t.Errorf("rank %d: %v", rank, o.err)
		}
	}
}
