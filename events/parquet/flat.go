package parquet

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/sluice-hep/sluice/events/column"
)

// flat are the columns of a file that have one value an event, members of structures too, and those that are left out.
type flat struct {
	names    []string
	leaves   []leaf
	out      column.LeftOut
	elements []*format.SchemaElement // of all leaves
	index    []string                // columns that are but the numbers of the rows
}

// add adds a column, or the members of a structure.
func (f *flat) add(c *pq.Column, name string, wanted []string) {
	inner := c.Columns()
	switch {
	case c.Repeated():
		f.out.Add("column", name, "is a list in every event")
	case c.Leaf():
		f.leaf(c, name, wanted)
	case len(inner) == 0 || len(inner) == 1 && inner[0].Repeated(): // a list, or a map
		f.out.Add("column", name, "is nested")
	default:
		for _, member := range inner {
			f.add(member, name+"."+strings.TrimSpace(member.Name()), wanted)
		}
	}
}

func (f *flat) leaf(c *pq.Column, name string, wanted []string) {
	if c.Index() >= len(f.elements) {
		f.out.Add("column", name, "is not described")
		return
	}
	k, why := kindOf(c, f.elements[c.Index()])
	if slices.Contains(f.index, name) && !slices.Contains(wanted, name) {
		why = "is the index of a frame of pandas"
	}
	if why != "" {
		f.out.Add("column", name, why)
		return
	}
	f.names = append(f.names, name)
	f.leaves = append(f.leaves, leaf{kind: k, column: c})
}

// refused says why a wanted column cannot be had.
func (f *flat) refused(wanted []string) error {
	return column.Without(f.names, wanted, func(name string) error {
		if because := f.out.Because(name); because != nil {
			return fmt.Errorf("%w; only one value an event can be read", because)
		}
		return nil
	})
}

// index are the columns into which pandas put an index without a name.
func (r *Reader) index() (names []string) {
	var frame struct {
		Index []any `json:"index_columns"`
	}
	text, _ := r.meta.Lookup("pandas")
	if json.Unmarshal([]byte(text), &frame) != nil {
		return nil
	}
	for _, v := range frame.Index {
		if name, ok := v.(string); ok && strings.HasPrefix(name, "__index_level_") {
			names = append(names, name)
		}
	}
	return names
}
