package card

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/sluice-hep/sluice/prep"
)

// decoder turns the syntax tree into a card. The YAML package's own decoder is not used for this: it takes
// 1.5 and "3" as integers, passes over a map that has a number among its keys, and names Go types in its errors.
type decoder struct {
	units map[string]string // of columns that are written as a map from name to unit
}

func (d *decoder) value(key string, n ast.Node, v reflect.Value) error {
	switch x := v.Addr().Interface().(type) {
	case *Definitions:
		return d.definitions(key, n, x)
	case *Count:
		if text, ok := scalar(n); ok && text == "same" {
			*x = 0
			return nil
		}
	case *[]string:
		if _, ok := n.(ast.MapNode); ok && (key == "features" || key == "context") {
			return d.columns(key, n, x)
		}
	case *prep.Spec:
		return d.prepare(key, n, x)
	}
	switch v.Kind() {
	case reflect.Struct:
		return d.object(key, n, v)
	case reflect.Map:
		return d.table(key, n, v)
	case reflect.Slice:
		return d.list(key, n, v)
	case reflect.String:
		text, ok := scalar(n)
		if !ok {
			return at(n, key, "%s where a text belongs; put it in quotes", describe(n))
		}
		v.SetString(text)
	case reflect.Bool:
		b, ok := n.(*ast.BoolNode)
		if !ok {
			return at(n, key, "%s is not true or false", describe(n))
		}
		v.SetBool(b.Value)
	case reflect.Int:
		return d.integer(key, n, math.MinInt64, math.MaxInt64, func(i int64) { v.SetInt(i) })
	case reflect.Uint64:
		return d.integer(key, n, 0, math.MaxInt64, func(i int64) { v.SetUint(uint64(i)) })
	case reflect.Float64:
		return d.number(key, n, v)
	default:
		return at(n, key, "cannot be set")
	}
	return nil
}

// object fills a struct; an empty value sets nothing.
func (d *decoder) object(key string, n ast.Node, v reflect.Value) error {
	return d.pairs(key, n, func(k *ast.MappingValueNode, name string) error {
		field, ok := fieldByKey(v, name)
		if !ok {
			return at(k.Key, join(key, name), "no such key; %s", suggest(name, keys(v.Type())))
		}
		return d.value(join(key, name), k.Value, field)
	})
}

func (d *decoder) table(key string, n ast.Node, v reflect.Value) error {
	m := reflect.MakeMap(v.Type())
	err := d.pairs(key, n, func(k *ast.MappingValueNode, name string) error {
		e := reflect.New(v.Type().Elem()).Elem()
		if err := d.value(join(key, name), k.Value, e); err != nil {
			return err
		}
		m.SetMapIndex(reflect.ValueOf(name), e)
		return nil
	})
	if m.Len() == 0 {
		m = reflect.Zero(v.Type())
	}
	v.Set(m)
	return err
}

// list fills a slice; a single value is a list of one.
func (d *decoder) list(key string, n ast.Node, v reflect.Value) error {
	elements := []ast.Node{n}
	switch s := n.(type) {
	case *ast.SequenceNode:
		elements = s.Values
	case *ast.NullNode:
		elements = nil
	case ast.MapNode:
		return at(n, key, "a map where a list belongs; write [a, b]")
	}
	x := reflect.MakeSlice(v.Type(), len(elements), len(elements))
	for i, e := range elements {
		if err := d.value(key, e, x.Index(i)); err != nil {
			if text, ok := scalar(e); ok && strings.Contains(text, ",") {
				err.(*keyError).reason += "; write a list as [a, b]"
			}
			return err
		}
	}
	if len(elements) == 0 {
		x = reflect.Zero(v.Type())
	}
	v.Set(x)
	return nil
}

func (d *decoder) definitions(key string, n ast.Node, to *Definitions) error {
	*to = nil
	return d.pairs(key, n, func(k *ast.MappingValueNode, name string) error {
		var def Definition
		if err := d.value(join(key, name), k.Value, reflect.ValueOf(&def.Expr).Elem()); err != nil {
			return err
		}
		def.Name = name
		*to = append(*to, def)
		return nil
	})
}

// columns reads columns written as a map from name to unit.
func (d *decoder) columns(key string, n ast.Node, to *[]string) error {
	*to = nil
	return d.pairs(key, n, func(k *ast.MappingValueNode, name string) error {
		*to = append(*to, name)
		if k.Value.Type() == ast.NullType {
			return nil
		}
		var unit string
		if err := d.value(join(key, name), k.Value, reflect.ValueOf(&unit).Elem()); err != nil {
			return err
		}
		if d.units == nil {
			d.units = map[string]string{}
		}
		d.units[name] = unit
		return nil
	})
}

// addUnits joins the units that stand with the columns to those under units.
func (d *decoder) addUnits(c *Card) {
	if c.Units == nil {
		c.Units = d.units
		return
	}
	maps.Copy(c.Units, d.units)
}

// prepare reads a preparation; one by column is read column by column, so that an error has its line.
func (d *decoder) prepare(key string, n ast.Node, to *prep.Spec) error {
	if _, ok := n.(ast.MapNode); !ok {
		return d.steps(key, n, to)
	}
	*to = prep.Spec{}
	return d.pairs(key, n, func(k *ast.MappingValueNode, name string) error {
		return d.columnSteps(join(key, name), name, k.Value, to)
	})
}

