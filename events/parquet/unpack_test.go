package parquet

import (
	"bytes"
	"errors"
	"runtime"
	"testing"

	"github.com/parquet-go/parquet-go/format"
)

// zeros is a zstd frame (RFC 8878) of n blocks of 128 KiB of zeros, 4 bytes each; it does not state its size.
func zeros(n int) []byte {
	frame := []byte{0x28, 0xb5, 0x2f, 0xfd, 0, 7 << 3} // a window of 128 KiB
	for k := range n {
		const runLength = 1
		head := runLength<<1 | 1<<17<<3
		if k == n-1 {
			head |= 1
		}
		frame = append(frame, byte(head), byte(head>>8), byte(head>>16), 0)
	}
	return frame
}

// A page of a kilobyte takes no more memory than it claims, whatever its frames hold.
func TestFramesBeyondThePage(t *testing.T) {
	sized := []byte{0x28, 0xb5, 0x2f, 0xfd, 1 << 5, 32, 3, 1, 0, 'a'} // 32 bytes, and says so
	w := &worker{}
	defer w.close()
	dst := make([]byte, 32)
	if err := w.unpack(dst, sized, format.Zstd); err != nil || !bytes.Equal(dst, bytes.Repeat([]byte("a"), 32)) {
		t.Fatalf("%q, %v", dst, err)
	}
	if half := []byte{0x28, 0xb5, 0x2f, 0xfd, 1 << 5, 16, 1<<7 | 3, 0, 0, 'a'}; w.unpack(dst, append(half, half...), format.Zstd) != nil {
		t.Error("two frames that fill the page together are refused")
	}
	for name, page := range map[string][]byte{
		"a second frame":        append(sized, zeros(256)...),
		"a frame without size":  zeros(256),
		"many frames":           append(sized, bytes.Repeat(zeros(2), 100)...),
		"a second of that size": append(sized, sized...),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := w.unpack(dst, page, format.Zstd)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, errSize) {
			t.Errorf("%s: %v", name, err)
		}
		// One block of 128 KiB may be unpacked before its length is compared, and its room be rounded up.
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
			t.Errorf("%s: %d bytes made for a page of %d that claims 32", name, used, len(page))
		}
	}
}
