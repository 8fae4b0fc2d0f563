package events

import (
	"io"
	"slices"
	"testing"

	"github.com/sluice-hep/sluice/events/formula"
)

// A stream knows the place in the file of what it reads behind events that were passed over.
func TestChainPassesOver(t *testing.T) {
	const turned = "parquet/testdata/made/turned.parquet" // 50 to 99, then 0 to 49
	paths := []string{turned, turned}
	var told [][2]int64
	c, err := OpenAll(paths, Options{Limits: formula.Limits("x >= 17 && x < 65"), Passed: func(first, events int64) {
		told = append(told, [2]int64{first, events})
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	read := 0
	for {
		b, err := c.Read(7)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Len() {
			if want := (c.First() + int64(i) + 50) % 100; b.Columns[0].I64[i] != want {
				t.Fatalf("event %d of %s is %d, not %d", c.First()+int64(i), c.Path(), b.Columns[0].I64[i], want)
			}
		}
		read += b.Len()
	}
	// Left are 50 to 69 and 10 to 49 of each file, ten at a time.
	want := [][2]int64{{20, 10}, {30, 10}, {40, 10}, {50, 10}, {120, 10}, {130, 10}, {140, 10}, {150, 10}}
	if read != 120 || !slices.Equal(told, want) {
		t.Errorf("read %d, passed over %v", read, told)
	}
}
