package csv

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/sluice-hep/sluice/events/column"
)

func FuzzCSV(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.csv")
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, false)
		var z bytes.Buffer
		w := gzip.NewWriter(&z)
		w.Write(b)
		w.Close()
		f.Add(z.Bytes(), true)
	}
	for _, s := range []string{"x;y\n\"a\nb\"\"\";1\n", "1 2\n3 4e5\n", "a,b\n1,\n,2e-400\n-inf,99999999999999999999\n", "# c\n\n0|1\r\n", "# x y\n[m] -\n1,5 2D3\n#\n", "x;y\rms;s\r1,5;True\r", "0,1,2\n*,1.5-103,--\n0,1,2\n", "% a b # c\n--- ---\n1 2 # d\n"} {
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, b []byte, again bool) {
		var in io.ReadSeeker = bytes.NewReader(b)
		if !again {
			in = once{in}
		}
		r, err := newReader(in, Options{})
		if err != nil {
			return
		}
		defer r.Close()
		for rows := 0; ; {
			block, err := r.Read(100)
			if err != nil {
				return
			}
			rows += check(t, r, block)
			// gzip packs a thousand bytes into one; a row has two or more.
			if rows > 600*len(b)+100 {
				t.Fatalf("%d rows of %d bytes", rows, len(b))
			}
		}
	})
}

// check returns the number of rows of a block, which is whole.
func check(t *testing.T, r *Reader, block []column.Column) int {
	n := block[0].Len()
	if n == 0 || len(block) != len(r.Columns()) {
		t.Fatalf("a block of %d rows, %d columns", n, len(block))
	}
	for _, c := range block {
		if c.Len() != n {
			t.Fatalf("column %q has %d rows, the first %d", c.Name, c.Len(), n)
		}
	}
	return n
}
