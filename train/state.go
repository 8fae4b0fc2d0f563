package train

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
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
	Epoch      int     `json:"epoch"`   // epochs ended
	Step       int     `json:"step"`    // steps of the epoch under way
	Steps      int     `json:"steps"`   // steps in all
	Applied    int     `json:"applied"` // of these, not undone
	Events     int     `json:"events"`  // seen in all
	LR         float64 `json:"lr"`      // of the last step
	LRFactor   float64 `json:"lr_factor"`
	Bad        int     `json:"bad"`      // steps undone in a row
	LossSum    float64 `json:"loss_sum"` // of the epoch under way
	LossEvents int     `json:"loss_events"`
	Valid      NLL     `json:"valid"` // of the last epoch
	BestValid  NLL     `json:"best_valid"`
	BestMean   NLL     `json:"best_mean"` // over Config.ValidOver epochs
	BestEpoch  int     `json:"best_epoch"`
	// BestSeconds is Seconds at its end, where the training has a limit of time.
	BestSeconds float64  `json:"best_seconds,omitempty"`
	Stale       int      `json:"stale"` // epochs since a better one
	Seconds     float64  `json:"seconds"`
	History     []Epoch  `json:"history"`
	Notices     []string `json:"notices"`
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

// StateSuffix is what the names of states end with.
const StateSuffix = ".state"

// StatePath is where the state of the training of a model is kept until the model is written to its file.
func StatePath(model string) string { return atomicfile.Beside(model, StateSuffix) }

// MemberState is where that of member i of an ensemble is kept, from 0 on, given the place of the first one's. Those of members that
// came to their end stay until the model is written: from them, too, a training goes on.
func MemberState(path string, i int) string {
	if i == 0 || path == "" {
		return path
	}
	return atomicfile.Beside(strings.TrimSuffix(path, StateSuffix), fmt.Sprintf(".%d%s", i+1, StateSuffix))
}

// States are the files of a state, and of those of further members, that are there.
func States(path string) (there []string) {
	for i := range MostMembers {
		if at := MemberState(path, i); exists(at) {
			there = append(there, at)
		}
	}
	return there
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// RemoveState removes the file of a state, and those of further members, if they are there.
func RemoveState(path string) error {
	for _, at := range States(path) {
		if err := os.Remove(at); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("train: %w", err)
		}
	}
	return nil
}

// Done tells whether the file of a state is that of a training that came to its end: what failed came after it.
func Done(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	h, _, err := readHeader(bufio.NewReader(f), info.Size())
	if err != nil {
		return false
	}
	t := &trainer{cfg: h.Identity.Config.WithDefaults(), at: h.Progress, earlier: h.Progress}
	if finite(float64(h.Progress.BestValid)) {
		t.data.Valid = make([]int32, 1)
	}
	return t.finished()
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
		t.show(err.Error()+"; the training goes on, but could not be resumed from here", true)
	}
}

