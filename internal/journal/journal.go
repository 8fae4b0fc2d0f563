// Package journal writes files of events from which a killed run goes on: beside the file, until that is whole, a
// journal holds the blocks written so far.
package journal

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/atomicfile"
	"github.com/sluice-hep/sluice/internal/fault"
)

// journal is the file beside a file of events being written: the blocks written so far, from which a killed run goes
// on. It begins with magic and a record, the facts of the run as JSON; a record for each block follows. A
// record is the length of what it holds (uint64), that, and the CRC-32C of both; little-endian throughout.
//
// The same run writes the same bytes at the same places. Two that go on from one journal at the same time do each
// other no harm therefore.
type journal struct {
	path   string
	file   *os.File
	head   int64 // where the first block begins
	end    int64 // of the last whole record
	record []byte
	synced time.Time
	sync   chan error // holds one value whenever no sync is under way
}

const (
	magic        = "sluice journal 1\n"
	aroundRecord = 8 + 4 // bytes of length and checksum

	// A power cut costs no more than was written in this time; a kill costs nothing that was written.
	syncEvery = 20 * time.Second
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Suffix is what the names of journals end with.
const Suffix = ".journal"

// Path is where a file of events being written has its journal.
func Path(file string) string { return atomicfile.Beside(file, Suffix) }

// Error is a journal from which this run cannot go on.
type Error struct {
	Path, Reason string
	Foreign      bool // it is something else of that name, which nobody may remove
}

func (e *Error) Error() string {
	return e.Path + " " + e.Reason + "; to start anew, remove that file"
}

// open begins a journal of a mode, or takes up that of an earlier run with the same facts.
func open(path string, mode fs.FileMode, run []Fact, resume bool) (*journal, error) {
	how := os.O_RDWR | os.O_CREATE
	if !resume {
		how |= os.O_EXCL
	}
	f, err := os.OpenFile(path, how, mode)
	if errors.Is(err, fs.ErrExist) {
		return nil, fault.Of(fmt.Errorf("%s holds an interrupted run; go on with --resume, or remove that file to start anew", path))
	}
	if err != nil {
		return nil, err
	}
	j := &journal{path: path, file: f, synced: time.Now(), sync: make(chan error, 1)}
	j.sync <- nil
	if err := j.begin(run); err != nil {
		f.Close()
		if !resume { // it is ours, and holds nothing
			_ = os.Remove(path)
		}
		return nil, err
	}
	return j, nil
}

// begin writes the facts of the run, or finds them there.
func (j *journal) begin(run []Fact) error {
	text, err := json.Marshal(run)
	if err != nil {
		return err
	}
	want := seal(append(append([]byte(magic), make([]byte, 8)...), text...), len(magic))
	got := make([]byte, len(want))
	n, err := j.file.ReadAt(got, 0)
	if err != nil && err != io.EOF {
		return err
	}
	j.head = int64(len(want))
	j.end = j.head
	switch got = got[:n]; {
	case bytes.Equal(got, want):
		return nil
	case !bytes.HasPrefix(want, got): // which it is of a run killed before its first block
		return fault.Of(j.difference(run))
	}
	_, err = j.file.WriteAt(want, 0)
	return err
}

// difference says in words why the journal is not that of the run.
func (j *journal) difference(run []Fact) *Error {
	nothing := &Error{j.path, "is no journal of a run", true}
	begin := make([]byte, len(magic))
	if _, err := j.file.ReadAt(begin, 0); err != nil || string(begin) != magic {
		return nothing
	}
	nothing.Foreign = false
	at, err := j.file.Stat()
	if err != nil {
		return nothing
	}
	j.end = int64(len(magic))
	var old []Fact
	if text, ok := j.next(at.Size()); !ok || json.Unmarshal(text, &old) != nil {
		return nothing
	}
	return &Error{j.path, "belongs to another run: " + Difference(old, run), false}
}

// Difference says in words how facts were others than they are; "" where they are the same.
func Difference(old, run []Fact) string {
	gone := slices.DeleteFunc(slices.Clone(old), func(f Fact) bool { return valueOf(run, f.Name) != noValue })
	var parts []string
	for _, f := range slices.Concat(run, gone) {
		if was, is := valueOf(old, f.Name), valueOf(run, f.Name); was != is {
			parts = append(parts, fmt.Sprintf("the %s was %s and is %s", f.Name, was, is))
		}
	}
	return strings.Join(parts, "; ")
}

const noValue = "none"

func valueOf(facts []Fact, name string) string {
	for _, f := range facts {
		if f.Name == name {
			return f.Value
		}
	}
	return noValue
}

// seal makes a record of what follows the 8 bytes at a place in b.
func seal(b []byte, at int) []byte {
	binary.LittleEndian.PutUint64(b[at:], uint64(len(b)-at-8))
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[at:], castagnoli))
}

