package rntuple_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events/root"
	"github.com/sluice-hep/sluice/events/root/rntuple"
)

// memory is a file whose envelopes and pages are not packed.
type memory struct{ *bytes.Reader }

func (memory) Close() error { return nil }

func (memory) Unpacker() rntuple.Unpack {
	return func(_, src []byte, size int, _ int64) ([]byte, error) {
		return nil, fmt.Errorf("claims %d bytes, and has %d", size, len(src))
	}
}

// pagesRoom is where the lists of pages begin in the files that are fuzzed.
const pagesRoom = 2048

// sealed lays out envelopes and pages with the right checksums, and gives the anchor.
func sealed(header, footer, lists, pages []byte) (body, anchors []byte) {
	header, footer, lists = seal(header), seal(footer), bytes.Clone(lists)
	sum := header[len(header)-8:]
	for at := lists; len(at) > 0; {
		n := len(at)
		if n >= 16 {
			n = int(min(max(binary.LittleEndian.Uint64(at)>>16, 16), uint64(n)))
			copy(at[8:n-8], sum)
			copy(at[n-8:n], seal(at[:n])[n-8:])
		}
		at = at[n:]
	}
	if len(footer) >= 32 {
		copy(footer[16:], sum)
		footer = seal(footer)
	}
	body = append(bytes.Clone(pages), make([]byte, max(0, pagesRoom-len(pages)))...)[:pagesRoom]
	body = append(body, lists...)
	at := len(body)
	body = append(append(body, header...), footer...)
	return body, anchor(1, at, len(header), len(header), at+len(header), len(footer), len(footer), 1<<30)
}

// seal gives an envelope the length and the checksum that it has.
func seal(b []byte) []byte {
	b = append(bytes.Clone(b), make([]byte, max(0, 16-len(b)))...)
	binary.LittleEndian.PutUint64(b, uint64(b[0])|uint64(b[1])<<8|uint64(len(b))<<16)
	binary.LittleEndian.PutUint64(b[len(b)-8:], rntuple.XXH3(b[:len(b)-8]))
	return b
}

// seeds are RNTuples of every shape and representation.
func seeds(t testing.TB) (all []parts) {
	types := &made{name: "types"}
	c := madeCluster{events: 5, pages: map[int][]madePage{}}
	for k, n := range numbers {
		types.plain(fmt.Sprintf("x%d", n.kind), "T", n.kind)
		c.pages[k] = []madePage{types.page(k, n.values...)}
	}
	types.groups = [][]madeCluster{{c}}
	for _, m := range []*made{shapes(""), late(), types} {
		m.unsafe, m.room = true, pagesRoom
		p, _ := m.parts(t, 0)
		if len(p.pages) != pagesRoom {
			t.Fatalf("%d bytes of pages", len(p.pages))
		}
		all = append(all, p)
	}
	return all
}

// survive reads everything in all ways. It fails where that panics, or takes memory that the size of the file does not justify.
func survive(t *testing.T, header, footer, lists, pages []byte) (events int) {
	body, anchor := sealed(header, footer, lists, pages)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, opts := range []rntuple.Options{{}, {Flatten: "Muon"}, {Flatten: "v"},
		{Columns: []string{"Muon_pt[0]", "Muon_pt[1]", "vec[3]", "v[0]", "a[1]", "name", "nMuon"}}} {
		n, err := drain(memory{bytes.NewReader(body)}, anchor, opts)
		events += n
		if err != nil && strings.Contains(err.Error(), "damaged data") {
			t.Fatalf("a panic: %v", err)
		}
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 2<<30 { // a page or a block takes some 64 MiB at most
		t.Fatalf("%d bytes made for a file of %d", used, len(body))
	}
	return events
}

func drain(store rntuple.Store, anchor []byte, opts rntuple.Options) (n int, err error) {
	if opts.Flatten != "" { // millions of events without objects take as long as they do
		one := map[string]string{"Muon": "Muon_pt[0]", "v": "v[0]"}[opts.Flatten]
		if r, err := rntuple.Open(store, anchor, rntuple.Options{Columns: []string{one}}); err == nil && r.Rows() > 1<<20 {
			return 0, nil
		}
	}
	r, err := rntuple.Open(store, anchor, opts)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	for n < 1000 {
		columns, err := r.Read(1 << 13)
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		n += columns[0].Len()
	}
	return n, nil
}

// Whatever header, footer, lists of pages and pages say, with the right checksums, nothing panics, hangs or takes much memory.
func FuzzRNTuple(f *testing.F) {
	for _, p := range seeds(f) {
		f.Add(p.header, p.footer, bytes.Join(p.lists, nil), p.pages)
	}
	f.Fuzz(func(t *testing.T, header, footer, lists, pages []byte) {
		if len(header)+len(footer)+len(lists)+len(pages) > 1<<15 {
			t.Skip("longer than any seed")
		}
		survive(t, header, footer, lists, pages)
	})
}

func TestSeedsAreRead(t *testing.T) {
	for i, p := range seeds(t) {
		if n := survive(t, p.header, p.footer, bytes.Join(p.lists, nil), p.pages); n < 5 {
			t.Errorf("%d events of seed %d", n, i)
		}
	}
}

// Bits flipped behind right checksums never panic, hang or take much memory.
func TestFlippedBits(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 1))
	for _, p := range seeds(t) {
		for range 300 {
			b := [][]byte{bytes.Clone(p.header), bytes.Clone(p.footer), bytes.Join(p.lists, nil), bytes.Clone(p.pages)}
			for range 1 + random.IntN(3) {
				part := b[random.IntN(3)]
				part[random.IntN(len(part))] ^= 1 << random.IntN(8)
			}
			survive(t, b[0], b[1], b[2], b[3])
		}
	}
}

