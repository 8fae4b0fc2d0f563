//go:build ((linux && !android) || darwin) && !nohdf5

package hdf5

import (
	"fmt"
	"os"
	"reflect"
	"runtime"
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

// missing says how to get the library.
func missing(cause error) error {
	return fmt.Errorf("needs the HDF5 library, which was not found (%w); install it: Debian and Ubuntu `apt install libhdf5-103-1` (newer: libhdf5-310), Fedora `dnf install hdf5`, conda `conda install hdf5`, macOS `brew install hdf5`; or set SLUICE_HDF5 to its path", cause)
}

// names are places where the library is looked for, the first that loads being taken.
func names() []string {
	if path := os.Getenv("SLUICE_HDF5"); path != "" {
		return []string{path}
	}
	var all []string
	add := func(folder string, names ...string) {
		for _, name := range names {
			all = append(all, folder+name)
		}
	}
	ending := map[bool]string{true: ".dylib", false: ".so"}[runtime.GOOS == "darwin"]
	if prefix := os.Getenv("CONDA_PREFIX"); prefix != "" {
		add(prefix+"/lib/libhdf5", ending)
	}
	if runtime.GOOS == "darwin" {
		add("", "libhdf5.dylib", "/opt/homebrew/lib/libhdf5.dylib", "/usr/local/lib/libhdf5.dylib", "/opt/local/lib/libhdf5.dylib")
		return all
	}
	for _, name := range []string{"libhdf5_serial.so", "libhdf5.so"} {
		add(name, "", ".320", ".310", ".300", ".200", ".103")
	}
	return all
}

// onError is called by the library for each entry of its stack of errors, an
// H5E_error2_t: three identifiers, a line, and the names of function, file, and
// what went wrong.
func onError(_ uintptr, entry uintptr, _ uintptr) uintptr {
	const description = 48 // its offset
	if len(trace) < 64 {
		trace = append(trace, cString(*at[uintptr](entry + description)))
	}
	return 0
}
