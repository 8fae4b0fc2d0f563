package events

import (
	"bytes"
	"os"
)

// KindOf says, for messages, what sort of events a file of another purpose seems to hold: "a .parquet file of events"; "" where
// nothing tells.
func KindOf(path string) string {
	in, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer in.Close()
	head := make([]byte, 16)
	n, _ := in.Read(head)
	for _, f := range formats() {
		if f.magic != "" && bytes.HasPrefix(head[:n], []byte(f.magic)) {
			return "a " + f.extensions[0] + " file of events"
		}
	}
	if extension, f := extensionOf(path); f != nil && f.magic == "" {
		return "a " + extension + " file of events"
	}
	return ""
}
