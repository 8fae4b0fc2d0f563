package prep

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Missing says which cells have no value. A card writes `model`, for NaN in any column, or a map from columns to `model`, to values that stand for
// none, or to `none`, where every number is one; `*` stands for the columns not named, and a column of which a value is named keeps what it says of NaN:
//
//	missing: {lead_pt: -999, m_vis: none, "*": model}
//
// The zero value is that NaN is an error, and that values of many events are told by auto.
type Missing struct {
	All     Gap            // of the columns that Columns does not name
	Columns map[string]Gap // by column
}

// Gap says which cells of a column have no value.
type Gap struct {
	Model bool      // NaN
	Marks []float64 // these values
	None  bool      // nothing; no value of many events is told either
}

// Of is what holds for a column.
func (m Missing) Of(column string) Gap {
	g, ok := m.Columns[column]
	if !ok {
		return m.All
	}
	g.Model = g.Model || m.All.Model && !g.None
	return g
}

// IsZero reports whether nothing is said.
func (m Missing) IsZero() bool { return !m.All.Model && len(m.Columns) == 0 }

// Parse reads the form of a card from strings, numbers, lists and maps.
func (m *Missing) Parse(v any) error {
	columns, ok := v.(map[string]any)
	if !ok {
		columns = map[string]any{"*": v}
	}
	var out Missing
	for _, name := range slices.Sorted(maps.Keys(columns)) {
		g, err := parseGap(columns[name])
		switch {
		case err != nil && ok:
			return fmt.Errorf("column %q: %w", name, err)
		case err != nil:
			return err
		case name != "*":
			if out.Columns == nil {
				out.Columns = map[string]Gap{}
			}
			out.Columns[name] = g
		case g.None || len(g.Marks) > 0:
			return fmt.Errorf("for all columns there is model; name the columns of a value, as in missing: {pt: -999}")
		default:
			out.All = g
		}
	}
	*m = out
	return nil
}

func parseGap(v any) (g Gap, err error) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, e := range list {
		switch x, err := number(e); {
		case e == "model":
			g.Model = true
		case e == "none" && len(list) == 1:
			g.None = true
		case err != nil || !finite(x):
			return g, fmt.Errorf("%v is not model, none, a number or a list of numbers", v)
		default:
			g.Marks = append(g.Marks, x)
		}
	}
	return g, nil
}

// MarshalYAML writes the form of a card.
func (m Missing) MarshalYAML() (any, error) {
	if len(m.Columns) == 0 {
		return "model", nil
	}
	all := map[string]any{}
	if m.All.Model {
		all["*"] = "model"
	}
	for name, g := range m.Columns {
		all[name] = g.plain()
	}
	return all, nil
}

// MarshalJSON writes the same.
func (m Missing) MarshalJSON() ([]byte, error) {
	v, err := m.MarshalYAML()
	if err != nil || m.IsZero() {
		return []byte("null"), err
	}
	return json.Marshal(v)
}

func (g Gap) plain() any {
	var list []any
	if g.None {
		return "none"
	}
	if g.Model {
		list = append(list, "model")
	}
	for _, v := range g.Marks {
		list = append(list, v)
	}
	if len(list) == 1 {
		return list[0]
	}
	return list
}

// missingValue stands for a cell without a value, NaN, within a preparation: a number of a float32 that nothing measures.
const missingValue = -0x1.2d687ep+90

// fill puts missingValue in place of NaN, and reports whether all others are finite.
func fill(x []float64) bool {
	ok := true
	for i, v := range x {
		switch {
		case v != v:
			x[i] = missingValue
		case v-v != 0:
			ok = false
		}
	}
	return ok
}

// MayLack are the columns whose cells may be missing.
func (p *Pipeline) MayLack() (names []string) {
	if p == nil {
		return nil
	}
	for i := range p.Columns {
		if p.Columns[i].Missing {
			names = append(names, p.Columns[i].Name)
		}
	}
	return names
}
