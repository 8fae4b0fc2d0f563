package sluice

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// distinct is an error if the file to write is one of those to read, which may be patterns or end in a key.
func distinct(path string, inputs ...string) error {
	out, err := os.Stat(path)
	if err != nil {
		return nil // nothing there that could be lost
	}
	for _, in := range inputs {
		names, _ := filepath.Glob(in)
		names = append(names, in)
		if i := strings.LastIndexByte(in, ':'); i > 0 {
			names = append(names, in[:i])
		}
		for _, name := range names {
			if read, err := os.Stat(name); err == nil && os.SameFile(out, read) {
				return input(fmt.Errorf("%s is read, and would be overwritten; write to another file", path))
			}
		}
	}
	return nil
}
