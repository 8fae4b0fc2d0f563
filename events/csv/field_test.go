package csv

import (
	"archive/zip"
	"bytes"
	"compress/bzip2"
	"encoding/base64"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events/column"
	"github.com/ulikunitz/xz"
)

// show is a table on one line: names, units and types, then the rows.
func show(columns []column.Column) string {
	var b strings.Builder
	for i := range columns {
		c := &columns[i]
		fmt.Fprintf(&b, "%s:%s", c.Name, c.Type)
		if c.Unit != "" {
			b.WriteString("/" + c.Unit)
		}
		b.WriteByte(' ')
	}
	for row := range columns[0].Len() {
		b.WriteString("| ")
		for i := range columns {
			b.WriteString(columns[i].Format(row) + " ")
		}
	}
	return strings.TrimSpace(b.String())
}

// What files of the field look like, and what is said about each.
func TestFilesOfTheField(t *testing.T) {
	for name, c := range map[string]struct{ text, want, notes string }{
		"names in a comment":        {"# by hand\n# x y\n# ------\n1 2\n3 4.5\n", "x:int64 y:float64 | 1 2 | 3 4.5", "comment of line 2"},
		"names glued to the mark":   {"#x,y\n1,2\n", "x:int64 y:int64 | 1 2", "comment of line 1"},
		"names by another mark":     {"% x y\n1 2\n% end\n3 4\n", "x:int64 y:int64 | 1 2 | 3 4", "comment of line 1; a line that is a comment (it begins with %) was left out: line 3"},
		"names between commas":      {"! t[d], log(E), ra\n1 2 3\n", "t[d]:int64 log(E):int64 ra:int64 | 1 2 3", "comment of line 1"},
		"names by a semicolon":      {"; by hand\n; x y\n1 2\n; end\n3 4\n", "x:int64 y:int64 | 1 2 | 3 4", "comment of line 2; a line that is a comment (it begins with ;) was left out: line 4"},
		"an index, no comment":      {";x;y\n0;1;2\n1;3;4\n", "col0:int64 x:int64 y:int64 | 0 1 2 | 1 3 4", ""},
		"names and units":           {"// x; y\n// [m]; [1]\n1;2\n", "x:int64/m y:int64 | 1 2", "comment of line 1"},
		"a comment of other words":  {"# x y z\n1 2\n", "col0:int64 col1:int64 | 1 2", ""},
		"a header beside a comment": {"# a,b\nx,y\n1,2\n", "x:int64 y:int64 | 1 2", ""},
		"one column":                {"# made by hand\n# x\n1\n2\n", "x:int64 | 1 | 2", "comment of line 2"},

		"decimal commas":             {"x;y\n1,5;2\n-3,25e1;4\n", "x:float64 y:int64 | 1.5 2 | -32.5 4", "decimal commas, as 1,5"},
		"without a header":           {"1,5\t2,5\n3\t-4,5\n", "col0:float64 col1:float64 | 1.5 2.5 | 3 -4.5", "decimal commas, as 1,5"},
		"between blanks":             {"x  y\n0,1  1,5\n0,2  -\n", "x:float64 y:float64 | 0.1 1.5 | 0.2 NaN", "decimal commas, as 0,1"},
		"beside labels":              {"x;y\n1,5;a\n2,5;b\n", "x:float64 y:text | 1.5 a | 2.5 b", "decimal commas, as 1,5"},
		"beside points":              {"x;y\n1.5;2\n2,5;3\n", "x:text y:int64 | 1.5 2 | 2,5 3", `column "x" is text: row 2 (line 3): "2,5" is not a number`},
		"a point late":               {"x;y\n" + strings.Repeat("1,5;2\n", 30) + "1.234;2\n", "", `row 31 (line 32): "1.234" is not a number`},
		"more commas than one":       {"x;y\n1,234,567;2\n", "x:text y:int64 | 1,234,567 2", `"1,234,567" is not a number`},
		"commas with blanks":         {"1, 2, 3\n4, 5, 6\n", "col0:int64 col1:int64 col2:int64 | 1 2 3 | 4 5 6", ""},
		"17 digits behind the comma": {"x;y\n0,12345678901234567;1\n", "x:float64 y:int64 | 0.12345678901234566 1", "decimal commas, as 0,12345678901234567"},

		"Fortran":              {" 1.5D+03  -2.0d-01\n -3.25d2   4.0D0\n", "col0:float64 col1:float64 | 1500 -0.2 | -325 4", ""},
		"three digits":         {"x y\n1.25-105 1\n-1.5+100 2\n", "x:float64 y:int64 | 1.25e-105 1 | -1.5e+100 2", ""},
		"17 digits and a D":    {"x y\n0.12345678901234567D+01 1\n", "x:float64 y:int64 | 1.2345678901234567 1", ""},
		"stars":                {"x y\n****** 1\n1.5 2\n", "x:float64 y:int64 | NaN 1 | 1.5 2", ""},
		"no exponents: labels": {"x,y\n12-345,1\n2015-105,2\n", "x:text y:int64 | 12-345 1 | 2015-105 2", `"12-345" is not a number`},

		"complex, no names":         {"(1.5+2j),(3+0j)\n(2.5+1j),(4+0j)\n", "col0:text col1:text | (1.5+2j) (3+0j) | (2.5+1j) (4+0j)", `column "col0" is text: row 1 (line 1): "(1.5+2j)" is not a number`},
		"times, no names":           {"12:30:05,a\n12:31:06,b\n", "col0:text col1:text | 12:30:05 a | 12:31:06 b", `"12:30:05" is not a number`},
		"names of numerals":         {"0j,1j\n1.5,2.5\n", "0j:float64 1j:float64 | 1.5 2.5", ""},
		"counted":                   {"0,1,2\n0.5,1.5,2.5\n", "0:float64 1:float64 2:float64 | 0.5 1.5 2.5", "counts the columns"},
		"counted, whole":            {"0;1;2\n5;6;7\n", "0:int64 1:int64 2:int64 | 5 6 7", "counts the columns"},
		"counted behind an index":   {",0,1\n0,5,6\n1,7,8\n", "col0:int64 0:int64 1:int64 | 0 5 6 | 1 7 8", "counts the columns"},
		"an index and one column":   {",0\n0,5.5\n", "col0:int64 0:float64 | 0 5.5", "counts the columns"},
		"a first point of a curve":  {"0 1\n0.1 0.9\n", "col0:float64 col1:float64 | 0 1 | 0.1 0.9", ""},
		"a first row of integers":   {"0,1\n1,2\n", "col0:int64 col1:int64 | 0 1 | 1 2", ""},
		"a first row, not counting": {"1,2,3\n0.5,1.5,2.5\n", "col0:float64 col1:float64 col2:float64 | 1 2 3 | 0.5 1.5 2.5", ""},

		"true and false":          {"x,y\nTrue,TRUE\nFalse,\n", "x:int64 y:float64 | 1 1 | 0 NaN", ""},
		"without names":           {"true,1.5\nfalse,2.5\n", "col0:int64 col1:float64 | 1 1.5 | 0 2.5", ""},
		"true as a name":          {"true,reco\n1.5,2\n", "true:float64 reco:int64 | 1.5 2", ""},
		"true beside numbers":     {"x\nTrue\n5\n", "x:text | True | 5", `row 1 (line 2): "True" is not a number`},
		"true beside other words": {"x\nTrue\nmaybe\n", "x:text | True | maybe", ""},

		"units in brackets":   {"x,y\n[GeV],[1]\n1,2\n", "x:int64/GeV y:int64 | 1 2", "line 2 is taken for units"},
		"units":               {"x,y,z\nms,,V\n1.5,2,3\n", "x:float64/ms y:int64 z:int64/V | 1.5 2 3", "line 2 is taken for units"},
		"a wrong first cell":  {"x,y\n,oops\n1,2\n", "x:float64 y:text | NaN oops | 1 2", `row 1 (line 2): "oops" is not a number`},
		"a label, no unit":    {"x,y\na,1\nb,2\n", "x:text y:int64 | a 1 | b 2", ""},
		"words, no units":     {"x,y\na,b\nc,d\n", "x:text y:text | a b | c d", ""},
		"units and a bare 1":  {"x;y;z\nGeV;1;ns\n1.5;2;3\n", "x:float64/GeV y:int64 z:int64/ns | 1.5 2 3", "line 2 is taken for units"},
		"a table in bars":     {"| x | y |\n|---|---|\n| 1 | 2.5 |\n| 3 | 4 |\n", "x:int64 y:float64 | 1 2.5 | 3 4", ""},
		"bars and no names":   {"|1|2|\n|3|4|\n", "col0:float64 col1:int64 col2:int64 col3:float64 | NaN 1 2 NaN | NaN 3 4 NaN", ""},
		"a ruler":             {"x   y\n--- ---\n1   2\n", "x:int64 y:int64 | 1 2", ""},
		"a drawn table":       {"+---+---+\n x | y\n+---+---+\n 1 | 2\n+---+---+\n", "x:int64 y:int64 | 1 2", ""},
		"a repeated header":   {"x,y\n[m],[s]\n1,2\n\nx,y\n[m],[s]\n3,4\n", "x:int64/m y:int64/s | 1 2 | 3 4", "taken for units, not for an event; 2 rows that repeat the header were left out; the first is line 5"},
		"a label like a name": {"x\na\nx\n", "x:text | a | x", ""},
		"missing, no ruler":   {"x y\n-- -\n1 2\n", "x:float64 y:float64 | NaN NaN | 1 2", ""},

		"comments among events": {"x,y\n# before\n1,2\n#3,4\n5,6\n#7,8\n", "x:int64 y:int64 | 1 2 | 5 6", "2 lines that are comments (they begin with #) were left out; the first is line 4"},
		"of a Latin letter":     {"gr\xf6\xdfe,art\n1,caf\xe9\n2,a\n", "größe:int64 art:text | 1 café | 2 a", "text that is no UTF-8 is read as Latin-1"},
		"a comment behind":      {"x y # both in m\n1 2\n3 4 # bad run\n", "x:int64 y:int64 | 1 2 | 3 4", "a comment behind a row was left out: line 3"},
		"a comment far behind":  {"x y\n" + strings.Repeat("1 2\n", 25) + "3 4 # bad\n", "", "a comment behind a row was left out: line 27"},
		"a # in a name":         {"x #y z\n1 2 3\n", "x:int64 #y:int64 z:int64 | 1 2 3", ""},
		"colons":                {"a:b:c\n1:2:3\n", "a:int64 b:int64 c:int64 | 1 2 3", ""},
		"times":                 {"time\n12:30:05\n12:31:06\n", "time:text | 12:30:05 | 12:31:06", `"12:30:05" is not a number`},

		"missing":       {"a,b,c,d,e\n1,-,NULL,--,...\n2,.,?,n/a,\\N\n3,1,2,3,4\n", "a:int64 b:float64 c:float64 d:float64 e:float64 | 1 NaN NaN NaN NaN | 2 NaN NaN NaN NaN | 3 1 2 3 4", ""},
		"Microsoft's":   {"a,b\n1.#QNAN,-1.#INF\n-nan(ind),1.#INF\n", "a:float64 b:float64 | NaN -Inf | NaN +Inf", ""},
		"a wrong cell":  {"pt,eta\n1,2\noops,3\n4,5\n", "pt:text eta:int64 | 1 2 | oops 3 | 4 5", `column "pt" is text: row 2 (line 3): "oops" is not a number`},
		"old line ends": {"x,y\r1,2\r\r3,4.5\r", "x:int64 y:float64 | 1 2 | 3 4.5", ""},
		"and no last":   {"# x y\r1 2\r3 4", "x:int64 y:int64 | 1 2 | 3 4", "comment of line 1"},
		"the usual":     {"x,y\r\n1,\"a\rb\"\r\n", "x:int64 y:text | 1 a\rb", ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, in := range []io.ReadSeeker{strings.NewReader(c.text), once{strings.NewReader(c.text)}} {
				r, err := newReader(in, Options{})
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				got, err := r.Read(100)
				if err != nil {
					t.Fatal(err)
				}
				if text := show(got); c.want != "" && text != c.want {
					t.Errorf("%s\nwant %s", text, c.want)
				}
				if _, err := r.Read(1); err != io.EOF {
					t.Error(err)
				}
				notes := strings.Join(r.Notes(), "; ")
				for _, c := range r.Columns() {
					if c.Odd != "" {
						notes += fmt.Sprintf("column %q is text: %s", c.Name, c.Odd)
					}
				}
				if c.notes == "" && notes != "" || !strings.Contains(notes, c.notes) {
					t.Errorf("says %q, want %q", notes, c.notes)
				}
			}
		})
	}
}

