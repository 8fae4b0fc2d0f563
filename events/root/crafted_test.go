package root

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/flate"

	"github.com/sluice-hep/sluice/events/column"
)

// crafted is a tree as other programs write them, of which only the description differs from what Writer makes.
type crafted struct {
	version  uint16 // of TTree; 5: with its TBranch of version 8, as Geant4
	branches []craftedBranch
	classes  []craftedClass
	pack     func([]byte) []byte // of baskets, tree and descriptions; nil: as they are
	unclosed bool
	counter  uint32 // the reference of the last leaf that counts
}

type craftedBranch struct {
	name, leaf, title string // title of the leaf
	class             string // of a TBranchElement; "" for a TBranch
	id, member        int
	kind              int  // fType
	counts, counted   bool // its leaf counts, or is counted by the last that does
	members           []craftedBranch

	events  int
	values  []byte
	offsets []int // of each event in values; nil where all are of one length
}

// craftedClass is a TStreamerInfo; types are by name and code.
type craftedClass struct {
	name    string
	version int
	members []craftedMember
}

type craftedMember struct {
	name, title string
	code        int
	class       string
}

const craftedSum = 0x1234abcd

func (c *crafted) write(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.root")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := NewWriter(f)
	w.append(make([]byte, fileBegin+len(w.top(0, 0))))
	p := &put{origin: headLength("TTree", treeName, ""), classes: make(map[string]uint32)}
	c.tree(w, p)
	tree := c.record(w, "TTree", treeName, "", p.b)
	info := c.record(w, "TList", "StreamerInfo", "Doubly linked list", c.streamers())
	keys, free := key{}, key{}
	if !c.unclosed {
		list := new(put)
		list.add(1)
		list.key(tree)
		keys = w.record("TFile", fileName, "", list.b, false)
		free = w.record("TFile", fileName, "", w.free(), false)
	} else {
		info = key{}
	}
	if _, err := f.WriteAt(append(w.header(free, info), w.top(keys.at, keys.length)...), 0); err != nil || w.err != nil {
		t.Fatal(err, w.err)
	}
	return path
}

func (c *crafted) packed(b []byte) []byte {
	if c.pack == nil {
		return b
	}
	return c.pack(b)
}

func (c *crafted) record(w *Writer, class, name, title string, object []byte) key {
	k := key{class: class, name: name, title: title, size: len(object), at: w.at}
	w.append(k.sealed(c.packed(object)))
	return k
}

// tree writes the baskets, and to p a TTree as far as readers need it.
func (c *crafted) tree(w *Writer, p *put) {
	events := c.branches[0].events
	if len(c.branches[0].members) > 0 {
		events = c.branches[0].members[0].events
	}
	p.object(c.version, func() {
		p.named(treeName, "")
		for range 3 { // line, fill, marker
			p.object(1, func() {})
		}
		if c.version == 5 {
			p.add([]float64{float64(events), 0, 0, 0}, make([]int32, 7))
		} else {
			p.add(int64(events), []int64{0, 0, 0, 0}, float64(1), []int32{0, 0, 0, 0}, 0, make([]int64, 6), uint16(0))
			p.features()
		}
		c.array(w, p, c.branches)
	})
}

func (c *crafted) array(w *Writer, p *put, branches []craftedBranch) {
	p.array(len(branches), func(i int) {
		b := &branches[i]
		if b.class == "" {
			p.pointer("TBranch", func() { c.branch(w, p, b) })
			return
		}
		p.pointer("TBranchElement", func() {
			p.object(10, func() {
				c.branch(w, p, b)
				p.add(b.class, "", "", craftedSum, uint16(3), b.id, b.kind, b.member)
			})
		})
	})
}

