// Package feed says which events train, validate and test, and brings those that do not fit into memory. A first pass over
// the files, the Survey, counts them, sets the validation and test events aside and keeps what the preparation is fitted
// on. Windows then bring the training events of each epoch: sections of the files in random order, a window of them in
// memory at a time and shuffled there, while the next is read.
//
// Which events are held out is a matter of their digests: the same events in memory as in a stream, in any order of
// the files, whatever the format as long as it holds the same numbers.
//
// What comes depends on the files, the seed and the bound of memory alone.
package feed

import (
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/query"
)

// Block is a run of complete events, those that the analysis selects.
type Block = query.Block

// Source reads the events of an analysis a block at a time, and again from marks. It is for one goroutine.
type Source interface {
	Next() (Block, error) // perhaps empty; io.EOF after the last
	Mark() (m events.Mark, ok bool)
	Seek(events.Mark) error
	Close() error
}
