//go:build nohdf5 && linux && !cgo

package main

import (
	"debug/elf"
	"os"
	"testing"
)

// Without HDF5 the program, of which this test is made, is linked with nothing and needs no dynamic linker.
func TestWithoutHDF5TheProgramIsStatic(t *testing.T) {
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("the program has a part %v", p.Type)
		}
	}
}
