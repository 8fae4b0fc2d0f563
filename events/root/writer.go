package root

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/sluice-hep/sluice/events/column"
)

// Writer writes a TTree with a branch a column, packed by zstd, which
// ROOT reads since 6.20 (2020). Its baskets hold the same events in every branch.
type Writer struct {
	out      io.Writer
	file     io.WriterAt
	at       int64 // bytes written
	branches []*outBranch
	packers  column.Crew[packer]
	clusters column.Groups // baskets of the same events
	rows     int64
}

const (
	fileBegin = 100
	fileName  = "events.root"
	treeName  = "events"

	// rootVersion is the ROOT whose classes streamers.bin describes.
	rootVersion = 61901
	compression = 501 // zstd, level 1
)

// streamers is the record of TStreamerInfo for the classes of a tree, which
// tells readers how they are laid out; see README.md.
//
//go:embed streamers.bin
var streamers []byte

// NewWriter writes to f, which is empty.
func NewWriter(f *os.File) *Writer {
	return &Writer{out: f, file: f}
}

// Write appends a block.
func (w *Writer) Write(columns []column.Column) error {
	if w.branches == nil {
		if err := w.start(columns); err != nil {
			return err
		}
	}
	return w.clusters.Add(columns, w.part, w.flush)
}

// part adds events to the baskets.
func (w *Writer) part(columns []column.Column) error {
	for k, b := range w.branches {
		if err := b.add(&columns[k]); err != nil {
			return err
		}
	}
	w.rows += int64(columns[0].Len())
	return nil
}

// start writes what precedes the events. Finish writes it again.
func (w *Writer) start(columns []column.Column) error {
	if len(columns) > math.MaxInt16 {
		return fmt.Errorf("%d columns are more than a tree takes", len(columns))
	}
	bytes := 0
	for i := range columns {
		b := newBranch(&columns[i])
		if len(b.name)+len(b.unit) > math.MaxInt16/2 {
			return fmt.Errorf("the name of column %d has %d letters", i+1, len(b.name))
		}
		w.branches = append(w.branches, b)
		bytes += max(b.size, 16)
	}
	// 32 MiB wait for their baskets, and a basket holds at most 512 KiB.
	w.clusters.Events = min(max((32<<20)/bytes, 512), 1<<16)
	return w.append(make([]byte, fileBegin+len(w.top(0, 0))))
}

func (w *Writer) append(b []byte) error {
	n, err := w.out.Write(b)
	w.at += int64(n)
	return err
}

// flush packs the events that wait, a basket a branch, and writes them.
func (w *Writer) flush() error {
	packed := make([][]byte, len(w.branches))
	err := w.packers.Each(len(w.branches), func(p *packer, k int) error {
		packed[k] = p.pack(w.branches[k].payload())
		return nil
	})
	if err != nil {
		return err
	}
	for k, b := range w.branches {
		head := b.head(w.at, len(packed[k]))
		at := w.at
		if err := w.append(head); err != nil {
			return err
		}
		if err := w.append(packed[k]); err != nil {
			return err
		}
		b.written(at, len(head)+len(packed[k]))
	}
	return nil
}

// record writes an object with its key, which it returns.
func (w *Writer) record(class, name, title string, payload []byte, pack bool) (key, error) {
	k := key{class: class, name: name, title: title, size: len(payload), at: w.at}
	k.head = headLength(class, name, title)
	if pack {
		payload = new(packer).pack(payload)
	}
	k.length = k.head + len(payload)
	if len(payload) > math.MaxInt32/2 {
		return k, errors.New("too many baskets for one tree; write several files")
	}
	p := new(put)
	p.key(k)
	p.bytes(payload)
	return k, w.append(p.b)
}

// Finish writes the last baskets, the tree and the tables of the file.
func (w *Writer) Finish() error {
	if w.rows%int64(w.clusters.Events) != 0 {
		if err := w.flush(); err != nil {
			return err
		}
	}
	tree, err := w.record("TTree", treeName, "", w.tree(), true)
	if err != nil {
		return err
	}
	info, err := w.record("TList", "StreamerInfo", "Doubly linked list", streamers, true)
	if err != nil {
		return err
	}
	list := new(put)
	list.i32(1)
	list.key(tree)
	keys, err := w.record("TFile", fileName, "", list.b, false)
	if err != nil {
		return err
	}
	free, err := w.record("TFile", fileName, "", w.free(), false)
	if err != nil {
		return err
	}
	if _, err := w.file.WriteAt(w.header(free, info), 0); err != nil {
		return err
	}
	_, err = w.file.WriteAt(w.top(keys.at, keys.length), fileBegin)
	return err
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
	p.bytes([]byte("root"))
	p.i32(1000000 + rootVersion)
	p.i32(fileBegin)
	p.i64(w.at)
	p.i64(free.at)
	p.i32(free.length)
	p.i32(1)
	p.i32(nameLength())
	p.u8(8)
	p.i32(compression)
	p.i64(info.at)
	p.i32(info.length)
	p.uuid()
	return p.b
}

// uuid is none: the same events make the same file.
func (p *put) uuid() {
	p.u16(1)
	p.zeros(16)
}

// top is the first record: the top folder, with the place of its list of keys.
func (w *Writer) top(keys int64, length int) []byte {
	folder := new(put)
	folder.text(fileName)
	folder.text("")
	folder.u16(1005)
	folder.u32(date)
	folder.u32(date)
	folder.i32(length)
	folder.i32(nameLength())
	folder.i64(fileBegin)
	folder.i64(0)
	folder.i64(keys)
	folder.uuid()
	k := key{class: "TFile", name: fileName, size: len(folder.b), at: fileBegin}
	k.head = headLength(k.class, k.name, k.title)
	k.length = k.head + k.size
	p := new(put)
	p.key(k)
	p.bytes(folder.b)
	return p.b
}

// free is the list of gaps: all that follows this very record.
func (w *Writer) free() []byte {
	const small = 2000000000 // where ROOT's long form begins
	end := w.at + int64(headLength("TFile", fileName, "")) + 2 + 16
	p := new(put)
	p.u16(1001)
	p.i64(end)
	p.i64(max(small, end+1000000000))
	return p.b
}
