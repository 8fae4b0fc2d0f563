// Package mpi joins the processes that mpirun, or srun, has started: ranks that make the same calls in the same order. The library of MPI
// is found when it is needed, at run time, and is that of the launcher; without a launcher none is looked for.
package mpi

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"

	"github.com/sluice-hep/sluice/internal/fault"
)

// World is the ranks of a program, as one of them sees them. It is for one goroutine at a time, and all ranks make the same calls.
type World struct {
	rank, size int
	transport
	interrupt context.CancelFunc // of this rank
	threads   int
	waits     patience
}

// transport is how messages go.
type transport interface {
	// exchange sends the slices of to[r] to rank r, and fills those of from[r], of the lengths of which they are sent, in their order.
	exchange(to, from [][][]byte, by patience)
	close()
}

// patience is how a rank waits for others.
type patience int

const (
	eager   patience = iota // it asks again at once
	polite                  // it lets others use its core in between: there are more ranks than cores
	patient                 // for long: it sleeps
)

// Open joins the ranks of a launch. Every rank calls it, and Close at the end.
func Open(l Launch) (*World, error) {
	t, err := open(l)
	if err != nil {
		return nil, err
	}
	w := &World{rank: l.Rank, size: l.Size, transport: t, interrupt: func() {}}
	w.share(hostname(), cores())
	return w, nil
}

// Context is one that ends with ctx, and when another rank tells of the end of its own; see Agree.
func (w *World) Context(ctx context.Context) context.Context {
	ctx, w.interrupt = context.WithCancel(ctx)
	return ctx
}

// Goroutines are n ranks within one process.
func Goroutines(n int) []*World {
	all := make([]*World, n)
	lines := make([][]chan [][]byte, n)
	for r := range lines {
		for range n {
			lines[r] = append(lines[r], make(chan [][]byte, 2)) // no rank is more than one call ahead of another
		}
	}
	for r := range all {
		all[r] = &World{rank: r, size: n, transport: &goroutine{r, lines}, interrupt: func() {}, threads: 1}
	}
	return all
}

// goroutine is a rank that is none of MPI's: lines[a][b] goes from a to b.
type goroutine struct {
	rank  int
	lines [][]chan [][]byte
}

func (g *goroutine) exchange(to, from [][][]byte, _ patience) {
	for r, all := range to {
		var sent [][]byte
		for _, b := range all {
			sent = append(sent, append([]byte(nil), b...))
		}
		g.lines[g.rank][r] <- sent
	}
	for r, all := range from {
		for i, b := range <-g.lines[r][g.rank] {
			copy(all[i], b)
		}
	}
}

func (*goroutine) close() {}

// Rank is the number of this process, from 0.
func (w *World) Rank() int { return w.rank }

// Size is the number of ranks.
func (w *World) Size() int { return w.size }

// Threads is how many threads this rank may use, so that those of one machine together have no more than its cores.
func (w *World) Threads() int { return w.threads }

// Exchange sends the slices of to[r] to rank r, and fills those of from[r] with what rank r sends here, in their order; both sides know the lengths. Nothing
// is sent to the rank itself.
func (w *World) Exchange(to, from [][][]byte) { w.exchange(to, from, w.waits) }

// Broadcast fills p, which is as long on every rank, with what rank 0 has in it.
func (w *World) Broadcast(p []byte) { w.broadcast(0, p, w.waits) }

// broadcast fills p with what the first has in it, some rank.
func (w *World) broadcast(first int, p []byte, by patience) {
	to, from := make([][][]byte, w.size), make([][][]byte, w.size)
	for r := range to {
		switch {
		case first == w.rank && r != w.rank:
			to[r] = [][]byte{p}
		case r == first && r != w.rank:
			from[r] = [][]byte{p}
		}
	}
	w.exchange(to, from, by)
}

// Order tells the other ranks, which wait for it in Await, what they do next.
func (w *World) Order(n int) {
	p := binary.LittleEndian.AppendUint64(nil, uint64(n))
	w.broadcast(0, p, patient)
}

// Await waits for the next Order of rank 0.
func (w *World) Await() int {
	p := make([]byte, 8)
	w.broadcast(0, p, patient)
	return int(binary.LittleEndian.Uint64(p))
}

// gather is what every rank has: slices of one length, by rank.
func (w *World) gather(own []byte) [][]byte {
	to, from, all := make([][][]byte, w.size), make([][][]byte, w.size), make([][]byte, w.size)
	for r := range all {
		if all[r] = own; r != w.rank {
			all[r] = make([]byte, len(own))
			to[r], from[r] = [][]byte{own}, [][]byte{all[r]}
		}
	}
	w.exchange(to, from, w.waits)
	return all
}

// The kinds of error that ranks tell each other, beside its length.
const (
	fine uint32 = iota
	interrupted
	failed
	faulty // the user's
)

// Agree returns no error where no rank has one. Otherwise a rank that has one gets its own, and the others that of the first rank that has one, with its
// name; where that is the end of a context, theirs ends too.
func (w *World) Agree(err error) error {
	kind, text := fine, ""
	switch {
	case err == nil:
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		kind = interrupted
	case fault.Is(err):
		kind, text = faulty, err.Error()
	default:
		kind, text = failed, err.Error()
	}
	if kind >= failed && w.rank > 0 {
		text = fmt.Sprintf("rank %d on %s: %s", w.rank, hostname(), text)
	}
	own := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, kind), uint32(len(text)))
	for r, head := range w.gather(own) {
		if k := binary.LittleEndian.Uint32(head); k != fine {
			other := make([]byte, binary.LittleEndian.Uint32(head[4:]))
			copy(other, text)
			w.broadcast(r, other, w.waits)
			return w.agreed(err, k, string(other))
		}
	}
	return nil
}

func (w *World) agreed(own error, kind uint32, text string) error {
	switch {
	case kind == interrupted && own == nil:
		w.interrupt()
		return context.Canceled
	case own != nil:
		return own
	case kind == faulty:
		return fault.Of(errors.New(text))
	}
	return errors.New(text)
}

// Close ends the ranks together.
func (w *World) Close() {
	w.interrupt()
	w.close()
}

var hostname = sync.OnceValue(func() string {
	name, err := os.Hostname()
	if err != nil {
		return "a host without a name"
	}
	return name
})

// hostBytes bounds the names of hosts that are told from each other.
const hostBytes = 256

// share sets the number of threads: as many as the rank has cores, unless ranks of the same host may use them too.
func (w *World) share(host string, cores coreSet) {
	own := make([]byte, hostBytes, hostBytes+len(cores))
	copy(own, host)
	own = append(own, cores[:]...)
	var union coreSet
	ranks := 0
	for _, other := range w.gather(own) {
		if string(other[:hostBytes]) == string(own[:hostBytes]) {
			ranks++
			for i, b := range other[hostBytes:] {
				union[i] |= b
			}
		}
	}
	all := union.count()
	if all == 0 { // the system does not tell
		all = runtime.NumCPU()
	}
	w.threads = max(1, min(runtime.NumCPU(), all/ranks))
	if ranks > all {
		w.waits = polite
	}
}
