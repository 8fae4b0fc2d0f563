//go:build nohdf5

package hdf5

import "errors"

// bind loads nothing: with the tag nohdf5 the program calls no dynamic linker, and so needs none.
func (l *library) bind() (string, error) {
	return "", errors.New("this program was built without HDF5 (-tags nohdf5), neither to read nor to write it: take Parquet, to which a program with HDF5 converts (sluice convert FILE.h5 -o FILE.parquet)")
}