// columnSteps reads the steps of one column, "*" for all others, into a preparation.
func (d *decoder) columnSteps(key, column string, n ast.Node, to *prep.Spec) error {
	var one prep.Spec
	if _, ok := n.(ast.MapNode); ok {
		return at(n, key, "a map where a list of steps belongs; write [%s]", strings.Join(prep.Kinds()[:3], ", "))
	}
	if err := d.steps(key, n, &one); err != nil {
		return err
	}
	if column == "*" {
		to.All = one.All
		return nil
	}
	if to.Columns == nil {
		to.Columns = map[string][]prep.StepSpec{}
	}
	to.Columns[column] = one.All
	return nil
}

func (d *decoder) steps(key string, n ast.Node, to *prep.Spec) error {
	err := to.UnmarshalYAML(func(v any) error {
		*v.(*any) = plain(n)
		return nil
	})
	if err != nil {
		return at(n, key, "%s", firstLine(err.Error()))
	}
	return nil
}

// plain is a value as text, number, truth, list or map, with the same idea of a number as the rest of the card: the
// YAML package takes 1e-6 for a text.
func plain(n ast.Node) any {
	switch x := n.(type) {
	case *ast.NullNode:
		return nil
	case *ast.BoolNode:
		return x.Value
	case *ast.SequenceNode:
		list := make([]any, len(x.Values))
		for i, e := range x.Values {
			list[i] = plain(e)
		}
		return list
	case ast.MapNode:
		m := map[string]any{}
		for it := x.MapRange(); it.Next(); {
			name, _ := scalar(it.Key())
			m[name] = plain(it.Value())
		}
		return m
	}
	text, _ := scalar(n)
	if v, err := strconv.ParseFloat(text, 64); err == nil && !quoted(n) {
		return v
	}
	return text
}

// pairs calls f for each key and value of a map; an empty value has none.
func (d *decoder) pairs(key string, n ast.Node, f func(k *ast.MappingValueNode, name string) error) error {
	if n.Type() == ast.NullType {
		return nil
	}
	m, ok := n.(ast.MapNode)
	if !ok {
		return at(n, key, "%s where a map of keys and values belongs", describe(n))
	}
	seen := map[string]bool{}
	for it := m.MapRange(); it.Next(); {
		name, ok := scalar(it.Key())
		switch {
		case !ok:
			return at(it.Key(), key, "%s cannot be a key", describe(it.Key()))
		case seen[name]:
			return at(it.Key(), join(key, name), "comes twice; take one out")
		}
		seen[name] = true
		if err := f(it.KeyValue(), name); err != nil {
			return err
		}
	}
	return nil
}

// integer reads a whole number; 1e6 is one.
func (d *decoder) integer(key string, n ast.Node, low, high int64, set func(int64)) error {
	text, _ := scalar(n)
	i, err := strconv.ParseInt(text, 10, 64)
	if x, e := strconv.ParseFloat(text, 64); err != nil && e == nil && x == math.Trunc(x) && math.Abs(x) <= 1<<53 {
		i, err = int64(x), nil
	}
	switch {
	case quoted(n) && err == nil:
		return at(n, key, "%s is a text, not an integer; take the quotes off", describe(n))
	case err != nil && errors.Is(err, strconv.ErrRange):
		return at(n, key, "%s is too large", describe(n))
	case err != nil:
		return at(n, key, "%s is not an integer", describe(n))
	case i < low || i > high:
		return at(n, key, "%s is not between %d and %d", describe(n), low, high)
	}
	set(i)
	return nil
}

func (d *decoder) number(key string, n ast.Node, v reflect.Value) error {
	text, _ := scalar(n)
	x, err := strconv.ParseFloat(text, 64)
	switch {
	case quoted(n) && err == nil:
		return at(n, key, "%s is a text, not a number; take the quotes off", describe(n))
	case err != nil || math.IsNaN(x) || math.IsInf(x, 0):
		return at(n, key, "%s is not a finite number", describe(n))
	}
	v.SetFloat(x)
	return nil
}

// scalar is a value's text as the card writes it, without quotes; false for maps, lists and nothing.
func scalar(n ast.Node) (string, bool) {
	switch x := n.(type) {
	case *ast.StringNode:
		return x.Value, true
	case *ast.LiteralNode:
		return x.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

func quoted(n ast.Node) bool {
	t := n.GetToken().Type
	return t == token.DoubleQuoteType || t == token.SingleQuoteType
}

func describe(n ast.Node) string {
	if text, ok := scalar(n); ok {
		if len(text) > 60 {
			text = text[:60] + "..."
		}
		return strconv.Quote(text)
	}
	switch n.(type) {
	case ast.MapNode:
		return "a map"
	case ast.ArrayNode:
		return "a list"
	case *ast.NullNode:
		return "nothing"
	}
	return "a " + strings.ToLower(n.Type().YAMLName())
}

func join(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}

// yamlKey is a field's name in a card; "" for none.
func yamlKey(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	if name == "-" {
		return ""
	}
	return name
}

func keys(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		if k := yamlKey(t.Field(i)); k != "" {
			names = append(names, k)
		}
	}
	return names
}

func fieldByKey(v reflect.Value, key string) (reflect.Value, bool) {
	for i := range v.NumField() {
		if yamlKey(v.Type().Field(i)) == key && key != "" {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

// suggest names the keys that a mistyped one may have meant, or else all.
func suggest(name string, known []string) string {
	var near []string
	for _, k := range known {
		if distance(name, k) <= (max(len(name), len(k))+1)/3 || len(name) > 2 && strings.HasPrefix(k, name) {
			near = append(near, k)
		}
	}
	if len(near) > 0 {
		return fmt.Sprintf("did you mean %s?", strings.Join(near, " or "))
	}
	slices.Sort(known)
	return "there is " + strings.Join(known, ", ")
}

// distance is the number of letters to change, add, drop or swap with their neighbour to turn a into b.
func distance(a, b string) int {
	if len(a) > 50 {
		return len(a)
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, before
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