func (c *crafted) branch(w *Writer, p *put, b *craftedBranch) {
	out := &outBranch{Column: column.Column{Name: b.name}, tree: treeName}
	out.values, out.offsets = b.values, b.offsets
	length, at := 0, int64(0)
	if len(b.members) == 0 {
		if b.offsets != nil {
			out.Type = column.Text
		}
		payload := c.packed(out.payload())
		at = w.at
		head := out.head(at, b.events, len(payload))
		w.append(head)
		w.append(payload)
		length = len(head) + len(payload)
	}
	baskets, offsets := min(1, length), len(b.offsets)
	version := uint16(13)
	if c.version == 5 {
		version = 8
	}
	p.object(version, func() {
		p.named(b.name, "")
		p.fill()
		p.add(compression, bufferSize, offsets, baskets)
		if version == 8 {
			p.add(b.events, 0, baskets, 0, []float64{float64(b.events), 0, 0})
		} else {
			p.add(int64(b.events))
			p.features()
			p.add(0, baskets, 0, []int64{int64(b.events), 0, 0, 0})
		}
		c.array(w, p, b.members)
		p.array(min(1, len(b.leaf)), func(int) { c.leaf(p, b) })
		p.array(0, nil)
		switch {
		case version == 8:
			p.add(uint8(1), make([]int32, baskets)[:0], slices.Repeat([]int32{int32(length)}, baskets))
			p.add(uint8(1), make([]int32, baskets), uint8(1), slices.Repeat([]int32{int32(at)}, baskets), "")
		default:
			p.add(uint8(1), slices.Repeat([]int32{int32(length)}, baskets))
			p.add(uint8(1), make([]int64, baskets), uint8(1), slices.Repeat([]int64{at}, baskets), "")
		}
	})
}

func (c *crafted) leaf(p *put, b *craftedBranch) {
	counter := uint32(0)
	if b.counted {
		counter = c.counter
	}
	leaf := p.pointer(b.leaf, func() {
		p.object(1, func() {
			p.object(2, func() {
				p.named(b.name, b.title)
				p.add(1, 0, 0, uint16(0), counter)
			})
		})
	})
	if b.counts {
		c.counter = leaf
	}
}

// streamers is a TList of TStreamerInfo.
func (c *crafted) streamers() []byte {
	p := &put{origin: headLength("TList", "StreamerInfo", "Doubly linked list"), classes: make(map[string]uint32)}
	p.object(5, func() {
		p.base()
		p.add("", len(c.classes))
		for _, class := range c.classes {
			p.pointer("TStreamerInfo", func() {
				p.object(9, func() {
					p.named(class.name, "")
					p.add(craftedSum+class.version, class.version)
					p.pointer("TObjArray", func() {
						p.array(len(class.members), func(i int) { class.members[i].put(p) })
					})
				})
			})
			p.add("")
		}
	})
	return p.b
}

func (m *craftedMember) put(p *put) {
	element := func() {
		p.object(4, func() {
			p.named(m.name, m.title)
			p.add(m.code, make([]int32, 8), m.class)
		})
	}
	if m.code == 365 {
		p.pointer("TStreamerSTLstring", func() { p.object(2, func() { p.object(3, element) }) })
	} else {
		p.pointer("TStreamerBasicType", func() { p.object(2, element) })
	}
}

func bigEndian(values any) []byte {
	p := new(put)
	p.add(values)
	return p.b
}

// numbersOf are the columns of a file as text.
func numbersOf(t *testing.T, path string, opts Options) string {
	t.Helper()
	var all []string
	for _, c := range table(t, path, opts) {
		var values []string
		for i := range c.Len() {
			values = append(values, c.Format(i))
		}
		all = append(all, c.Name+" "+strings.Join(values, ","))
	}
	return strings.Join(all, "; ")
}

// hits is a class with members that are stored in short: their ranges stand in the description of the class alone.
var hits = craftedClass{"Hits", 3, []craftedMember{
	{"name", "", 365, "string"}, {"n", "", 3, "int"}, {"energy", "in GeV [0,10,8]", 9, "Double32_t"}, {"phi", "[-2,2]", 19, "Float16_t"}, {"z", "[0,0,10]", 9, "Double32_t"},
	{"t", "in ns", 9, "Double32_t"}, {"pulls", "", 300, "vector<double>"},
}}

