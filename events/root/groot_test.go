package root

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"

	"go-hep.org/x/hep/groot/riofs"
	"go-hep.org/x/hep/groot/root"
	"go-hep.org/x/hep/groot/rtree"

	"github.com/sluice-hep/sluice/events/column"
)

func grootFile(t testing.TB, path string) *riofs.File {
	t.Helper()
	f, err := riofs.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// grootTree opens a tree with groot.
func grootTree(t testing.TB, path, name string) rtree.Tree {
	t.Helper()
	f := grootFile(t, path)
	o, err := riofs.Dir(f).Get(name)
	if err != nil {
		t.Fatal(err)
	}
	return o.(rtree.Tree)
}

// grootRead reads the named branches with groot: the values of each event, as
// numbers or text.
func grootRead(t testing.TB, path, tree string, names []string) map[string][][]any {
	t.Helper()
	in := grootTree(t, path, tree)
	vars := rtree.NewReadVars(in)
	var kept []rtree.ReadVar
	for _, v := range vars {
		if slices.Contains(names, v.Name) {
			kept = append(kept, v)
		}
	}
	r, err := rtree.NewReader(in, kept)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	out := make(map[string][][]any)
	err = r.Read(func(rtree.RCtx) error {
		for _, v := range kept {
			out[v.Name] = append(out[v.Name], flatValues(reflect.ValueOf(v.Value).Elem()))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func flatValues(v reflect.Value) []any {
	switch v.Kind() {
	case reflect.Array, reflect.Slice:
		var all []any
		for i := range v.Len() {
			all = append(all, flatValues(v.Index(i))...)
		}
		return all
	case reflect.String:
		return []any{v.String()}
	case reflect.Bool:
		if v.Bool() {
			return []any{1.0}
		}
		return []any{0.0}
	}
	if v.CanInt() {
		return []any{float64(v.Int())}
	}
	if v.CanUint() {
		return []any{float64(v.Uint())}
	}
	return []any{v.Float()}
}

// valueOf is value i of a column as grootRead gives it.
func valueOf(c *column.Column, i int) any {
	if c.Type == column.Text {
		return c.Str[i]
	}
	return c.Float(i)
}

func equal(a, b any) bool {
	x, ok1 := a.(float64)
	y, ok2 := b.(float64)
	return a == b || ok1 && ok2 && math.IsNaN(x) && math.IsNaN(y)
}

// agree compares a tree as read here, in blocks of an odd length, with groot's
// reading: single values, arrays, and the values of each event of jagged columns.
func agree(t *testing.T, path, tree string) {
	t.Helper()
	r, err := Open(path, Options{Key: tree})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	all := r.tree.fields()
	var names []string
	for _, f := range append(all.flat, all.jagged...) {
		names = append(names, f.branch.name)
	}
	want := grootRead(t, path, tree, names)
	got := wholeTable(t, r, 777)
	seen := make(map[string]int) // values of an event that are columns already
	for k := range got {
		f := r.picked[k]
		at := seen[f.branch.name]
		seen[f.branch.name]++
		for i := range got[k].Len() {
			values := want[f.branch.name]
			if len(values) <= i || !equal(values[i][at], valueOf(&got[k], i)) {
				t.Fatalf("%s, event %d: %v, and groot reads %v", f.name, i+1, valueOf(&got[k], i), values[i])
			}
		}
	}
	for i := range all.jagged {
		agreeJagged(t, path, tree, &all.jagged[i], want[all.jagged[i].branch.name])
	}
}

func agreeJagged(t *testing.T, path, tree string, f *field, want [][]any) {
	t.Helper()
	r, err := Open(path, Options{Key: tree, Flatten: f.name, Columns: []string{f.name, "event"}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got := wholeTable(t, r, 501)
	k := 0
	for e, values := range want {
		for _, v := range values {
			if k >= got[0].Len() || !equal(v, valueOf(&got[0], k)) || got[1].I64[k] != int64(e) {
				t.Fatalf("%s: object %d of event %d differs from groot's %v", f.name, k, e, v)
			}
			k++
		}
	}
	if k != got[0].Len() {
		t.Fatalf("%s: %d objects, and groot reads %d", f.name, got[0].Len(), k)
	}
}

// events that groot writes, with a branch of every kind that a column can be.
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

// grootWrite writes n events in trees of the given paths.
func grootWrite(t testing.TB, path string, n int, codec rtree.WriteOption, trees ...string) {
	t.Helper()
	f, err := riofs.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range trees {
		var e everything
		dir := riofs.Directory(f)
		if name == "sub/deep" {
			sub, err := riofs.Dir(f).Mkdir("sub")
			if err != nil {
				t.Fatal(err)
			}
			dir, name = sub, "deep"
		}
		w, err := rtree.NewWriter(dir, name, rtree.WriteVarsFromStruct(&e), codec, rtree.WithBasketSize(2000))
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			e.set(i)
			if _, err := w.Write(); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
