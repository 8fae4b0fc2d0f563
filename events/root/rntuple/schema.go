package rntuple

// node is a field as it is described: a value, or what holds other fields.
type node struct {
	name, typeName, title string
	parent                uint32
	role                  uint16
	projected             bool
	repeats               uint64 // of a field of fixed length; 0: it is none
	children              []int
	columns               [][]int // of each representation the columns
}

// The roles of fields.
const (
	roleLeaf = iota
	roleCollection
	roleRecord
	roleVariant
	roleStreamer
)

// physical is a column whose values are in pages.
type physical struct {
	encoding
	kind     uint16
	bits     int // of a value in a page
	field    uint32
	version  uint16 // which of the representations of the field it belongs to
	deferred bool   // it was added late: what lacks at the beginning is 0
	hidden   bool   // and it has no values up to the cluster in which it was added
	low      float64
	high     float64
}

// schema is the fields and columns of header and footer.
type schema struct {
	nodes   []node
	columns []physical
	top     []int
}

// flags reads feature flags, of which each word but the last has its highest bit set.
func (c *cursor) flags() {
	known := map[int]string{0: " (nested deferred columns)"}
	for at := 0; ; at += 63 {
		word := c.u64()
		for bit := range 63 {
			if word>>bit&1 != 0 {
				c.fail("needs feature %d of the format%s, which is not known here", at+bit, known[at+bit])
				return
			}
		}
		if word>>63 == 0 {
			return
		}
	}
}

// add reads a description of fields and columns, that of the header or what the footer adds.
func (s *schema) add(c *cursor) {
	const frame = 8
	in, n := c.list(frame)
	for range n {
		f := in.record()
		s.node(&f)
	}
	in, n = c.list(frame)
	for range n {
		f := in.record()
		s.column(&f)
	}
	in, n = c.list(frame)
	for range n { // columns of projected fields
		f := in.record()
		of, field := f.u32(), f.u32()
		switch {
		case c.err != nil:
		case int(of) >= len(s.columns) || int(field) >= len(s.nodes):
			c.fail("has a column of column %d for field %d, which is not there", of, field)
		default:
			s.attach(c, int(of), field)
		}
	}
	c.list(frame) // how ROOT's classes are laid out
}

func (s *schema) node(f *cursor) {
	const repetitive, projected = 1, 2
	var n node
	f.take(2 * 4) // versions
	n.parent = f.u32()
	n.role = f.u16()
	flags := f.u16()
	n.name, n.typeName = f.text(), f.text()
	f.text() // the type as the program spells it
	n.title = f.text()
	if flags&repetitive != 0 {
		if n.repeats = f.u64(); n.repeats == 0 {
			f.fail("has field %q of 0 values", n.name)
		}
	}
	n.projected = flags&projected != 0
	s.nodes = append(s.nodes, n)
}

func (s *schema) column(f *cursor) {
	const deferred, ranged = 1, 2
	var p physical
	p.kind = f.u16()
	p.bits = int(f.u16())
	p.field = f.u32()
	flags := f.u16()
	p.version = f.u16()
	if p.deferred = flags&deferred != 0; p.deferred {
		p.hidden = f.i64() < 0
	}
	if flags&ranged != 0 {
		p.low, p.high = f.f64(), f.f64()
	}
	if f.err == nil && int(p.field) >= len(s.nodes) {
		f.fail("has a column of field %d, which is not there", p.field)
	}
	if f.err != nil {
		return
	}
	p.encoding = encodingOf(&p, s.nodes[p.field].typeName)
	s.columns = append(s.columns, p)
	s.attach(f, len(s.columns)-1, p.field)
}

// attach adds a column to the representation of a field that it belongs to.
func (s *schema) attach(c *cursor, column int, field uint32) {
	n, index := &s.nodes[field], int(s.columns[column].version)
	if index > len(n.columns) {
		c.fail("has field %q without representation %d of its values", n.name, len(n.columns))
		return
	}
	if index == len(n.columns) {
		n.columns = append(n.columns, nil)
	}
	n.columns[index] = append(n.columns[index], column)
}

// link makes the tree of fields. The highest are their own parents.
func (s *schema) link(c *cursor) {
	for i := range s.nodes {
		switch p := int(s.nodes[i].parent); {
		case p == i:
			s.top = append(s.top, i)
		case p >= len(s.nodes):
			c.fail("has field %q in field %d, which is not there", s.nodes[i].name, p)
			return
		default:
			s.nodes[p].children = append(s.nodes[p].children, i)
		}
	}
}