// next is what the next record of a file of so many bytes holds, until the next call; false if it is not whole.
func (j *journal) next(size int64) ([]byte, bool) {
	var length [8]byte
	if _, err := j.file.ReadAt(length[:], j.end); err != nil {
		return nil, false
	}
	n := binary.LittleEndian.Uint64(length[:])
	if left := size - j.end - aroundRecord; left < 0 || n > uint64(left) {
		return nil, false
	}
	whole := int(n) + aroundRecord
	if cap(j.record) < whole {
		j.record = make([]byte, whole)
	}
	b := j.record[:whole]
	if _, err := j.file.ReadAt(b, j.end); err != nil {
		return nil, false
	}
	body := b[:whole-4]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(b[whole-4:]) {
		return nil, false
	}
	j.end += int64(whole)
	return body[8:], true
}

// replay calls f with every block that is whole, and drops what follows the last of them. It reads the state after
// that block into state.
func (j *journal) replay(state any, f func(t *events.Table) error) error {
	at, err := j.file.Stat()
	if err != nil {
		return err
	}
	var last []byte
	for {
		end := j.end
		record, ok := j.next(at.Size())
		if !ok {
			break
		}
		text, t, err := decodeBlock(record)
		if err != nil {
			j.end = end
			break
		}
		if err := f(t); err != nil {
			return err
		}
		last = append(last[:0], text...)
	}
	if last != nil {
		if err := json.Unmarshal(last, state); err != nil {
			return fault.Of(&Error{j.path, "holds a state that cannot be read", false})
		}
	}
	return j.file.Truncate(j.end)
}

// append keeps a block, and the state of the run after it.
func (j *journal) append(t *events.Table, state any) error {
	text, err := json.Marshal(state)
	if err != nil {
		return err
	}
	j.record = seal(appendBlock(append(j.record[:0], make([]byte, 8)...), text, t), 0)
	// The file itself needs room too: a journal that is larger than what is left gives way while the file can still be written.
	if next := j.end + int64(len(j.record)); room(j.file) < next+int64(len(j.record)) {
		return errors.New("the disk has no room for it beside the file")
	}
	if _, err := j.file.WriteAt(j.record, j.end); err != nil {
		return err
	}
	j.end += int64(len(j.record))
	return j.bringToDisk()
}

// bringToDisk syncs now and then. The run does not wait for it.
func (j *journal) bringToDisk() error {
	if time.Since(j.synced) < syncEvery {
		return nil
	}
	select {
	case err := <-j.sync:
		j.synced = time.Now()
		go func() { j.sync <- j.file.Sync() }()
		return err
	default: // the last one is still under way
		return nil
	}
}

// keep closes the journal of a run that ended too early.
func (j *journal) keep() {
	<-j.sync
	_ = j.file.Sync() // what is kept without it outlives all but a power cut
	j.file.Close()
}

// remove ends a journal that nobody needs any more.
func (j *journal) remove() error {
	<-j.sync
	j.file.Close()
	if err := os.Remove(j.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
