package events

import (
	"errors"
	"io"
	"path/filepath"
	"testing"
)

// What does not fit is told from the header of the file where that says so, else while reading, over all files.
func TestTooLarge(t *testing.T) {
	dir := t.TempDir()
	table := &Table{Columns: []Column{
		{Name: "x", Type: Float32, F32: make([]float32, 1000)}, {Name: "n", Type: Int64, I64: make([]int64, 1000)},
	}}
	for i := range table.Columns[1].I64 {
		table.Columns[1].I64[i] = 1<<40 + int64(i)
	}
	for _, ext := range []string{".npy", ".csv", ".parquet"} {
		path := filepath.Join(dir, "a"+ext)
		out, err := Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(out.Write(table), out.Close()); err != nil {
			t.Fatal(err)
		}
		const two = 2 * 12 * 1000
		files := []string{path, path}
		if _, err := ReadAll(files, Options{Most: two}); err != nil {
			t.Errorf("%s: what just fits: %v", ext, err)
		}
		_, err = ReadAll(files, Options{Most: two - 1})
		var large *TooLarge
		if !errors.As(err, &large) || large.Bytes != two {
			t.Errorf("%s: %v", ext, err)
		}
	}
}

// A chain goes on at the beginning of each of its files.
func TestSeekToTheBeginning(t *testing.T) {
	dir := writeText(t, map[string]string{"a.csv": "a\n1\n2\n", "b.csv": "a\n3\n4\n"})
	in, err := OpenAll([]string{filepath.Join(dir, "*.csv")}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	start, ok := in.Mark()
	if !ok {
		t.Fatal("no mark at the beginning")
	}
	for range 2 {
		sum := 0.0
		for {
			table, err := in.Read(10)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for i := range table.Len() {
				sum += table.Columns[0].Float(i)
			}
		}
		if sum != 10 {
			t.Errorf("the sum is %g", sum)
		}
		if err := in.Seek(start); err != nil {
			t.Fatal(err)
		}
	}
}
