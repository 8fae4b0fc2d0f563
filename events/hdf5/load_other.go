//go:build !((linux && !android) || darwin) && !nohdf5

package hdf5

import (
	"errors"
	"runtime"
)

func (l *library) bind() (string, error) {
	return "", errors.New("HDF5 files are not read on " + runtime.GOOS + "; convert the file to Parquet")
}
