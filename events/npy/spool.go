package npy

import (
	"fmt"
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
	pieces [][]piece // by block and column
	raw    []byte
}

// piece is where the values of one column of one block lie.
type piece struct {
	at    int64
	rows  int
	width int
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
		block[k] = piece{at: s.at, rows: c.Len(), width: widthOf(c)}
		n, err := s.file.WriteAt(encoded(&s.raw, c, block[k].width), s.at)
		s.at += int64(n)
		if err != nil {
			return column.WithoutPath(err)
		}
	}
	s.pieces = append(s.pieces, block)
	return nil
}

// blocks is the number of blocks.
func (s *spool) blocks() int { return len(s.pieces) }

// read is a block as it was added; columns gives names and types.
func (s *spool) read(block int, columns []column.Column) ([]column.Column, error) {
	out := make([]column.Column, len(columns))
	for k, c := range columns {
		var err error
		if out[k], err = s.column(block, k, c); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// column is one column of a block.
func (s *spool) column(block, k int, like column.Column) (column.Column, error) {
	p := s.pieces[block][k]
	d, err := parseType(typeOf(like.Type, p.width))
	if err != nil {
		return like, fmt.Errorf("column %q: %w", like.Name, err)
	}
	raw := codec.Room(&s.raw, p.rows*d.Size)
	if _, err := s.file.ReadAt(raw, p.at); err != nil && err != io.EOF {
		return like, column.WithoutPath(err)
	}
	c := column.New(like.Name, "", like.Type, p.rows)
	f := field{dtype: d}
	f.decode(&c, raw, d.Size)
	return c, nil
}

func (s *spool) close() {
	s.file.Close()
	os.Remove(s.file.Name())
}
