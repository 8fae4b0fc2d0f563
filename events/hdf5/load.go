//go:build (linux && !android) || darwin

package hdf5

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ebitengine/purego"
)

// bind loads the library and returns where it was found.
func (l *library) bind() (string, error) {
	var first error
	for _, name := range names() {
		handle, err := purego.Dlopen(name, purego.RTLD_NOW|purego.RTLD_LOCAL)
		if err == nil {
			return name, l.functions(handle, name)
		}
		if first == nil {
			first = err
		}
	}
	return "", missing(first)
}

func (l *library) functions(handle uintptr, place string) error {
	for f, names := range l.symbols() {
		names, optional := strings.CutSuffix(names, " ?")
		var symbol uintptr
		var err error
		for _, name := range strings.Fields(names) {
			if symbol, err = purego.Dlsym(handle, name); err == nil {
				break
			}
		}
		switch {
		case err == nil:
			purego.RegisterFunc(f, symbol)
		case !optional:
			return fmt.Errorf("the HDF5 library %s has no %s; 1.10.5 or newer is needed", place, names)
		}
	}
	l.describe = purego.NewCallback(onError)
	l.variable = func(name string) (int64, error) {
		symbol, err := purego.Dlsym(handle, name)
		if err != nil {
			return 0, errors.New("the HDF5 library has no " + name)
		}
		return *at[int64](symbol), nil
	}
	return nil
}

// constants reads identifiers, which are there once the library has started.
func (l *library) constants() error {
	for to, name := range map[*int64]string{
		&l.known.accessClass: "H5P_CLS_FILE_ACCESS_ID_g", &l.known.fileClass: "H5P_CLS_FILE_CREATE_ID_g",
		&l.known.createClass: "H5P_CLS_DATASET_CREATE_ID_g",
		&l.known.linkClass:   "H5P_CLS_LINK_CREATE_ID_g", &l.known.text: "H5T_C_S1_g",
		&l.known.float32: "H5T_IEEE_F32LE_g", &l.known.float64: "H5T_IEEE_F64LE_g", &l.known.int64: "H5T_STD_I64LE_g",
		&l.known.uint64: "H5T_STD_U64LE_g",
	} {
		var err error
		if *to, err = l.variable(name); err != nil {
			return err
		}
	}
	return nil
}
