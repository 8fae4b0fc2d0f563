package root

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/sluice-hep/sluice/events/column"
)

// each runs tasks on all cores and returns the error of the first that failed.
func (r *Reader) each(todo []func(*worker) error) error {
	errs := make([]error, len(todo))
	var next atomic.Int64
	work := func() {
		w := r.workers.Get().(*worker)
		defer r.workers.Put(w)
		for {
			i := int(next.Add(1)) - 1
			if i >= len(todo) {
				return
			}
			errs[i] = safely(todo[i], w)
		}
	}
	var wait sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(todo)) - 1 {
		wait.Go(work)
	}
	work()
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// safely turns a panic, which would be one of a codec over damaged bytes, into
// an error.
func safely(task func(*worker) error, w *worker) (err error) {
	defer func() {
		if p := recover(); p != nil {
			*w = worker{}
			err = fmt.Errorf("damaged data: %v", p)
		}
	}()
	return task(w)
}

// fill decodes the events [first, last) of a basket into c.
func (f *field) fill(c *column.Column, v values, first, last int64, k *basket) error {
	skip, n := int(first-k.first), int(last-first)
	switch {
	case f.code == 's':
		return f.texts(c.Str, v, skip, int(k.end-k.first))
	case f.jagged:
		return f.elements(c, v, skip)
	}
	if want := (k.end - k.first) * int64(f.stride); want != int64(len(v.bytes)) {
		return fmt.Errorf("the basket of events %d to %d holds %d bytes and not %d", k.first+1, k.end, len(v.bytes), want)
	}
	if i := f.decode(c, v.bytes[skip*f.stride+f.offset:], f.stride, n); i >= 0 {
		raw := v.bytes[(skip+i)*f.stride+f.offset:]
		return &column.Contradiction{Place: fmt.Sprintf("row %d: ", first+int64(i)+1), Column: f.name,
			Value: strconv.FormatUint(binary.BigEndian.Uint64(raw), 10), Why: "is beyond int64", Want: column.Float64}
	}
	return nil
}

var errText = errors.New("a text is longer than its basket")

// texts decodes strings: the length in a byte, or 255 and four, then the bytes.
func (f *field) texts(dst []string, v values, skip, count int) error {
	c := cursor{buf: v.bytes}
	for i := range skip + len(dst) {
		if len(v.offsets) > 0 {
			b := v.entry(int64(i))
			if i < skip {
				continue
			}
			c = cursor{buf: b}
			if len(b) == 0 { // how some versions keep an empty text
				continue
			}
		}
		s := c.text()
		if c.err != nil {
			return errText
		}
		if i >= skip {
			dst[i-skip] = s
		}
	}
	if len(v.offsets) == 0 && skip+len(dst) == count && c.pos != len(v.bytes) {
		return errors.New("a basket holds more than its texts")
	}
	return nil
}

// many is the values of an entry.
func (f *field) many(v values, i int64) ([]byte, error) {
	b := v.entry(i)
	if len(b) >= f.head {
		b = b[f.head:]
	} else if len(b) > 0 {
		return nil, errParts
	}
	if len(b)%f.size != 0 {
		return nil, errParts
	}
	return b, nil
}

var errParts = errors.New("an event ends in the middle of a value")

// elements decodes one value of each entry; NaN where there is none.
func (f *field) elements(c *column.Column, v values, skip int) error {
	for i := range c.Len() {
		b, err := f.many(v, int64(skip+i))
		if err != nil {
			return err
		}
		x := math.NaN()
		if len(b)/f.size > f.element {
			x = f.value(b[f.element*f.size:])
		}
		if c.Type == column.Float32 {
			c.F32[i] = float32(x)
		} else {
			c.F64[i] = x
		}
	}
	return nil
}

// value decodes one number.
func (n number) value(b []byte) float64 {
	switch {
	case n.code == 'f' && n.size == 4:
		return float64(math.Float32frombits(binary.BigEndian.Uint32(b)))
	case n.code == 't':
		return float64(truncated(b, n.bits))
	case n.code == 'u' && n.size == 8, n.code == 'f', n.code == 'r':
		var one [1]float64
		n.float64s(one[:], b, 0)
		return one[0]
	}
	var one [1]int64
	n.int64s(one[:], b, 0)
	return float64(one[0])
}
