package rntuple_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"testing"

	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"

	"github.com/sluice-hep/sluice/events/root/rntuple"
)

// The types of columns, by the names of the specification.
const (
	kBit = iota
	kByte
	kChar
	kInt8
	kUInt8
	kInt16
	kUInt16
	kInt32
	kUInt32
	kInt64
	kUInt64
	kReal16
	kReal32
	kReal64
	kIndex32
	kIndex64
	kSwitch
	kSplitInt16
	kSplitUInt16
	kSplitInt32
	kSplitUInt32
	kSplitInt64
	kSplitUInt64
	kSplitReal16
	kSplitReal32
	kSplitReal64
	kSplitIndex32
	kSplitIndex64
	kReal32Trunc
	kReal32Quant
)

var widths = []int{1, 8, 8, 8, 8, 16, 16, 32, 32, 64, 64, 16, 32, 64, 32, 64, 96, 16, 16, 32, 32, 64, 64, 16, 32, 64, 32, 64}

// The roles of fields.
const (
	leafRole = iota
	listRole
	recordRole
	variantRole
	streamerRole
)

// made is an RNTuple to be written, by hand.
type made struct {
	name    string
	fields  []madeField
	columns []madeColumn
	aliases [][2]int // column, field
	late    [3]int   // how many of fields, columns and aliases the header has; the rest are in the footer
	groups  [][]madeCluster

	codec   string // "", "zlib" or "zstd"
	unsafe  bool   // without checksums of pages
	more    int    // bytes at the end of every record, as of a later version
	version uint16 // epoch; 0: 1
	flags   []uint64
	large   bool // locators of 64 bits
	room    int  // bytes that the pages take at least
}

type madeField struct {
	name, typeName, title string
	parent                int // itself at the top
	role                  int
	repeats               int
	source                int // of a projected field 1 more than the other; 0: it is none
}

type madeColumn struct {
	kind, width, field, version int
	first                       int64 // of a deferred column
	low, high                   float64
}

type madeCluster struct {
	events int
	flags  uint64
	pages  map[int][]madePage // by column; those without are suppressed
	count  int                // of columns; 0: all
}

type madePage struct {
	n   int
	raw []byte
}

func (m *made) field(name, typeName string, parent, role int) int {
	if parent < 0 {
		parent = len(m.fields)
	}
	m.fields = append(m.fields, madeField{name: name, typeName: typeName, parent: parent, role: role})
	return len(m.fields) - 1
}

func (m *made) column(field, kind int) int {
	c := madeColumn{kind: kind, field: field}
	if kind < len(widths) {
		c.width = widths[kind]
	}
	m.columns = append(m.columns, c)
	return len(m.columns) - 1
}

// plain adds a field of one value an event.
func (m *made) plain(name, typeName string, kind int) (column int) {
	return m.column(m.field(name, typeName, -1, leafRole), kind)
}

// page packs numbers as a column does; floats are given by their bits.
func (m *made) page(column int, values ...uint64) madePage {
	c := m.columns[column]
	var out []byte
	switch c.kind {
	case kSplitInt16, kSplitInt32, kSplitInt64: // zigzag, from two's complement
		wide := make([]uint64, len(values))
		for i, v := range values {
			shift := 64 - c.width
			s := int64(v<<shift) >> shift
			wide[i] = uint64(s<<1) ^ uint64(s>>63)
		}
		values = wide
	case kSplitIndex32, kSplitIndex64:
		wide := make([]uint64, len(values))
		for i, v := range values {
			wide[i] = v
			if i > 0 {
				wide[i] -= values[i-1]
			}
		}
		values = wide
	}
	switch {
	case c.kind == kSwitch:
		for _, v := range values {
			out = append(binary.LittleEndian.AppendUint64(out, v), 1, 0, 0, 0)
		}
	case c.kind >= kSplitInt16 && c.kind <= kSplitIndex64:
		for b := range c.width / 8 {
			for _, v := range values {
				out = append(out, byte(v>>(8*b)))
			}
		}
	default:
		out = make([]byte, (len(values)*c.width+7)/8)
		for i, v := range values {
			for b := range c.width {
				at := i*c.width + b
				out[at/8] |= byte(v>>b&1) << (at % 8)
			}
		}
	}
	return madePage{len(values), out}
}

