package parquet

// The records of a file, as far as they are of use here, by the numbers of
// github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift.

// metadata is what lies at the end of a file.
type metadata struct {
	version   int32
	schema    []element // depth first
	rows      int64
	groups    []group
	pairs     []pair
	createdBy string
	orders    []order // of each leaf
	encrypted *empty
}

func (m *metadata) fields() []any {
	return []any{1: &m.version, many(&m.schema), &m.rows, many(&m.groups), many(&m.pairs), &m.createdBy, many(&m.orders), mayBe(&m.encrypted)}
}

// lookup is the value of a key, "" where there is none.
func (m *metadata) lookup(key string) string {
	for _, p := range m.pairs {
		if p.key == key {
			return p.value
		}
	}
	return ""
}

type empty struct{}

func (*empty) fields() []any { return nil }

type pair struct{ key, value string }

func (p *pair) fields() []any { return []any{1: &p.key, &p.value} }

// order is that of the values of a leaf.
type order struct{ ofType *empty }

func (o *order) fields() []any { return []any{1: mayBe(&o.ofType)} }

// element is a leaf, or a structure of the inner elements that follow it.
type element struct {
	physical   option[int32] // of a leaf
	length     option[int32] // bytes, where the type has none of its own
	repetition option[int32]
	name       string
	members    option[int32]
	converted  option[int32] // the old manner of logical
	scale      option[int32]
	logical    *logical
}

func (e *element) fields() []any {
	return []any{1: &e.physical, &e.length, &e.repetition, &e.name, &e.members, &e.converted, &e.scale, 10: mayBe(&e.logical)}
}

// The physical types.
const (
	boolean = iota
	int32s
	int64s
	int96
	float
	double
	byteArray
	fixedLenByteArray
)

// The repetitions.
const (
	required = iota
	optionally
	repeated
)

// The types of the old manner.
const (
	convertedUTF8    = 0
	convertedDecimal = 5
	convertedUint8   = 11
	convertedUint64  = 14
	convertedInt64   = 18
)

// logical is one of its members.
type logical struct {
	text    *empty
	decimal *decimal
	integer *integer
	half    *empty
}

func (l *logical) fields() []any {
	return []any{1: mayBe(&l.text), 5: mayBe(&l.decimal), 10: mayBe(&l.integer), 15: mayBe(&l.half)}
}

type decimal struct{ scale int32 }

func (d *decimal) fields() []any { return []any{1: &d.scale} }

type integer struct {
	bits   int8
	signed bool
}

func (i *integer) fields() []any { return []any{1: &i.bits, &i.signed} }

// group is a row group.
type group struct {
	columns                 []chunk // of each leaf
	bytes, rows, at, packed int64
}

func (g *group) fields() []any {
	return []any{1: many(&g.columns), &g.bytes, &g.rows, 5: &g.at, &g.packed}
}

// chunk is a column of a row group.
type chunk struct {
	fileOffset        int64 // of no use, and 0
	pages             chunkPages
	offsetIndex       option[int64]
	offsetIndexLength option[int32]
	columnIndex       option[int64]
	columnIndexLength option[int32]
}

func (c *chunk) fields() []any {
	return []any{2: &c.fileOffset, &c.pages, &c.offsetIndex, &c.offsetIndexLength, &c.columnIndex, &c.columnIndexLength}
}

// chunkPages says where the pages of a column chunk are, and what they hold.
type chunkPages struct {
	physical       int32
	encodings      []int32
	path           []string
	codec          int32
	values         int64
	unpacked, size int64 // bytes, with the headers of pages
	at             int64 // the first page of data
	dictionary     option[int64]
	statistics     statistics
}

func (c *chunkPages) fields() []any {
	return []any{1: &c.physical, &c.encodings, &c.path, &c.codec, &c.values, &c.unpacked, &c.size, 9: &c.at, 11: &c.dictionary, &c.statistics}
}

// statistics of a page or a column chunk; values are encoded plainly, and nil where they are not known.
type statistics struct {
	oldMax, oldMin []byte // in no stated order
	nulls          int64
	max, min       []byte
}

func (s *statistics) fields() []any {
	return []any{1: &s.oldMax, &s.oldMin, &s.nulls, 5: &s.max, &s.min}
}

// The kinds of pages.
const (
	dataPage       = 0
	dictionaryPage = 2
	dataPageV2     = 3
)

// pageHeader comes before a page.
type pageHeader struct {
	kind             int32
	unpacked, packed int32 // bytes
	sum              int32 // CRC-32 of the packed bytes; 0: none
	v1               dataHeader
	dictionary       dictionaryHeader
	v2               dataHeaderV2
}

func (h *pageHeader) fields() []any {
	return []any{1: &h.kind, &h.unpacked, &h.packed, &h.sum, &h.v1, 7: &h.dictionary, &h.v2}
}

// plainHeader is the header of a page of version 1.
type plainHeader struct{ pageHeader }

func (h *plainHeader) fields() []any { return h.pageHeader.fields()[:6] }

type dataHeader struct {
	values, encoding   int32
	levels, repetition int32 // encodings
	statistics         statistics
}

func (h *dataHeader) fields() []any {
	return []any{1: &h.values, &h.encoding, &h.levels, &h.repetition, &h.statistics}
}

type dictionaryHeader struct{ values int32 }

func (h *dictionaryHeader) fields() []any { return []any{1: &h.values} }

type dataHeaderV2 struct {
	values, encoding   int32
	levels, repetition int32 // bytes
	packed             bool  // it is, unless this is said
}

func (h *dataHeaderV2) fields() []any {
	return []any{1: &h.values, 4: &h.encoding, &h.levels, &h.repetition, &h.packed}
}

// The encodings of values.
const (
	plain           = 0
	plainDictionary = 2 // of files before version 2 of the format
	rle             = 3
	deltaBinary     = 5
	deltaLengths    = 6
	deltaTexts      = 7
	rleDictionary   = 8
	streamSplit     = 9
)

// columnIndex has the statistics of the pages of a chunk.
type columnIndex struct {
	allNull  []bool
	min, max [][]byte
	order    int32 // 0: none
	nulls    []int64
}

func (x *columnIndex) fields() []any { return []any{1: &x.allNull, &x.min, &x.max, &x.order, &x.nulls} }

// offsetIndex says where the pages of a chunk are.
type offsetIndex struct{ pages []pageAt }

func (x *offsetIndex) fields() []any { return []any{1: many(&x.pages)} }

type pageAt struct {
	at    int64
	bytes int32 // with the header
	row   int64 // the first, in its row group
}

func (p *pageAt) fields() []any { return []any{1: &p.at, &p.bytes, &p.row} }
