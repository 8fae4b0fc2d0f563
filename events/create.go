package events

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/internal/atomicfile"
	"github.com/sluice-hep/sluice/uhi"
)

// Writer writes tables, one after the other, as one file. Names and types of
// the columns are those of the first table. The file appears, whole, at Close;
// a killed run leaves none.
type Writer struct {
	path  string
	file  target
	out   column.Writer
	names []Column
	said  [][2]string // of the file, by Describe
	err   error
}

// target is where a Writer writes: a file, or
type target interface {
	Commit() error
	Abort()
}

// forward is a target of which nothing can be taken back.
type forward struct{}

func (forward) Commit() error { return nil }
func (forward) Abort()        {}

// Create starts a file of events; its format follows from the extension. A
// folder that cannot be written is an error here, before any work. End with
// Close or Abort.
func Create(path string) (*Writer, error) {
	if err := CheckFormat(path); err != nil {
		return nil, err
	}
	extension, f := extensionOf(path)
	file, err := atomicfile.Create(path)
	if err != nil {
		return nil, fmt.Errorf("events: %w", err)
	}
	create := f.create
	if f.stream != nil {
		create = func(file *atomicfile.File, extension string) (column.Writer, error) { return f.stream(file, extension) }
	}
	out, err := create(file, extension)
	if err != nil {
		file.Abort()
		return nil, inFile(path, err)
	}
	return &Writer{path: path, file: file, out: out}, nil
}

// CheckFormat is an error where no format can be written to a file of that name.
func CheckFormat(path string) error {
	extension, f := extensionOf(path)
	if f == nil || slices.Contains(f.readOnly, extension) {
		return inFile(path, fmt.Errorf("cannot tell the format from %q; known are %s", filepath.Ext(path), strings.Join(extensions(true), " ")))
	}
	return nil
}

// Stream starts events on w in a format that is written from front to back, named by its extension: csv.gz or parquet. What is
// written before an error stays written. End with Close or Abort.
func Stream(w io.Writer, name string) (*Writer, error) {
	extension := "." + strings.ToLower(strings.TrimPrefix(name, "."))
	var can []string
	for _, f := range formats() {
		switch {
		case f.stream != nil && slices.Contains(f.extensions, extension):
			out, err := f.stream(w, extension)
			return &Writer{path: "the stream", file: forward{}, out: out}, err
		case f.stream != nil:
			can = append(can, f.extensions...)
		case slices.Contains(f.extensions, extension):
			return nil, fmt.Errorf("events: %s is written to a file alone, not from front to back; give -o FILE%s", extension, extension)
		}
	}
	return nil, fmt.Errorf("events: there is no format %q to write a stream in; there is %s", name, strings.Join(can, " "))
}

// Write appends the events of t.
func (w *Writer) Write(t *Table) error {
	if w.err == nil {
		w.err = inFile(w.path, w.write(t))
	}
	return w.err
}

func (w *Writer) write(t *Table) error {
	if len(t.Columns) == 0 {
		return errors.New("a table without columns cannot be written")
	}
	if w.names == nil {
		for _, c := range t.Columns {
			w.names = append(w.names, Column{Name: c.Name, Unit: c.Unit, Type: c.Type})
		}
	}
	if len(t.Columns) != len(w.names) {
		return fmt.Errorf("a table of %d columns after one of %d", len(t.Columns), len(w.names))
	}
	for i, c := range t.Columns {
		if c.Name != w.names[i].Name || c.Type != w.names[i].Type {
			return fmt.Errorf("column %d is %q (%s) after %q (%s)", i+1, c.Name, c.Type, w.names[i].Name, w.names[i].Type)
		}
		if c.Len() != t.Len() {
			return fmt.Errorf("column %q holds %d events, column %q %d", c.Name, c.Len(), t.Columns[0].Name, t.Len())
		}
	}
	return w.out.Write(t.Columns)
}

// Describe keeps a text with the file, under a key, where the format has a place for it: Parquet. It comes after what the columns are, whether it is
// said before the events or after them.
func (w *Writer) Describe(key, value string) { w.said = append(w.said, [2]string{key, value}) }

func (w *Writer) finish() error {
	if out, ok := w.out.(interface{ Describe(key, value string) }); ok {
		for _, s := range w.said {
			out.Describe(s[0], s[1])
		}
	}
	return w.out.Finish()
}

// Histograms keeps histograms with the file, beside the events, under their names: in ROOT files.
func (w *Writer) Histograms(all map[string]*uhi.Histogram) error {
	out, ok := w.out.(interface {
		Histograms(map[string]*uhi.Histogram) error
	})
	if !ok {
		return inFile(w.path, errors.New("only ROOT files take histograms beside events"))
	}
	if w.err == nil {
		w.err = inFile(w.path, out.Histograms(all))
	}
	return w.err
}

// Close writes what is left and gives the file its name. After an error no file
// is left.
func (w *Writer) Close() error {
	defer w.Abort()
	if w.err == nil && w.names == nil {
		w.err = inFile(w.path, errors.New("no table was written"))
	}
	if w.err == nil {
		w.err = inFile(w.path, w.finish())
	}
	if w.err != nil {
		return w.err
	}
	if err := w.file.Commit(); err != nil {
		w.err = fmt.Errorf("events: %w", err)
		return w.err
	}
	w.err = inFile(w.path, errors.New("is written and closed already"))
	return nil
}

// Drop is Abort for a Write or Close that is under way in another goroutine: it goes on, and no file comes of it.
func (w *Writer) Drop() { w.file.Abort() }

// Abort drops what was written. After Close it does nothing, so `defer
// w.Abort()` is right after every Create.
func (w *Writer) Abort() {
	w.out.Abort()
	w.file.Abort()
}
