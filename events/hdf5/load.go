//go:build (linux && !android) || darwin

package hdf5

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/ebitengine/purego"
)

// bind loads the library and returns where it was found.
func (l *library) bind() (string, error) {
	var first error
	for _, name := range names() {
		handle, err := purego.Dlopen(name, purego.RTLD_NOW|purego.RTLD_LOCAL)
		if err == nil {
			return name, l.symbols(handle, name)
		}
		if first == nil {
			first = err
		}
	}
	return "", missing(first)
}

// symbols fills in the fields of l that are tagged.
func (l *library) symbols(handle uintptr, place string) error {
	fields := reflect.ValueOf(l).Elem()
	for i := range fields.NumField() {
		names, optional := strings.CutSuffix(fields.Type().Field(i).Tag.Get("c"), " ?")
		symbol, err := uintptr(0), error(nil)
		for _, name := range strings.Fields(names) {
			if symbol, err = purego.Dlsym(handle, name); err == nil {
				break
			}
		}
		switch to := fields.Field(i).Addr().UnsafePointer(); {
		case err != nil && !optional:
			return fmt.Errorf("the HDF5 library %s has no %s; 1.10.5 or newer is needed", place, names)
		case symbol == 0:
		case fields.Field(i).Kind() == reflect.Func:
			purego.RegisterFunc(reflect.NewAt(fields.Field(i).Type(), to).Interface(), symbol)
		default:
			*(**int64)(to) = at[int64](symbol)
		}
	}
	l.describe = purego.NewCallback(onError)
	return nil
}
