package column

import (
	"fmt"
	"io"
	"strings"
)

// Head is what a reader of counted events has in common with others: a Reader that embeds one lacks Read, Mark and Seek.
type Head struct {
	Chosen Choice
	Left   []string  // what of the file is left out, and why
	Events int64     // of the file
	Row    int64     // events read
	File   io.Closer // nil: none
}

// Choose picks the wanted columns, all where wanted is nil, of those that the file holds, in types chosen. It returns
// their places.
func (h *Head) Choose(held []Column, wanted []string, types map[string]Type) ([]int, error) {
	if len(held) == 0 {
		return nil, fmt.Errorf("holds no column that can be read: %s", strings.Join(h.Left, "; "))
	}
	names := make([]string, len(held))
	for i, c := range held {
		names[i] = c.Name
	}
	names = Unique(names)
	picked, err := Pick(names, wanted)
	if err != nil {
		return nil, err
	}
	for _, i := range picked {
		if err := h.Chosen.Add(names[i], held[i].Unit, held[i].Type, types); err != nil {
			return nil, err
		}
	}
	return picked, nil
}

// Columns gives name, unit and type of each column.
func (h *Head) Columns() []Column { return h.Chosen.Columns }

// Rows is the number of events.
func (h *Head) Rows() int64 { return h.Events }

// Skipped says what is left out.
func (h *Head) Skipped() []string { return h.Left }

// Close ends the reading.
func (h *Head) Close() error {
	if h.File == nil {
		return nil
	}
	return h.File.Close()
}

// Next gives the next events, at most n, in the types chosen; fill decodes them, in the native ones. io.EOF after the last.
func (h *Head) Next(n int, fill func(block []Column, n int) error) ([]Column, error) {
	n = int(min(int64(n), h.Events-h.Row))
	if n <= 0 {
		return nil, io.EOF
	}
	block := h.Chosen.Block(n)
	if err := fill(block, n); err != nil {
		return nil, err
	}
	if err := h.Chosen.Settle(block, h.Row); err != nil {
		return nil, err
	}
	h.Row += int64(n)
	return block, nil
}
