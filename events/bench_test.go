package events

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"
)

// benchTable is a million events of 8 columns with the 24 bits of a float32, in which codecs find little to pack, and
// 2 of integers.
func benchTable() *Table {
	const n = 1 << 20
	r := rand.New(rand.NewPCG(1, 2))
	t := &Table{}
	for k := range 8 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(40 * math.Exp(r.NormFloat64()))
		}
		t.Columns = append(t.Columns, Column{Name: fmt.Sprintf("x%d", k), Type: Float32, F32: x})
	}
	for k := range 2 {
		x := make([]int64, n)
		for i := range x {
			x[i] = r.Int64N(12)
		}
		t.Columns = append(t.Columns, Column{Name: fmt.Sprintf("n%d", k), Type: Int64, I64: x})
	}
	return t
}

const benchBytes = (1 << 20) * (8*4 + 2*8) // of the columns in memory

var benchFiles = []string{"t.npy", "t.npz", "t.parquet", "t.root", "t.h5", "t.csv"}

func benchWrite(b *testing.B, path string, t *Table) {
	w, err := Create(path)
	if err != nil {
		b.Skip(err) // the HDF5 library may be missing
	}
	for at := 0; at < t.Len(); at += 1 << 16 {
		if err := w.Write(t.Slice(at, at+1<<16)); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
}

// Rates are of decoded columns, blocks of 65536 events at a time; with -cpu 1 they are those of one core.
func BenchmarkRead(b *testing.B) {
	table := benchTable()
	for _, name := range benchFiles {
		b.Run(name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), name)
			benchWrite(b, path, table)
			b.SetBytes(benchBytes)
			for b.Loop() {
				in, err := OpenAll([]string{path}, Options{})
				if err != nil {
					b.Fatal(err)
				}
				for err == nil {
					_, err = in.Read(1 << 16)
				}
				if err != io.EOF {
					b.Fatal(err)
				}
				in.Close()
			}
		})
	}
}

func BenchmarkWrite(b *testing.B) {
	table := benchTable()
	for _, name := range benchFiles {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(benchBytes)
			path := filepath.Join(b.TempDir(), name)
			for b.Loop() {
				benchWrite(b, path, table)
			}
		})
	}
}
