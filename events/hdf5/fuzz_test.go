package hdf5

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
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
		for _, more := range []bool{false, true} {
			room := make([]byte, 4096+8)
			copy(room[4096:], "untouch!")
			got, err := unlz(room[:4096], in, more)
			if err == nil && len(got) > 4096 || string(room[4096:]) != "untouch!" {
				t.Errorf("%d bytes where 4096 fit", len(got))
			}
			in = in[:min(len(in), 4096)]
			if got, err := unlz(room[:4096], literal(in), more); err != nil || !bytes.Equal(got, in) {
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

// A damaged file is read or refused. Each is read by a process of its own, since
// damage can crash the C library (see the package comment), which is no failure
// here; a panic, a hang, or events that are not there are.
func FuzzHDF5(f *testing.F) {
	needLibrary(f)
	for _, file := range []string{"fixed_objects.h5", "storage_latest.h5", "layouts.h5", "types.h5", "table_zlib.h5", "foreign.h5", "arrays.h5", "times.h5"} {
		f.Add(content(f, file), uint32(0), byte(0), uint32(0), byte(0))
	}
	f.Fuzz(func(t *testing.T, in []byte, at1 uint32, flip1 byte, at2 uint32, flip2 byte) {
		if len(in) == 0 || len(in) > 1<<20 {
			return
		}
		in = bytes.Clone(in)
		in[at1%uint32(len(in))] ^= flip1
		in[at2%uint32(len(in))] ^= flip2
		path := filepath.Join(t.TempDir(), "events.h5")
		if err := os.WriteFile(path, in, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := check(path); err != nil {
			return // the C library never gets it
		}
		limit, cancel := context.WithTimeout(t.Context(), 6*time.Second) // a fuzzing takes 10 s for a deadlock
		defer cancel()
		child := exec.CommandContext(limit, os.Args[0], "-test.run=^TestDamagedFile$")
		child.Env = append(os.Environ(), "SLUICE_DAMAGED="+path, "GOMEMLIMIT=1GiB")
		child.Cancel = func() error { return child.Process.Signal(syscall.SIGQUIT) } // it tells where it is
		child.WaitDelay = 2 * time.Second
		out, err := child.CombinedOutput()
		used := child.ProcessState.UserTime() + child.ProcessState.SystemTime()
		if limit.Err() != nil && used < 3*time.Second {
			return // the machine had no time for it; that all wait for each other the runtime would say
		}
		if err != nil && !inLibrary(out) {
			t.Errorf("%v\n%s", err, out[:min(len(out), 2000)])
		}
	})
}

// inLibrary reports whether a process ended, or was ended, within the C library, whose loops and claims of memory
// after a damaged length are beyond us.
func inLibrary(out []byte) bool {
	for _, sign := range []string{"signal arrived during cgo execution", "SIGABRT", "purego.syscall_SyscallN"} {
		if bytes.Contains(out, []byte(sign)) {
			return true
		}
	}
	return false
}

// TestDamagedFile reads the file of one run of FuzzHDF5.
func TestDamagedFile(t *testing.T) {
	path := os.Getenv("SLUICE_DAMAGED")
	if path == "" {
		t.Skip("only FuzzHDF5 runs it")
	}
	for _, key := range []string{"", "lzf", "named", "other/text", "record", "df", "/", "x", "ftag/jets", "columns", "fixed"} {
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
	var m runtime.MemStats
	if runtime.ReadMemStats(&m); m.TotalAlloc > 4<<30 {
		t.Errorf("%d MB were allocated for a file of less than 1 MB", m.TotalAlloc>>20)
	}
}
