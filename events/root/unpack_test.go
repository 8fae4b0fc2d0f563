package root

import (
	"runtime"
	"slices"
	"testing"
)

// A block of a kilobyte takes no more memory than it claims, whatever its frames hold.
func TestFramesBeyondTheBlock(t *testing.T) {
	sized := []byte{0x28, 0xb5, 0x2f, 0xfd, 1 << 5, 32, 3, 1, 0, 'a'} // 32 bytes, and says so (RFC 8878)
	zeros := []byte{0x28, 0xb5, 0x2f, 0xfd, 0, 7 << 3}                // no size, and 256 blocks of 128 KiB of zeros
	for range 255 {
		zeros = append(zeros, 2, 0, 16, 0)
	}
	zeros = append(zeros, 3, 0, 16, 0)
	var d decoder
	dst := make([]byte, 32)
	if err := d.unpackZstd(dst, sized); err != nil || dst[31] != 'a' {
		t.Fatalf("%q, %v", dst, err)
	}
	for name, block := range map[string][]byte{"a second frame": slices.Concat(sized, zeros), "a frame without size": zeros} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := d.unpackZstd(dst, block)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		// One block of 128 KiB may be unpacked before its length is compared, and its room be rounded up.
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
			t.Errorf("%s: %d bytes made for a block of %d that claims 32", name, used, len(block))
		}
	}
}
