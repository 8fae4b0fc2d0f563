package atomicfile

import (
	"os"
	"path/filepath"
)

// MakeFolder makes a folder with those above it. leave takes away, of those that were not there, what has nothing in it.
func MakeFolder(folder string) (leave func(), err error) {
	var made []string
	for at := folder; !isThere(at); at = filepath.Dir(at) {
		made = append(made, at)
	}
	return func() {
		for _, f := range made {
			_ = os.Remove(f)
		}
	}, os.MkdirAll(folder, 0o777)
}

func isThere(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
