//go:build nohdf5

package mpi

import (
	"errors"

	"github.com/sluice-hep/sluice/internal/fault"
)

// open loads nothing: with the tag nohdf5 the program is static, and MPI is a library that is loaded.
func open(Launch) (transport, error) {
	return nil, fault.Of(errors.New("several processes do not train together with this program, which was built without libraries that are loaded (-tags nohdf5), as MPI is: take the build without that tag"))
}