// put builds little-endian bytes.
type put struct{ b []byte }

func (p *put) u16(v uint16) { p.b = binary.LittleEndian.AppendUint16(p.b, v) }
func (p *put) u32(v int)    { p.b = binary.LittleEndian.AppendUint32(p.b, uint32(v)) }
func (p *put) u64(v uint64) { p.b = binary.LittleEndian.AppendUint64(p.b, v) }
func (p *put) text(s string) {
	p.u32(len(s))
	p.b = append(p.b, s...)
}

// frame puts a record, or a list of n items (n < 0: a record).
func (p *put) frame(n, more int, fill func()) {
	at := len(p.b)
	p.u64(0)
	if n >= 0 {
		p.u32(n)
	}
	fill()
	p.b = append(p.b, bytes.Repeat([]byte{0xa5}, more)...)
	size := int64(len(p.b) - at)
	if n >= 0 {
		size = -size
	}
	binary.LittleEndian.PutUint64(p.b[at:], uint64(size))
}

func (p *put) locator(at, size int, large bool) {
	if large {
		p.u32(-1<<31 | 1<<24 | 20)
		p.u64(uint64(size))
		p.u64(uint64(at))
		return
	}
	p.u32(size)
	p.u64(uint64(at))
}

func (m *made) schema(p *put, from, to [3]int) {
	p.frame(to[0]-from[0], 0, func() {
		for i := from[0]; i < to[0]; i++ {
			f := m.fields[i]
			p.frame(-1, m.more, func() {
				p.u32(0)
				p.u32(0)
				p.u32(f.parent)
				p.u16(uint16(f.role))
				flags := 0
				if f.repeats > 0 {
					flags |= 1
				}
				if f.source > 0 {
					flags |= 2
				}
				p.u16(uint16(flags))
				p.text(f.name)
				p.text(f.typeName)
				p.text("")
				p.text(f.title)
				if f.repeats > 0 {
					p.u64(uint64(f.repeats))
				}
				if f.source > 0 {
					p.u32(f.source - 1)
				}
			})
		}
	})
	p.frame(to[1]-from[1], 0, func() {
		for i := from[1]; i < to[1]; i++ {
			c := m.columns[i]
			p.frame(-1, m.more, func() {
				p.u16(uint16(c.kind))
				p.u16(uint16(c.width))
				p.u32(c.field)
				flags := 0
				if c.first != 0 {
					flags |= 1
				}
				if c.low != c.high {
					flags |= 2
				}
				p.u16(uint16(flags))
				p.u16(uint16(c.version))
				if c.first != 0 {
					p.u64(uint64(c.first))
				}
				if c.low != c.high {
					p.u64(math.Float64bits(c.low))
					p.u64(math.Float64bits(c.high))
				}
			})
		}
	})
	p.frame(to[2]-from[2], 0, func() {
		for i := from[2]; i < to[2]; i++ {
			p.frame(-1, m.more, func() {
				p.u32(m.aliases[i][0])
				p.u32(m.aliases[i][1])
			})
		}
	})
	p.frame(0, 0, func() {})
}

func envelope(kind int, payload []byte) []byte {
	p := new(put)
	p.u64(uint64(kind) | uint64(len(payload)+16)<<16)
	p.b = append(p.b, payload...)
	p.u64(rntuple.XXH3(p.b))
	return p.b
}

