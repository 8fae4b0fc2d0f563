package codec

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
)

// events is the text that ofBrotli holds, packed by github.com/andybalholm/brotli v1.3.0: no module that packs it is needed here.
var (
	events   = bytes.Repeat([]byte("events of 1, 2 and 3 jets; "), 300)
	ofBrotli = "1ba31f0004ea64a9deba82a8658222bc1c049fdfb2b2566d8b1bdc884fc20d5d0024dbaf8201"
)

// pack packs text by every codec, but by Brotli nothing but events.
func pack(t testing.TB, text []byte) map[Codec][]byte {
	t.Helper()
	all := map[Codec][]byte{None: text, Snappy: snappy.Encode(nil, text)}
	if bytes.Equal(text, events) {
		all[Brotli], _ = hex.DecodeString(ofBrotli)
	}
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	all[Zstd] = z.EncodeAll(text, nil)
	block := make([]byte, lz4.CompressBlockBound(len(text)))
	n, err := lz4.CompressBlock(text, block, nil)
	if err != nil {
		t.Fatal(err)
	}
	all[LZ4] = block[:n]
	for c, open := range map[Codec]func(io.Writer) (io.WriteCloser, error){
		Zlib:    func(w io.Writer) (io.WriteCloser, error) { return zlib.NewWriter(w), nil },
		Gzip:    func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil },
		Deflate: func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, 6) },
		XZ:      func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w) },
	} {
		var out bytes.Buffer
		w, err := open(&out)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		all[c] = out.Bytes()
	}
	return all
}

// Every codec unpacks what was packed, into the room that there is and nothing beyond it, also after one that failed.
func TestCodecs(t *testing.T) {
	text := events
	packed := pack(t, text)
	if len(packed) != int(Deflate)+1 {
		t.Fatalf("%d codecs are tested", len(packed))
	}
	for c, src := range packed {
		var u Unpacker
		for range 2 {
			room := append(make([]byte, len(text)), "untouched"...)
			if err := u.Fill(c, room[:len(text)], src); err != nil || !bytes.Equal(room[:len(text)], text) || string(room[len(text):]) != "untouched" {
				t.Fatalf("%s: %v", c, err)
			}
			longer := make([]byte, len(text)+100)
			if n, err := u.Unpack(c, longer, src); err != nil || n != len(text) {
				t.Errorf("%s: %d bytes, %v", c, n, err)
			}
			if err := u.Fill(c, longer, src); !errors.Is(err, ErrSize) {
				t.Errorf("%s fills more than it holds: %v", c, err)
			}
			for _, short := range []int{0, 1, len(text) - 1} {
				if n, err := u.Unpack(c, room[:short:short], src); err == nil {
					t.Errorf("%s: %d bytes into a room of %d", c, n, short)
				}
			}
			if string(room[len(text):]) != "untouched" {
				t.Errorf("%s wrote beyond its room", c)
			}
			if err := u.Fill(c, room[:len(text)], src[:len(src)/2]); err == nil {
				t.Errorf("%s: half of it passed", c)
			}
		}
	}
}

// table is what testdata/table.br holds, packed by github.com/andybalholm/brotli v1.3.0 at quality 11: words of the format's own
// dictionary, and numbers.
func table() []byte {
	text := []byte("The time of flight of the particles, and the energy of the jets: there are some missing values.\n")
	for i := range 400 {
		text = fmt.Appendf(text, "%d,%g\n", i, math.Sqrt(float64(i)))
	}
	return text
}

// Brotli has no checksum, but its end is known: bytes behind it, as those that lack, are damage.
func TestBrotli(t *testing.T) {
	packed, err := os.ReadFile("testdata/table.br")
	if err != nil {
		t.Fatal(err)
	}
	want := table()
	room := make([]byte, len(want))
	var u Unpacker
	for range 2 {
		if err := u.Fill(Brotli, room, packed); err != nil || !bytes.Equal(room, want) {
			t.Errorf("%v: %.80q", err, room)
		}
		clear(room)
		if err := u.Fill(Brotli, room, append(bytes.Clone(packed), 0)); err == nil {
			t.Error("a byte behind the end passed")
		}
		for n := range packed {
			if err := u.Fill(Brotli, room, packed[:n]); err == nil {
				t.Fatalf("%d of %d bytes passed", n, len(packed))
			}
		}
	}
}

// Checksums are compared.
func TestDamageIsSeen(t *testing.T) {
	text := make([]byte, 3000) // noise, which is stored as it is
	r := rand.New(rand.NewPCG(1, 2))
	for i := range text {
		text[i] = byte(r.Uint32())
	}
	packed := pack(t, text)
	for _, c := range []Codec{Zlib, Gzip, Zstd, XZ} {
		src := bytes.Clone(packed[c])
		src[len(src)/2] ^= 0x10
		var u Unpacker
		if err := u.Fill(c, make([]byte, len(text)), src); err == nil {
			t.Errorf("%s: a damaged byte passed", c)
		}
	}
}

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
func TestFramesBeyondTheRoom(t *testing.T) {
	sized := []byte{0x28, 0xb5, 0x2f, 0xfd, 1 << 5, 32, 3, 1, 0, 'a'} // 32 bytes, and says so
	var u Unpacker
	dst := make([]byte, 32)
	if err := u.Fill(Zstd, dst, sized); err != nil || !bytes.Equal(dst, bytes.Repeat([]byte("a"), 32)) {
		t.Fatalf("%q, %v", dst, err)
	}
	if half := []byte{0x28, 0xb5, 0x2f, 0xfd, 1 << 5, 16, 1<<7 | 3, 0, 0, 'a'}; u.Fill(Zstd, dst, append(half, half...)) != nil {
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
		err := u.Fill(Zstd, dst, page)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrSize) {
			t.Errorf("%s: %v", name, err)
		}
		// One block of 128 KiB may be unpacked before its length is compared, and its room be rounded up.
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
			t.Errorf("%s: %d bytes made for a page of %d that claims 32", name, used, len(page))
		}
	}
}

// Whatever is unpacked, nothing is written beyond the room.
func FuzzUnpack(f *testing.F) {
	for c, src := range pack(f, events) {
		f.Add(byte(c), src)
	}
	if src, err := os.ReadFile("testdata/table.br"); err == nil {
		f.Add(byte(Brotli), src)
	}
	f.Fuzz(func(t *testing.T, c byte, src []byte) {
		var u Unpacker
		const size = 5000
		room := append(make([]byte, size), "untouched"...)
		defer func() {
			if recover() != nil { // a codec's own panic, which Crew turns into an error
				return
			}
			if string(room[size:]) != "untouched" {
				t.Error("beyond the room")
			}
		}()
		if n, err := u.Unpack(Codec(c)%(XZ+1), room[:size], src); err == nil && n > size {
			t.Errorf("%d bytes", n)
		}
	})
}
