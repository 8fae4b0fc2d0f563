package train

import (
	"encoding/json"
	"time"

	"github.com/sluice-hep/sluice/internal/floats"
)

// Peers are processes that train together, of which this one is one: their objectives share out each batch and come to the same bits, and what the
// clock, a signal or a file decides is decided for all.
type Peers interface {
	Rank() int // of this one, from 0
	// Agree is called by all, and is an error for all where one of them has one; the end of a context of one ends that of each.
	Agree(err error) error
	// Broadcast fills p, which is as long for all, with what the first has in it.
	Broadcast(p []byte)
}

// agree is an error for all processes where one of them has one.
func (t *trainer) agree(err error) error {
	if t.opts.Peers == nil {
		return err
	}
	return t.opts.Peers.Agree(err)
}

// time is the time now; where a training depends on it, by the clock of the first process.
func (t *trainer) time() time.Time {
	now := t.now()
	if t.opts.Peers == nil || t.cfg.MaxSeconds == 0 {
		return now
	}
	spent := []float64{now.Sub(t.began).Seconds()}
	t.opts.Peers.Broadcast(floats.InMemory(spent))
	return t.began.Add(time.Duration(spent[0] * float64(time.Second)))
}

// takeUp takes up the state that the first process finds, if it does.
func (t *trainer) takeUp() (found bool, err error) {
	if t.opts.Resume && t.opts.State != "" {
		found, err = t.load()
	}
	if err = t.agree(err); err != nil || t.opts.Peers == nil {
		return found, err
	}
	var text []byte // empty where nothing is found
	if found {
		if text, err = json.Marshal(t.at); err != nil {
			return false, err
		}
	}
	length := []float64{float64(len(text))}
	t.opts.Peers.Broadcast(floats.InMemory(length))
	if length[0] == 0 {
		return false, nil
	}
	if t.opts.Peers.Rank() > 0 {
		text = make([]byte, int(length[0]))
	}
	t.opts.Peers.Broadcast(text)
	for _, a := range t.arrays() {
		t.opts.Peers.Broadcast(floats.InMemory(a))
	}
	return true, json.Unmarshal(text, &t.at)
}
