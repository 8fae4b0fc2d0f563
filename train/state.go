package train

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/sluice-hep/sluice/internal/atomicfile"
	"github.com/sluice-hep/sluice/internal/floats"
)

// The file of a state: the magic, the length of a JSON header (uint64), the header, the arrays that it counts
// (float32, all as long as the parameters), and the CRC-32C of all before it; little-endian throughout.
const stateMagic = "sluice training state 1\n"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// progress is all that a training knows beside its arrays.
type progress struct {
	Epoch      int      `json:"epoch"`   // epochs ended
	Step       int      `json:"step"`    // steps of the epoch under way
	Steps      int      `json:"steps"`   // steps in all
	Applied    int      `json:"applied"` // of these, not undone
	Events     int      `json:"events"`  // seen in all
	LR         float64  `json:"lr"`      // of the last step
	LRFactor   float64  `json:"lr_factor"`
	Bad        int      `json:"bad"`      // steps undone in a row
	LossSum    float64  `json:"loss_sum"` // of the epoch under way
	LossEvents int      `json:"loss_events"`
	Valid      NLL      `json:"valid"` // of the last epoch
	BestValid  NLL      `json:"best_valid"`
	BestEpoch  int      `json:"best_epoch"`
	Stale      int      `json:"stale"` // epochs since a better one
	Seconds    float64  `json:"seconds"`
	History    []Epoch  `json:"history"`
	Notices    []string `json:"notices"`
}

// identity is what must be the same for a training to go on.
type identity struct {
	Config Config `json:"config"`
	Seed   uint64 `json:"seed"`
	Params int    `json:"params"`
	DataID string `json:"data_id"`
	Rows   string `json:"rows"` // hash of the three samples
}

type header struct {
	Identity identity `json:"identity"`
	Progress progress `json:"progress"`
	Arrays   int      `json:"arrays"`
}

// StateError is a state that cannot be resumed.
type StateError struct{ Path, Reason string }

func (e *StateError) Error() string {
	return "train: " + e.Path + ": " + e.Reason + "; to start anew, remove that file"
}

// RemoveState removes the file of a state, if there is one.
func RemoveState(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("train: %w", err)
	}
	return nil
}

func (t *trainer) identity() identity {
	h := sha256.New()
	for _, rows := range [][]int32{t.data.Train, t.data.Valid, t.data.Test} {
		fmt.Fprintf(h, "%d\n", len(rows))
		w := bufio.NewWriter(h)
		for _, r := range rows {
			w.Write(binary.LittleEndian.AppendUint32(w.AvailableBuffer(), uint32(r)))
		}
		w.Flush()
	}
	return identity{t.cfg, t.opts.Seed, len(t.params), t.opts.DataID, hex.EncodeToString(h.Sum(nil))}
}

func (t *trainer) arrays() [][]float32 {
	a := [][]float32{t.params, t.best}
	if t.average != nil {
		a = append(a, t.average)
	}
	return append(a, t.opt.state()...)
}

// saveAfter saves once so much time has passed, or ten times what a save takes.
func (t *trainer) saveAfter(gap time.Duration) {
	if t.opts.State != "" && t.tick.Sub(t.saved) >= max(gap, 10*t.saveTakes) {
		t.saveOrSay()
	}
}

// saveOrSay goes on after a failure, to try again later: a full disk should not cost the training.
func (t *trainer) saveOrSay() {
	if err := t.save(); err != nil {
		t.saved = t.tick
		t.show(err.Error() + "; the training goes on, but could not be resumed from here")
	}
}

// save writes the state, if there is a place for it.
func (t *trainer) save() error {
	if t.opts.State == "" {
		return nil
	}
	start := t.now()
	f, err := atomicfile.Create(t.opts.State)
	if err != nil {
		return fmt.Errorf("train: %w", err)
	}
	defer f.Abort()
	t.at.Seconds = t.seconds()
	if err := t.writeState(f); err != nil {
		return fmt.Errorf("train: cannot write %s: %w", t.opts.State, err)
	}
	if err := f.Commit(); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	t.saved = t.now()
	t.saveTakes = t.saved.Sub(start)
	return nil
}

func (t *trainer) writeState(w io.Writer) error {
	arrays := t.arrays()
	text, err := json.Marshal(header{t.id, t.at, len(arrays)})
	if err != nil {
		return err
	}
	sum := crc32.New(castagnoli)
	out := bufio.NewWriterSize(io.MultiWriter(w, sum), 1<<16)
	out.WriteString(stateMagic)
	out.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(text))))
	out.Write(text)
	for _, a := range arrays {
		if err := floats.Write(out, a); err != nil {
			return err
		}
	}
	if err := out.Flush(); err != nil { // bufio keeps the first error
		return err
	}
	_, err = w.Write(binary.LittleEndian.AppendUint32(nil, sum.Sum32()))
	return err
}
