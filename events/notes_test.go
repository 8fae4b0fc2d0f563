package events

import (
	"slices"
	"strings"
	"testing"
)

// What is said of files is said once: of the columns that are read, and of files that are alike together.
func TestNotes(t *testing.T) {
	a := write(t, "a.csv", "# x y\n1 2\n#3 4\n5 6c\n")
	b := write(t, "b.csv", "# x y\n1 2\n#3 4\n5 6\n")
	for _, c := range []struct {
		paths   []string
		columns []string
		want    []string
	}{
		{[]string{a}, nil, []string{
			a + ": the names of the columns are those in the comment of line 1",
			a + ": a line that is a comment (it begins with #) was left out: line 3",
			a + `: column "y" is text: row 2 (line 4): "6c" is not a number`,
		}},
		{[]string{a, b}, []string{"x"}, []string{
			a + ": the names of the columns are those in the comment of line 1 (as in 1 more)",
			a + ": a line that is a comment (it begins with #) was left out: line 3 (as in 1 more)",
		}},
	} {
		for _, chosen := range []bool{false, true} {
			opts := Options{Columns: c.columns}
			if chosen {
				opts = Options{Choose: func([]Column) ([]string, error) { return c.columns, nil }}
			}
			in, err := OpenAll(c.paths, opts)
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			for err == nil {
				_, err = in.Read(10)
			}
			if got := in.Notes(); !slices.Equal(got, c.want) {
				t.Errorf("says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		}
	}
}
