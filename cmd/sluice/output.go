package main

import (
	"bytes"
	"fmt"
	"io"
)

// output is where a verb prints: it remembers the first error, and shows what a terminal would act on, in names from files, as text.
type output struct {
	io.Writer
	err error
}

func (o *output) Write(text []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	_, o.err = o.Writer.Write(printable(text))
	return len(text), o.err
}

// printable writes control characters, but for ends of lines and tabs, as \x1b.
func printable(text []byte) []byte {
	control := func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 }
	if !bytes.ContainsFunc(text, control) {
		return text
	}
	var b bytes.Buffer
	for _, r := range string(text) {
		if control(r) {
			fmt.Fprintf(&b, `\x%02x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.Bytes()
}
