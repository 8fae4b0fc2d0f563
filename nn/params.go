// Package nn holds the conditioners of flows: networks on tiles of events,
// their parameters and how these start.
package nn

import (
	"fmt"
	"slices"
)

// View is a named matrix (or, with Cols == 1, a vector) inside the flat
// parameter vector, row after row.
type View struct {
	Name       string
	Rows, Cols int
	Offset     int
	Role       Role
}

// Role says what the numbers of a view are to a training.
type Role int

const (
	Weight    Role = iota // of a linear map: the only ones that decay
	Bias                  // adds up
	Scale                 // multiplies by itself, as the gamma of a norm or a diagonal: 0 is not its neutral value
	Statistic             // taken from events; the gradient is zero
	Derived               // follows from other parameters, see flow.Derived; the gradient is zero
	Triangles             // of a square matrix: weights, but for the diagonal, which is a scale
)

// Decays are the ranges [begin, end) of the flat vector that a weight decay is for, one after the other: the weights. Biases,
// scales and statistics are not nearer to a simple map for being nearer to 0.
func (l *Layout) Decays() (ranges [][2]int) {
	for _, v := range l.Views {
		at, size := v.Offset, v.Rows*v.Cols
		if v.Role == Triangles {
			for i := range v.Rows {
				ranges = append(ranges, [2]int{at, v.Offset + i*v.Cols + i})
				at = v.Offset + i*v.Cols + i + 1
			}
		}
		if v.Role == Weight || v.Role == Triangles {
			ranges = append(ranges, [2]int{at, v.Offset + size})
		}
	}
	return slices.DeleteFunc(ranges, func(r [2]int) bool { return r[0] == r[1] })
}

// Of returns the view's part of a flat vector.
func (v View) Of(flat []float32) []float32 {
	n := v.Rows * v.Cols
	return flat[v.Offset : v.Offset+n : v.Offset+n]
}

// Layout places the parameters of all layers in one flat vector.
type Layout struct {
	Views []View
	Size  int
}

// Add appends a matrix.
func (l *Layout) Add(name string, rows, cols int, role Role) View {
	v := View{Name: name, Rows: rows, Cols: cols, Offset: l.Size, Role: role}
	l.Views = append(l.Views, v)
	l.Size += rows * cols
	return v
}

// Scope returns a name for part i of a layer.
func Scope(prefix string, i int, part string) string {
	return fmt.Sprintf("%s.%d.%s", prefix, i, part)
}
