//go:build !linux

package atomicfile

import (
	"errors"
	"os"
)

// hold: without locks that end with the process nobody can tell what is left behind, and all of it stays.
func hold(*os.File) (*os.File, error) { return nil, errors.ErrUnsupported }

// mayWrite does not know.
func mayWrite(string) error { return nil }

func heldByAnother(error) bool { return false }

// LockFolder locks nothing.
func LockFolder(string) (release func(), ok bool) { return func() {}, true }
