// Package safetensors reads and writes files of that format: an 8-byte little-endian length, a JSON header, raw tensors
// (https://github.com/huggingface/safetensors). A file carries the SHA-256 of its content, and equal content gives equal bytes.
package safetensors

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sluice-hep/sluice/internal/atomicfile"
	"github.com/sluice-hep/sluice/internal/floats"
)

// Tensor is a named array of numbers in row-major order.
type Tensor struct {
	Name  string
	Shape []int // the product of its entries is len(Data); empty for a single number
	Data  []float32
}

// Count is how many numbers a tensor has by its shape.
func (t *Tensor) Count() int {
	n, _ := count(t.Shape)
	return n
}

// File is what a safetensors file holds: float32 tensors and texts by name.
// Its metadata key "sha256" is written and checked by this package alone.
type File struct {
	Metadata map[string]string
	Tensors  []Tensor
}

const (
	metadataKey = "__metadata__" // reserved by the format
	HashKey     = "sha256"       // of everything else in the file
	// maxHeader is the format's own bound on the JSON text.
	maxHeader = 100_000_000
	// maxRank bounds the entries of a shape.
	maxRank = 16
)

// Hash is the SHA-256 of the content in hexadecimal: of the tensors and of all metadata but the hash. It does
// not depend on the layout, so a file copied by another safetensors writer keeps it.
func (f *File) Hash() (string, error) {
	header, tensors, err := f.header("")
	if err != nil {
		return "", err
	}
	h := sha256.New()
	h.Write(header)
	if err := writeTensors(h, tensors); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Encode writes the file's bytes. Equal content gives equal bytes.
func (f *File) Encode(w io.Writer) error {
	sum, err := f.Hash()
	if err != nil {
		return err
	}
	header, tensors, err := f.header(sum)
	if err != nil {
		return err
	}
	if len(header) > maxHeader {
		return fmt.Errorf("the header takes %d bytes, more than the format's %d", len(header), maxHeader)
	}
	length := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	if _, err := w.Write(append(length, header...)); err != nil {
		return err
	}
	return writeTensors(w, tensors)
}

// Write writes the file at once or, after an error, not at all.
func (f *File) Write(path string) error {
	out, err := atomicfile.Create(path)
	if err != nil {
		return err
	}
	defer out.Abort()
	if err := f.Encode(out); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return out.Commit()
}

// Read reads a file and checks its hash where it has one. Whatever the bytes, it takes no more memory than a
// small multiple of the file's size.
func Read(path string) (*File, error) { return read(path, Decode) }

// ReadHeader is Read without the numbers: tensors have their shapes only. The hash is checked as by Read.
func ReadHeader(path string) (*File, error) { return read(path, decodeHeader) }

func read(path string, decode func(io.Reader, int64) (*File, error)) (*File, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a file", path)
	}
	f, err := decode(in, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// Decode reads a file of the given size in bytes.
func Decode(r io.Reader, size int64) (*File, error) {
	f, err := decodeShapes(r, size)
	if err != nil {
		return nil, err
	}
	if err := f.readNumbers(r); err != nil {
		return nil, err
	}
	return f, f.checkHash(f.Hash)
}

func (f *File) readNumbers(r io.Reader) error {
	for i := range f.Tensors {
		t := &f.Tensors[i]
		t.Data = make([]float32, t.Count())
		if err := floats.Read(r, t.Data); err != nil {
			return fmt.Errorf("tensor %q: %w", t.Name, err)
		}
	}
	return nil
}

func decodeHeader(r io.Reader, size int64) (*File, error) {
	f, err := decodeShapes(r, size)
	if err != nil {
		return nil, err
	}
	return f, f.checkHash(func() (string, error) { return f.hashOf(r) })
}

// decodeShapes reads the header of a file; the numbers of the tensors follow in their order.
func decodeShapes(r io.Reader, size int64) (*File, error) {
	var n [8]byte
	if size < 8 {
		return nil, fmt.Errorf("%d bytes are too few for a safetensors file", size)
	}
	if _, err := io.ReadFull(r, n[:]); err != nil {
		return nil, fmt.Errorf("the header's length: %w", err)
	}
	length := binary.LittleEndian.Uint64(n[:])
	if length > maxHeader || length > uint64(size-8) {
		return nil, fmt.Errorf("byte 0: a header of %d bytes does not fit a file of %d: truncated, or not a safetensors file", length, size)
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	metadata, entries, err := parseHeader(text)
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if err := checkLayout(entries, size-8-int64(length)); err != nil {
		return nil, err
	}
	f := &File{Metadata: metadata}
	for _, e := range entries {
		f.Tensors = append(f.Tensors, Tensor{Name: e.name, Shape: e.shape})
	}
	return f, nil
}

// hashOf is Hash where the numbers are still to be read. It is that of the tensors in the order of their names: in another order, as
// some other writer may have them, they are read first.
func (f *File) hashOf(r io.Reader) (string, error) {
	header, tensors, err := f.header("")
	if err != nil {
		return "", err
	}
	if !slices.EqualFunc(tensors, f.Tensors, func(a, b Tensor) bool { return a.Name == b.Name }) {
		whole := &File{f.Metadata, slices.Clone(f.Tensors)}
		if err := whole.readNumbers(r); err != nil {
			return "", err
		}
		return whole.Hash()
	}
	h := sha256.New()
	h.Write(header)
	_, err = io.Copy(h, r)
	return hex.EncodeToString(h.Sum(nil)), err
}

func (f *File) checkHash(hash func() (string, error)) error {
	want, ok := f.Metadata[HashKey]
	if !ok {
		return nil
	}
	got, err := hash()
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("damaged: the content's sha256 is %s, the file says %.64q", got, want)
	}
	return nil
}

// header is the JSON text for the given hash (none if empty), padded so that the data start at a multiple of
// 8, and the tensors in the order of the data.
func (f *File) header(sum string) ([]byte, []Tensor, error) {
	metadata := make(map[string]string, len(f.Metadata)+1)
	for k, v := range f.Metadata {
		if !utf8.ValidString(k) || !utf8.ValidString(v) {
			return nil, nil, fmt.Errorf("metadata %q is not UTF-8 text", k)
		}
		metadata[k] = v
	}
	delete(metadata, HashKey)
	if sum != "" {
		metadata[HashKey] = sum
	}
	tensors := slices.Clone(f.Tensors)
	slices.SortFunc(tensors, func(a, b Tensor) int { return strings.Compare(a.Name, b.Name) })

	var b bytes.Buffer
	writeJSON(&b, "{", metadataKey)
	writeJSON(&b, ":", metadata)
	offset := 0
	for i, t := range tensors {
		if err := t.check(); err != nil {
			return nil, nil, err
		}
		if i > 0 && tensors[i-1].Name == t.Name {
			return nil, nil, fmt.Errorf("two tensors are named %q", t.Name)
		}
		end := offset + 4*t.Count()
		writeJSON(&b, ",", t.Name)
		writeJSON(&b, ":", struct {
			DType   string `json:"dtype"`
			Shape   []int  `json:"shape"`
			Offsets [2]int `json:"data_offsets"`
		}{"F32", append([]int{}, t.Shape...), [2]int{offset, end}})
		offset = end
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	return b.Bytes(), tensors, nil
}

// writeJSON appends a separator and a value; values here are strings, maps and structs, which always marshal.
func writeJSON(b *bytes.Buffer, sep string, v any) {
	b.WriteString(sep)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err == nil {
		b.Truncate(b.Len() - 1) // Encode ends with a newline
	}
}

func (t *Tensor) check() error {
	switch n, ok := count(t.Shape); {
	case t.Name == metadataKey:
		return fmt.Errorf("a tensor may not be named %s", metadataKey)
	case !utf8.ValidString(t.Name):
		return fmt.Errorf("the tensor name %q is not UTF-8 text", t.Name)
	case len(t.Shape) > maxRank:
		return fmt.Errorf("tensor %q: a shape of %d entries is longer than %d", t.Name, len(t.Shape), maxRank)
	case !ok || t.Data != nil && n != len(t.Data):
		return fmt.Errorf("tensor %q: the shape %v does not hold %d numbers", t.Name, t.Shape, len(t.Data))
	}
	return nil
}

// count is the product of a shape, false for a negative entry or one that no file can hold.
func count(shape []int) (int, bool) {
	n := 1
	for _, s := range shape {
		if s < 0 || s > 0 && n > math.MaxInt/8/s {
			return 0, false
		}
		n *= s
	}
	return n, true
}

func writeTensors(w io.Writer, tensors []Tensor) error {
	for _, t := range tensors {
		if len(t.Data) != t.Count() {
			return fmt.Errorf("tensor %q: the shape %v does not hold %d numbers", t.Name, t.Shape, len(t.Data))
		}
		if err := floats.Write(w, t.Data); err != nil {
			return err
		}
	}
	return nil
}
