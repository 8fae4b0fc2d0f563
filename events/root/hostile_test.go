package root

import (
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// smallFiles are files of some kilobytes: written here, as other programs would, and by groot in every codec but
// lzma, which is slow, with jagged branches, and one of an RNTuple.
func smallFiles(t testing.TB) [][]byte {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "x.root")
	write(t, path, made(0, 40))
	files := [][]byte{content(t, path)}
	for _, name := range []string{"none", "zlib", "lz4", "zstd"} {
		files = append(files, content(t, groot(name)))
	}
	for _, c := range []crafted{hitsTree(), geant4Tree()} {
		files = append(files, content(t, c.write(t)))
		c.unclosed, c.pack = true, deflated
		files = append(files, content(t, c.write(t)))
	}
	return append(files, content(t, "rntuple/testdata/shapes.root"))
}

func content(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// survive reads everything that a file offers, in all ways. It fails where that
// panics, or takes memory that the size of the file does not justify.
func survive(t *testing.T, path string, b []byte) (events int) {
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, opts := range []Options{{}, {Key: "t"}, {Key: "sub/deep"}, {Key: "t", Flatten: "N"}, {Key: "t", Columns: []string{"Vec[0]", "Q[1]", "Text"}}, {Flatten: "pulls"}} {
		n, err := drain(path, opts)
		events += n
		if err != nil && strings.Contains(err.Error(), "damaged data") {
			t.Fatalf("a panic: %v", err)
		}
	}
	runtime.ReadMemStats(&after)
	// Fixed: a packed block that does not say its length is unpacked up to 2^24
	// bytes, once for each core and option; codecs keep tables of some megabytes.
	const fixed = 256 << 20
	if used := after.TotalAlloc - before.TotalAlloc; used > uint64(5000*len(b)+fixed) {
		t.Fatalf("%d bytes made for a file of %d", used, len(b))
	}
	return events
}

func drain(path string, opts Options) (n int, err error) {
	r, err := Open(path, opts)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	for n < 100000 {
		columns, err := r.Read(1000)
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		n += columns[0].Len()
	}
	return n, nil
}

func TestTruncated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.root")
	for _, b := range smallFiles(t)[:2] {
		for cut := 0; cut < len(b); cut += 1 + len(b)/60 {
			if n := survive(t, path, b[:cut]); n > 0 {
				t.Fatalf("%d events of a file cut to %d of %d bytes", n, cut, len(b))
			}
		}
	}
}

// A flipped bit never panics, hangs or takes much memory.
func TestFlippedBits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.root")
	random := rand.New(rand.NewPCG(4, 2))
	for _, b := range smallFiles(t) {
		for range 25 {
			bad := append([]byte(nil), b...)
			for range 1 + random.IntN(3) {
				bad[random.IntN(len(bad))] ^= 1 << random.IntN(8)
			}
			survive(t, path, bad)
		}
	}
}

// A checksum of the codec finds what was flipped in a packed basket.
func TestChecksums(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.root")
	for name, mark := range map[string]string{"zlib": "ZL", "lz4": "L4", "lzma": "XZ"} {
		b := content(t, groot(name))
		at := strings.Index(string(b), mark) + blockHead
		packed, _ := blockLengths(b[at-blockHead:])
		b[at+packed*3/4] ^= 0x5a
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err1 := drain(path, Options{Key: "t"})
		_, err2 := drain(path, Options{Key: "t", Columns: []string{"Pt[0]", "Q[0]", "Vec[0]"}})
		err := errors.Join(err1, err2) // whichever the basket belongs to
		if err == nil || !strings.Contains(err.Error(), "the basket of events 1 to") || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestClaims(t *testing.T) {
	in, err := Open(groot("none"), Options{Key: "t"})
	if err != nil {
		t.Fatal(err)
	}
	r := in.(*Reader)
	for _, s := range r.sources {
		s.branch.baskets[0].end = 1 << 29
	}
	r.tree.entries = 1 << 29
	if err := r.believable(); err == nil || !strings.Contains(err.Error(), "claims 536870912 events") {
		t.Errorf("%v", err)
	}
	r.Close()
	var u unpacker
	if _, err := u.unpack(nil, []byte("ZL\x08\x01\x00\x00\xff\xff\xff\x00"), 1<<24-1); err == nil || !strings.Contains(err.Error(), "does not unpack (zlib)") {
		t.Errorf("%v", err)
	}
	if _, err := u.unpack(nil, []byte("QQ\x08\x01\x00\x00\x01\x00\x00\x00"), 1); err == nil || !strings.Contains(err.Error(), `unknown codec "QQ"`) {
		t.Errorf("%v", err)
	}
}

func FuzzROOT(f *testing.F) {
	for _, b := range smallFiles(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<18 {
			t.Skip("longer than any seed")
		}
		survive(t, filepath.Join(t.TempDir(), "x.root"), b)
	})
}
