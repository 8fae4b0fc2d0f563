package csv

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/sluice-hep/sluice/internal/codec"
)

// table is n rows of 9 columns in the manner of a CMS ntuple.
func table(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	b.WriteString("pt1,eta1,phi1,q1,pt2,eta2,phi2,q2,M\n")
	for range n {
		for range 2 {
			fmt.Fprintf(&b, "%.7g,%.7g,%.7g,%d,", 50*r.ExpFloat64(), 2*r.NormFloat64(), 3*r.NormFloat64(), 2*r.IntN(2)-1)
		}
		fmt.Fprintf(&b, "%.7g\n", 90+r.NormFloat64())
	}
	return b.Bytes()
}

func benchmark(b *testing.B, text []byte, open func([]byte) io.ReadSeeker) {
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		r, err := newReader(open(text), Options{})
		if err != nil {
			b.Fatal(err)
		}
		for err == nil {
			_, err = r.Read(1 << 16)
		}
		if err != io.EOF {
			b.Fatal(err)
		}
	}
}

// Of a pipe, and of a file, which is looked through for types first.
func BenchmarkRead(b *testing.B) {
	benchmark(b, table(400_000), func(text []byte) io.ReadSeeker { return once{bytes.NewReader(text)} })
}

func BenchmarkReadWhole(b *testing.B) {
	benchmark(b, table(100_000), func(text []byte) io.ReadSeeker { return bytes.NewReader(text) })
}

// Packed text is unpacked while it is parsed.
func BenchmarkReadPacked(b *testing.B) {
	var packed bytes.Buffer
	z, err := codec.NewWriter(codec.Zstd, &packed)
	if err != nil {
		b.Fatal(err)
	}
	text := table(400_000)
	z.Write(text)
	z.Close()
	benchmark(b, text, func([]byte) io.ReadSeeker { return once{bytes.NewReader(packed.Bytes())} })
}