func hitsTree() crafted {
	return crafted{version: 20, classes: []craftedClass{hits}, branches: []craftedBranch{{name: "hits", class: "Hits", id: -1, members: []craftedBranch{
		{name: "n", leaf: "TLeafElement", class: "Hits", id: 1, member: 3, events: 2, values: bigEndian([]int32{7, -7})},
		{name: "energy", leaf: "TLeafElement", class: "Hits", id: 2, member: 9, events: 2, values: bigEndian([]uint32{128, 64})},
		{name: "phi", leaf: "TLeafElement", class: "Hits", id: 3, member: 19, events: 2, values: bigEndian([]uint32{0, math.MaxUint32})},
		{name: "z", leaf: "TLeafElement", class: "Hits", id: 4, member: 9, events: 2, values: []byte{127, 2, 0, 127, 10, 0}},
		{name: "t", leaf: "TLeafElement", class: "Hits", id: 5, member: 9, events: 2, values: bigEndian([]float32{2.5, -1})},
		{name: "pulls", leaf: "TLeafElement", class: "Hits", id: 6, member: 300, events: 2, offsets: []int{0, 18},
			values: slices.Concat(make([]byte, 10), bigEndian([]float64{1.5}), make([]byte, 10), bigEndian([]float64{2.5, 3.5}))},
	}}}}
}

