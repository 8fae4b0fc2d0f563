package hdf5

import (
	"fmt"
	"io"

	"github.com/sluice-hep/sluice/events/column"
)

// Options says what to read.
type Options struct {
	Key     string                 // the table: path of a data set or group; "": the only one
	Columns []string               // only these; nil: all
	Types   map[string]column.Type // columns whose type is given
}

// Reader reads one table block by block. It unpacks on as many cores as Go uses,
// and is itself for one goroutine.
type Reader struct {
	column.Head
	file    int64
	size    int64
	sets    []*dataset
	parts   []*part
	many    []source // of the arrays
	chunk   int64    // events of the largest chunks; 0: there are none, or blocks need not heed them
	workers column.Crew[worker]
}

// Open opens a table of an HDF5 file.
func Open(path string, opts Options) (*Reader, error) {
	size, err := check(path)
	if err != nil {
		return nil, err
	}
	r := &Reader{size: size}
	if err := r.start(path, opts); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// check looks at the superblock and returns the size of the file.
func check(path string) (int64, error) {
	f, err := column.OpenFile(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	at, err := f.Stat()
	if err != nil {
		return 0, column.WithoutPath(err)
	}
	if !at.Mode().IsRegular() {
		return 0, fmt.Errorf("is no regular file, and HDF5 is not read from a stream")
	}
	return at.Size(), plausible(f, at.Size())
}

func (r *Reader) start(path string, opts Options) error {
	root, err := r.list(path)
	if err != nil {
		return err
	}
	t, err := pick(root, opts.Key, &r.Left)
	if err != nil {
		return err
	}
	all, err := r.sources(t)
	if err != nil {
		return err
	}
	if err := r.choose(r.elements(all, opts.Columns), opts); err != nil {
		return err
	}
	for _, p := range r.parts {
		r.chunk = max(r.chunk, p.set.chunk)
	}
	return nil
}

// list opens the file and lists what is in it.
func (r *Reader) list(path string) (root *node, err error) {
	err = do(func(l *library) error {
		access := l.accessList()
		defer l.listClose(access)
		const readOnly = 0
		if r.file = l.fileOpen(path, readOnly, access); r.file < 0 {
			return l.failed("cannot be opened")
		}
		root, err = l.tree(r.file, &r.Left)
		return err
	})
	return root, err
}

// accessList makes the properties with which files are opened.
func (l *library) accessList() int64 {
	access := l.listCreate(*l.accessClass)
	const strong = 3 // closing a file closes what is open in it
	l.setCloseAll(access, strong)
	if l.setLocking != nil {
		// Shared file systems often have no locks, and reading needs none; what is written has a temporary name, and
		// on NFS the library's lock would not go with that of its owner.
		l.setLocking(access, false, true)
	}
	return access
}

func (r *Reader) open(path string) (*dataset, error) {
	var d *dataset
	err := do(func(l *library) (err error) {
		d, err = l.openSet(r.file, path, r.size)
		return err
	})
	if err == nil {
		r.sets = append(r.sets, d)
	}
	return d, err
}

// inside is another reader of the open file.
func (r *Reader) inside() *Reader { return &Reader{file: r.file, size: r.size} }

// texts reads a small data set of names; whole numbers are spelled.
func (r *Reader) texts(path string) ([]string, error) {
	d, err := r.open(path)
	if err != nil {
		return nil, fmt.Errorf("data set %q %w", path, err)
	}
	if d.rows > mostColumns || d.columns != 1 || len(d.fields) != 1 || d.fields[0].why != "" {
		return nil, fmt.Errorf("data set %q holds no names of columns", path)
	}
	inner := r.inside()
	if err := inner.choose([]source{{name: "name", set: d}}, Options{}); err != nil {
		return nil, err
	}
	columns, err := inner.Read(int(d.rows))
	if err == io.EOF {
		return []string{}, nil
	}
	if err != nil {
		return nil, err
	}
	return spellings(&columns[0]), nil
}

// choose fixes the columns, their types, and the parts of the file they need.
func (r *Reader) choose(all []source, opts Options) error {
	held := make([]column.Column, len(all))
	for i, s := range all {
		held[i] = column.Column{Name: s.name, Unit: s.unit, Type: s.set.fields[s.field].native()}
		if r.Events = s.set.rows; r.Events != all[0].set.rows {
			return fmt.Errorf("data set %q has %d events and %q has %d", all[0].set.path, all[0].set.rows, s.set.path, s.set.rows)
		}
	}
	picked, err := r.Choose(held, opts.Columns, opts.Types, func(i int) (bool, string, error) { return r.missing(all[i], opts.Types) })
	for k, i := range picked {
		r.place(&all[i], k)
	}
	return err
}

// Close ends the reading.
func (r *Reader) Close() error { return closeFile(&r.file, "cannot be closed", r.sets...) }

// Read returns the next events, at most n, and no part of a chunk behind whole ones.
func (r *Reader) Read(n int) ([]column.Column, error) {
	if end := r.Row + int64(n); r.chunk > 0 && end < r.Events {
		if end = end / r.chunk * r.chunk; end > r.Row {
			n = int(end - r.Row)
		}
	}
	return r.Next(n, r.fill)
}

// Mark is the place of the next event: any where the values are not in chunks, else
// the first event of a chunk. Where data sets have chunks of different sizes the
// largest count: of the others little is unpacked in vain.
func (r *Reader) Mark() (column.Mark, bool) {
	return column.Mark{Row: r.Row}, r.chunk == 0 || r.Row%r.chunk == 0 || r.Row == r.Events
}

// Seek goes on at a place that Mark gave.
func (r *Reader) Seek(m column.Mark) error {
	if m.Row < 0 || m.Row > r.Events {
		return column.ErrMark
	}
	r.Row = m.Row
	return nil
}
