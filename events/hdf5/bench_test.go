package hdf5

import (
	"io"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/internal/codec"
)

// muons is n events in the manner of a CMS ntuple: float32 columns, two charges.
func muons(n int) []column.Column {
	r := rand.New(rand.NewPCG(1, 2))
	var all []column.Column
	for _, name := range []string{"pt1", "eta1", "phi1", "q1", "pt2", "eta2", "phi2", "q2", "M"} {
		c := column.New(name, "", column.Float32, n)
		for i := range c.F32 {
			switch name[0] {
			case 'p':
				c.F32[i] = float32(50 * r.ExpFloat64())
			case 'q':
				c.F32[i] = float32(2*r.IntN(2) - 1)
			default:
				c.F32[i] = float32(90 + r.NormFloat64())
			}
		}
		all = append(all, c)
	}
	return all
}

const benchEvents = 1_000_000

func readBench(b *testing.B, path, key string, bytes int64) {
	needLibrary(b)
	b.SetBytes(bytes)
	for b.Loop() {
		r, err := Open(path, Options{Key: key})
		if err != nil {
			b.Fatal(err)
		}
		for err == nil {
			_, err = r.Read(1 << 16)
		}
		if err != io.EOF {
			b.Fatal(err)
		}
		r.Close()
	}
}

func BenchmarkReadGzipShuffle(b *testing.B) {
	needLibrary(b)
	path := filepath.Join(b.TempDir(), "events.h5")
	if err := writeFile(path, muons(benchEvents), 1<<16); err != nil {
		b.Fatal(err)
	}
	readBench(b, path, "", 9*4*benchEvents)
}

// Uncompressed: a matrix as h5py writes it by default, and a data set a column.
func BenchmarkReadMatrix(b *testing.B) {
	path := filepath.Join(b.TempDir(), "events.h5")
	writePlain(b, path, "events", 9)
	readBench(b, path, "events", 9*4*benchEvents)
}

func BenchmarkReadColumns(b *testing.B) {
	path := filepath.Join(b.TempDir(), "events.h5")
	writePlain(b, path, "", 9)
	readBench(b, path, "", 9*4*benchEvents)
}

func BenchmarkWrite(b *testing.B) {
	needLibrary(b)
	events := muons(benchEvents)
	b.SetBytes(9 * 4 * benchEvents)
	for b.Loop() {
		if err := writeFile(filepath.Join(b.TempDir(), "events.h5"), events, 1<<16); err != nil {
			b.Fatal(err)
		}
	}
}

// writePlain writes float32 values that are in no chunks: a matrix, or columns.
func writePlain(b *testing.B, path, matrix string, columns int) {
	needLibrary(b)
	w, err := NewWriter(path)
	if err != nil {
		b.Fatal(err)
	}
	defer w.Abort()
	events := muons(benchEvents)
	err = do(func(l *library) error {
		put := func(name string, dims []int64, values []float32) error {
			space := l.spaceCreate(int32(len(dims)), pointer(dims), nil)
			defer l.spaceClose(space)
			id := l.setCreate(w.file, name, *l.float32, space, 0, 0, 0)
			if id < 0 || l.write(id, *l.float32, 0, 0, 0, pointer(values)) < 0 {
				return l.failed("cannot be written")
			}
			return nil
		}
		if matrix == "" {
			for _, c := range events {
				if err := put(c.Name, []int64{benchEvents}, c.F32); err != nil {
					return err
				}
			}
			return nil
		}
		all := make([]float32, benchEvents*columns)
		for k := range columns {
			for i, v := range events[k].F32 {
				all[i*columns+k] = v
			}
		}
		return put(matrix, []int64{benchEvents, int64(columns)}, all)
	})
	if err != nil {
		b.Fatal(err)
	}
	if err := w.close(); err != nil {
		b.Fatal(err)
	}
}

// The steps of unpacking, on a chunk of 65536 float32 values.

func BenchmarkUnshuffle(b *testing.B) {
	for _, size := range []int{4, 8} {
		b.Run(map[int]string{4: "float32", 8: "float64"}[size], func(b *testing.B) {
			in, out := make([]byte, 1<<18), make([]byte, 1<<18)
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				unshuffle(out, in, size)
			}
		})
	}
}

func BenchmarkGunzip(b *testing.B) {
	c := muons(1 << 16)[0]
	p := &packer{}
	packed, err := p.pack(&c, c.Len())
	if err != nil {
		b.Fatal(err)
	}
	u := &unpacker{}
	out := make([]byte, 4*c.Len()+4)
	b.SetBytes(int64(4 * c.Len()))
	for b.Loop() {
		if _, err := u.Unpack(codec.Zlib, out, packed); err != nil {
			b.Fatal(err)
		}
	}
}
