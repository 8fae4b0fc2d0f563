package validate

import (
	"fmt"
	"slices"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/stats"
)

// joint are columns of several tables as tests of all of them see them: numbers, counted from stats.Origin. Where values are missing or
// infinite, the column gets the median of the first table there, and one more column says so (1) or not (0), so that no event is lost and
// nothing of the samples either. Columns of one value in all tables are left out.
type joint struct {
	names   []string // the column that each comes from
	samples []stats.Sample

	constant, filled []string
}

func newJoint(names []string, tables ...*events.Table) (*joint, error) {
	j := &joint{samples: make([]stats.Sample, len(tables))}
	for i, t := range tables {
		var err error
		if j.samples[i].Weights, err = t.Weights(); err != nil {
			return nil, err
		}
	}
	for _, name := range names {
		values, err := valuesOf(name, tables)
		if err != nil {
			return nil, err
		}
		missing, any := absent(values)
		if any {
			fill(median(values[0]), values)
			j.filled = append(j.filled, name)
		}
		if !j.add(name, values) {
			j.constant = append(j.constant, name)
		}
		if any {
			j.add(name+" missing", missing)
		}
	}
	return j, nil
}

// add takes a column, unless it has one value only.
func (j *joint) add(name string, values [][]float64) bool {
	if alike(values) {
		return false
	}
	j.names = append(j.names, name)
	for i := range j.samples {
		j.samples[i].Columns = append(j.samples[i].Columns, values[i])
	}
	return true
}

// notes say what was left out and what filled in.
func (j *joint) notes() (lines []string) {
	if n := len(j.constant); n > 0 {
		lines = append(lines, fmt.Sprintf("%s of one value on both sides %s left out of the tests of all columns together: %s", say.Count(n, "column"), say.Are(n), column.List(j.constant, 10)))
	}
	if len(j.filled) > 0 {
		lines = append(lines, fmt.Sprintf("for the tests of all columns together, missing or infinite values of %s are the median of the reference, beside a column that says where they are missing", column.List(j.filled, 10)))
	}
	return lines
}

// valuesOf are the values of a column in each table.
func valuesOf(name string, tables []*events.Table) (values [][]float64, err error) {
	all := make([]*events.Column, len(tables))
	for i, t := range tables {
		if all[i], err = t.Column(name); err != nil {
			return nil, err
		}
	}
	from := stats.Origin(all...)
	for _, c := range all {
		x := make([]float64, c.Len())
		c.Distances(x, 0, from)
		values = append(values, x)
	}
	return values, nil
}

// absent is 1 for each value that is missing or infinite, and else 0; any says whether there is one.
func absent(values [][]float64) (is [][]float64, any bool) {
	is = make([][]float64, len(values))
	for i, x := range values {
		is[i] = make([]float64, len(x))
		for e, v := range x {
			if v-v != 0 {
				is[i][e], any = 1, true
			}
		}
	}
	return is, any
}

func fill(with float64, values [][]float64) {
	for _, x := range values {
		for i, v := range x {
			if v-v != 0 {
				x[i] = with
			}
		}
	}
}

// median is that of the finite values; there are some, as stats.Compare has found.
func median(x []float64) float64 {
	x = slices.DeleteFunc(slices.Clone(x), func(v float64) bool { return v-v != 0 })
	slices.Sort(x)
	return x[len(x)/2]
}

// alike says whether all values are the same one.
func alike(values [][]float64) bool {
	first := values[0][0]
	return !slices.ContainsFunc(values, func(x []float64) bool {
		return slices.ContainsFunc(x, func(v float64) bool { return v != first })
	})
}

// narrow is a table of the named columns and the weights alone.
func narrow(t *events.Table, names []string) *events.Table {
	out := &events.Table{Weight: t.Weight}
	for i := range t.Columns {
		if c := t.Columns[i]; c.Name == t.Weight || slices.Contains(names, c.Name) {
			out.Columns = append(out.Columns, c)
		}
	}
	return out
}
