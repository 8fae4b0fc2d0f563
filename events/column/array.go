package column

import (
	"fmt"
	"strconv"
	"strings"
)

// Array is a column of which each event holds several values, as many in every event. One of them is the column x[0][3], by
// its places in the dimensions; and a row can be an object, of which the first dimension has several.
type Array struct {
	Name  string
	Group string  // what it is a part of, by which it can be flattened too; "" for nothing
	Dims  []int64 // of an event; at least one
	Stem  string  // its elements are columns in any case, and called by this and their number; "": see Element
}

// Values is how many an event holds.
func (a *Array) Values() int64 {
	n := int64(1)
	for _, d := range a.Dims {
		n *= d
	}
	return n
}

// Element is the name of value k of an event, the last place counting fastest.
func (a *Array) Element(k int64) string {
	if a.Stem != "" {
		return a.Stem + strconv.FormatInt(k, 10)
	}
	name := ""
	for i := len(a.Dims) - 1; i >= 0; i-- {
		name = "[" + strconv.FormatInt(k%a.Dims[i], 10) + "]" + name
		k /= a.Dims[i]
	}
	return a.Name + name
}

// Place is the number of the value that Element calls name.
func (a *Array) Place(name string) (int64, bool) {
	rest, ok := strings.CutPrefix(name, a.Name+"[")
	ok = ok && a.Stem == ""
	places := strings.Split(strings.TrimSuffix(rest, "]"), "][")
	if !ok || !strings.HasSuffix(rest, "]") || len(places) != len(a.Dims) {
		return 0, false
	}
	k := int64(0)
	for i, d := range a.Dims {
		at, err := strconv.ParseInt(places[i], 10, 64)
		if err != nil || at < 0 || at >= d {
			return 0, false
		}
		k = k*d + at
	}
	return k, true
}

// size spells the dimensions.
func (a *Array) size() string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(a.Dims), "[]"), " ", " x ")
}

// whole is what to call for a row an object.
func (a *Array) whole() string {
	if a.Group != "" {
		return a.Group
	}
	return a.Name
}

// Length is the number of events of the table that arrays of so many rows and columns make: that which most columns have, and
// of several the largest.
func Length(rows, columns []int64) int64 {
	count := map[int64]int64{}
	length := int64(0)
	for i, n := range rows {
		count[n] += columns[i]
	}
	for n := range count {
		if count[n] > count[length] || count[n] == count[length] && n > length {
			length = n
		}
	}
	return length
}

// Element is a value of an array as a column of its own.
type Element struct {
	Array int // its place among the arrays
	Place int64
	Name  string
}

// mostElements are columns where nothing says which are wanted.
const mostElements = 1 << 14

// Elements are the wanted columns that are elements of arrays: where nothing is said and there is nothing else, the first of them.
// Of arrays that are not read, or not whole, it notes how they can be.
func (h *Head) Elements(wanted []string, alone bool) []Element {
	var all []Element
	used := make(map[string]bool)
	for i := range h.Many {
		a := &h.Many[i]
		for k := int64(0); wanted == nil && alone && a.Stem == "" && k < a.Values() && len(all) < mostElements; k++ {
			all = append(all, Element{i, k, a.Element(k)})
			used[a.whole()] = k == a.Values()-1
		}
		for _, name := range wanted {
			if k, ok := a.Place(name); ok {
				all = append(all, Element{i, k, name})
				used[a.whole()] = true
			}
		}
	}
	for i := range h.Many {
		a := &h.Many[i]
		if whole := a.whole(); !used[whole] && a.Stem == "" {
			used[whole] = true
			h.Left.Add("array", whole, fmt.Sprintf("holds %s values an event: name one, as in %s, or flatten %s", a.size(), a.Element(a.Values()-1), whole))
		}
	}
	return all
}
