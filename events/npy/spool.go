package npy

import (
	"io"
	"os"
	"path/filepath"

	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/internal/codec"
)

// spool keeps blocks of columns in a temporary file until they can be written
// in another order.
type spool struct {
	file   *os.File
	at     int64
	blocks [][]piece // a piece a column
	raw    []byte
}

// piece is where the values of one column of one block lie, and how.
type piece struct {
	dtype
	at   int64
	rows int
}

// newSpool makes the file in the folder of the file to be written, where there
// must be room for it anyway.
func newSpool(beside *os.File) (*spool, error) {
	f, err := os.CreateTemp(filepath.Dir(beside.Name()), "."+filepath.Base(beside.Name())+"*.tmp")
	if err != nil {
		return nil, column.WithoutPath(err)
	}
	// Where the system allows it the name goes at once: a killed run then leaves
	// nothing behind.
	os.Remove(f.Name())
	return &spool{file: f}, nil
}

// add appends a block.
func (s *spool) add(columns []column.Column) error {
	block := make([]piece, len(columns))
	for k := range columns {
		c := &columns[k]
		p := piece{dtype: dtypeOf(c), at: s.at, rows: c.Len()}
		raw := codec.Room(&s.raw, p.rows*p.Size)
		p.encode(raw, p.Size, c)
		n, err := s.file.WriteAt(raw, s.at)
		s.at += int64(n)
		if err != nil {
			return column.WithoutPath(err)
		}
		block[k] = p
	}
	s.blocks = append(s.blocks, block)
	return nil
}

// read is the pieces of a block, which are gone then; columns gives names and types.
func (s *spool) read(pieces []piece, columns []column.Column) ([]column.Column, error) {
	out := make([]column.Column, len(columns))
	for k, p := range pieces {
		raw := codec.Room(&s.raw, p.rows*p.Size)
		if _, err := s.file.ReadAt(raw, p.at); err != nil && err != io.EOF {
			return nil, column.WithoutPath(err)
		}
		s.release(p.at, int64(len(raw)))
		out[k] = column.New(columns[k].Name, "", columns[k].Type, p.rows)
		f := field{dtype: p.dtype}
		if err := f.decode(&out[k], raw, p.Size, 0); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s *spool) close() {
	s.file.Close()
	os.Remove(s.file.Name())
}
