package csv

import (
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events/column"
)

func open(t *testing.T, text string, opts Options) *Reader {
	t.Helper()
	path := filepath.Join(t.TempDir(), "t.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Open(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func read(t *testing.T, text string, opts Options) []column.Column {
	t.Helper()
	c, err := open(t, text, opts).Read(1000)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return c
}

func names(columns []column.Column) string {
	var n []string
	for _, c := range columns {
		n = append(n, c.Name+":"+c.Type.String())
	}
	return strings.Join(n, " ")
}

// Each text holds the same two events, 1.5 -2 and 3 4e3.
func TestDialects(t *testing.T) {
	for _, c := range []struct{ text, names string }{
		{"x,y\n1.5,-2\n3,4e3\n", "x:float32 y:float32"},
		{"x;y\n1.5;-2\n3;4e3", "x:float32 y:float32"},
		{"x\ty\r\n1.5\t-2\r\n3\t4e3\r\n", "x:float32 y:float32"},
		{"x|y\n1.5|-2\n3|4e3\n", "x:float32 y:float32"},
		{"  x   y\n  1.5  -2  \n3\t4e3\n", "x:float32 y:float32"},
		{"1.5 -2\r\n3 4e3\r\n", "col0:float32 col1:float32"},
		{"1.5,-2\n3,4e3\n", "col0:float32 col1:float32"},
		{"\xef\xbb\xbf# made by hand\n\n x , y \n 1.5 , -2\n# between\n\n3,+4000.\n", "x:float32 y:float32"},
		{"\"x\",\"y\"\n\"1.5\",\"-2\"\n3,\"4e3\"\n", "x:float32 y:float32"},
		{"0,1\n1.5,-2\n3,4e3\n", "0:float32 1:float32"},
		{"x,x\n1.5,-2\n3,4e3\n", "x:float32 x.1:float32"},
		{",y\n1.5,-2\n3,4e3\n", "col0:float32 y:float32"},
	} {
		opts := Options{}
		if strings.HasPrefix(c.text, "0,1") {
			opts.Header = HeaderYes
		}
		got := read(t, c.text, opts)
		if names(got) != c.names {
			t.Errorf("%q: columns %s, want %s", c.text, names(got), c.names)
			continue
		}
		if !slices.Equal(got[0].F32, []float32{1.5, 3}) || !slices.Equal(got[1].F32, []float32{-2, 4000}) {
			t.Errorf("%q: %v %v", c.text, got[0].F32, got[1].F32)
		}
	}
}

// A first row of numbers with labels is data, unless the numbers count the columns.
func TestHeaderAmongLabels(t *testing.T) {
	if got := read(t, "28.7,16.0,g\n31.6,11.7,h\n", Options{}); names(got) != "col0:float32 col1:float32 col2:text" || got[0].Len() != 2 {
		t.Errorf("labels without header: %s, %d rows", names(got), got[0].Len())
	}
	if got := read(t, "0,1,label\n31.6,11.7,h\n", Options{}); names(got) != "0:float32 1:float32 label:text" || got[0].Len() != 1 {
		t.Errorf("numbered header: %s", names(got))
	}
}

func TestTypes(t *testing.T) {
	for _, c := range []struct {
		cells string
		want  string
	}{
		{"1 2 16777216", "float32"},
		{"1 2 16777217", "int64"},
		{"1 9223372036854775807 -9223372036854775808", "int64"},
		{"1 16777217 nan", "float64"},
		{"1 16777217 2.5", "float32"},
		{"1 2.5 1e39", "float64"},
		{"1 -inf NaN", "float32"},
		{"NA null None", "float32"},
		{"1 2 12,5", "text"},
		{"g h NA", "text"},
		{"1 99999999999999999999 2", "float32"},
		{"0x1F 1 2", "text"},
		{"1_000 1 2", "text"},
	} {
		text := "x;y\n" + strings.ReplaceAll(c.cells, " ", ";0\n") + ";0\n"
		if got := read(t, text, Options{})[0].Type.String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.cells, got, c.want)
		}
	}
}

func TestDouble(t *testing.T) {
	got := read(t, "x,n\n0.1,9007199254740993\n16777217,1\n", Options{})
	if names(got) != "x:float64 n:int64" || got[0].F64[0] != 0.1 || got[1].I64[0] != 9007199254740993 {
		t.Errorf("%s %v %v", names(got), got[0].F64, got[1].I64)
	}
}

