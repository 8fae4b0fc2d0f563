//go:build nohdf5

package hdf5

import (
	"path/filepath"
	"strings"
	"testing"
)

// Without HDF5, reading and writing say so, and what to do.
func TestWithoutHDF5(t *testing.T) {
	_, read := Open("testdata/arrays.h5", Options{})
	_, write := NewWriter(filepath.Join(t.TempDir(), "new.h5"))
	for _, err := range []error{read, write} {
		if err == nil || !strings.Contains(err.Error(), "built without HDF5 (-tags nohdf5), neither to read nor to write it: take Parquet") {
			t.Errorf("%v", err)
		}
	}
	if read != nil && strings.Contains(read.Error(), "\n") {
		t.Error("more than a line")
	}
}
