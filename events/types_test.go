package events

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/events/formula"
)

// typed is a table of one column of a type, with values that all types of numbers hold.
func typed(t Type) *Table {
	c := column.New("x", "", t, 3)
	for i, v := range []float64{1, 0, 7} {
		switch t {
		case Float32:
			c.F32[i] = float32(v)
		case Float64:
			c.F64[i] = v
		case Int64:
			c.I64[i] = int64(v)
		case Uint64:
			c.U64[i] = uint64(v)
		default:
			c.Str[i] = "a"
		}
	}
	return &Table{Columns: []Column{c}}
}

// stream reads files a few events at a time.
func stream(t *testing.T, paths []string, opts Options, n int) (*Table, error) {
	t.Helper()
	c, err := OpenAll(paths, opts)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	all := &Table{Columns: slices.Clone(c.Columns())}
	for {
		b, err := c.Read(n)
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		for i := range all.Columns {
			if b.Columns[i].Type != c.Columns()[i].Type {
				t.Errorf("a block of %s where %s was promised", b.Columns[i].Type, c.Columns()[i].Type)
			}
			all.Columns[i].Append(&b.Columns[i])
		}
	}
}

// Files of any two types have the type that suits both, in either order, and streamed as well as in one table.
func TestTypesOfSeveralFiles(t *testing.T) {
	dir := t.TempDir()
	types := []Type{Float32, Float64, Int64, Uint64, Text}
	for _, a := range types {
		writeTable(t, filepath.Join(dir, a.String()+".parquet"), typed(a))
	}
	for _, a := range types {
		for _, b := range types {
			paths := []string{filepath.Join(dir, a.String()+".parquet"), filepath.Join(dir, b.String()+".parquet")}
			want, ok := column.Common(a, b)
			all, err := ReadAll(paths, Options{})
			if (err == nil) != ok {
				t.Errorf("%s, %s: %v", a, b, err)
			}
			some, err := stream(t, paths, Options{}, 2)
			if (err == nil) != ok {
				t.Errorf("%s, %s: %v", a, b, err)
			}
			if !ok {
				continue
			}
			if all.Columns[0].Type != want || !same(&all.Columns[0], &some.Columns[0]) || all.Len() != 6 {
				t.Errorf("%s, %s: %+v and, streamed, %+v, want %s", a, b, all.Columns, some.Columns, want)
			}
			for i, v := range []float64{1, 0, 7, 1, 0, 7} {
				if want != Text && all.Columns[0].Float(i) != v {
					t.Errorf("%s, %s: event %d is %g", a, b, i, all.Columns[0].Float(i))
				}
			}
		}
	}
}

// A value that the common type does not hold is told with its file, row and column.
func TestValuesThatTheCommonTypeDoesNotHold(t *testing.T) {
	dir := t.TempDir()
	float, whole, unsigned := filepath.Join(dir, "f.parquet"), filepath.Join(dir, "i.parquet"), filepath.Join(dir, "u.parquet")
	writeTable(t, float, typed(Float64))
	writeTable(t, whole, &Table{Columns: []Column{{Name: "x", Type: Int64, I64: []int64{1, 2, 1<<53 + 1, -1}}}})
	writeTable(t, unsigned, &Table{Columns: []Column{{Name: "x", Type: Uint64, U64: []uint64{math.MaxUint64}}}})
	for _, c := range []struct {
		a, b string
		want string
	}{
		{float, whole, `i.parquet: row 3: column "x": "9007199254740993" is not held exactly by float64`},
		{whole, float, `i.parquet: row 3: column "x": "9007199254740993" is not held exactly by float64`},
		{float, unsigned, `u.parquet: row 1: column "x": "18446744073709551615" is not held exactly by float64`},
		{whole, unsigned, `i.parquet: row 4: column "x": "-1" is not held by uint64`},
	} {
		_, err := ReadAll([]string{c.a, c.b}, Options{})
		_, err2 := stream(t, []string{c.a, c.b}, Options{}, 1)
		for _, err := range []error{err, err2} {
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "convert them to one type") {
				t.Errorf("%v does not say %s", err, c.want)
			}
		}
	}
}

// A column of nothing but missing values goes with anything, wherever its file comes.
func TestBlankColumnsGoWithAnything(t *testing.T) {
	dir := writeText(t, map[string]string{
		"blank.csv": "n,x,l\n,,\nnan,na,null\n", "none.csv": "x,n,l\n", "full.csv": "l,n,x\ns,3,1.5\n",
	})
	in := func(names ...string) (paths []string) {
		for _, name := range names {
			paths = append(paths, filepath.Join(dir, name))
		}
		return paths
	}
	for _, paths := range [][]string{in("blank.csv", "full.csv"), in("full.csv", "blank.csv"), in("blank.csv", "none.csv", "full.csv"), in("none.csv", "full.csv", "blank.csv")} {
		all, err := ReadAll(paths, Options{})
		if err != nil {
			t.Errorf("%v: %v", paths, err)
			continue
		}
		some, err := stream(t, paths, Options{}, 1)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]Type{"n": Float64, "x": Float64, "l": Text} {
			c, _ := all.Column(name)
			d, _ := some.Column(name)
			if c.Type != want || !same(c, d) || c.Len() != 3 {
				t.Errorf("%v: %+v and, streamed, %+v, want %s", paths, c, d, want)
			}
			if empty := slices.IndexFunc(c.Str, func(s string) bool { return s != "" && s != "s" }); empty >= 0 {
				t.Errorf("%v: a missing label is %q", paths, c.Str[empty])
			}
		}
	}
}