func TestQuotedCells(t *testing.T) {
	got := read(t, "name,x\n\"a, \"\"b\"\"\nc\",1\n\" d \",2\n\"\",3\n", Options{})
	want := []string{"a, \"b\"\nc", " d ", ""}
	if !slices.Equal(got[0].Str, want) || !slices.Equal(got[1].F32, []float32{1, 2, 3}) {
		t.Errorf("%q %v", got[0].Str, got[1].F32)
	}
}

func TestColumnsAreReadInTheOrderAsked(t *testing.T) {
	got := read(t, "x,\"y,z\",w\n1,2,3\n", Options{Columns: []string{"w", "y,z"}})
	if names(got) != "w:float32 y,z:float32" || got[0].F32[0] != 3 || got[1].F32[0] != 2 {
		t.Errorf("%s %v", names(got), got)
	}
}

func TestErrorsNameThePlace(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"x,y\n1,2\n3\n", "row 2 (line 3): 1 cells where the header has 2"},
		{"x,y\n1,2\n\n3,4,5\n", "row 2 (line 4): 3 cells where the header has 2"},
		{"x,y\n1,\"2\n3,4\n", "no closing quote"},
		{"", "holds no rows"},
		{"# only this\n", "holds no rows"},
		{"x\x00y\n", "zero bytes"},
		{"\xff\xfex\x00", "UTF-16"},
		{"\x1f\x8b\x08\x00rubbish", "damaged"},
	} {
		path := filepath.Join(t.TempDir(), "t.csv")
		os.WriteFile(path, []byte(c.text), 0o600)
		r, err := Open(path, Options{Separator: ','})
		if err == nil {
			_, err = r.Read(100)
			r.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
	path := filepath.Join(t.TempDir(), "t.csv")
	os.WriteFile(path, []byte("pt,eta\n1,2\n"), 0o600)
	if _, err := Open(path, Options{Columns: []string{"Pt"}}); err == nil || !strings.Contains(err.Error(), `did you mean "pt"?`) {
		t.Error(err)
	}
}

// A type chosen from the first block must not bend what comes later.
func TestLaterCellsThatContradict(t *testing.T) {
	head := "x,y\n" + strings.Repeat("1,"+strings.Repeat("2", 253)+"\n", firstBlock/256)
	for _, c := range []struct {
		cell string
		want column.Type
	}{{"12,5", column.Text}, {"16777217", column.Int64}, {"1e39", column.Float64}} {
		r := open(t, head+"\""+c.cell+"\",3\n", Options{})
		var err error
		rows := 0
		for err == nil {
			var got []column.Column
			if got, err = r.Read(1 << 20); err == nil {
				rows += got[0].Len()
			}
		}
		var bad *column.Contradiction
		if !errors.As(err, &bad) || bad.Want != c.want || bad.Column != "x" || !strings.Contains(err.Error(), "row 16385 (line 16386)") {
			t.Errorf("%s after %d rows: %v", c.cell, rows, err)
		}
		if whole := open(t, head+"\""+c.cell+"\",3\n", Options{Whole: true}); whole.Columns()[0].Type != c.want {
			t.Errorf("%s: the whole file makes it %s", c.cell, whole.Columns()[0].Type)
		}
	}
}

func TestReadEnds(t *testing.T) {
	r := open(t, "x\n1\n2\n3\n", Options{})
	for _, want := range []int{2, 1} {
		if c, err := r.Read(2); err != nil || c[0].Len() != want {
			t.Fatalf("%v %v", c, err)
		}
	}
	for range 2 {
		if _, err := r.Read(2); err != io.EOF {
			t.Fatal(err)
		}
	}
	if got, err := open(t, "x,y\n", Options{}).Read(5); err != io.EOF {
		t.Fatalf("a header without rows: %v %v", got, err)
	}
	if v := read(t, "x,y\n,nan\n-inf,INF\n", Options{}); !math.IsNaN(float64(v[0].F32[0])) || !math.IsInf(float64(v[0].F32[1]), -1) || !math.IsInf(float64(v[1].F32[1]), 1) {
		t.Fatalf("missing and infinite: %v", v)
	}
}
