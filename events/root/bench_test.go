package root

import (
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/sluice-hep/sluice/events/column"
)

// momenta is a block of n events of 8 float32 columns with 12 significant bits,
// which zlib packs to two thirds.
func momenta(n int) []column.Column {
	random := rand.New(rand.NewPCG(1, 2))
	columns := make([]column.Column, 8)
	for k := range columns {
		columns[k] = column.New("x"+string(rune('0'+k)), "", column.Float32, n)
		for i := range columns[k].F32 {
			columns[k].F32[i] = float32(random.IntN(1<<12)) / 16
		}
	}
	return columns
}

const benchEvents = 1 << 20

func BenchmarkWrite(b *testing.B) {
	columns := momenta(benchEvents)
	b.SetBytes(8 * 4 * benchEvents)
	for b.Loop() {
		write(b, filepath.Join(b.TempDir(), "x.root"), columns)
	}
}

func BenchmarkRead(b *testing.B) {
	path := filepath.Join(b.TempDir(), "x.root")
	write(b, path, momenta(benchEvents))
	b.SetBytes(8 * 4 * benchEvents)
	for b.Loop() {
		readAll(b, path, Options{})
	}
}

func write(t testing.TB, path string, blocks ...[]column.Column) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := NewWriter(f)
	for _, columns := range blocks {
		if err := w.Write(columns); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Finish(); err != nil {
		t.Fatal(err)
	}
}

func readAll(t testing.TB, path string, opts Options) int {
	t.Helper()
	r, err := Open(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for n := 0; ; {
		columns, err := r.Read(1 << 16)
		if err == io.EOF {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
		n += columns[0].Len()
	}
}
