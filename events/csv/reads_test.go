package csv

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sluice-hep/sluice/events/column"
)

// counted counts the bytes read of it.
type counted struct {
	io.ReadSeeker
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadSeeker.Read(p)
	c.n += int64(n)
	return n, err
}

// An epoch in random order reads each byte about once, of one file and of files that take turns: whoever goes on at
// a mark may not know more of the file than where that is.
func TestBytesReadInRandomOrder(t *testing.T) {
	var text bytes.Buffer
	text.WriteString("x,y,z\n")
	r := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		fmt.Fprintf(&text, "%.5g,%.7g,%d\n", r.NormFloat64(), 1e3*r.ExpFloat64(), r.IntN(100))
	}
	opts := Options{Types: map[string]column.Type{"x": column.Float32, "y": column.Float32, "z": column.Float32}}
	for _, rows := range []int{4096, 65536} {
		in := &counted{ReadSeeker: bytes.NewReader(text.Bytes())}
		c, err := newReader(in, opts)
		if err != nil {
			t.Fatal(err)
		}
		var marks []column.Mark
		for err == nil {
			if m, ok := c.Mark(); ok {
				marks = append(marks, m)
			}
			_, err = c.Read(rows)
		}
		r.Shuffle(len(marks), func(i, j int) { marks[i], marks[j] = marks[j], marks[i] })
		for name, reopen := range map[string]bool{"one file": false, "files in turn": true} {
			in.n = 0
			for _, m := range marks {
				if reopen {
					if _, err := in.Seek(0, io.SeekStart); err != nil {
						t.Fatal(err)
					}
					if c, err = newReader(in, opts); err != nil {
						t.Fatal(err)
					}
				}
				if err := c.Seek(m); err != nil {
					t.Fatal(err)
				}
				if _, err := c.Read(rows); err != nil && err != io.EOF {
					t.Fatal(err)
				}
			}
			times := float64(in.n) / float64(text.Len())
			t.Logf("%s, %d sections: %.2f times the file", name, len(marks), times)
			if times > 1.3 { // a quarter more than is asked for, and the head of the file where it is opened
				t.Errorf("%s, %d sections of %d bytes: %.2f times the file was read", name, len(marks), text.Len()/len(marks), times)
			}
		}
	}
}

// Rows that are longer than the first pieces are learned from all the same.
func TestLongRows(t *testing.T) {
	width := 20_000
	if testing.Short() {
		width = 2000
	}
	header := bytes.Repeat([]byte("name of a column;"), width)
	row := bytes.Repeat([]byte("1,5 GeV;"), width) // a comma parts each row too, and more of it
	text := slices.Concat(header[:len(header)-1], []byte("\n"), bytes.Repeat(append(row[:len(row)-1], '\n'), 30))
	for _, in := range []io.ReadSeeker{bytes.NewReader(text), once{bytes.NewReader(text)}} {
		c, err := newReader(in, Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Read(100)
		if err != nil {
			t.Fatal(err)
		}
		if last := &got[len(got)-1]; len(got) != width || last.Len() != 30 || last.Str[29] != "1,5 GeV" {
			t.Errorf("%d columns of %d rows, the last %q", len(got), last.Len(), last.Str)
		}
	}
}

// Packed text within the first block is unpacked once, longer text twice; both may be read again from the first row, and say the same.
func TestPackedTextIsKept(t *testing.T) {
	for times, rows := range map[int]int{1: 30_000, 2: 700_000} {
		if testing.Short() && rows > 30_000 {
			continue
		}
		var plain, packed bytes.Buffer
		plain.WriteString("x,y,z\n")
		r := rand.New(rand.NewPCG(3, 4))
		for i := range rows {
			fmt.Fprintf(&plain, "%.3f,%d,%d\n", r.Float64(), i%1000, i%7)
		}
		plain.WriteString("0.5,,many\n") // y has a fraction's type, and z is text
		z := gzip.NewWriter(&packed)
		z.Write(plain.Bytes())
		z.Close()
		in := &counted{ReadSeeker: bytes.NewReader(packed.Bytes())}
		c, err := newReader(in, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer c.src.close()
		first, ok := c.Mark()
		if !ok {
			t.Fatal("reading cannot begin again")
		}
		for pass := range 2 {
			n := 0
			for {
				block, err := c.Read(1 << 12)
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if block[1].Type != column.Float64 || block[2].Type != column.Text {
					t.Fatalf("types %s and %s", block[1].Type, block[2].Type)
				}
				n += block[0].Len()
			}
			if n != rows+1 {
				t.Errorf("%d of %d rows", n, rows+1)
			}
			if most := (times + pass) * (packed.Len() + 6); int(in.n) > most || int(in.n) < most-100 {
				t.Errorf("pass %d: %d bytes of %d were read, for %d times", pass+1, in.n, packed.Len(), times+pass)
			}
			if err := c.Seek(first); err != nil {
				t.Fatal(err)
			}
		}
	}
}
