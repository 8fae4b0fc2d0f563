package events

import (
	"path/filepath"
	"strings"
	"testing"
)

// A row is an object: of HDF5 and NumPy files those of an array, with the columns of the event that are asked for.
func TestFlattenArrays(t *testing.T) {
	file := filepath.Join("hdf5", "testdata", "arrays.h5") + ":"
	for _, c := range []struct {
		path, name, columns, want string
		rows                      int
		value                     func(event, object int) float64 // of the last column
	}{
		{file + "/", "x", "", "event mask x0 x1", 36, func(i, p int) float64 { return float64(100*i + 10*p + 1) }},
		{file + "/", "x", "x0,event,y", "x0 event y", 36, func(i, _ int) float64 { return float64(i) }},
		{file + "/", "mask", "x1,cube[1][2][0]", "x1 cube[1][2][0]", 36, func(i, _ int) float64 { return float64(1000*i + 120) }},
		{file + "x", "x", "", "event x0 x1", 36, func(i, p int) float64 { return float64(100*i + 10*p + 1) }},
		{file + "ftag/jets", "tracks", "", "event tracks/d0 tracks/at/n", 48, func(i, p int) float64 { return float64(-10*i - p) }},
		{file + "ftag/jets", "tracks", "tracks/d0,pt", "tracks/d0 pt", 48, func(i, _ int) float64 { return float64(i) / 2 }},
		{file + "ftag/jets", "tracks", "event", "event", 48, func(i, _ int) float64 { return float64(i) }},
	} {
		o := Options{Flatten: c.name}
		if c.columns != "" {
			o.Columns = strings.Split(c.columns, ",")
		}
		for _, n := range []int{1, 5, 1000} {
			in, err := OpenAll([]string{c.path}, o)
			if err != nil {
				t.Skipf("%v", err)
			}
			row := 0
			for {
				block, err := in.Read(n)
				if err != nil {
					break
				}
				if block.Len() > n || strings.Join(block.Names(), " ") != c.want {
					t.Fatalf("%s %s: %d rows of %v", c.path, c.name, block.Len(), block.Names())
				}
				last := &block.Columns[len(block.Columns)-1]
				for i := range block.Len() {
					per := c.rows / 12
					if got, want := last.Float(i), c.value(row/per, row%per); got != want {
						t.Fatalf("%s %s: row %d: %g, want %g", c.path, c.want, row, got, want)
					}
					row++
				}
			}
			if row != c.rows || in.Rows() != int64(row) {
				t.Errorf("%s %s: %d rows of %d", c.path, c.name, row, in.Rows())
			}
			if err := in.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	for path, want := range map[string]string{file + "/": `holds nothing to flatten as "y"; there is cube, mask, x`, file + "y": "holds nothing to flatten: every column has one value an event"} {
		if _, err := OpenAll([]string{path}, Options{Flatten: "y"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