// What is read and defined does not depend on the blocks: same types, same bits.
func TestDefinitionsDoNotDependOnBlocks(t *testing.T) {
	dir := t.TempDir()
	var paths []string
	for seed, ext := range []string{".npz", ".parquet"} {
		paths = append(paths, filepath.Join(dir, "t"+ext))
		writeTable(t, paths[seed], markTable(800, uint64(seed)))
	}
	definitions := [][2]string{{"z", "x * 3 + y"}, {"hard", "abs(x) > 0.25"}, {"copy", "n"}, {"x", "hard == 1 ? x : -1"}, {"id", "n - 536870912000"}}
	define := func(b *Table) {
		t.Helper()
		for _, d := range definitions {
			if err := Define(b, d[0], d[1]); err != nil {
				t.Fatal(err)
			}
		}
	}
	want, err := ReadAll(paths, Options{})
	if err != nil {
		t.Fatal(err)
	}
	define(want)
	rapid.Check(t, func(t *rapid.T) {
		c, err := OpenAll(paths, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for at := 0; ; {
			b, err := c.Read(rapid.IntRange(1, 5000).Draw(t, "block"))
			if err == io.EOF {
				if at != want.Len() {
					t.Fatalf("%d events", at)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if c.Number() != int64(at) {
				t.Fatalf("event %d has the number %d", at, c.Number())
			}
			define(b)
			for k := range b.Columns {
				w := want.Columns[k].Slice(at, at+b.Len())
				if !same(&b.Columns[k], &w) {
					t.Fatalf("%s from event %d is %v, not %v", w.Name, at, b.Columns[k], w)
				}
			}
			at += b.Len()
		}
	})
}

// The columns that are read are chosen by those that the first file has; no file needs others.
func TestChoose(t *testing.T) {
	dir := writeText(t, map[string]string{"a.csv": "x,y,l\n1.5,2,s\n", "b.csv": "z,y,x\n1,4,3.5\n"})
	paths := []string{filepath.Join(dir, "a.csv"), filepath.Join(dir, "b.csv")}
	var told string
	c, err := OpenAll(paths, Options{Choose: func(have []Column) ([]string, error) {
		for _, d := range have {
			told += d.Name + " " + d.Type.String() + " "
		}
		return formula.Names("y - x")
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if !strings.HasPrefix(told, "x float64 y ") || !strings.HasSuffix(told, " l text ") {
		t.Errorf("told of %s", told)
	}
	for _, want := range []float64{2, 4} {
		b, err := c.Read(5)
		if err != nil || !slices.Equal(b.Names(), []string{"y", "x"}) || b.Columns[0].Float(0) != want {
			t.Errorf("%+v %v", b, err)
		}
	}
	for want, choose := range map[string]func([]Column) ([]string, error){
		"a.csv: no column \"q\"": func([]Column) ([]string, error) { return []string{"x", "q"}, nil },
		"not these":              func([]Column) ([]string, error) { return nil, fmt.Errorf("not these") },
		"lacks l":                func([]Column) ([]string, error) { return nil, nil },
	} {
		if _, err := OpenAll(paths, Options{Choose: choose}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %s", err, want)
		}
	}
}

// A table of float32 takes 4 bytes a value, and room for just its events.
func TestMemoryOfFloat32(t *testing.T) {
	const n = 200_000
	r := rand.New(rand.NewPCG(1, 2))
	table := &Table{Columns: []Column{column.New("x", "", Float32, n), column.New("y", "", Float32, n)}}
	for i := range n {
		table.Columns[0].F32[i], table.Columns[1].F32[i] = r.Float32(), r.Float32()
	}
	for _, name := range withHDF5(t, "t.npy", "t.npz", "t.parquet", "t.root") {
		path := filepath.Join(t.TempDir(), name)
		writeTable(t, path, table)
		all, err := ReadAll([]string{path, path}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range all.Columns {
			if c.Type != Float32 || len(c.F32) != 2*n {
				t.Errorf("%s: %d %s", name, c.Len(), c.Type)
			}
		}
		if b := all.Bytes(); b != 2*n*8 {
			t.Errorf("%s: %d bytes", name, b)
		}
	}
}
