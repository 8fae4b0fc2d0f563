package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-hep/sluice/internal/floats"
)

func small() *File {
	return &File{
		Metadata: map[string]string{"format": "sluice-model", "card": "name: a\nwhere: m < 3 && \"é\" > 1\n"},
		Tensors: []Tensor{
			{"layers.10.w", []int{2, 3}, []float32{1, 2, 3, 4, 5, float32(math.Inf(1))}},
			{"layers.2.b", []int{3}, []float32{-0.5, float32(math.Copysign(0, -1)), 1e-42}},
			{"empty", []int{0, 4}, []float32{}},
			{"scalar", []int{}, []float32{7}},
		},
	}
}

func encode(t testing.TB, f *File) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestFileRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	f := small()
	if err := f.Write(path); err != nil {
		t.Fatal(err)
	}
	g, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := f.Hash()
	if err != nil {
		t.Fatal(err)
	}
	if g.Metadata["sha256"] != hash {
		t.Errorf("the file's hash is %q, the content's %q", g.Metadata["sha256"], hash)
	}
	delete(g.Metadata, "sha256")
	slices.SortFunc(f.Tensors, func(a, b Tensor) int { return strings.Compare(a.Name, b.Name) })
	if !reflect.DeepEqual(f, g) {
		t.Errorf("wrote %v, read %v", f, g)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := binary.LittleEndian.Uint64(raw); (8+n)%8 != 0 {
		t.Errorf("the data start at byte %d, not a multiple of 8", 8+n)
	}
}

func TestFileRoundTripOfAnything(t *testing.T) {
	name := rapid.StringMatching(`[a-z0-9."\\é\n<>&]{0,12}`)
	tensor := rapid.Custom(func(t *rapid.T) Tensor {
		shape := rapid.SliceOfN(rapid.IntRange(0, 4), 0, 4).Draw(t, "shape")
		n, _ := count(shape)
		return Tensor{name.Draw(t, "name"), shape, rapid.SliceOfN(rapid.Float32(), n, n).Draw(t, "data")}
	})
	rapid.Check(t, func(t *rapid.T) {
		f := &File{Metadata: rapid.MapOf(name, rapid.String()).Draw(t, "metadata")}
		delete(f.Metadata, "sha256")
		f.Tensors = rapid.SliceOfNDistinct(tensor, 0, 6, func(t Tensor) string { return t.Name }).Draw(t, "tensors")
		var a, b bytes.Buffer
		if err := f.Encode(&a); err != nil {
			t.Fatal(err)
		}
		g, err := Decode(bytes.NewReader(a.Bytes()), int64(a.Len()))
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Encode(&b); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a.Bytes(), b.Bytes()) {
			t.Fatal("read and written again, the bytes differ")
		}
	})
}

// A bit is a bit: wherever it flips, the file is refused. What may pass is a change that means the same: white
// space that pads the header, and the case of a hexadecimal digit after \u.
func TestEveryFlippedBitIsNoticed(t *testing.T) {
	raw := encode(t, small())
	header := 8 + int(binary.LittleEndian.Uint64(raw))
	padding := len(bytes.TrimRight(raw[:header], " "))
	for i := range raw {
		for bit := range 8 {
			bad := bytes.Clone(raw)
			bad[i] ^= 1 << bit
			f, err := Decode(bytes.NewReader(bad), int64(len(bad)))
			if _, alone := decodeHeader(bytes.NewReader(bad), int64(len(bad))); (alone == nil) != (err == nil) {
				t.Fatalf("byte %d, bit %d: %v, and without the numbers %v", i, bit, err, alone)
			}
			if err != nil || i >= padding && i < header {
				continue
			}
			// The flip may have hit the name of the hash itself: then the file has none, and a model is refused.
			if _, ok := f.Metadata["sha256"]; ok {
				t.Fatalf("byte %d, bit %d: %q is read as if whole", i, bit, bad[max(0, i-20):min(len(bad), i+20)])
			}
		}
	}
}

func TestHashDoesNotDependOnTheLayout(t *testing.T) {
	raw := encode(t, small())
	end := 8 + int(binary.LittleEndian.Uint64(raw))
	var header map[string]any
	if err := json.Unmarshal(raw[8:end], &header); err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(header, "", "\t") // other white space, escapes and order
	if err != nil {
		t.Fatal(err)
	}
	other := append(withHeader(string(text), 0), raw[end:]...)
	f, err := Decode(bytes.NewReader(other), int64(len(other)))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(encode(t, f), raw) {
		t.Error("the same content in another layout is written differently")
	}
}

