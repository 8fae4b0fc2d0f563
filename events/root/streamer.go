package root

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// element is a member of a class as it lies in files (TStreamerElement.h).
type element struct {
	name  string
	class string // of an object
	code  int    // of its type (TVirtualStreamerInfo.h, EReadWrite)
	span  span   // of a Double32_t or Float16_t
}

// layouts are the classes that a file describes (TStreamerInfo.h): their members, by name and version, and by name and
// checksum, which classes without a version go by.
type layouts map[string][]element

func byVersion(class string, version int) string { return fmt.Sprintf("%s;%d", class, version) }
func bySum(class string, sum uint32) string      { return fmt.Sprintf("%s#%08x", class, sum) }

// layouts reads what the file describes; classes whose description is damaged are missing.
func (f *file) layouts() layouts {
	all := make(layouts)
	b, err := f.bytes(f.info, f.infoLength)
	if err != nil || f.infoLength == 0 {
		return all
	}
	k := (&cursor{buf: b}).key()
	raw, err := f.record(&key{at: f.info, head: k.head, length: min(k.length, f.infoLength), size: k.size, packed: k.packed})
	if err != nil {
		return all
	}
	c := objectsIn(raw, k.head)
	c.object()
	c.base()
	c.text()
	for n := c.i32(); n > 0 && c.err == nil; n-- {
		c.pointer(func(class string) any {
			if class == "TStreamerInfo" {
				c.layout(all)
			}
			return nil
		})
		c.text() // an option
	}
	return all
}

// layout reads a TStreamerInfo.
func (c *cursor) layout(all layouts) {
	c.object()
	class, _ := c.named()
	sum, version := c.u32(), c.i32()
	c.pointer(func(string) any {
		var elements []element
		for _, e := range present(list(c, c.element)) {
			elements = append(elements, *e)
		}
		if c.err == nil {
			all[byVersion(class, version)], all[bySum(class, sum)] = elements, elements
		}
		return nil
	})
}

// element reads a TStreamerElement of any class.
func (c *cursor) element(class string) *element {
	c.object()
	if class == "TStreamerSTLstring" { // which is a TStreamerSTL
		c.object()
	}
	version, end := c.object()
	e := new(element)
	var title string
	e.name, title = c.named()
	e.code = c.i32()
	c.take(3 * 4) // size, length, dimensions
	if version > 1 {
		c.take(5 * 4)
	} else {
		integers[int32](c, c.i32())
	}
	e.class = c.text()
	e.span = spanIn(title)
	if version == 3 { // later ones have the range in the title alone
		low, _, factor := c.f64(), c.f64(), c.f64()
		e.span = span{low, factor}
	}
	c.leave(end)
	return e
}

// of is the member that a branch holds; nil where the file does not describe it.
func (l layouts) of(b *branch) *element {
	all, ok := l[bySum(b.class, b.checksum)]
	if !ok {
		all = l[byVersion(b.class, b.version)]
	}
	name, _, _ := strings.Cut(b.name[strings.LastIndexByte(strings.TrimSuffix(b.name, "."), '.')+1:], "[")
	if b.id >= 0 && b.id < len(all) && all[b.id].name == name {
		return &all[b.id]
	}
	for i := range all {
		if all[i].name == name {
			return &all[i]
		}
	}
	return nil
}

// extent passes the members of a TTree before its branches, as the file describes them, and returns the number of events and of
// their bytes.
func (c *cursor) extent(all []element) (events, bytes int64) {
	count := func(e *element, size int) int64 {
		if e.code == 8 {
			return int64(c.f64())
		}
		return int64(c.uint(size))
	}
	for _, e := range all {
		n, _ := plainType(strconv.Itoa(e.code))
		switch {
		case e.name == "fBranches":
			return events, bytes
		case e.name == "TObject":
			c.base()
		case e.code == 0 || e.code == 67: // a class that it builds on, such as TNamed
			c.skip()
		case e.name == "fEntries":
			events = count(&e, n.size)
		case e.name == "fTotBytes":
			bytes = count(&e, n.size)
		case n.size > 0:
			c.take(n.size)
		default:
			c.fail("a tree with %q, of the unknown type %d", e.name, e.code)
		}
	}
	c.fail("the file does not describe its version of TTree")
	return 0, 0
}

// span is how a Double32_t or Float16_t is stored (TStreamerElement.cxx, GetRange): as a whole number, which stands for
// low + stored/factor, or where factor is 0 as a float with so many bits of mantissa as low says; 0: with those of its type.
type span struct{ low, factor float64 }

// spanIn reads the range [low, high, bits] in the title of a member or a leaf, behind dimensions, as GetRange does: what
// is no number is 0.
func spanIn(title string) (s span) {
	_, rest, _ := strings.Cut(title, "[")
	inside, rest, closed := strings.Cut(rest, "]")
	if !strings.Contains(inside, ",") {
		_, rest, _ = strings.Cut(rest, "[")
		inside, _, closed = strings.Cut(rest, "]")
	}
	parts := strings.SplitN(inside, ",", 3)
	if !closed || len(parts) < 2 {
		return s
	}
	bits := 32
	if len(parts) > 2 {
		if b := leading(parts[2]); b >= 2 && b <= 32 {
			bits = int(b)
		}
	}
	low, high := bound(parts[0]), bound(parts[1])
	switch {
	case low < high:
		return span{low, float64(min(1<<bits, math.MaxUint32)) / (high - low)}
	case bits < 15:
		return span{float64(bits), 0}
	}
	return span{low, 0}
}

// number is how values are spelled; full is the bits of a Float16_t without a range, 0 for a Double32_t.
func (s span) number(full int) (n number, ok bool) {
	bits := int(s.low)
	if bits == 0 {
		bits = full
	}
	switch {
	case s.factor != 0:
		return number{ranged{s.factor, s.low}, 4}, true
	case bits == 0:
		return plainType("float")
	}
	return number{truncated{bits}, 3}, bits > 0 && bits < 16
}

// angles are the multiples of pi in ranges; the first that is there counts.
var angles = []struct {
	name  string
	value float64
}{{"2pi", 2 * math.Pi}, {"2*pi", 2 * math.Pi}, {"twopi", 2 * math.Pi}, {"pi/2", math.Pi / 2}, {"pi/4", math.Pi / 4}, {"pi", math.Pi}}

// bound reads an end of a range.
func bound(s string) float64 {
	s = strings.ToLower(strings.ReplaceAll(s, " ", ""))
	for _, a := range angles {
		if strings.Contains(s, a.name) {
			if strings.Contains(s, "-") {
				return -a.value
			}
			return a.value
		}
	}
	return leading(s)
}

// leading is the number that s begins with, or 0.
func leading(s string) (x float64) {
	fmt.Sscanf(s, "%g", &x)
	return x
}
