package hdf5

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// seeds adds the packed chunks of real files.
func seeds(f *testing.F, file string, keys ...string) {
	if _, err := load(); err != nil {
		return
	}
	for _, key := range keys {
		r, err := Open(filepath.Join("testdata", file), Options{Key: key})
		if err != nil {
			f.Fatal(err)
		}
		w := &worker{}
		if _, err := w.chunk(r.parts[0], 0); err != nil {
			f.Fatal(err)
		}
		f.Add(bytes.Clone(w.packed))
		r.Close()
	}
}

// Whatever a blosc container claims, it unpacks into the room there is, or fails.
func FuzzBlosc(f *testing.F) {
	f.Add([]byte("\x02\x01\x02\x04\x04\x00\x00\x00\x04\x00\x00\x00\x14\x00\x00\x00abcd"))
	for _, codec := range []string{"blosclz", "lz4", "snappy", "zlib", "zstd"} {
		seeds(f, "blosc.h5", codec+"/shuffle/f4", codec+"/bitshuffle/i2", codec+"/plain/u1")
	}
	u := &unpacker{}
	f.Fuzz(func(t *testing.T, in []byte) {
		room := make([]byte, 4096+8)
		copy(room[4096:], "untouch!")
		got, err := u.blocks.decode(room[:4096], in, u)
		if err == nil && len(got) > 4096 || string(room[4096:]) != "untouch!" {
			t.Errorf("%d bytes where 4096 fit", len(got))
		}
		if cap(u.blocks.block) > 1<<20 {
			t.Errorf("a buffer of %d bytes for 4096", cap(u.blocks.block))
		}
	})
}

// Damaged streams fail or fill the room at most; copied bytes come back.
func FuzzLZF(f *testing.F) {
	f.Add([]byte("\x04hello\x20\x04"))
	seeds(f, "storage.h5", "lzf", "lzf_checked")
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, decode := range []func(out, in []byte) ([]byte, error){unlzf, unbloscLZ} {
			room := make([]byte, 4096+8)
			copy(room[4096:], "untouch!")
			got, err := decode(room[:4096], in)
			if err == nil && len(got) > 4096 || string(room[4096:]) != "untouch!" {
				t.Errorf("%d bytes where 4096 fit", len(got))
			}
			in = in[:min(len(in), 4096)]
			if got, err := decode(room[:4096], literal(in)); err != nil || !bytes.Equal(got, in) {
				t.Errorf("copied bytes come back as %d of %d, %v", len(got), len(in), err)
			}
		}
	})
}

// literal packs nothing: runs of at most 32 bytes to copy.
func literal(in []byte) []byte {
	var out []byte
	for len(in) > 0 {
		n := min(32, len(in))
		out = append(append(out, byte(n-1)), in[:n]...)
		in = in[n:]
	}
	return out
}

// A damaged file is read or refused. A crash here may be one of the C library:
// see the package comment.
func FuzzHDF5(f *testing.F) {
	needLibrary(f)
	for _, file := range []string{"fixed_objects.h5", "storage_latest.h5", "layouts.h5", "types.h5", "table_zlib.h5"} {
		f.Add(content(f, file))
	}
	path := filepath.Join(f.TempDir(), "events.h5")
	f.Fuzz(func(t *testing.T, in []byte) {
		if err := os.WriteFile(path, in, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"", "lzf", "named", "other/text", "record", "df"} {
			columns, r, err := readTable(path, 1000, Options{Key: key})
			if err != nil {
				continue
			}
			for _, c := range columns {
				if int64(c.Len()) != r.Rows() {
					t.Errorf("column %q has %d of %d events", c.Name, c.Len(), r.Rows())
				}
			}
		}
	})
}