// pack packs bytes as ROOT does, unless that is no shorter.
func (m *made) pack(t testing.TB, raw []byte) []byte {
	t.Helper()
	head, packed := "ZL\x08", new(bytes.Buffer)
	switch m.codec {
	case "":
		return raw
	case "zlib":
		w := zlib.NewWriter(packed)
		if _, err := w.Write(raw); err != nil {
			t.Fatal(err)
		}
		w.Close()
	case "zstd":
		head = "ZS\x01"
		w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest))
		if err != nil {
			t.Fatal(err)
		}
		packed.Write(w.EncodeAll(raw, nil))
		w.Close()
	}
	n := packed.Len()
	if n+9 >= len(raw) {
		return raw
	}
	out := append([]byte(head), byte(n), byte(n>>8), byte(n>>16), byte(len(raw)), byte(len(raw)>>8), byte(len(raw)>>16))
	return append(out, packed.Bytes()...)
}

// parts are the envelopes of an RNTuple, not packed, and its pages, which lie from a place of the file on.
type parts struct {
	header, footer []byte
	lists          [][]byte
	pages          []byte
}

// parts lays an RNTuple out whose pages begin at base, and its lists of pages behind them.
func (m *made) parts(t testing.TB, base int) (p parts, lists []int) {
	t.Helper()
	whole := [3]int{len(m.fields), len(m.columns), len(m.aliases)}
	late := m.late
	if late == [3]int{} {
		late = whole
	}
	h := new(put)
	m.putFlags(h)
	h.text(m.name)
	h.text("made by hand")
	h.text("the tests")
	m.schema(h, [3]int{}, late)
	p.header = envelope(1, h.b)
	sum := binary.LittleEndian.Uint64(p.header[len(p.header)-8:])

	first := 0
	for _, group := range m.groups {
		l := new(put)
		l.u64(sum)
		begin := first
		l.frame(len(group), 0, func() {
			for _, c := range group {
				l.frame(-1, m.more, func() {
					l.u64(uint64(first))
					l.u64(uint64(c.events) | c.flags<<56)
				})
				first += c.events
			}
		})
		l.frame(len(group), 0, func() {
			for _, c := range group {
				count := c.count
				if count == 0 {
					count = len(m.columns)
				}
				l.frame(count, 0, func() {
					for k := range count {
						pages, ok := c.pages[k]
						l.frame(len(pages), 0, func() {
							for _, page := range pages {
								packed := m.pack(t, page.raw)
								n := page.n
								if !m.unsafe {
									n = -n
								}
								l.u32(n)
								l.locator(base+len(p.pages), len(packed), m.large)
								p.pages = append(p.pages, packed...)
								if !m.unsafe {
									p.pages = binary.LittleEndian.AppendUint64(p.pages, rntuple.XXH3(packed))
								}
							}
							if ok {
								l.u64(uint64(begin))
								l.u32(505)
							} else {
								l.u64(1 << 63)
							}
						})
					}
				})
			}
		})
		p.lists = append(p.lists, envelope(3, l.b))
	}
	p.pages = append(p.pages, make([]byte, max(0, m.room-len(p.pages)))...)
	f := new(put)
	m.putFlags(f)
	f.u64(sum)
	f.frame(-1, 0, func() { m.schema(f, late, whole) })
	at := base + len(p.pages)
	begin := 0
	f.frame(len(m.groups), 0, func() {
		for i, group := range m.groups {
			f.frame(-1, m.more, func() {
				events := 0
				for _, c := range group {
					events += c.events
				}
				f.u64(uint64(begin))
				f.u64(uint64(events))
				f.u32(len(group))
				f.u64(uint64(len(p.lists[i])))
				packed := m.pack(t, p.lists[i])
				f.locator(at, len(packed), m.large)
				lists = append(lists, at)
				at += len(packed)
				begin += events
			})
		}
	})
	f.frame(0, 0, func() {}) // attributes, of version 1.0.1.0
	p.footer = envelope(2, f.b)
	return p, lists
}

func (m *made) putFlags(p *put) {
	if m.flags == nil {
		p.u64(0)
	}
	for _, word := range m.flags {
		p.u64(word)
	}
}

// big builds big-endian bytes, as the objects and records of ROOT are.
type big struct{ b []byte }

