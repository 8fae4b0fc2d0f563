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
		{"x,y\n1.5,-2\n3,4e3\n", "x:float64 y:float64"},
		{"x;y\n1.5;-2\n3;4e3", "x:float64 y:float64"},
		{"x\ty\r\n1.5\t-2\r\n3\t4e3\r\n", "x:float64 y:float64"},
		{"x|y\n1.5|-2\n3|4e3\n", "x:float64 y:float64"},
		{"  x   y\n  1.5  -2  \n3\t4e3\n", "x:float64 y:float64"},
		{"1.5 -2\r\n3 4e3\r\n", "col0:float64 col1:float64"},
		{"1.5,-2\n3,4e3\n", "col0:float64 col1:float64"},
		{"\xef\xbb\xbf# made by hand\n\n x , y \n 1.5 , -2\n# between\n\n3,+4000.\n", "x:float64 y:float64"},
		{"\"x\",\"y\"\n\"1.5\",\"-2\"\n3,\"4e3\"\n", "x:float64 y:float64"},
		{"0,1\n1.5,-2\n3,4e3\n", "0:float64 1:float64"},
		{"x,x\n1.5,-2\n3,4e3\n", "x:float64 x.1:float64"},
		{",y\n1.5,-2\n3,4e3\n", "col0:float64 y:float64"},
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
		if !slices.Equal(got[0].F64, []float64{1.5, 3}) || !slices.Equal(got[1].F64, []float64{-2, 4000}) {
			t.Errorf("%q: %v %v", c.text, got[0].F64, got[1].F64)
		}
	}
}

// A first row of numbers with labels is data, unless the numbers count the columns.
func TestHeaderAmongLabels(t *testing.T) {
	if got := read(t, "28.7,16.0,g\n31.6,11.7,h\n", Options{}); names(got) != "col0:float64 col1:float64 col2:text" || got[0].Len() != 2 {
		t.Errorf("labels without header: %s, %d rows", names(got), got[0].Len())
	}
	if got := read(t, "0,1,label\n31.6,11.7,h\n", Options{}); names(got) != "0:float64 1:float64 label:text" || got[0].Len() != 1 {
		t.Errorf("numbered header: %s", names(got))
	}
}

// The types of columns, from a file that can be read again and from the first block of a pipe that goes on.
func TestTypes(t *testing.T) {
	for _, c := range []struct{ cells, file, pipe string }{
		{"1 2 -16777217", "int64", "float64"},
		{"1 2 9007199254740992", "int64", "float64"},
		{"1 2 9007199254740993", "int64", "int64"},
		{"1 9223372036854775807 -9223372036854775808", "int64", "int64"},
		{"0 9223372036854775808 18446744073709551615", "uint64", "uint64"},
		{"0 9223372036854775808 -1", "float64", "float64"},
		{"+1 2 3", "int64", "float64"},
		{"1 -0 3", "float64", "float64"}, // an integer has no sign of zero
		{"1 16777217 nan", "float64", "float64"},
		{"1 16777217 2.5", "float64", "float64"},
		{"1 2e0 3", "float64", "float64"},
		{"1 2.5 1e39", "float64", "float64"},
		{"1 -inf NaN", "float64", "float64"},
		{"NA null None", "float64", "float64"},
		{"1 2.5 12,5", "text", "text"},
		{"g h NA", "text", "text"},
		{"1 99999999999999999999 2", "float64", "float64"},
		{"0x1F 1 2", "text", "text"},
		{"1_000 1 2", "text", "text"},
	} {
		text := "x;y\n" + strings.ReplaceAll(c.cells, " ", ";0\n") + ";0\n"
		if got := read(t, text, Options{})[0].Type.String(); got != c.file {
			t.Errorf("%s: %s, want %s", c.cells, got, c.file)
		}
		long := text + strings.Repeat(strings.Fields(c.cells)[0]+";"+strings.Repeat("0", 250)+"\n", firstBlock/250)
		r := pipe(t, long)
		if got := r.Columns()[0].Type.String(); got != c.pipe {
			t.Errorf("%s, from a pipe: %s, want %s", c.cells, got, c.pipe)
		}
		r.Close()
	}
}

