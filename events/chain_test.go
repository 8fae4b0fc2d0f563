package events

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func writeText(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Files are one stream: columns as the first has them, numbers wide enough for all, and each event with its place.
func TestOpenAll(t *testing.T) {
	dir := writeText(t, map[string]string{
		"run1.csv": "a,b\n1,100000001\n2,100000003\n3,100000005\n",
		"run2.csv": "b,a\n0.5,4\n,5\n",
	})
	in, err := OpenAll([]string{filepath.Join(dir, "run*.csv")}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var a, b []float64
	var places []int64
	for {
		block, err := in.Read(2)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := block.Names(); !slices.Equal(got, []string{"a", "b"}) || block.Columns[1].Type != Float64 {
			t.Errorf("columns %v, b is %s", got, block.Columns[1].Type)
		}
		places = append(places, in.First())
		for i := range block.Len() {
			a = append(a, block.Columns[0].Float(i))
			b = append(b, block.Columns[1].Float(i))
		}
	}
	if want := []float64{1, 2, 3, 4, 5}; !slices.Equal(a, want) {
		t.Errorf("a is %v", a)
	}
	if len(b) != 5 || b[2] != 100000005 || b[3] != 0.5 || b[4] == b[4] {
		t.Errorf("b is %v", b)
	}
	if want := []int64{0, 2, 0}; !slices.Equal(places, want) {
		t.Errorf("blocks begin at %v, not %v", places, want)
	}
}

// A type that only the end of a file tells is known from the start.
func TestOpenAllLooksAtTheWholeFile(t *testing.T) {
	dir := writeText(t, map[string]string{"long.csv": "a\n" + strings.Repeat("1\n", 200_000) + "signal\n"})
	in, err := OpenAll([]string{filepath.Join(dir, "long.csv")}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if in.Columns()[0].Type != Text {
		t.Errorf("a is %s", in.Columns()[0].Type)
	}
}

// Where the types of all columns that are read are given, there is nothing to look for: the end of the file, which is
// damaged, is not reached.
func TestOpenAllWithTypesDoesNotLookAtTheWholeFile(t *testing.T) {
	var text, packed bytes.Buffer
	for i := range 100_000 {
		fmt.Fprintf(&text, "%d,%d,%d\n", i, i*i, i%7)
	}
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(text.Bytes()); err != nil {
		t.Fatal(err)
	}
	dir := writeText(t, map[string]string{"cut.csv.gz": packed.String()})
	open := func(types map[string]Type) error {
		in, err := OpenAll([]string{filepath.Join(dir, "cut.csv.gz")}, Options{Columns: []string{"col0", "col2"}, Types: types})
		if err != nil {
			return err
		}
		defer in.Close()
		_, err = in.Read(10)
		return err
	}
	if err := open(map[string]Type{"col0": Float32}); err == nil {
		t.Error("the type of a column is known without a look at the whole file")
	}
	if err := open(map[string]Type{"col0": Float32, "col2": Float32}); err != nil {
		t.Errorf("all types are given: %v", err)
	}
}

func TestOpenAllRefusesOtherColumns(t *testing.T) {
	dir := writeText(t, map[string]string{"a.csv": "a,b\n1,2\n", "b.csv": "a,c\n1,2\n", "c.csv": "a,b\n1,x\n"})
	for second, want := range map[string]string{"b.csv": "lacks b", "c.csv": `column "b" is text`} {
		_, err := OpenAll([]string{filepath.Join(dir, "a.csv"), filepath.Join(dir, second)}, Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v does not say %q", second, err, want)
		}
	}
}