// Any byte of anchor, envelopes and pages that differs is found, or does not matter.
func TestChecksums(t *testing.T) {
	m := shapes("")
	b := file(t, m)
	r := open(t, save(t, b), root.Options{})
	all, err := rest(r, 10)
	if err != nil {
		t.Fatal(err)
	}
	whole := fmt.Sprint(all)
	p, lists := m.parts(t, 0)
	begin := bytes.Index(b, p.pages)
	random, seen := rand.New(rand.NewPCG(1, 1)), map[string]int{}
	path := filepath.Join(t.TempDir(), "bad.root")
	for at := begin; at < begin+lists[0]+len(p.lists[0])+len(p.lists[1])+len(p.header)+len(p.footer); at += 1 + random.IntN(8) {
		bad := bytes.Clone(b)
		bad[at] ^= 1 << random.IntN(8)
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		var got string
		r, err := root.Open(path, root.Options{})
		if err == nil {
			all, err = rest(r, 10)
			got = fmt.Sprint(all)
			r.Close()
		}
		switch {
		case err == nil && got != whole:
			t.Fatalf("byte %d differs, and %s is read", at-begin, got)
		case err != nil:
			for _, kind := range []string{`RNTuple "events": its header is damaged: its checksum disagrees`, `RNTuple "events": its footer is damaged: its checksum disagrees`,
				`RNTuple "events": a list of its pages is damaged: its checksum disagrees`,
				`column "s.b": page 2 of the cluster of events 1 to 3 is damaged: its checksum disagrees`,
				`the lengths of field "name": page 1 of the cluster of events 4 to 5 is damaged: its checksum disagrees`} {
				if strings.Contains(err.Error(), kind) {
					seen[kind]++
				}
			}
		}
	}
	if len(seen) != 5 {
		t.Errorf("errors: %v", seen)
	}
	at := bytes.Index(b, anchor(1)[4:10]) + 20
	b[at] ^= 1
	if _, err := root.Open(save(t, b), root.Options{}); err == nil || !strings.Contains(err.Error(), "the checksum of its anchor disagrees") {
		t.Error(err)
	}
}

