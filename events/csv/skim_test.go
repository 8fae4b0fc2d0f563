package csv

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events/column"
)

// Rows that are skimmed give the types that parsing gives; those of short decimals are.
func TestSkim(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	plain := []string{"0", "7", "-3", "123456789", "0.5", "-.5", "5.", "1e5", "-1.25E-7", "2.5D+03", "1.2345678901234567890", "3e400"}
	others := []string{"", "-0", "-", ".", "1.2.3", "e5", "1e", "1e+", "1-2", "--1", "+1", "x", "1x", "nan", "12345678901234567", "-0.0", "0x1", "1 2", "\"1\"", "True", "#1"}
	special := &[256]bool{'#': true, ' ': true}
	for _, d := range []dialect{{separator: ',', point: '.'}, {separator: ';', point: ','}, {separator: ' ', point: '.'}, {separator: '\t', point: '.'}} {
		skimmed := 0
		for range 20_000 {
			const columns = 3
			cells, odd := make([]string, columns), false
			for k := range cells {
				if cells[k] = plain[r.IntN(len(plain))]; r.IntN(20) == 0 {
					cells[k], odd = others[r.IntN(len(others))], true
				}
				if d.point == ',' {
					cells[k] = strings.ReplaceAll(cells[k], ".", ",")
				}
			}
			blanks := []string{"", "", " ", "  "}
			text := strings.Join(cells, blanks[r.IntN(4)]+string(d.separator)+blanks[r.IntN(4)]) + blanks[r.IntN(4)] + []string{"\n", "\r\n"}[r.IntN(2)]
			s, want := newSkimmer(d, columns), make([]field, columns)
			rows, begin, _ := s.skim([]byte(text), special)
			if rows == 0 {
				if !odd {
					t.Fatalf("%q is not skimmed", text)
				}
				continue
			}
			skimmed++
			have := make([]field, columns)
			s.tally(have)
			parsed, err := d.cells([]byte(text))
			if d.separator == ' ' && len(parsed) == columns+1 && len(parsed[columns]) == 0 { // blanks behind the row
				parsed = parsed[:columns]
			}
			if err != nil || len(parsed) != columns || begin != len(text) {
				t.Fatalf("%q is skimmed to byte %d: %q, %v", text, begin, parsed, err)
			}
			for k, c := range parsed {
				cell := append(append([]byte{}, c...), "\n       "...)
				if n, end := scan(cell, 0, d.point); n.form == notPlain || end != len(c) || !want[k].plain(n) {
					want[k].add(c, d)
				}
				if a, b := have[k].typ(false), want[k].typ(false); a != b || want[k].text || want[k].missing || (have[k].low > 0) != (want[k].low > 0) && a == column.Int64 {
					t.Fatalf("%q: cell %q is %v, and %v at a glance", text, c, b, a)
				}
			}
		}
		if skimmed < 10_000 {
			t.Errorf("%q: %d rows", d.separator, skimmed)
		}
	}
}

// Rows are counted as far as they are known, and what follows begins where it begins.
func TestSkimStops(t *testing.T) {
	text := strings.Repeat("1.5,-2,3\n", 50) + "1.5,2\n" + "1,2,3\n"
	s := newSkimmer(dialect{separator: ',', point: '.'}, 3)
	if rows, begin, before := s.skim([]byte(text), new([256]bool)); rows != 50 || begin != 450 || before != 441 {
		t.Errorf("%d rows, to %d from %d", rows, begin, before)
	}
	if rows, begin, _ := s.skim([]byte("1,2,3,4\n"), new([256]bool)); rows != 0 || begin != 0 {
		t.Errorf("%d rows to %d", rows, begin)
	}
	if rows, begin, _ := s.skim([]byte("1,2,3\n#,2,3\n"), &[256]bool{'#': true}); rows != 1 || begin != 6 {
		t.Errorf("%d rows to %d", rows, begin)
	}
}