// A member of a class takes its range, or its bits, from the description of the class.
func TestRangesOfMembers(t *testing.T) {
	c := hitsTree()
	path := c.write(t)
	want := "n 7,-7; energy 5,2.5; phi -2,2; z 1.5,-1.5; t 2.5,-1"
	if got := numbersOf(t, path, Options{}); got != want {
		t.Errorf("%s, not %s", got, want)
	}
	if got := numbersOf(t, path, Options{Flatten: "pulls"}); got != "event 0,1,1; pulls 1.5,2.5,3.5" {
		t.Error(got)
	}
	c.classes = nil // without a description they are left out, not read wrongly
	r, err := Open(c.write(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if notes := strings.Join(r.Skipped().Say(false), "; "); len(r.Columns()) != 1 || !strings.Contains(notes, "4 columns, each of which holds a Double32_t or Float16_t, whose range the file does not describe") {
		t.Errorf("%d columns; %s", len(r.Columns()), notes)
	}
}

// So do the members of objects of which an event has any number, a TClonesArray that is split.
func TestRangesOfManyObjects(t *testing.T) {
	c := crafted{version: 20, classes: []craftedClass{hits}, branches: []craftedBranch{
		{name: "nTrack", leaf: "TLeafI", title: "nTrack", counts: true, events: 2, values: bigEndian([]int32{2, 1})},
		{name: "Track", class: "TClonesArray", id: -1, kind: 3, members: []craftedBranch{{name: "Track.energy", leaf: "TLeafElement", title: "energy[nTrack]",
			class: "Hits", id: 2, kind: 31, member: 9, counted: true, events: 2, offsets: []int{0, 8}, values: bigEndian([]uint32{128, 64, 32})}}},
	}}
	if got := numbersOf(t, c.write(t), Options{Flatten: "Track"}); got != "event 0,0,1; Track.energy 5,2.5,1.25" {
		t.Error(got)
	}
}

// g4Tree is the description of a tree that Geant4 writes, of ROOT 3.
var g4Tree = craftedClass{"TTree", 5, []craftedMember{
	{"TNamed", "", 67, ""}, {"TAttLine", "", 0, ""}, {"TAttFill", "", 0, ""}, {"TAttMarker", "", 0, ""}, {"fEntries", "", 8, ""},
	{"fTotBytes", "", 8, ""}, {"fZipBytes", "", 8, ""}, {"fSavedBytes", "", 8, ""}, {"fTimerInterval", "", 3, ""}, {"fScanField", "", 3, ""},
	{"fUpdate", "", 3, ""}, {"fMaxEntryLoop", "", 3, ""}, {"fMaxVirtualSize", "", 3, ""}, {"fAutoSave", "", 3, ""}, {"fEstimate", "", 3, ""},
	{"fBranches", "", 61, "TObjArray"},
}}

func geant4Tree() crafted {
	return crafted{version: 5, classes: []craftedClass{g4Tree}, branches: []craftedBranch{
		{name: "Eabs", leaf: "TLeafD", title: "Eabs", events: 3, values: bigEndian([]float64{1, 2.5, -4})},
		{name: "id", leaf: "TLeafI", title: "id", events: 3, values: bigEndian([]int32{1, 2, 3})},
	}}
}

func TestTreesOfGeant4(t *testing.T) {
	c := geant4Tree()
	if got := numbersOf(t, c.write(t), Options{}); got != "Eabs 1,2.5,-4; id 1,2,3" {
		t.Error(got)
	}
	c.classes = nil
	if _, err := Open(c.write(t), Options{}); err == nil || !strings.Contains(err.Error(), "the file does not describe its version of TTree") {
		t.Error(err)
	}
}

// deflated packs as ROOT did before 5.20: by deflate, without head and checksum.
func deflated(b []byte) []byte {
	var out bytes.Buffer
	z, _ := flate.NewWriter(&out, 6)
	z.Write(b)
	z.Close()
	n := out.Len()
	return append([]byte{'C', 'S', 8, byte(n), byte(n >> 8), byte(n >> 16), byte(len(b)), byte(len(b) >> 8), byte(len(b) >> 16)}, out.Bytes()...)
}

func TestOldestCodec(t *testing.T) {
	c := crafted{version: 20, pack: deflated, branches: []craftedBranch{
		{name: "x", leaf: "TLeafD", title: "x", events: 100, values: bigEndian(slices.Repeat([]float64{2.5}, 100))},
	}}
	got := table(t, c.write(t), Options{})
	if got[0].Len() != 100 || got[0].F64[99] != 2.5 {
		t.Errorf("%v", got)
	}
}

// Collections of plain values lie in files as vectors do, whatever allocates them.
func TestCollections(t *testing.T) {
	for _, class := range []string{"vector<float>", "std::vector<Float_t>", "vector<float,ROOT::Detail::VecOps::RAdoptAllocator<float> >",
		"ROOT::VecOps::RVec<float>", "ROOT::RVec<float>", "RVec<Double32_t>", "list<float>", "deque<float, allocator<float> >", "multiset<float>"} {
		c := crafted{version: 20, branches: []craftedBranch{{name: "pt", leaf: "TLeafElement", class: class, id: -1, member: -1, events: 3, offsets: []int{0, 14, 24},
			values: slices.Concat(make([]byte, 10), bigEndian([]float32{1.5}), make([]byte, 10), make([]byte, 10), bigEndian([]float32{2, 3}))}}}
		if got := numbersOf(t, c.write(t), Options{Flatten: "pt"}); got != "event 0,2,2; pt 1.5,2,3" {
			t.Errorf("%s: %s", class, got)
		}
	}
	// 2^53 + 1 is no float64, which an event without a value makes of the column.
	c := crafted{version: 20, branches: []craftedBranch{{name: "id", leaf: "TLeafElement", class: "vector<Long64_t>", id: -1, member: -1, events: 2, offsets: []int{0, 18},
		values: slices.Concat(make([]byte, 10), bigEndian([]int64{1<<53 + 1}), make([]byte, 10))}}}
	path := c.write(t)
	r, err := Open(path, Options{Columns: []string{"id[0]"}})
	if err == nil {
		_, err = r.Read(2)
	}
	if err == nil || !strings.Contains(err.Error(), "row 1: 9007199254740993 is not held exactly by float64, which the column is because values of it are missing: state its type as text (--types id[0]=text)") {
		t.Error(err)
	}
	if got := table(t, path, Options{Columns: []string{"id[0]"}, Types: map[string]column.Type{"id[0]": column.Text}}); !slices.Equal(got[0].Str, []string{"9007199254740993", ""}) {
		t.Errorf("%v", got)
	}
	for _, class := range []string{"vector<vector<float> >", "map<int,float>", "vector<pair<int,float> >", "vector<string>", "vector<18>"} {
		c := crafted{version: 20, branches: []craftedBranch{{name: "pt", leaf: "TLeafElement", class: class, id: -1, member: -1, events: 1, offsets: []int{0}, values: make([]byte, 14)}}}
		if _, err := Open(c.write(t), Options{}); err == nil || !strings.Contains(err.Error(), "objects (") {
			t.Errorf("%s: %v", class, err)
		}
	}
}

// Members of several objects carry the branch where their own name would not tell them apart, in any order of branches.
func TestMembersOfSeveralObjects(t *testing.T) {
	of := func(name string, value int32, more ...craftedBranch) craftedBranch {
		return craftedBranch{name: name, class: "Hits", id: -1, members: append(more,
			craftedBranch{name: "n", leaf: "TLeafElement", class: "Hits", member: 3, events: 1, values: bigEndian(value)})}
	}
	only := craftedBranch{name: "only", leaf: "TLeafElement", class: "Hits", member: 3, events: 1, values: bigEndian(int32(9))}
	c := crafted{version: 20, branches: []craftedBranch{of("first", 1, only), of("second.", 2)}}
	path := c.write(t)
	for want, columns := range map[string][]string{
		"only 9; first.n 1; second.n 2": nil,
		"first.only 9; second.n 2":      {"first.only", "second.n"},
	} {
		if got := numbersOf(t, path, Options{Columns: columns}); got != want {
			t.Errorf("%q: %s", columns, got)
		}
	}
	if _, err := Open(path, Options{Columns: []string{"n"}}); err == nil || err.Error() != `tree "events": column "n" may be first.n or second.n; name one of them` {
		t.Error(err)
	}
	c.branches = []craftedBranch{of("first", 1)}
	if got := numbersOf(t, c.write(t), Options{}); got != "n 1" {
		t.Error(got)
	}
}

// What packs far beyond a thousand times is read, and what only claims to is not.
func TestConstantColumns(t *testing.T) {
	const n = 2_000_000
	columns := []column.Column{column.New("w", "", column.Float64, n), column.New("run", "", column.Int64, n), column.New("label", "", column.Text, n)}
	path := filepath.Join(t.TempDir(), "x.root")
	write(t, path, columns)
	if got := readAll(t, path, Options{}); got != n {
		t.Errorf("%d events", got)
	}
	// One basket of several blocks, as other programs write them.
	c := crafted{version: 20, pack: new(packer).pack, branches: []craftedBranch{{name: "w", leaf: "TLeafD", title: "w", events: 3 << 20, values: make([]byte, 24<<20)}}}
	path = c.write(t)
	if got := readAll(t, path, Options{}); got != 3<<20 || len(content(t, path)) > 24<<20/2000 {
		t.Errorf("%d events of a file of %d bytes", got, len(content(t, path)))
	}
}

// A file that was never closed gives what was saved in it, and says so.
func TestUnclosed(t *testing.T) {
	c := crafted{version: 20, unclosed: true, classes: []craftedClass{hits}, branches: []craftedBranch{{name: "hits", class: "Hits", id: -1, members: []craftedBranch{
		{name: "energy", leaf: "TLeafElement", class: "Hits", id: 2, member: 9, events: 2, values: bigEndian([]uint32{128, 64})}}}}}
	path := c.write(t)
	b := content(t, path)
	// A basket that no saved tree tells of, a record that was deleted, and one that was cut off.
	out := &outBranch{Column: column.Column{Name: "energy"}, tree: treeName, values: make([]byte, 8)}
	basket := append(out.head(int64(len(b)), 2, 8), make([]byte, 8)...)
	b = append(append(b, basket...), bigEndian([]int32{-12, 0, 0})...)
	b = append(b, (&key{class: "TBasket", name: "x", at: int64(len(b)), size: 100}).sealed(make([]byte, 100))[:60]...)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, columns := range [][]string{nil, {"energy"}} {
		r, err := Open(path, Options{Columns: columns})
		if err != nil {
			t.Fatal(err)
		}
		want := "[was not closed by the program that wrote it: read are the 2 events that were saved last; 1 baskets that follow are left out]"
		if got := fmt.Sprint(r.(*Reader).Notes()); got != want {
			t.Error(got)
		}
		r.Close()
	}
	if got := numbersOf(t, path, Options{}); got != "energy 5,2.5" {
		t.Error(got)
	}
}
