package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"time"

	"github.com/sluice-hep/sluice/events"
)

// Fact is something that must be the same for a run to go on.
type Fact struct{ Name, Value string }

// Files are the size and time of files to read, named as events.Files has it. It fails for what is not there, or
// can be read only once.
func Files(what string, names ...string) (facts []Fact, ok bool) {
	for _, name := range names {
		found, err := events.Files([]string{name})
		if err != nil {
			return nil, false
		}
		for _, path := range found {
			at, err := os.Stat(path)
			if err != nil || !at.Mode().IsRegular() {
				return nil, false
			}
			facts = append(facts, Fact{
				fmt.Sprintf("%s %d", what, len(facts)+1),
				fmt.Sprintf("%s, %d bytes of %s", name, at.Size(), at.ModTime().UTC().Format(time.RFC3339Nano)),
			})
		}
	}
	return facts, true
}

// Table tells a table of events from another: the values of one row, a hash of more.
func Table(what string, t *events.Table) (facts []Fact) {
	if t.Len() > 1 {
		sum := sha256.Sum256(appendBlock(nil, nil, t))
		return []Fact{{what, hex.EncodeToString(sum[:])}}
	}
	for i := range t.Columns {
		facts = append(facts, Fact{what + " " + t.Columns[i].Name, t.Columns[i].Format(0)})
	}
	return facts
}
