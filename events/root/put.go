package root

import "encoding/binary"

// put builds a record of big-endian bytes, the counterpart of cursor.
type put struct {
	b       []byte
	origin  int               // the length of the record's key, from which references count
	classes map[string]uint32 // the tags of the classes named so far
}

func (p *put) u8(v uint8)     { p.b = append(p.b, v) }
func (p *put) u32(v uint32)   { p.b = binary.BigEndian.AppendUint32(p.b, v) }
func (p *put) zeros(n int)    { p.b = append(p.b, make([]byte, n)...) }
func (p *put) bytes(b []byte) { p.b = append(p.b, b...) }

func (p *put) u16(all ...uint16) {
	for _, v := range all {
		p.b = binary.BigEndian.AppendUint16(p.b, v)
	}
}

func (p *put) i32(all ...int) {
	for _, v := range all {
		p.u32(uint32(v))
	}
}

func (p *put) i64(all ...int64) {
	for _, v := range all {
		p.b = binary.BigEndian.AppendUint64(p.b, uint64(v))
	}
}

func (p *put) text(s string) {
	if len(s) < 255 {
		p.u8(uint8(len(s)))
	} else {
		p.u8(255)
		p.i32(len(s))
	}
	p.b = append(p.b, s...)
}

// object writes a streamed object of a version, whose values write adds.
func (p *put) object(version uint16, write func()) {
	at := len(p.b)
	p.u32(0)
	p.u16(version)
	write()
	p.count(at)
}

// count fills in the length of what follows it.
func (p *put) count(at int) {
	binary.BigEndian.PutUint32(p.b[at:], uint32(len(p.b)-at-4)|byteCountBit)
}

// pointer writes a new object and returns its reference.
func (p *put) pointer(class string, write func()) (reference uint32) {
	at := len(p.b)
	p.u32(0)
	if tag, named := p.classes[class]; named {
		p.u32(tag | classBit)
	} else {
		p.classes[class] = uint32(len(p.b) + p.origin + mapOffset)
		p.u32(newClass)
		p.b = append(append(p.b, class...), 0)
	}
	write()
	p.count(at)
	return uint32(at + p.origin + mapOffset)
}

// base writes a TObject: on the heap, not deleted.
func (p *put) base() {
	p.u16(1)
	p.i32(0, 0x03000000)
}

func (p *put) named(name, title string) {
	p.object(1, func() {
		p.base()
		p.text(name)
		p.text(title)
	})
}

// array writes a TObjArray of n objects.
func (p *put) array(n int, write func(i int)) {
	p.object(3, func() {
		p.base()
		p.text("")
		p.i32(n, 0)
		for i := range n {
			write(i)
		}
	})
}

// date is 1 January 1995, the first that ROOT can write: the same events make
// the same file.
const date = 1<<22 | 1<<17

// headLength is the length of a key (see put.key) with these names.
func headLength(class, name, title string) int {
	p := new(put)
	p.key(key{class: class, name: name, title: title})
	return len(p.b)
}

// key writes the head of a record in the form for files of any length.
func (p *put) key(k key) {
	p.i32(k.length)
	p.u16(1004)
	p.i32(k.size, date)
	p.u16(uint16(k.head), 1) // its length, cycle
	p.i64(k.at, fileBegin)
	for _, s := range []string{k.class, k.name, k.title} {
		p.text(s)
	}
}

// sealed is an object behind its key, which it completes.
func (k *key) sealed(object []byte) []byte {
	k.head = headLength(k.class, k.name, k.title)
	k.length = k.head + len(object)
	p := new(put)
	p.key(*k)
	return append(p.b, object...)
}
