package root

import (
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"

	"github.com/sluice-hep/sluice/events/column"
)

// Writer writes a TTree with a branch a column, packed by zstd, which
// ROOT reads since 6.20 (2020), and histograms. The baskets of the tree hold the same events in every branch.
type Writer struct {
	file       *os.File
	err        error // the first of writing
	at         int64 // bytes written
	branches   []*outBranch
	packers    column.Crew[packer]
	clusters   column.Groups // baskets of the same events
	firsts     []int64       // events in the baskets written
	rows       int64
	histograms []*outHistogram
	options    WriterOptions
	facts      []fact
}

const (
	fileBegin = 100
	fileName  = "events.root"
	treeName  = "events" // unless another is asked for

	// rootVersion is the ROOT whose classes streamers.bin describes.
	rootVersion = 61901
	compression = 501 // zstd, level 1
)

// streamers is the record of TStreamerInfo for the classes of a tree and a histogram, which
// tells readers how they are laid out; see README.md.
//
//go:embed streamers.bin
var streamers []byte

// NewWriter writes to f, which is empty.
func NewWriter(f *os.File) *Writer { return NewWriterOf(f, WriterOptions{}) }

// Write appends a block.
func (w *Writer) Write(columns []column.Column) error {
	if w.branches == nil {
		if err := w.start(columns); err != nil {
			return err
		}
	}
	single, err := w.split(columns)
	if err != nil {
		return err
	}
	return w.clusters.Add(single, w.part, w.flush)
}

// part adds events to the baskets.
func (w *Writer) part(columns []column.Column) error {
	for k := range columns {
		if err := w.branches[k].add(&columns[k]); err != nil {
			return err
		}
	}
	w.rows += int64(columns[0].Len())
	for _, b := range w.branches[len(columns):] {
		if err := b.addMany(b.counter.of(columns).I64); err != nil {
			return err
		}
	}
	return nil
}

// start writes what precedes the events. Finish writes it again.
func (w *Writer) start(columns []column.Column) error {
	if len(columns) > math.MaxInt16 {
		return fmt.Errorf("%d columns are more than a tree takes", len(columns))
	}
	if err := w.plan(columns); err != nil {
		return err
	}
	bytes := 0
	for i, b := range w.branches {
		if len(b.Name)+len(b.Unit) > math.MaxInt16/2 {
			return fmt.Errorf("the name of column %d has %d letters", i+1, len(b.Name))
		}
		bytes += max(b.size, 16)
	}
	// 32 MiB wait for their baskets, and a basket holds at most 512 KiB.
	w.clusters.Events = min(max((32<<20)/bytes, 512), 1<<16)
	w.begin()
	return w.err
}

// begin leaves room for what Finish writes first.
func (w *Writer) begin() { w.append(make([]byte, fileBegin+len(w.top(0, 0)))) }

// append writes b, unless an earlier write failed.
func (w *Writer) append(b []byte) {
	if w.err == nil {
		_, w.err = w.file.Write(b)
		w.at += int64(len(b))
	}
}

// flush packs the events that wait, a basket a branch, and writes them.
func (w *Writer) flush() error {
	first := int64(len(w.firsts)) * int64(w.clusters.Events)
	packed := make([][]byte, len(w.branches))
	err := w.packers.Each(len(w.branches), func(p *packer, k int) error {
		packed[k] = p.pack(w.branches[k].payload())
		return nil
	})
	if err != nil {
		return err
	}
	for k, b := range w.branches {
		w.append(b.head(w.at, int(w.rows-first), len(packed[k])))
		w.append(packed[k])
	}
	w.firsts = append(w.firsts, first)
	return w.err
}

// record writes an object with its key, which it returns.
func (w *Writer) record(class, name, title string, object []byte, pack bool) key {
	k := key{class: class, name: name, title: title, size: len(object), at: w.at}
	if pack {
		object = new(packer).pack(object)
	}
	if w.err == nil && len(object) > math.MaxInt32/2 {
		w.err = errors.New("too many baskets for one tree; write several files")
	}
	w.append(k.sealed(object))
	return k
}

// Finish writes the last baskets, the tree, the histograms and the tables of the file.
func (w *Writer) Finish() error {
	objects, list := 0, new(put)
	if w.branches != nil {
		if w.rows%int64(w.clusters.Events) != 0 {
			w.err = w.flush()
		}
		list.key(w.record("TTree", w.options.Tree, "", w.tree(), true))
		objects++
	}
	for _, h := range w.histograms {
		list.key(w.record("TH1D", h.name, h.title, h.object, true))
		objects++
	}
	for _, f := range w.facts {
		list.key(w.record("TNamed", f.key, f.value, f.object(), false))
		objects++
	}
	info := w.record("TList", "StreamerInfo", "Doubly linked list", streamers, true)
	list.b = append(binary.BigEndian.AppendUint32(nil, uint32(objects)), list.b...)
	keys := w.record("TFile", fileName, "", list.b, false)
	free := w.record("TFile", fileName, "", w.free(), false)
	if w.err == nil {
		_, w.err = w.file.WriteAt(append(w.header(free, info), w.top(keys.at, keys.length)...), 0)
	}
	return w.err
}

// Abort has nothing to drop.
func (w *Writer) Abort() {}

// nameLength is the length of the top record before the folder in it.
func nameLength() int {
	return headLength("TFile", fileName, "") + len(fileName) + 2
}

// header is the first bytes of the file (TFile.cxx), in the form for any length.
func (w *Writer) header(free, info key) []byte {
	p := new(put)
	p.add([]byte("root"), 1000000+rootVersion, fileBegin, w.at, free.at, free.length, 1, nameLength(),
		uint8(8), compression, info.at, info.length, uuid)
	return append(p.b, make([]byte, fileBegin-len(p.b))...)
}

// uuid, behind its version, is none: the same events make the same file.
var uuid = []byte{1: 1, 17: 0}

// top is the first record: the top folder, with the place of its list of keys.
func (w *Writer) top(keys int64, length int) []byte {
	folder := new(put)
	folder.add(fileName, "", uint16(1005), date, date, length, nameLength(), int64(fileBegin), int64(0), keys, uuid)
	k := key{class: "TFile", name: fileName, size: len(folder.b), at: fileBegin}
	return k.sealed(folder.b)
}

// free is the list of gaps: all that follows this very record.
func (w *Writer) free() []byte {
	const small = 2000000000 // where ROOT's long form begins
	end := w.at + int64(headLength("TFile", fileName, "")) + 2 + 16
	p := new(put)
	p.add(uint16(1001), end, max(small, end+1000000000))
	return p.b
}
