package serve

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/sluice-hep/sluice/internal/say"
)

// Limits say how much a request may take. The zero value of a field stands for what Filled has.
type Limits struct {
	Body       int64         // bytes of a request
	Rows       int           // events of a request, given to it or drawn by it
	Concurrent int           // requests that work at a time
	Work       time.Duration // from the first byte of a request to the last of its answer, without what the client takes
	Client     time.Duration // that a client may take for the next piece of a request or of an answer
}

// Filled has a limit where none was given.
func (l Limits) Filled() Limits {
	l.Body = cmp.Or(l.Body, 64<<20)
	l.Rows = cmp.Or(l.Rows, 1_000_000)
	l.Concurrent = cmp.Or(l.Concurrent, 64)
	l.Work = cmp.Or(l.Work, time.Minute)
	l.Client = cmp.Or(l.Client, 30*time.Second)
	return l
}

// Validate names the limit that cannot be.
func (l Limits) Validate() error {
	for _, v := range []struct {
		name  string
		value int64
	}{{"body", l.Body}, {"rows", int64(l.Rows)}, {"concurrent", int64(l.Concurrent)}, {"work", int64(l.Work)}, {"client", int64(l.Client)}} {
		if v.value < 0 {
			return fmt.Errorf("a limit of %s below 0", v.name)
		}
	}
	return nil
}

// The most values of a request, in columns for each of its rows, and bytes that a page of Parquet may claim.
const (
	columnsPerRow = 64
	mostPage      = 64 << 20
)

// values is how many a request may hold: few rows may have many columns.
func (l *Limits) values() int { return max(l.Rows, 1<<14) * columnsPerRow }

// bodies is how many bytes the bodies of all requests may have.
func (l *Limits) bodies() int64 { return max(8*l.Body, 64<<20) }

// errTooMany is what a request of too many events is told.
var errTooMany = errors.New("too many events")

func (l *Limits) tooMany() string {
	return fmt.Sprintf("the request has more than %s, the limit of this server, or more than %d columns of them: send them in parts", say.Count(l.Rows, "event"), columnsPerRow)
}