// The numbers may lie in another order than that of the names, by which the hash is.
func TestHashOfAnotherOrder(t *testing.T) {
	f := &File{Tensors: []Tensor{{"a", []int{1}, []float32{1}}, {"b", []int{1}, []float32{2}}}}
	hash, err := f.Hash()
	if err != nil {
		t.Fatal(err)
	}
	raw := withHeader(`{"__metadata__":{"sha256":"`+hash+`"},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 0)
	for _, numbers := range [][]float32{{2, 1}, {1, 2}} {
		file := bytes.NewBuffer(bytes.Clone(raw))
		if err := floats.Write(file, numbers); err != nil {
			t.Fatal(err)
		}
		for name, decode := range map[string]func(io.Reader, int64) (*File, error){"whole": Decode, "header": decodeHeader} {
			if _, err := decode(bytes.NewReader(file.Bytes()), int64(file.Len())); (err == nil) != (numbers[0] == 2) {
				t.Errorf("%s of %v: %v", name, numbers, err)
			}
		}
	}
}

func TestTruncatedFileIsRefused(t *testing.T) {
	raw := encode(t, small())
	for n := range raw {
		if _, err := Decode(bytes.NewReader(raw[:n]), int64(n)); err == nil {
			t.Fatalf("%d bytes of %d are read as if whole", n, len(raw))
		}
	}
	if _, err := Decode(bytes.NewReader(append(raw, 0)), int64(len(raw)+1)); err == nil {
		t.Fatal("a byte too many is not noticed")
	}
}

func withHeader(header string, data int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, data)...)
}

var hostile = []struct {
	name   string
	raw    []byte
	expect string
}{
	{"nothing", nil, "0 bytes are too few"},
	{"a ROOT file", []byte("root\x00\x00\xf2\x3c\x00\x00\x00\x64more"), "does not fit a file of 16"},
	{"huge header", append(binary.LittleEndian.AppendUint64(nil, 1<<62), "{}"...), "byte 0: a header of 4611686018427387904 bytes does not fit"},
	{"no JSON", withHeader("<xml/>  ", 0), "header: byte"},
	{"cut JSON", withHeader(`{"a":{"dtype":"F32","shape":[1],"data_of`, 0), "unexpected EOF"},
	{"not UTF-8", withHeader("{\"\xff\":1}", 0), "not UTF-8"},
	{"list", withHeader(`[]`, 0), `[ where "{" belongs`},
	{"two headers", withHeader(`{}{}`, 0), "text after the end"},
	{"deep", withHeader(strings.Repeat("[", 100_000), 0), `[ where "{" belongs`},
	{"deep value", withHeader(`{"a":`+strings.Repeat("[", 100_000), 0), `[ where "{" belongs`},
	{"metadata of numbers", withHeader(`{"__metadata__":{"n":1}}`, 0), `metadata "n": byte`},
	{"same name twice", withHeader(`{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"a":{}}`, 0), `the name "a" comes twice`},
	{"same metadata twice", withHeader(`{"__metadata__":{"a":"","a":""}}`, 0), `the name "a" comes twice`},
	{"double", withHeader(`{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}`, 8), `tensor "a": its numbers are "F64"`},
	{"overflow", withHeader(`{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`, 0), "does not fill bytes 0 to 0"},
	{"huge", withHeader(`{"a":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}`, 4), "data end at byte 4000000000000 of 4"},
	{"negative", withHeader(`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[4,0]}}`, 4), "-1 is not a whole number"},
	{"fraction", withHeader(`{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}`, 4), "1.5 is not a whole number"},
	{"long shape", withHeader(`{"a":{"dtype":"F32","shape":[`+strings.Repeat("1,", 99)+`1],"data_offsets":[0,4]}}`, 4), "more than 16"},
	{"three offsets", withHeader(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}`, 4), "more than 2"},
	{"no shape", withHeader(`{"a":{"dtype":"F32","data_offsets":[0,4]}}`, 4), "no shape"},
	{"other key", withHeader(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"b":1}}`, 4), `unknown key "b"`},
	{"overlap", withHeader(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}`, 12), `tensor "b": its data begin at byte 4, those before end at 8`},
	{"gap", withHeader(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8), "begin at byte 4, those before end at 0"},
	{"rest", withHeader(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 8), "4 bytes after the last tensor"},
	{"wrong hash", withHeader(`{"__metadata__":{"sha256":"00"}}`, 0), "damaged: the content's sha256 is"},
}

func TestHostileFilesAreRefused(t *testing.T) {
	for _, c := range hostile {
		path := filepath.Join(t.TempDir(), "x.safetensors")
		if err := os.WriteFile(path, c.raw, 0o666); err != nil {
			t.Fatal(err)
		}
		_, err := Read(path)
		if err == nil || !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), c.expect) {
			t.Errorf("%s: %v; expected %q", c.name, err, c.expect)
		}
	}
	if _, err := Read(t.TempDir()); err == nil || !strings.HasSuffix(err.Error(), "not a file") {
		t.Errorf("a folder: %v", err)
	}
}

func TestFilesThatCannotBeWritten(t *testing.T) {
	for _, c := range []struct {
		f      File
		expect string
	}{
		{File{Tensors: []Tensor{{"a", []int{1}, []float32{1}}, {"a", []int{1}, []float32{1}}}}, `two tensors are named "a"`},
		{File{Tensors: []Tensor{{"a", []int{2}, []float32{1}}}}, "the shape [2] does not hold 1 numbers"},
		{File{Tensors: []Tensor{{"__metadata__", []int{0}, nil}}}, "may not be named"},
		{File{Metadata: map[string]string{"a": "\xff"}}, "not UTF-8"},
	} {
		path := filepath.Join(t.TempDir(), "m")
		err := c.f.Write(path)
		if err == nil || !strings.Contains(err.Error(), c.expect) {
			t.Errorf("%v; expected %q", err, c.expect)
		}
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("a file that could not be written exists: %v", err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(encode(f, small()))
	f.Add(encode(f, &File{}))
	for _, c := range hostile {
		if len(c.raw) < 1<<12 {
			f.Add(c.raw)
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		g, err := Decode(bytes.NewReader(raw), int64(len(raw)))
		runtime.ReadMemStats(&after)
		// Names, maps and numbers take some tens of bytes for each byte of JSON at worst; 1 MiB is for the
		// conversion's block and the test's own goroutines.
		if used, limit := after.TotalAlloc-before.TotalAlloc, uint64(1<<20+200*len(raw)); used > limit {
			t.Errorf("%d bytes of file took %d of memory", len(raw), used)
		}
		if err != nil {
			return
		}
		again := encode(t, g)
		h, err := Decode(bytes.NewReader(again), int64(len(again)))
		if err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
		if !bytes.Equal(encode(t, h), again) {
			t.Fatal("read and written twice, the bytes differ")
		}
	})
}
