//go:build !((linux && !android) || darwin) && !nohdf5

package mpi

import (
	"errors"
	"runtime"
)

func open(Launch) (transport, error) {
	return nil, errors.New("several processes do not train together on " + runtime.GOOS)
}
