package root

import "encoding/binary"

// put builds a record of big-endian bytes, the counterpart of cursor.
type put struct {
	b       []byte
	origin  int               // the length of the record's key, from which references count
	classes map[string]uint32 // the tags of the classes named so far
}

// add writes values: numbers of a size, of which an int is one of 32 bits, and texts behind their lengths.
func (p *put) add(values ...any) {
	for _, v := range values {
		switch v := v.(type) {
		case int:
			p.b = binary.BigEndian.AppendUint32(p.b, uint32(v))
		case string:
			p.text(v)
		default:
			p.b, _ = binary.Append(p.b, binary.BigEndian, v) // all have a size
		}
	}
}

func (p *put) text(s string) {
	if len(s) < 255 {
		p.b = append(p.b, uint8(len(s)))
	} else {
		p.add(uint8(255), len(s))
	}
	p.b = append(p.b, s...)
}

// object writes a streamed object of a version, whose values write adds.
func (p *put) object(version uint16, write func()) {
	at := len(p.b)
	p.add(0, version)
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
	p.add(0)
	if tag, named := p.classes[class]; named {
		p.add(tag | classBit)
	} else {
		p.classes[class] = uint32(len(p.b) + p.origin + mapOffset)
		p.add(newClass)
		p.b = append(append(p.b, class...), 0)
	}
	write()
	p.count(at)
	return uint32(at + p.origin + mapOffset)
}

// base writes a TObject: on the heap, not deleted.
func (p *put) base() { p.add(uint16(1), 0, 0x03000000) }

func (p *put) named(name, title string) {
	p.object(1, func() {
		p.base()
		p.add(name, title)
	})
}

// array writes a TObjArray of n objects.
func (p *put) array(n int, write func(i int)) {
	p.object(3, func() {
		p.base()
		p.add("", n, 0)
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
	const version, cycle uint16 = 1004, 1
	p.add(k.length, version, k.size, date, uint16(k.head), cycle, k.at, int64(fileBegin), k.class, k.name, k.title)
}

// sealed is an object behind its key, which it completes.
func (k *key) sealed(object []byte) []byte {
	k.head = headLength(k.class, k.name, k.title)
	k.length = k.head + len(object)
	p := new(put)
	p.key(*k)
	return append(p.b, object...)
}
