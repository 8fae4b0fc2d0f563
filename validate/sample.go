package validate

import (
	"fmt"
	"slices"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/stats"
)

// joint are the columns as tests of all of them see them: numbers, counted from stats.Origin. Where values are missing or infinite, the
// column gets the median of the reference there, and one more column says so (1) or not (0), so that no event is lost and nothing of the
// samples either. Columns of one value on both sides are left out.
func joint(ref, gen *events.Table, names []string) (x, y stats.Sample, notes []string, err error) {
	if x.Weights, err = ref.Weights(); err != nil {
		return x, y, nil, err
	}
	if y.Weights, err = gen.Weights(); err != nil {
		return x, y, nil, err
	}
	var constant, filled []string
	for _, name := range names {
		a, b, err := pair(ref, gen, name)
		if err != nil {
			return x, y, nil, err
		}
		missing := [2][]float64{absent(a), absent(b)}
		if missing[0] != nil || missing[1] != nil {
			fill(median(a), a, b)
		}
		if alike(a, b) {
			constant = append(constant, name)
		} else {
			x.Columns, y.Columns = append(x.Columns, a), append(y.Columns, b)
		}
		if missing[0] == nil && missing[1] == nil {
			continue
		}
		for i, n := range []int{len(a), len(b)} {
			if missing[i] == nil {
				missing[i] = make([]float64, n)
			}
		}
		if filled = append(filled, name); !alike(missing[0], missing[1]) {
			x.Columns, y.Columns = append(x.Columns, missing[0]), append(y.Columns, missing[1])
		}
	}
	if len(constant) > 0 {
		notes = append(notes, fmt.Sprintf("%s of one value on both sides %s left out of the tests of all columns together: %s", say.Count(len(constant), "column"), say.Are(len(constant)), column.List(constant, 10)))
	}
	if len(filled) > 0 {
		notes = append(notes, fmt.Sprintf("for the tests of all columns together, missing or infinite values of %s are the median of the reference, beside a column that says where they are missing", column.List(filled, 10)))
	}
	return x, y, notes, nil
}

// pair are the values of a column on both sides.
func pair(ref, gen *events.Table, name string) (a, b []float64, err error) {
	r, err := ref.Column(name)
	if err != nil {
		return nil, nil, err
	}
	g, err := gen.Column(name)
	if err != nil {
		return nil, nil, err
	}
	from := stats.Origin(r, g)
	a, b = make([]float64, r.Len()), make([]float64, g.Len())
	r.Distances(a, 0, from)
	g.Distances(b, 0, from)
	return a, b, nil
}

// absent is 1 for each value that is missing or infinite, and else 0; nil where there are none.
func absent(x []float64) (is []float64) {
	for i, v := range x {
		if v-v == 0 {
			continue
		}
		if is == nil {
			is = make([]float64, len(x))
		}
		is[i] = 1
	}
	return is
}

func fill(with float64, samples ...[]float64) {
	for _, x := range samples {
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

// alike says whether all values of both are the same one.
func alike(a, b []float64) bool {
	other := func(v float64) bool { return v != a[0] }
	return !slices.ContainsFunc(a, other) && !slices.ContainsFunc(b, other)
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
