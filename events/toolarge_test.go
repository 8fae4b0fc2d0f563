package events

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// What does not fit is told from the header of the file where that says so, else while reading, over all files.
func TestTooLarge(t *testing.T) {
	table := markTable(1000, 0)
	table.Columns = table.Columns[:3]
	types := map[string]Type{"x": Float32, "y": Float32, "n": Int64}
	for _, ext := range []string{".npy", ".csv", ".parquet"} {
		path := filepath.Join(t.TempDir(), "a"+ext)
		writeTable(t, path, table)
		const two = 2 * (4 + 4 + 8) * 1000
		files := []string{path, path}
		if _, err := ReadAll(files, Options{Most: two, Types: types}); err != nil {
			t.Errorf("%s: what just fits: %v", ext, err)
		}
		_, err := ReadAll(files, Options{Most: two - 1, Types: types})
		var large *TooLarge
		if !errors.As(err, &large) || large.Bytes != two || large.Most != two-1 {
			t.Errorf("%s: %v", ext, err)
		}
	}
}

// A file that says how large it is is not read to find it out.
func TestTooLargeIsToldFromTheHeader(t *testing.T) {
	const rows = 1 << 40
	head := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d,), }\n", int64(rows))
	path := filepath.Join(t.TempDir(), "a.npy")
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(head)), 0)
	if err := os.WriteFile(path, append(b, head...), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 4*rows+1<<10); err != nil { // a hole of 4 TB
		t.Skipf("no file with a hole: %v", err)
	}
	_, err := ReadAll([]string{path}, Options{Most: 1 << 30})
	var large *TooLarge
	if !errors.As(err, &large) || large.Bytes != 4*rows {
		t.Errorf("%v", err)
	}
}
