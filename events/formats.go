package events

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/events/csv"
	"github.com/sluice-hep/sluice/events/hdf5"
	"github.com/sluice-hep/sluice/events/npy"
	"github.com/sluice-hep/sluice/events/parquet"
	"github.com/sluice-hep/sluice/events/root"
	"github.com/sluice-hep/sluice/internal/atomicfile"
	"github.com/sluice-hep/sluice/internal/codec"
)

// format is one file format. A new one is a row of formats, and a package that
// imports only events/column.
type format struct {
	extensions []string // lower case, with the dot
	readOnly   []string // more of them
	magic      string   // how the file begins; "" where nothing marks it
	flattens   bool     // an event can hold several values of a column
	arrays     bool     // it can, as many in each
	single     bool     // a file is one table, and no key picks another
	open       func(path, key string, o Options) (column.Reader, error)
	// One of the two writes: stream where it is done from front to back.
	create func(f *atomicfile.File, extension string) (column.Writer, error)
	stream func(w io.Writer, extension string) (column.Writer, error)
}

// The first row also takes what no other claims.
func formats() []format {
	return []format{
		{
			extensions: texts("", ".gz", ".zst"),
			readOnly:   append(texts(".bz2", ".xz", ".zip"), ".zip"),
			single:     true,
			open: func(path, _ string, o Options) (column.Reader, error) {
				return csv.Open(path, csv.Options{
					Columns: o.Columns, Types: o.Types,
					Separator: o.Separator, SkipLines: o.SkipLines, Header: csv.Header(o.Header),
				})
			},
			stream: func(w io.Writer, extension string) (column.Writer, error) {
				return csv.NewWriter(w, extension)
			},
		},
		{
			extensions: []string{".npy"},
			arrays:     true,
			magic:      "\x93NUMPY",
			open: func(path, key string, o Options) (column.Reader, error) {
				return npy.Open(path, npy.Options{Key: key, Columns: o.Columns, Types: o.Types})
			},
			create: func(f *atomicfile.File, _ string) (column.Writer, error) {
				return npy.NewWriter(f.File), nil
			},
		},
		{
			extensions: []string{".npz"},
			arrays:     true,
			magic:      "PK\x03\x04",
			open: func(path, key string, o Options) (column.Reader, error) {
				return npy.OpenArchive(path, npy.Options{Key: key, Columns: o.Columns, Types: o.Types})
			},
			create: func(f *atomicfile.File, _ string) (column.Writer, error) {
				return npy.NewArchiveWriter(f.File)
			},
		},
		{
			extensions: []string{".parquet", ".pq"},
			magic:      "PAR1",
			single:     true,
			open: func(path, _ string, o Options) (column.Reader, error) {
				return parquet.Open(path, parquet.Options{Columns: o.Columns, Types: o.Types, Limits: o.Limits})
			},
			stream: func(w io.Writer, _ string) (column.Writer, error) {
				return parquet.NewWriter(w), nil
			},
		},
		{
			extensions: []string{".root"},
			magic:      "root",
			flattens:   true,
			open: func(path, key string, o Options) (column.Reader, error) {
				return root.Open(path, root.Options{Key: key, Columns: o.Columns, Types: o.Types, Flatten: o.Flatten})
			},
			create: func(f *atomicfile.File, _ string) (column.Writer, error) {
				return root.NewWriter(f.File), nil
			},
		},
		{
			extensions: []string{".h5", ".hdf5", ".hdf"},
			arrays:     true,
			magic:      "\x89HDF\r\n\x1a\n",
			open: func(path, key string, o Options) (column.Reader, error) {
				return hdf5.Open(path, hdf5.Options{Key: key, Columns: o.Columns, Types: o.Types})
			},
			create: func(f *atomicfile.File, _ string) (column.Writer, error) {
				return hdf5.NewWriter(f.Name())
			},
		},
	}
}

// texts are the endings of text, packed or not.
func texts(packed ...string) []string {
	var all []string
	for _, p := range packed {
		all = append(all, ".csv"+p, ".tsv"+p, ".txt"+p, ".dat"+p)
	}
	return all
}

// extensionOf is the longest known extension of name, or "".
func extensionOf(name string) (string, *format) {
	lower := strings.ToLower(name)
	var best string
	var found *format
	for _, f := range formats() {
		for _, e := range slices.Concat(f.extensions, f.readOnly) {
			if strings.HasSuffix(lower, e) && len(e) > len(best) {
				best, found = e, &f
			}
		}
	}
	return best, found
}

// splitKey splits `file.h5:key` after the first known extension, or after the first name of a file that is there, as in
// `DAOD.root.1:tree`, or pattern of some. A file that has the whole name, colon and all, is taken as it is.
func splitKey(name string) (file, key string) {
	if _, err := os.Stat(name); err == nil {
		return name, ""
	}
	for _, known := range []func(file string) bool{
		func(file string) bool { _, f := extensionOf(file); return f != nil },
		func(file string) bool { _, err := os.Stat(file); return err == nil },
		func(file string) bool { found, _ := filepath.Glob(file); return len(found) > 0 },
	} {
		for i := range len(name) {
			if name[i] == ':' && known(name[:i]) {
				return name[:i], name[i+1:]
			}
		}
	}
	return name, ""
}

// formatOf finds the format of a file that is to be read.
func formatOf(path string) (*format, error) {
	at, err := os.Stat(path)
	if err != nil {
		return nil, inFile(path, column.WithoutPath(err))
	}
	if at.IsDir() {
		return nil, inFile(path, errors.New("is a folder; name the files in it, for example "+filepath.Join(path, "*.csv")))
	}
	if _, f := extensionOf(path); f != nil {
		return f, nil
	}
	all := formats()
	if !at.Mode().IsRegular() { // a pipe, in which a look at the first bytes would lose them
		return &all[0], nil
	}
	in, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("events: %w", err)
	}
	defer in.Close()
	head := make([]byte, 512)
	n, _ := in.Read(head)
	head = head[:n]
	for i, f := range all {
		if f.magic != "" && bytes.HasPrefix(head, []byte(f.magic)) {
			return &all[i], nil
		}
	}
	if bytes.IndexByte(head, 0) >= 0 && codec.Of(head) == codec.None {
		return nil, inFile(path, fmt.Errorf("unknown format; known are %s", strings.Join(extensions(false), " ")))
	}
	return &all[0], nil
}

// extensions lists what can be read, or written.
func extensions(write bool) []string {
	var all []string
	for _, f := range formats() {
		all = append(all, f.extensions...)
		if !write {
			all = append(all, f.readOnly...)
		}
	}
	slices.Sort(all)
	return all
}
