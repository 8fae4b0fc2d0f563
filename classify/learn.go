package classify

import (
	"context"
	"fmt"

	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/train"
)

// fitted is a trained network.
type fitted struct {
	*network
	params  []float32
	threads int
}

// learner is one training: its events, those with which it begins, and what it is to learn of them.
type learner struct {
	columns      [][]float64
	train, valid []int32   // rows of columns
	weight       []float32 // of the training events and after them of those of the validation, as what follows
	class        []float32 // nil for targets
	classes      int       // 1 for targets
	targets      [][]float32
	o            Options
	seed         uint64
}

func (l *learner) loss() (loss, int) {
	switch {
	case l.class == nil:
		return squares{l.targets}, len(l.targets)
	case l.classes == 2:
		return binary{l.class}, 1
	}
	return categorical{l.class}, l.classes
}

// learn trains a network, and keeps the start where no epoch was better on the validation events.
func (l *learner) learn(ctx context.Context) (*fitted, error) {
	in := newInputs(l.columns, l.train)
	if in.rows == 0 {
		return nil, fmt.Errorf("classify: there is nothing to learn from: each column has a single value")
	}
	rows := append(l.train[:len(l.train):len(l.train)], l.valid...)
	x := in.take(l.columns, rows)
	loss, outputs := l.loss()
	net := newNetwork(in, l.o.Hidden, outputs)
	obj := newObjective(net, net.start(l.seed), x, l.weight, loss, l.o.Threads)
	defer obj.Close()
	data := train.Data{Train: all(len(l.train))}
	for i := range l.valid {
		data.Valid = append(data.Valid, int32(len(l.train)+i))
	}
	start, before := l.start(obj, data)
	r, err := train.Run(ctx, obj, data, l.config(), train.Options{Seed: l.seed})
	if err != nil {
		return nil, fmt.Errorf("classify: %w", err)
	}
	if !(float64(r.ValidNLL) < before) {
		copy(obj.params, start)
	}
	return &fitted{net, obj.params, l.o.Threads}, nil
}

// start leaves the better one of two discriminants in the parameters, with products or without, and returns these with their loss.
func (l *learner) start(obj *objective, data train.Data) (params []float32, loss float64) {
	m := takeMoments(obj, data.Train, l.class, l.classes, l.targets)
	for i, p := range []int{obj.rows, obj.width()} {
		obj.fisher(obj.params, m, p)
		if v := obj.Loss(data.Valid); i == 0 || v < loss {
			params, loss = append(params[:0], obj.params...), v
		}
	}
	copy(obj.params, params)
	return params, loss
}

func (l *learner) config() train.Config {
	batch := l.o.Batch
	if batch == 0 {
		batch = min(max(len(l.train)/50, 64), 1024)
	}
	return train.Config{
		Epochs: l.o.Epochs, Patience: l.o.Patience, LR: l.o.LR, Batch: min(batch, len(l.train)),
		Schedule: train.Schedule{Type: "cosine"},
	}
}

// seedOf is that of a member of an ensemble.
func seedOf(seed uint64, member int) uint64 {
	if member == 0 {
		return seed
	}
	return rng.New(seed, rng.StreamMember, uint32(member)).Uint64()
}

const groupTiles = 64 // that a worker scores at a time

// score calls take with each tile of rows (all where nil): the outputs and the number of its first event. Calls are parallel.
func (f *fitted) score(ctx context.Context, columns [][]float64, rows []int32, take func(s *space, first, events int)) error {
	n := len(rows)
	if rows == nil {
		n = len(columns[0])
	}
	pool := kernel.NewPool(f.threads)
	defer pool.Close()
	spaces := make([]*space, pool.Threads())
	own := make([][kernel.Tile]int32, pool.Threads())
	per := groupTiles * kernel.Tile
	pool.Run((n+per-1)/per, func(worker, group int) {
		if spaces[worker] == nil {
			spaces[worker] = f.newSpace()
		}
		s := spaces[worker]
		for first := group * per; first < min((group+1)*per, n) && ctx.Err() == nil; first += kernel.Tile {
			events := min(kernel.Tile, n-first)
			tile := own[worker][:events]
			for e := range tile {
				if tile[e] = int32(first + e); rows != nil {
					tile[e] = rows[first+e]
				}
			}
			s.begin(events)
			f.fill(f.seen(s), kernel.Tile, columns, tile, s.pass.N)
			f.forward(f.params, s)
			take(s, first, events)
		}
	})
	return ctx.Err()
}
