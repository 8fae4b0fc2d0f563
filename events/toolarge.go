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

// fits is an error where that many events of that width, in bytes, take more than Options.Most.
func (o *Options) fits(events, width int64) error {
	if o.Most > 0 && events > o.Most/max(1, width) {
		return &TooLarge{Bytes: events * width, Most: o.Most}
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