// Where no separator parts all lines, the one that leaves the most numbers tells the line that differs.
func TestLinesThatDiffer(t *testing.T) {
	for text, want := range map[string]string{
		"event number pt eta\n1 2 3\n4 5 6\n": "row 1 (line 2): 3 cells where the header has 4",
		"1 2 3\n4 5\n6 7 8\n":                 "row 2 (line 2): 2 cells where the first row has 3",
		"x;y\n1;2\n3;4;5\n6;7\n":              "row 2 (line 3): 3 cells where the header has 2",
		"x y\n1 2 3 # a\n4 5 6\n":             "row 1 (line 2): 5 cells where the header has 2",
	} {
		r, err := newReader(strings.NewReader(text), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Read(10); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Given options go before what is found, and are found again where reading begins anew.
func TestOptions(t *testing.T) {
	for _, c := range []struct {
		text, want string
		Options
	}{
		{"Model,X\nBlock\nt,v\n1,2\n", "t:int64 v:int64 | 1 2", Options{SkipLines: 2}},
		{"0,1,2\n3,4,5\n", "col0:int64 col1:int64 col2:int64 | 0 1 2 | 3 4 5", Options{Header: HeaderNo}},
		{"# x y\n1 2\n", "col0:int64 col1:int64 | 1 2", Options{Header: HeaderNo}},
		{"1,5;2,5\n", "col0:int64 col1:text col2:int64 | 1 5;2 5", Options{Separator: ','}},
		{"1,5;2,5\n", "col0:float64 col1:float64 | 1.5 2.5", Options{Separator: ';'}},
		{"a~b\n1~2\n", "a:int64 b:int64 | 1 2", Options{Separator: '~'}},
		{"x,y\ntrue,1\n", "x:float32 y:uint64 | 1 1", Options{Types: map[string]column.Type{"x": column.Float32, "y": column.Uint64}}},
	} {
		r, err := newReader(strings.NewReader(c.text), c.Options)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			got, err := r.Read(10)
			if err != nil {
				t.Fatal(err)
			}
			if text := show(got); text != c.want {
				t.Errorf("%q: %s, want %s", c.text, text, c.want)
			}
			if err := r.Seek(r.first); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := newReader(strings.NewReader("1\n2\n"), Options{SkipLines: 3}); err == nil || !strings.Contains(err.Error(), "holds 2 lines, and 3 are to be skipped") {
		t.Error(err)
	}
}

// Reading that goes on at a row says nothing of the comments that it did not pass, and one of all rows says them once.
func TestNotesOfPartsOfAFile(t *testing.T) {
	text := "x,y\n1,2\n#\n3,4\n#\n5,6\n"
	types := map[string]column.Type{"x": column.Int64, "y": column.Int64}
	r, err := newReader(strings.NewReader(text), Options{Types: types})
	if err != nil {
		t.Fatal(err)
	}
	if r.Read(2); !slices.Equal(r.Notes(), []string{"a line that is a comment (it begins with #) was left out: line 3"}) {
		t.Errorf("%q", r.Notes())
	}
	m, _ := r.Mark()
	if err := r.Seek(m); err != nil {
		t.Fatal(err)
	}
	if r.Read(2); len(r.Notes()) != 0 {
		t.Errorf("%q", r.Notes())
	}
}

// pack packs text in each way that is read.
func packed(t *testing.T, text string) map[string][]byte {
	t.Helper()
	var x, z bytes.Buffer
	for range 2 { // two streams are one file
		w, err := xz.NewWriter(&x)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, text[:len(text)/2])
		w.Close()
		text = text[len(text)/2:] + text[:len(text)/2]
	}
	w := zip.NewWriter(&z)
	w.Create("folder/")
	m, err := w.Create("folder/t.csv")
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(m, text)
	m, _ = w.Create("__MACOSX/folder/._t.csv")
	io.WriteString(m, "of a Mac")
	w.Close()
	return map[string][]byte{"xz": x.Bytes(), "zip": z.Bytes()}
}

func TestPackedText(t *testing.T) {
	text := "x,y\n" + strings.Repeat("1,2.5\n", 3000)
	all := packed(t, text)
	// printf 'x,y\n1,2.5\n' | bzip2
	b, err := base64.StdEncoding.DecodeString(bzipped)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(bzip2.NewReader(bytes.NewReader(b))); err != nil || string(got) != "x,y\n1,2.5\n" {
		t.Fatalf("%q %v", got, err)
	}
	all["bzip2"] = b
	for name, data := range all {
		want := 3000
		if name == "bzip2" {
			want = 1
		}
		r, err := newReader(bytes.NewReader(data), Options{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := r.Read(5000)
		if err != nil || got[0].Len() != want || names(got) != "x:int64 y:float64" || got[1].F64[want-1] != 2.5 {
			t.Errorf("%s: %s %v", name, names(got), err)
		}
		r.Close()
		for _, end := range []int{len(data) / 2, len(data) - 1} {
			if err := readThrough(data[:end]); err == nil {
				t.Errorf("%s: cut at %d of %d, and read all the same", name, end, len(data))
			}
		}
	}
	if _, err := newReader(once{bytes.NewReader(all["zip"])}, Options{}); err == nil || !strings.Contains(err.Error(), "pipe") {
		t.Error(err)
	}
}

const bzipped = "QlpoOTFBWSZTWV4S+2YAAARYgAAQAAUyAABgIAAxDAgg0ZqEYOCXi7kinChILwl9swA="

func readThrough(data []byte) error {
	r, err := newReader(bytes.NewReader(data), Options{})
	if err != nil {
		return err
	}
	defer r.Close()
	for err == nil {
		_, err = r.Read(1000)
	}
	if err == io.EOF {
		return nil
	}
	return err
}

func TestZipOfSeveralFiles(t *testing.T) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range []string{"a.csv", "b.csv"} {
		m, _ := w.Create(name)
		io.WriteString(m, "1,2\n")
	}
	w.Close()
	if _, err := newReader(bytes.NewReader(b.Bytes()), Options{}); err == nil || !strings.Contains(err.Error(), `2 files, of which one was expected: ["a.csv" "b.csv"]`) {
		t.Error(err)
	}
}

// Decimal commas and D's give, to the last bit, what points and e's do.
func TestSpellings(t *testing.T) {
	for _, cell := range []string{"1.5", "-0.0000123", "123456789.25", "0.1234567890123456789", "-1.7976931348623157e308", "5e-324", "1e400"} {
		want, _ := dialect{point: '.'}.number([]byte(cell))
		comma := strings.Replace(cell, ".", ",", 1)
		if got, ok := (dialect{point: ','}).number([]byte(comma)); !ok || math.Float64bits(got) != math.Float64bits(want) {
			t.Errorf("%s: %g, want %g", comma, got, want)
		}
		d := strings.Replace(cell, "e", "D", 1)
		if got, ok := (dialect{point: '.'}).number([]byte(d)); !ok || math.Float64bits(got) != math.Float64bits(want) {
			t.Errorf("%s: %g, want %g", d, got, want)
		}
	}
	for _, cell := range []string{"1,", ",5", "1.5", "1,2,3", "1.234,5", "1,e5"} {
		if v, ok := (dialect{point: ','}).number([]byte(cell)); ok {
			t.Errorf("%s is %g between decimal commas", cell, v)
		}
	}
	for _, cell := range []string{"d", "d5", "1d", "1d+", "2015-105", "1-105", "1.5-1055", "1.5-15", "1.2.3-105"} {
		if v, ok := (dialect{point: '.'}).number([]byte(cell)); ok {
			t.Errorf("%s is %g", cell, v)
		}
	}
}