func (p *big) u8(v int)  { p.b = append(p.b, byte(v)) }
func (p *big) u16(v int) { p.b = binary.BigEndian.AppendUint16(p.b, uint16(v)) }
func (p *big) u32(v int) { p.b = binary.BigEndian.AppendUint32(p.b, uint32(v)) }
func (p *big) u64(v int) { p.b = binary.BigEndian.AppendUint64(p.b, uint64(v)) }
func (p *big) text(s string) {
	p.u8(len(s))
	p.b = append(p.b, s...)
}

func headLength(class, name string) int { return 26 + 1 + len(class) + 1 + len(name) + 1 }

func (p *big) key(at, size int, class, name string) {
	head := headLength(class, name)
	p.u32(head + size)
	p.u16(4)
	p.u32(size)
	p.u32(0x7e5a6b7c) // a date
	p.u16(head)
	p.u16(1)
	p.u32(at)
	p.u32(100)
	p.text(class)
	p.text(name)
	p.text("")
}

// anchor is the object that says where header and footer lie.
func anchor(version uint16, words ...int) []byte {
	p := new(big)
	p.u32(1<<30 | (2 + 8 + 8*len(words)))
	p.u16(2)
	for _, v := range []int{int(version), 0, 1, 0} {
		p.u16(v)
	}
	for _, w := range words {
		p.u64(w)
	}
	p.u64(int(rntuple.XXH3(p.b[6:])))
	return p.b
}

// file is a whole ROOT file with the RNTuples.
func file(t testing.TB, all ...*made) []byte {
	t.Helper()
	const name = "made.root"
	top := new(big)
	top.key(100, 0, "TFile", name)
	named := headLength("TFile", name) + 1 + len(name) + 1
	const folder = 2 + 8 + 8 + 12
	top = new(big)
	top.key(100, named-headLength("TFile", name)+folder+18, "TFile", name)
	top.text(name)
	top.text("")
	body := make([]byte, 100+len(top.b)+folder+18)
	list := new(big)
	list.u32(len(all))
	for _, m := range all {
		p, lists := m.parts(t, len(body))
		body = append(body, p.pages...)
		for i, l := range p.lists {
			if len(body) != lists[i] {
				t.Fatalf("a list of pages at %d and not %d", len(body), lists[i])
			}
			body = append(body, m.pack(t, l)...)
		}
		header, footer := m.pack(t, p.header), m.pack(t, p.footer)
		at := len(body)
		body = append(append(body, header...), footer...)
		version := m.version
		if version == 0 {
			version = 1
		}
		a := anchor(version, at, len(header), len(p.header), at+len(header), len(footer), len(p.footer), 1<<30)
		k := new(big)
		k.key(len(body), len(a), "ROOT::RNTuple", m.name)
		list.b = append(list.b, k.b...)
		body = append(append(body, k.b...), a...)
	}
	keys := len(body)
	k := new(big)
	k.key(keys, len(list.b), "TFile", name)
	body = append(append(body, k.b...), list.b...)
	d := new(big)
	d.u16(5)
	d.u64(0)
	d.u32(len(k.b) + len(list.b))
	d.u32(named)
	d.u32(100)
	d.u32(0)
	d.u32(keys)
	copy(body[100:], append(top.b, d.b...))
	h := new(big)
	h.b = append(h.b, "root"...)
	for _, v := range []int{63600, 100, len(body), 0, 0, 0, named} {
		h.u32(v)
	}
	h.u8(4)
	for range 3 {
		h.u32(0)
	}
	copy(body, h.b)
	return body
}

func f32(x float32) uint64 { return uint64(math.Float32bits(x)) }
func f64(x float64) uint64 { return math.Float64bits(x) }

// half is a float of 16 bits that holds x exactly.
func half(x float32) uint64 {
	b := math.Float32bits(x)
	if b<<1 == 0 {
		return uint64(b >> 16)
	}
	e := int(b>>23&255) - 112
	if e <= 0 || e > 30 || bits.TrailingZeros32(b) < 13 {
		panic("no such half")
	}
	return uint64(b>>31<<15 | uint32(e)<<10 | b>>13&1023)
}
