// Package groottest compares ROOT files as read and written here with go-hep's groot, an independent reader and writer
// of them. It is a module of its own, so that no user of the library depends on go-hep.
package groottest

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"testing"

	"go-hep.org/x/hep/groot/riofs"
	"go-hep.org/x/hep/groot/root"
	"go-hep.org/x/hep/groot/rtree"
)

func open(t *testing.T, path string) *riofs.File {
	t.Helper()
	f, err := riofs.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func openTree(t *testing.T, path, name string) rtree.Tree {
	t.Helper()
	o, err := riofs.Dir(open(t, path)).Get(name)
	if err != nil {
		t.Fatal(err)
	}
	return o.(rtree.Tree)
}

// branch is what groot reads of one: the values of each event, numbers as float64.
type branch struct {
	name   string
	jagged bool // any number of values an event
	events [][]any
}

func readTree(t *testing.T, path, name string) []branch {
	t.Helper()
	in := openTree(t, path, name)
	vars := rtree.NewReadVars(in)
	r, err := rtree.NewReader(in, vars)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	all := make([]branch, len(vars))
	for k, v := range vars {
		all[k] = branch{name: v.Name, jagged: reflect.TypeOf(v.Value).Elem().Kind() == reflect.Slice}
	}
	err = r.Read(func(rtree.RCtx) error {
		for k, v := range vars {
			all[k].events = append(all[k].events, flat(reflect.ValueOf(v.Value).Elem()))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// flat lists the values of an array or a slice, of any depth.
func flat(v reflect.Value) []any {
	switch {
	case v.Kind() == reflect.Array || v.Kind() == reflect.Slice:
		var all []any
		for i := range v.Len() {
			all = append(all, flat(v.Index(i))...)
		}
		return all
	case v.Kind() == reflect.Bool && v.Bool():
		return []any{1.0}
	case v.Kind() == reflect.Bool:
		return []any{0.0}
	case v.CanInt():
		return []any{float64(v.Int())}
	case v.CanUint():
		return []any{float64(v.Uint())}
	case v.CanFloat():
		return []any{v.Float()}
	}
	return []any{v.String()}
}

// everything is an event with a branch of every kind that a column can be.
type everything struct {
	B    bool
	I8   int8
	U8   uint8
	I16  int16
	U16  uint16
	I32  int32
	U32  uint32
	I64  int64
	U64  uint64
	F32  float32
	F64  float64
	F16  root.Float16
	D32  root.Double32
	Text string
	Arr  [3]float64
	Mat  [2][2]int16
	N    int32
	Pt   []float32 `groot:"Pt[N]"`
	Q    []int32   `groot:"Q[N]"`
	Vec  []float64
}

func (e *everything) set(i int) {
	*e = everything{
		B: i%3 == 0, I8: int8(-i), U8: uint8(i + 128), I16: int16(-300 * i), U16: uint16(40000 + i), I32: int32(-70000 * i),
		U32: uint32(3000000000 + i), I64: -int64(i) << 33, U64: 1<<62 + uint64(i), F32: float32(i) / 3, F64: float64(i) / 7,
		F16: root.Float16(i) / 4, D32: root.Double32(i) / 8, Text: fmt.Sprint("event ", i, string(make([]byte, 300*(i%2)))),
		Arr: [3]float64{float64(i), math.Inf(1), math.NaN()}, Mat: [2][2]int16{{1, int16(i)}, {-3, 4}}, N: int32(i % 4),
	}
	for k := range i % 4 {
		e.Pt = append(e.Pt, float32(10*i+k))
		e.Q = append(e.Q, int32(k*(i%2*2-1)))
	}
	for k := range i % 3 {
		e.Vec = append(e.Vec, float64(i)+float64(k)/8)
	}
}

// writeTrees writes a file with a tree t, and one sub/deep, of n events each.
func writeTrees(t *testing.T, path string, n int, codec rtree.WriteOption) {
	t.Helper()
	f, err := riofs.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	var e everything
	writeTree(t, f, "t", &e, n, e.set, codec)
	sub, err := riofs.Dir(f).Mkdir("sub")
	if err != nil {
		t.Fatal(err)
	}
	writeTree(t, sub, "deep", &e, n, e.set, codec)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// writeTree writes n events, each of them set in the struct behind event.
func writeTree(t *testing.T, dir riofs.Directory, name string, event any, n int, set func(i int), codec rtree.WriteOption) {
	t.Helper()
	w, err := rtree.NewWriter(dir, name, rtree.WriteVarsFromStruct(event), codec, rtree.WithBasketSize(2000))
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		set(i)
		if _, e := w.Write(); e != nil {
			err = errors.Join(err, e)
		}
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
}