// save writes the state, if there is a place for it.
func (t *trainer) save() error {
	if t.opts.State == "" {
		return nil
	}
	start := t.now()
	f, err := atomicfile.CreateLike(t.opts.State, cmp.Or(t.opts.StateOf, t.opts.State))
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

// load takes up the state on disk. Where there is none, found is false; where it cannot be taken up, nothing
// of the training has changed.
func (t *trainer) load() (found bool, err error) {
	f, err := os.Open(t.opts.State)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("train: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, fmt.Errorf("train: %w", err)
	}
	if !info.Mode().IsRegular() {
		return false, &StateError{t.opts.State, "is not a file"}
	}
	if err := t.readState(f, info.Size()); err != nil {
		return false, &StateError{t.opts.State, err.Error()}
	}
	return true, nil
}

func (t *trainer) readState(f io.ReaderAt, size int64) error {
	if err := checkSum(f, size); err != nil {
		return err
	}
	in := bufio.NewReaderSize(io.NewSectionReader(f, 0, size), 1<<16)
	h, length, err := readHeader(in, size)
	if err != nil {
		return err
	}
	if err := t.id.differs(h.Identity); err != nil {
		return err
	}
	if err := h.Progress.check(t.cfg, t.perEpoch); err != nil {
		return err
	}
	arrays := t.arrays()
	want := int64(len(stateMagic)) + 8 + length + 4*int64(len(arrays))*int64(len(t.params)) + 4
	if h.Arrays != len(arrays) || size != want {
		return fmt.Errorf("holds %d arrays in %d bytes, not the %d in %d bytes of this training", h.Arrays, size, len(arrays), want)
	}
	for _, a := range arrays {
		if err := floats.Read(in, a); err != nil {
			return err
		}
	}
	t.at = h.Progress
	return nil
}

// checkSum reads the whole file before any of it is trusted.
func checkSum(f io.ReaderAt, size int64) error {
	if size < int64(len(stateMagic))+8+4 {
		return fmt.Errorf("is not the state of a training, or was cut off (%d bytes)", size)
	}
	start := make([]byte, len(stateMagic))
	if _, err := f.ReadAt(start, 0); err != nil {
		return err
	}
	if string(start) != stateMagic {
		return errors.New("is not the state of a training, or of another version of the program")
	}
	sum := crc32.New(castagnoli)
	if _, err := io.Copy(sum, io.NewSectionReader(f, 0, size-4)); err != nil {
		return err
	}
	var last [4]byte
	if _, err := f.ReadAt(last[:], size-4); err != nil {
		return err
	}
	if binary.LittleEndian.Uint32(last[:]) != sum.Sum32() {
		return errors.New("was cut off or damaged: its check sum is wrong")
	}
	return nil
}

func readHeader(in *bufio.Reader, size int64) (h header, length int64, err error) {
	if _, err := in.Discard(len(stateMagic)); err != nil {
		return h, 0, err
	}
	if err := binary.Read(in, binary.LittleEndian, &length); err != nil {
		return h, 0, err
	}
	if length < 0 || length > size {
		return h, 0, fmt.Errorf("is damaged: a header of %d bytes in a file of %d", uint64(length), size)
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(in, text); err != nil {
		return h, 0, err
	}
	if err := json.Unmarshal(text, &h); err != nil {
		return h, 0, fmt.Errorf("is damaged: header: %w", err)
	}
	return h, length, nil
}

// differs says what of a state belongs to another training.
func (id identity) differs(state identity) error {
	if now, was := id.Config.MaxSeconds, state.Config.MaxSeconds; was > 0 && (now == 0 || now > was) {
		state.Config.MaxSeconds = now // more time is no other training
	}
	ours, err := json.Marshal(id.Config)
	if err != nil {
		return err
	}
	theirs, err := json.Marshal(state.Config)
	if err != nil {
		return err
	}
	switch {
	case state.Params != id.Params:
		return fmt.Errorf("belongs to a flow of %d parameters, not %d", state.Params, id.Params)
	case !bytes.Equal(ours, theirs):
		return fmt.Errorf("belongs to another configuration (%s)", strings.Join(changes(theirs, ours), "; "))
	case state.Seed != id.Seed:
		return fmt.Errorf("belongs to seed %d, not %d", state.Seed, id.Seed)
	case state.DataID != id.DataID || state.Rows != id.Rows:
		return errors.New("belongs to other data, or data prepared or, from a stream, held in memory in another way (--memory)")
	}
	return nil
}

// changes lists which values of two JSON objects differ.
func changes(before, after []byte) (lines []string) {
	var a, b map[string]any
	if json.Unmarshal(before, &a) != nil || json.Unmarshal(after, &b) != nil {
		return nil
	}
	all := maps.Clone(a)
	maps.Copy(all, b)
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if !reflect.DeepEqual(a[key], b[key]) {
			lines = append(lines, fmt.Sprintf("%s was %s and is %s", key, plain(a[key]), plain(b[key])))
		}
	}
	return lines
}

// plain is a value that was read from JSON as JSON, "not set" for none.
func plain(v any) string {
	if v == nil {
		return "not set"
	}
	text, _ := json.Marshal(v) // what was read can be written
	return string(text)
}

// check refuses numbers that no training of this configuration comes to.
func (p *progress) check(c Config, perEpoch int) error {
	steps := p.Epoch*perEpoch + p.Step
	if slices.Contains([]bool{
		within(p.Epoch, 0, c.Epochs), within(p.Step, 0, perEpoch),
		within(p.Steps, 0, steps), within(p.Applied, 0, p.Steps), within(p.Bad, 0, badSteps),
		p.Events >= 0, within(p.LossEvents, 0, perEpoch*c.Batch), finite(p.LossSum),
		p.LRFactor > 0 && p.LRFactor <= 1, within(p.BestEpoch, min(p.Epoch, 1), p.Epoch), within(p.Stale, 0, p.Epoch),
		within(p.Seconds, 0, 1e12), len(p.History) == p.Epoch,
	}, false) {
		return errors.New("is damaged: its counts do not fit together")
	}
	return nil
}
