package events

import "fmt"

// TooLarge says that the table of ReadAll would take more memory than Options.Most.
type TooLarge struct {
	Bytes int64 // that it takes at least: all where the files say how many events they hold
	Most  int64 // allowed
}

func (e *TooLarge) Error() string {
	return fmt.Sprintf("events: the table takes at least %.3g GB of memory, more than the %.3g GB allowed", float64(e.Bytes)/1e9, float64(e.Most)/1e9)
}

// announced is an error where the files say, without being read, that their table
// takes more than Options.Most.
func announced(files []string, opts Options) error {
	total := int64(0)
	for _, path := range files {
		if !readableAgain(path) {
			continue
		}
		in, err := open(path, opts)
		if err != nil {
			return err
		}
		rows, width := in.Rows(), widthOf(in.Columns())
		if err := in.Close(); err != nil {
			return err
		}
		if rows > 0 {
			total += rows * width
		}
	}
	return opts.fits(total)
}

func (o *Options) fits(bytes int64) error {
	if o.Most > 0 && bytes > o.Most {
		return &TooLarge{Bytes: bytes, Most: o.Most}
	}
	return nil
}

// widthOf is the memory of an event in bytes. A text counts as the header of its
// string: labels share their letters.
func widthOf(columns []Column) int64 {
	width := int64(0)
	for _, c := range columns {
		switch c.Type {
		case Float32:
			width += 4
		case Text:
			width += 16
		default:
			width += 8
		}
	}
	return width
}

// Bytes is the memory that the values take; a text counts as the header of its string.
func (t *Table) Bytes() int64 { return int64(t.Len()) * widthOf(t.Columns) }
