package train

import (
	"math"
	"slices"

	"github.com/sluice-hep/sluice/internal/rng"
)

// Split divides events 0..n-1 at random into three samples: round(n*valid) for validation, round(n*test) for
// testing, the rest for training. A negative fraction is none. Each sample is in ascending order.
func Split(n int, valid, test float64, seed uint64) (trainRows, validRows, testRows []int32) {
	p := rng.New(seed, rng.StreamSplit, 0).Perm(n)
	nv := min(int(math.Round(float64(n)*max(valid, 0))), n)
	nt := min(int(math.Round(float64(n)*max(test, 0))), n-nv)
	validRows, testRows, trainRows = p[:nv:nv], p[nv:nv+nt:nv+nt], p[nv+nt:]
	slices.Sort(trainRows)
	slices.Sort(validRows)
	slices.Sort(testRows)
	return trainRows, validRows, testRows
}
