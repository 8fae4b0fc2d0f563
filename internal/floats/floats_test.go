package floats

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"slices"
	"testing"
)

func TestNumbersComeBackBitByBit(t *testing.T) {
	for _, n := range []int{0, 1, 7, block - 1, block, block + 1, 3*block + 5} {
		x := make([]float32, n)
		for i := range x {
			x[i] = math.Float32frombits(uint32(i) * 0x9E3779B9) // NaN with a payload, infinities, subnormal numbers among them
		}
		var b bytes.Buffer
		if err := Write(&b, x); err != nil || b.Len() != 4*n {
			t.Fatalf("%d numbers in %d bytes: %v", n, b.Len(), err)
		}
		text := b.Bytes()
		y := make([]float32, n)
		if err := Read(bytes.NewReader(text), y); err != nil {
			t.Fatal(err)
		}
		for i := range x {
			if math.Float32bits(x[i]) != math.Float32bits(y[i]) {
				t.Fatalf("number %d of %d: %x became %x", i, n, math.Float32bits(x[i]), math.Float32bits(y[i]))
			}
		}
		if n > 0 {
			if err := Read(bytes.NewReader(text[:len(text)-1]), y); err != io.ErrUnexpectedEOF && err != io.EOF {
				t.Errorf("%d numbers less a byte: %v", n, err)
			}
		}
	}
	var b bytes.Buffer
	if err := Write(&b, []float32{1}); err != nil || !bytes.Equal(b.Bytes(), []byte{0, 0, 0x80, 0x3f}) {
		t.Errorf("1 is % x", b.Bytes())
	}
}

// On either kind of machine the bytes are the same.
func TestOtherByteOrder(t *testing.T) {
	was := native
	defer func() { native = was }()
	native = !native
	x := []float32{1, -2.5}
	var b bytes.Buffer
	if err := Write(&b, x); err != nil {
		t.Fatal(err)
	}
	turned := b.Bytes()
	if n := math.Float32frombits(binary.NativeEndian.Uint32([]byte{turned[3], turned[2], turned[1], turned[0]})); n != 1 {
		t.Errorf("%v: %v", turned, n)
	}
	back := make([]float32, 2)
	if err := Read(bytes.NewReader(turned), back); err != nil || !slices.Equal(back, x) {
		t.Errorf("%v, %v", back, err)
	}
}
