package fit

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/sluice-hep/sluice/internal/batch"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/train"
)

// Peers are processes that train together, of which this one is one. All of them make the same calls in the same order.
type Peers interface {
	batch.Peers
	train.Peers
	// Order tells the others what they do next, and Await is where they wait for it.
	Order(n int)
	Await() int
}

// sharing is an objective that shares out its work among peers; of some the gradient of a batch cannot be.
type sharing interface {
	Share(p batch.Peers) (gradients bool)
}

// join comes between the start of a density and its training. It is an error for all processes where one has one, or other events than the first.
func (d *Data) join(o Options, b *bound, err error) error {
	if o.Peers == nil {
		return err
	}
	own := sha256.Sum256([]byte(d.id()))
	first := own
	o.Peers.Broadcast(first[:])
	if err == nil && own != first {
		err = fault.Of(errors.New("its events, or their preparation, are not those of the first process: all must read the same files with the same program"))
	}
	if err = o.Peers.Agree(err); err != nil {
		return err
	}
	b.peers = o.Peers
	if d.windows != nil {
		d.windows.Share(o.Peers)
	}
	b.shares(b.Objective, o.Notice)
	return nil
}

// shares has peers take a share of what an objective does, and says so where they do not.
func (b *bound) shares(obj train.Objective, notice func(line string)) {
	s, ok := obj.(sharing)
	if !ok || b.peers == nil {
		return
	}
	parts, n := batch.Parts(b.cfg.WithDefaults().Batch), b.peers.Size()
	switch gradients := s.Share(b.peers); {
	case !gradients:
		notice(fmt.Sprintf("a layer of the flow takes each batch as a whole: all %d processes compute all of it, and share out the validation alone", n))
	case parts < n:
		notice(fmt.Sprintf("a batch has %s, one a process: %d of %d have none; take a larger batch, or fewer processes", say.Count(parts, "part"), n-parts, n))
	}
}

// trainPeers are those of a training; nil for none.
func (o Options) trainPeers() train.Peers {
	if o.Peers == nil {
		return nil
	}
	return o.Peers
}