// pipe reads text as what can be read once.
func pipe(t *testing.T, text string) *Reader {
	t.Helper()
	r, err := newReader(once{strings.NewReader(text)}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

type once struct{ io.Reader }

func (once) Seek(int64, int) (int64, error) { return 0, errors.New("is a pipe") }

// Values are those of the text to the last digit.
func TestPrecision(t *testing.T) {
	got := read(t, "x,n,u\n0.1,9007199254740993,18446744073709551615\n16777217,-9223372036854775808,0\n", Options{})
	if names(got) != "x:float64 n:int64 u:uint64" || got[0].F64[0] != 0.1 || got[1].I64[0] != 9007199254740993 || got[1].I64[1] != math.MinInt64 || got[2].U64[0] != math.MaxUint64 {
		t.Errorf("%s %v", names(got), got)
	}
	got = read(t, "x\n-0\n1\n", Options{})
	if !math.Signbit(got[0].F64[0]) {
		t.Error("the sign of zero is lost")
	}
}

// A whole number that float64 does not hold is no event's number any more: beside missing cells it is an error.
func TestWholeNumbersBesideMissingCells(t *testing.T) {
	got := read(t, "n\n1\nNA\n9007199254740992\n9007199254740994\n", Options{})
	if got[0].Type != column.Float64 || got[0].F64[3] != 9007199254740994 || !math.IsNaN(got[0].F64[1]) {
		t.Errorf("%+v", got)
	}
	for text, want := range map[string]string{
		"n,x\n1,2\nNA,2\n1577134800018226901,3\n": `row 3 (line 4): column "n": "1577134800018226901" is not held exactly by float64, which the column is because values of it are missing`,
		"n\n-1\n9223372036854775809\n":            `row 2 (line 3): column "n": "9223372036854775809" is not held exactly by float64`,
	} {
		if _, err := open(t, text, Options{}).Read(10); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	text := "n\nNA\n1577134800018226901\n"
	if _, err := open(t, text, Options{Types: map[string]column.Type{"n": column.Float64}}).Read(10); err == nil {
		t.Error("a type that is given changes an event's number")
	}
	if got := read(t, text, Options{Types: map[string]column.Type{"n": column.Text}}); got[0].Str[1] != "1577134800018226901" {
		t.Errorf("%+v", got)
	}
	if got := read(t, text, Options{Types: map[string]column.Type{"n": column.Float32}}); got[0].F32[1] < 1e18 {
		t.Errorf("%+v", got)
	}
}

func TestQuotedCells(t *testing.T) {
	got := read(t, "name,x\n\"a, \"\"b\"\"\nc\",1\n\" d \",2\n\"\",3\n", Options{})
	want := []string{"a, \"b\"\nc", " d ", ""}
	if !slices.Equal(got[0].Str, want) || !slices.Equal(got[1].I64, []int64{1, 2, 3}) {
		t.Errorf("%q %v", got[0].Str, got[1].I64)
	}
}

func TestColumnsAreReadInTheOrderAsked(t *testing.T) {
	got := read(t, "x,\"y,z\",w\n1,2,3\n", Options{Columns: []string{"w", "y,z"}})
	if names(got) != "w:int64 y,z:int64" || got[0].I64[0] != 3 || got[1].I64[0] != 2 {
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

// A type chosen from the first block of a pipe must not bend what comes later; of a file all of it is known.
func TestLaterCells(t *testing.T) {
	head := func(cell string) string {
		return "x,y\n" + strings.Repeat(cell+","+strings.Repeat("2", 253)+"\n", firstBlock/256)
	}
	for _, c := range []struct {
		first, later string
		file         column.Type
		want         column.Type // of a pipe, which gets past the contradiction
		why          string      // "": there is none
	}{
		{"1", "12,5", column.Text, column.Text, "is not a number"},
		{"1", "2.5", column.Float64, 0, ""},
		{"1", "", column.Float64, 0, ""},
		{"1", "1e39", column.Float64, 0, ""},
		{"1", "9007199254740993", column.Int64, column.Int64, "is not held exactly by float64"},
		{"9007199254740993", "2.5", column.Float64, column.Float64, "is not a whole number"},
		{"9007199254740993", "18446744073709551615", column.Uint64, column.Uint64, "is beyond int64"},
		{"18446744073709551615", "-1", column.Float64, column.Float64, "is negative"},
	} {
		text := head(c.first) + "\"" + c.later + "\",3\n"
		if file := open(t, text, Options{}); file.Columns()[0].Type != c.file {
			t.Errorf("%s, %s: the file makes it %s", c.first, c.later, file.Columns()[0].Type)
		}
		r := pipe(t, text)
		var err error
		for err == nil {
			_, err = r.Read(1 << 20)
		}
		r.Close()
		if c.why == "" {
			if err != io.EOF {
				t.Errorf("%s, %s: %v", c.first, c.later, err)
			}
			continue
		}
		var bad *column.Contradiction
		if !errors.As(err, &bad) || bad.Want != c.want || bad.Column != "x" || !strings.Contains(err.Error(), "row 16385 (line 16386)") || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s, %s: %v", c.first, c.later, err)
		}
	}
}

// A table of which every line is a comment has no events, which is said.
func TestNothingButComments(t *testing.T) {
	for _, in := range []io.ReadSeeker{strings.NewReader("jet,pt\n#1,2\n#2,3\n"), once{strings.NewReader("jet,pt\n#1,2\n#2,3\n")}} {
		r, err := newReader(in, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Read(5); err != io.EOF {
			t.Error(err)
		}
		if notes := r.Notes(); len(notes) != 1 || notes[0] != "2 lines that are comments (they begin with #) were left out; the first is line 2" {
			t.Errorf("%q", notes)
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
	if v := read(t, "x,y\n,nan\n-inf,INF\n", Options{}); !math.IsNaN(v[0].F64[0]) || !math.IsInf(v[0].F64[1], -1) || !math.IsInf(v[1].F64[1], 1) {
		t.Fatalf("missing and infinite: %v", v)
	}
}
