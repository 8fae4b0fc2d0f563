package column

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
)

// A few pieces have a line a reason; many are one line. All are said where that is asked for, and in JSON.
func TestLeftOut(t *testing.T) {
	var l LeftOut
	says := func(want ...string) {
		t.Helper()
		if got := l.Say(false); !slices.Equal(got, want) {
			t.Errorf("says %q, want %q", got, want)
		}
		all := l.Say(true)
		if len(all) != len(l) {
			t.Errorf("of %d pieces %d have a line", len(l), len(all))
		}
		if text, err := json.Marshal(l); err != nil || len(all) > 0 && string(text) != string(must(json.Marshal(all))) {
			t.Errorf("as JSON %s, %v", text, err)
		}
	}
	says()
	l.Add("column", "a", "is nested")
	says(`column "a" is nested`)
	l.Add("data set", "b", "is empty")
	l.Add("column", "c", "is nested")
	says(`2 columns, each of which is nested: a, c`, `data set "b" is empty`)
	for i := range 22 {
		l.Add("column", fmt.Sprint("x", i), "is nested")
	}
	says("25 columns and more: a, b, c, x0, x1, x2, x3, x4 and 17 more; a is nested (--verbose: all, with the reasons)")
	l = l[2:11]
	says("9 columns, each of which is nested: c, x0, x1, x2, x3, x4, x5, x6 and 1 more (--verbose: all)")
	l = nil
	for i := range 9 {
		l.Add("column", fmt.Sprint("x", i), fmt.Sprint("is ", i))
	}
	says("9 columns: x0, x1, x2, x3, x4, x5, x6, x7 and 1 more; x0 is 0 (--verbose: all, with the reasons)")
	if err := l.Because("x2"); err == nil || err.Error() != `column "x2" is 2` || l.Because("x9") != nil {
		t.Error(err)
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}
