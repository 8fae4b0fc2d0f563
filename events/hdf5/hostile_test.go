package hdf5

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func open(t *testing.T, content []byte) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "events.h5")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err := readTable(path, 1000, Options{})
	return err
}

func content(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTruncatedFilesAreRefused(t *testing.T) {
	needLibrary(t)
	for _, file := range []string{"fixed.h5", "table_lz4.h5", "storage_latest.h5"} {
		whole := content(t, file)
		for _, n := range []int{0, 1, 7, 8, 9, 20, 47, 60, 511, 520, 600, len(whole) / 2, len(whole) - 1} {
			err := open(t, whole[:n])
			if err == nil || !strings.Contains(err.Error(), "is cut short") && !strings.Contains(err.Error(), "no signature") {
				t.Errorf("%s cut to %d bytes: %v", file, n, err)
			}
		}
	}
}

func TestImplausibleSuperblocks(t *testing.T) {
	needLibrary(t)
	whole := content(t, "fixed.h5") // version 0: the end of the file is at 40
	change := func(at int, b ...byte) []byte {
		c := bytes.Clone(whole)
		copy(c[at:], b)
		return c
	}
	far := binary.LittleEndian.AppendUint64(nil, 1<<60)
	for want, c := range map[string][]byte{
		"no signature":                          []byte("pt,eta,phi\n1,2,3\n"),
		"version 9 of the superblock":           change(8, 9),
		"addresses of 3 bytes":                  change(13, 3),
		"lengths of 200":                        change(14, 200),
		"the base address is 77":                change(24, 77),
		"it ends at byte 1152921504606846976":   change(40, far...),
		"the end of the file, 0, is before the": change(40, make([]byte, 8)...),
	} {
		if err := open(t, c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
}

// Values that were changed on the way are found where the file has checksums.
func TestChecksumsAreChecked(t *testing.T) {
	needLibrary(t)
	for file, key := range map[string]string{"storage.h5": "shuffled", "storage_latest.h5": "lzf_checked"} {
		whole := content(t, file)
		d := chunkPlace(t, file, key)
		whole[d] ^= 0x10
		path := filepath.Join(t.TempDir(), "events.h5")
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := readTable(path, 1000, Options{Key: key})
		if err == nil || !strings.Contains(err.Error(), "fails its checksum (fletcher32)") {
			t.Errorf("%s:%s with a bit changed at %d: %v", file, key, d, err)
		}
	}
}

// chunkPlace is the place of a byte of the first chunk of a data set, found by
// its packed content.
func chunkPlace(t *testing.T, file, key string) int {
	t.Helper()
	r, err := Open(filepath.Join("testdata", file), Options{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w := &worker{}
	if _, err := w.chunk(r.parts[0], 0); err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(content(t, file), w.packed[:32])
	if at < 0 {
		t.Fatal("the chunk is not in the file")
	}
	return at + 10
}

func TestSizesThatNoFileHolds(t *testing.T) {
	for _, d := range []dataset{
		{rows: 1 << 40, columns: 1, record: 4},
		{rows: -1, columns: 1, record: 4},
		{rows: 10, columns: 1 << 20, record: 4},
		{rows: 10, columns: 1 << 15, record: 1 << 20},
		{rows: 1 << 62, columns: 4, record: 8},
	} {
		if d.believable(10_000) == nil {
			t.Errorf("%+v is believed of 10 kB", d)
		}
	}
	if err := (&dataset{rows: 1_000_000, columns: 1, record: 8}).believable(10_000); err != nil {
		t.Error(err)
	}
}

func TestZstdFilter(t *testing.T) {
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	want := bytes.Repeat([]byte("sluice"), 1000)
	u := &unpacker{}
	filters := []filter{{id: filterZstd}}
	got, err := u.unpack(filters, 0, z.EncodeAll(want, nil), len(want))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes of %d: %v", len(got), len(want), err)
	}
	if _, err := u.unpack(filters, 0, z.EncodeAll(make([]byte, 1<<24), nil), len(want)); err == nil {
		t.Error("16 MB unpack into 6 kB")
	}
	if cap(u.a)+cap(u.b) > 1<<16 {
		t.Errorf("%d bytes of room for 6 kB", cap(u.a)+cap(u.b))
	}
}

func TestUnpickleTakesListsOnly(t *testing.T) {
	for text, want := range map[string]string{
		"(lp0\nVE1\np1\naVpx1\np2\na.": "E1 px1",
		"(lp0\nI7\naL8L\nag0\n.":       "", // ends with two values on the stack
		"(lp0\nI7\naL8L\na.":           "7 8",
		"(lp0\nS'pt'\np1\nag1\na.":     "pt pt",
		"(lp0\nV\\u0394R\na.":          "ΔR",
		"cos\nsystem\n(S'true'\ntR.":   "",
		"a.":                           "",
		"(a.":                          "",
		"l.":                           "",
		"p0\n.":                        "",
		"(lp0\nVE1":                    "",
		"(lp0\nVE1\na":                 "",
		"(lp0\n(lp1\nVE1\naa.":         "",
		"ccnumpy.core.multiarray\nscalar\np0\n(tR.": "",
	} {
		if got := strings.Join(spelled(unpickle(text)), " "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
