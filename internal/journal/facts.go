package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
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

// Contents are like Files, for those that may be read elsewhere from copies: the last part of the name, the size, and a hash of both ends.
func Contents(what string, names ...string) (facts []Fact, ok bool) {
	for _, name := range names {
		found, err := events.Files([]string{name})
		if err != nil {
			return nil, false
		}
		for _, path := range found {
			size, hash, err := ends(path)
			if err != nil {
				return nil, false
			}
			facts = append(facts, Fact{fmt.Sprintf("%s %d", what, len(facts)+1), fmt.Sprintf("%s, %d bytes of %.16s", filepath.Base(path), size, hash)})
		}
	}
	return facts, true
}

// ends is the size of a file, and the SHA-256 of its first and last MiB.
func ends(path string) (size int64, hash string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	at, err := f.Stat()
	if err != nil {
		return 0, "", err
	}
	const part = 1 << 20
	h := sha256.New()
	for _, from := range []int64{0, max(at.Size()-part, 0)} {
		if _, err := io.Copy(h, io.NewSectionReader(f, from, part)); err != nil {
			return 0, "", err
		}
	}
	return at.Size(), hex.EncodeToString(h.Sum(nil)), nil
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
