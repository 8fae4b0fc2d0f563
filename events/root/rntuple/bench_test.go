package rntuple_test

import (
	"io"
	"math/rand/v2"
	"testing"

	"github.com/sluice-hep/sluice/events/root"
	"github.com/sluice-hep/sluice/events/root/rntuple"
)

// momenta is an RNTuple of n events: 8 floats of 12 significant bits and as many more of all their bits, in pages of 1 MiB and
// clusters of 2^19 events, as ROOT writes them.
func momenta(n int) *made {
	random := rand.New(rand.NewPCG(1, 2))
	m := &made{name: "events", codec: "zstd"}
	const page, cluster = 1 << 18, 1 << 19
	for k := range 16 {
		m.plain("x"+string(rune('a'+k)), "float", kSplitReal32)
	}
	var group []madeCluster
	for at := 0; at < n; at += cluster {
		c := madeCluster{events: cluster, pages: map[int][]madePage{}}
		for k := range 16 {
			for range cluster / page {
				values := make([]uint64, page)
				for i := range values {
					values[i] = f32(float32(random.NormFloat64()))
					if k < 8 {
						values[i] = f32(float32(random.IntN(1<<12)) / 16)
					}
				}
				c.pages[k] = append(c.pages[k], m.page(k, values...))
			}
		}
		group = append(group, c)
	}
	m.groups = [][]madeCluster{group}
	return m
}

func BenchmarkRead(b *testing.B) {
	const events = 1 << 20
	path := save(b, file(b, momenta(events)))
	names := func(from, to int) (all []string) {
		for k := from; k < to; k++ {
			all = append(all, "x"+string(rune('a'+k)))
		}
		return all
	}
	for name, columns := range map[string][]string{"12bits": names(0, 8), "random": names(8, 16)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(4 * len(columns) * events))
			r := open(b, path, root.Options{Columns: columns})
			first, _ := r.Mark()
			for b.Loop() {
				if err := r.Seek(first); err != nil {
					b.Fatal(err)
				}
				for {
					if _, err := r.Read(1 << 16); err == io.EOF {
						break
					} else if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

func BenchmarkXXH3(b *testing.B) {
	p := make([]byte, 1<<20)
	b.SetBytes(1 << 20)
	for b.Loop() {
		rntuple.XXH3(p)
	}
}
