package column

import (
	"errors"
	"slices"
)

// Borders are the rows, in order, at which a file can be begun: where its chunks,
// row groups or baskets begin, and its end.
type Borders []int64

// At says whether row is a border.
func (b Borders) At(row int64) bool {
	_, ok := slices.BinarySearch(b, row)
	return ok
}

// Within shortens a block of n events from row on to end at the last border that it
// reaches, if it reaches one.
func (b Borders) Within(row int64, n int) int {
	i, found := slices.BinarySearch(b, row+int64(n))
	if !found && i > 0 && b[i-1] > row {
		return int(b[i-1] - row)
	}
	return n
}

// ErrMark is the error of a Seek to a place that the file does not have.
var ErrMark = errors.New("has no such place to go on at, which must be of another file")
