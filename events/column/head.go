package column

import (
	"cmp"
	"fmt"
	"io"
	"strings"
)

// Head is what a reader of counted events has in common with others: a Reader that embeds one lacks Read, Mark and Seek.
type Head struct {
	Chosen Choice
	Left   LeftOut   // what of the file is not read
	Many   []Array   // columns of several values an event
	Events int64     // of the file
	Row    int64     // events read
	File   io.Closer // nil: none
}

// Choose picks the wanted columns, all where wanted is nil, of those that the file holds, in types chosen. It returns
// their places. missing tells whether some integers of a column are, or may be, and what is
// odd about that.
func (h *Head) Choose(held []Column, wanted []string, types map[string]Type, missing func(i int) (some bool, odd string, err error)) ([]int, error) {
	names := Unique(Names(held))
	if err := h.cannot(names, wanted); err != nil {
		return nil, err
	}
	if len(held) == 0 {
		return nil, fmt.Errorf("holds no column that can be read: %s", strings.Join(h.Left.Say(false), "; "))
	}
	picked, err := Pick(names, wanted)
	if err != nil {
		return nil, err
	}
	for _, i := range picked {
		native := held[i].Type
		some, odd, err := missing(i)
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", names[i], err)
		}
		if some {
			native = native.WithMissing()
		}
		if err := h.Chosen.Add(names[i], held[i].Unit, native, types); err != nil {
			return nil, err
		}
		h.Chosen.Columns[len(h.Chosen.Columns)-1].Odd = odd
	}
	return picked, nil
}

// cannot says of all wanted columns that are not there why, if it is known of one of them.
func (h *Head) cannot(names, wanted []string) error {
	element := func(name string) error {
		for i := range h.Many {
			if a := &h.Many[i]; strings.HasPrefix(name, a.Name+"[") && a.Stem == "" {
				return fmt.Errorf("no column %q: an event holds %s values of %s, the last of which is %s", name, a.size(), a.Name, a.Element(a.Values()-1))
			}
		}
		return nil
	}
	return Without(names, wanted, func(name string) error { return cmp.Or(h.Left.Because(name), element(name)) })
}

// Columns gives name, unit and type of each column.
func (h *Head) Columns() []Column { return h.Chosen.Columns }

// Rows is the number of events.
func (h *Head) Rows() int64 { return h.Events }

// Skipped says what is left out.
func (h *Head) Skipped() LeftOut { return h.Left }

// Arrays are the columns of several values an event.
func (h *Head) Arrays() []Array { return h.Many }

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
