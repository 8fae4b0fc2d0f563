package batch

import (
	"github.com/sluice-hep/sluice/internal/floats"
	"github.com/sluice-hep/sluice/internal/kernel"
)

// Peers are the processes that share out each batch, of which this one is one. All of them make the same calls in the same order.
type Peers interface {
	Rank() int // of this one, from 0
	Size() int
	// Exchange sends the slices of to[r] to process r, and fills those of from[r] with what that sends here, in their order; nothing goes to itself.
	Exchange(to, from [][][]byte)
}

// peers are those of a batch, and what messages need.
type peers struct {
	Peers
	threads  int // the fewest of any
	to, from [][][]byte
	memory   []float32   // of the slices of parts that others send
	parts    [][]float32 // in it
	packed   [][]float64 // the losses of the tiles of each
}

// Share has peers take a share of each Loss, and of each gradient unless all parts are kept. They must have the same events, parameters and seed.
func (b *Batch) Share(p Peers) (gradients bool) {
	s := &peers{Peers: p, threads: b.Threads(), to: make([][][]byte, p.Size()), from: make([][][]byte, p.Size()), packed: make([][]float64, p.Size())}
	all := make([]float64, p.Size())
	all[p.Rank()] = float64(b.Threads())
	for r := range all {
		if r != p.Rank() {
			s.send(r, floats.InMemory(all[p.Rank():][:1]))
			s.receive(r, floats.InMemory(all[r:][:1]))
		}
	}
	s.exchange()
	for _, n := range all {
		s.threads = min(s.threads, int(n))
	}
	b.peers = s
	return !b.kept
}

func (s *peers) send(rank int, p []byte)    { s.to[rank] = append(s.to[rank], p) }
func (s *peers) receive(rank int, p []byte) { s.from[rank] = append(s.from[rank], p) }

// exchange does what was asked for by send and receive.
func (s *peers) exchange() {
	s.Exchange(s.to, s.from)
	for r := range s.to {
		clear(s.to[r])
		clear(s.from[r])
		s.to[r], s.from[r] = s.to[r][:0], s.from[r][:0]
	}
}

// lossSize and lossRank are those of the processes that share out a Loss, size and rank of those that share out a gradient.
func (b *Batch) lossSize() int {
	if b.peers == nil {
		return 1
	}
	return b.peers.Size()
}

func (b *Batch) lossRank() int {
	if b.peers == nil {
		return 0
	}
	return b.peers.Rank()
}

func (b *Batch) size() int {
	if b.kept {
		return 1
	}
	return b.lossSize()
}

func (b *Batch) rank() int {
	if b.kept {
		return 0
	}
	return b.lossRank()
}

// leastThreads is on how many every process has that shares out the gradient.
func (b *Batch) leastThreads() int {
	if b.size() == 1 {
		return b.Threads()
	}
	return b.peers.threads
}

// slice is that of the parameters for which a process has the sum; slices begin at cache lines.
func (b *Batch) slice(rank int) run {
	lines := run{0, (b.summed + cacheLine - 1) / cacheLine}.split(rank, b.size())
	return run{min(lines.first*cacheLine, b.summed), min(lines.end*cacheLine, b.summed)}
}

const cacheLine = 16 // parameters

// receive sends the parts of this process to those that have the sums of their slices, and gives the slices of the others' parts, in their order.
func (b *Batch) receive() [][]float32 {
	if b.size() == 1 {
		return nil
	}
	s, mine := b.peers, b.slice(b.rank())
	if need := (b.round.len() - b.own.len()) * kernel.RoundLanes(mine.len()); len(s.memory) < need {
		s.memory = kernel.Aligned(need)
	}
	s.parts = s.parts[:0]
	for r := range b.size() {
		if r == b.rank() {
			continue
		}
		slice, theirs := b.slice(r), b.round.split(r, b.size())
		for part := b.own.first; part < b.own.end; part++ {
			s.send(r, floats.InMemory(b.gradOf(part)[slice.first:slice.end]))
		}
		for range theirs.len() {
			p := s.memory[len(s.parts)*kernel.RoundLanes(mine.len()):][:mine.len()]
			s.parts = append(s.parts, p)
			s.receive(r, floats.InMemory(p))
		}
	}
	s.exchange()
	return s.parts
}

// finish brings the sums of the other slices, and the losses of the tiles that other processes had.
func (b *Batch) finish() {
	if b.size() == 1 {
		return
	}
	s, mine := b.peers, b.slice(b.rank())
	for r := range b.size() {
		s.packed[r] = s.packed[r][:0]
		b.tilesOf(r, func(tile int) { s.packed[r] = append(s.packed[r], b.sums[tile]) })
	}
	for r := range b.size() {
		if r == b.rank() {
			continue
		}
		slice := b.slice(r)
		s.send(r, floats.InMemory(b.grad[mine.first:mine.end]))
		s.send(r, floats.InMemory(s.packed[b.rank()]))
		s.receive(r, floats.InMemory(b.grad[slice.first:slice.end]))
		s.receive(r, floats.InMemory(s.packed[r]))
	}
	s.exchange()
	for r := range b.size() {
		i := 0
		b.tilesOf(r, func(tile int) { b.sums[tile] = s.packed[r][i]; i++ })
	}
}

// tilesOf calls fn for the tiles of the parts of a process.
func (b *Batch) tilesOf(rank int, fn func(tile int)) {
	for round := range b.rounds {
		parts := run{0, b.count}.split(round, b.rounds).split(rank, b.size())
		for part := parts.first; part < parts.end; part++ {
			tiles := run{0, b.Tiles()}.split(part, b.count)
			for t := tiles.first; t < tiles.end; t++ {
				fn(t)
			}
		}
	}
}

// shareLosses brings the values, so many a tile, of the groups of tiles that other processes had.
func (b *Batch) shareLosses(values []float64, per int) {
	n := b.lossSize()
	if n == 1 {
		return
	}
	groups := run{0, (b.Tiles() + b.per - 1) / b.per}
	of := func(rank int) []byte {
		r := groups.split(rank, n)
		return floats.InMemory(values[min(r.first*b.per*per, len(values)):min(r.end*b.per*per, len(values))])
	}
	for r := range n {
		if r != b.lossRank() {
			b.peers.send(r, of(b.lossRank()))
			b.peers.receive(r, of(r))
		}
	}
	b.peers.exchange()
}