// Claims of pages beyond what the file can hold are refused before room is made.
func TestClaims(t *testing.T) {
	for want, c := range map[string]madePage{
		"claims 2147483647 values in a page of 4 bytes of the cluster": {1<<31 - 1, []byte{1, 2, 3, 4}},
		"which is beyond belief for a file of":                         {1 << 24, bytes.Repeat([]byte("ZS\x01\x00\x00\x00\x00\x00\x00"), 600)},
		"its blocks":                                                   {1000, append([]byte("ZS\x01\x01\x00\x00\xff\xff\xff"), 0)},
		"ends in the middle of a packed block":                         {1000, []byte{1, 2, 3, 4}},
	} {
		m := &made{name: "events", unsafe: true}
		m.plain("x", "double", kReal64)
		m.groups = [][]madeCluster{{{events: c.n, pages: map[int][]madePage{0: {c}}}}}
		path := save(t, file(t, m))
		r, err := root.Open(path, root.Options{})
		if err == nil {
			_, err = r.Read(10)
			r.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d values in %d bytes: %v", c.n, len(c.raw), err)
		}
	}
	for want, change := range map[string]func(a []byte) []byte{
		"its anchor is cut short":               func(a []byte) []byte { return a[:20] },
		"its anchor has no believable length":   func(a []byte) []byte { a[0] = 0x7f; return a },
		"its header lies beyond the end":        func([]byte) []byte { return anchor(1, 1<<40, 10, 10, 0, 10, 10, 0) },
		"its header has 100 bytes, cut into":    func([]byte) []byte { return anchor(1, 0, 100, 100, 0, 10, 10, 50) },
		"its header claims 4611686018427387904": func([]byte) []byte { return anchor(1, 0, 100, 1<<62, 0, 10, 10, 0) },
		"its header does not begin as one":      func([]byte) []byte { return anchor(1, 0, 100, 100, 0, 10, 10, 0) },
	} {
		_, err := rntuple.Open(memory{bytes.NewReader(make([]byte, 1000))}, change(anchor(1, 0, 100, 100, 100, 100, 100, 0)), rntuple.Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, not %s", err, want)
		}
	}
}

// Events of which no column has a value are refused: columns that were added late have none before, so that nothing else
// bounds their number.
func TestEventsWithoutValues(t *testing.T) {
	m := late()
	m.groups[0][0].events = 1 << 30
	_, err := root.Open(save(t, file(t, m)), root.Options{Flatten: "v"})
	if err == nil || !strings.Contains(err.Error(), "claims 1073741824 events for the cluster of events 1 to 1073741824, and has 2 values of a column at most") {
		t.Error(err)
	}
}

// The number of clusters that have pages is compared with that of clusters.
func TestPagesOfOtherClusters(t *testing.T) {
	p := seeds(t)[0]
	l := p.lists[0]
	at := 16 - int64(binary.LittleEndian.Uint64(l[16:])) // behind the list of clusters
	for _, n := range []byte{0, 2} {
		l[at+8] = n
		body, anchor := sealed(p.header, p.footer, bytes.Join(p.lists, nil), p.pages)
		_, err := rntuple.Open(memory{bytes.NewReader(body)}, anchor, rntuple.Options{})
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("a list of its pages has the pages of %d of 1 clusters", n)) {
			t.Error(err)
		}
	}
}

// An error of the file is told with its place.
func TestReadErrors(t *testing.T) {
	p := seeds(t)[0]
	body, anchor := sealed(p.header, p.footer, bytes.Join(p.lists, nil), p.pages)
	_, err := rntuple.Open(failing{memory{bytes.NewReader(body)}}, anchor, rntuple.Options{})
	if !errors.Is(err, errDisk) || !strings.Contains(err.Error(), "its header at byte") {
		t.Error(err)
	}
}

type failing struct{ memory }

var errDisk = errors.New("the disk is gone")

func (failing) ReadAt([]byte, int64) (int, error) { return 0, errDisk }

// A count that would have other lists an event than the list it counts is left out.
func TestCountOfOtherLists(t *testing.T) {
	m := &made{name: "events"}
	list := m.field("v", "std::vector<float>", -1, listRole)
	ends := m.column(list, kSplitIndex64)
	values := m.column(m.field("_0", "float", list, leafRole), kReal32)
	array := m.field("n", "std::array<std::uint64_t,2>", -1, leafRole)
	m.fields[array].repeats = 2
	count := m.field("_0", "ROOT::RNTupleCardinality<std::uint64_t>", array, leafRole)
	m.fields[count].source = list + 1
	m.aliases = [][2]int{{ends, count}}
	x := m.plain("x", "float", kReal32)
	m.groups = [][]madeCluster{{{events: 2, pages: map[int][]madePage{
		ends: {m.page(ends, 1, 3)}, values: {m.page(values, f32(1), f32(2), f32(3))}, x: {m.page(x, f32(4), f32(5))}}}}}
	path := save(t, file(t, m))
	for _, opts := range []root.Options{{}, {Columns: []string{"x", "v[0]"}}, {Flatten: "v"}} {
		r := open(t, path, opts)
		if _, err := rest(r, 10); err != nil {
			t.Errorf("%v: %v", opts, err)
		}
	}
	if s := strings.Join(open(t, path, root.Options{}).(*rntuple.Reader).Skipped().Say(true), "\n"); !strings.Contains(s, "shares values") {
		t.Errorf("left out: %s", s)
	}
}
