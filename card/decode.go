package card

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/spell"
	"github.com/sluice-hep/sluice/prep"
)

// decoder turns the syntax tree into a card. The YAML package's own decoder is not used for this: it takes
// 1.5 and "3" as integers, passes over a map that has a number among its keys, and names Go types in its errors.
type decoder struct {
	units map[string]string // of columns that are written as a map from name to unit
}

func (d *decoder) value(key string, n ast.Node, v reflect.Value) error {
	if known, err := d.special(key, n, v); known {
		return err
	}
	if text, ok := scalar(n); ok && text == "none" && noneAtZero[alike(key)] {
		n = ast.Integer(token.New("0", "0", n.GetToken().Position))
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

// special sets a value whose type has a form of its own; known is false for any other.
func (d *decoder) special(key string, n ast.Node, v reflect.Value) (known bool, err error) {
	text, isText := scalar(n)
	switch x := v.Addr().Interface().(type) {
	case *Definitions:
		return true, d.definitions(key, n, x)
	case *Flows:
		return true, d.flows(key, n, x)
	case *Profiles:
		return true, d.profiles(key, n, x)
	case *Count:
		if isText && text == "same" {
			*x = 0
			return true, nil
		}
	case *Counts:
		if _, list := n.(*ast.SequenceNode); !list {
			*x = Counts{0}
			return true, d.value(key, n, v.Index(0))
		}
	case *Within:
		return true, d.within(key, n, v, x)
	case *Bytes:
		if !isText {
			return true, at(n, key, "%s where an amount of memory belongs, such as 2GB", describe(n))
		}
		if *x, err = ParseBytes(text); err != nil {
			return true, at(n, key, "%v", err)
		}
		return true, nil
	case *any: // a number or a name
		*x, err = d.plain(key, n)
		switch (*x).(type) {
		case int, float64, string:
		default:
			err = at(n, key, "%s is neither a number nor a name", describe(n))
		}
		return true, err
	case *[]string:
		if _, ok := n.(ast.MapNode); ok && (key == "features" || key == "context") {
			return true, d.columns(key, n, x)
		}
	case *prep.Spec:
		return true, d.prepare(key, n, x)
	case *prep.Limits:
		return true, d.limits(key, n, x)
	case *prep.Missing:
		return true, d.missing(key, n, x)
	case *[]events.Set:
		return true, d.sets(key, n, x)
	case *flow.Part:
		return true, d.part(key, n, x)
	}
	return false, nil
}

func (d *decoder) within(key string, n ast.Node, v reflect.Value, x *Within) error {
	if text, ok := scalar(n); ok && text == "none" {
		*x = Within(math.Inf(1))
		return nil
	}
	if err := d.number(key, n, v); err != nil {
		return err
	}
	if *x < 0 {
		return at(n, key, "%s is not a number from 0 on, or none", describe(n))
	}
	*x = max(*x, math.SmallestNonzeroFloat64)
	return nil
}

func (d *decoder) part(key string, n ast.Node, x *flow.Part) error {
	plain, err := d.plain(key, n)
	if err != nil {
		return err
	}
	if *x, err = flow.ParsePart(plain); err != nil {
		return at(n, key, "%v", err)
	}
	return nil
}

// plain reads a value whose form is not known here: a text, number, true or false, list or map. The YAML package takes 1e-6
// for a text.
func (d *decoder) plain(key string, n ast.Node) (any, error) {
	switch x := n.(type) {
	case *ast.BoolNode:
		return x.Value, nil
	case *ast.NullNode:
		return map[string]any{}, nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		var f float64
		err := d.number(key, n, reflect.ValueOf(&f).Elem())
		if f == math.Trunc(f) && math.Abs(f) <= 1<<53 {
			return int(f), err
		}
		return f, err
	case *ast.SequenceNode:
		list := []any{}
		for _, e := range x.Values {
			v, err := d.plain(key, e)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case ast.MapNode:
		m := map[string]any{}
		err := d.pairs(key, n, func(k *ast.MappingValueNode, name string) (err error) {
			m[name], err = d.plain(join(key, name), k.Value)
			return err
		})
		return m, err
	}
	text, ok := scalar(n)
	if !ok {
		return nil, at(n, key, "%s cannot be here", describe(n))
	}
	if v, err := strconv.ParseFloat(text, 64); err == nil && !quoted(n) {
		return v, nil
	}
	return text, nil
}

// object fills a struct; an empty value sets nothing.
func (d *decoder) object(key string, n ast.Node, v reflect.Value) error {
	return d.pairs(key, n, func(k *ast.MappingValueNode, name string) error {
		field, ok := fieldByKey(v, name)
		if !ok {
			return at(k.Key, join(key, name), "no such key; %s", suggest(name, keys(v.Type())))
		}
		if err := d.value(join(key, name), k.Value, field); err != nil {
			return err
		}
		return d.written(join(key, name), k.Value, field)
	})
}

// written refuses a 0, or an empty list, where it would be taken for the default.
func (d *decoder) written(key string, n ast.Node, v reflect.Value) error {
	text, _ := scalar(n)
	if !v.IsZero() || zeroIsMeant[alike(key)] || text == "same" {
		return nil
	}
	switch v.Kind() {
	case reflect.Int, reflect.Float64:
	case reflect.Slice:
		if n.Type() != ast.SequenceType {
			return nil
		}
	case reflect.Bool:
		return nil
	default:
		if !strings.HasPrefix(alike(key), "flow.") {
			return nil
		}
	}
	return at(n, key, "%s is not possible; leave the key out for the default", describe(n))
}

// zeroIsMeant are the keys whose 0, or empty list, is what it says.
var zeroIsMeant = map[string]bool{
	"context": true, "train.max_seconds": true,
	"train.schedule.end": true, "train.schedule.warmup": true,
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
	if i == 0 && noneAtZero[alike(key)] {
		i = -1
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
	if x == 0 && noneAtZero[alike(key)] {
		x = -1
	}
	v.SetFloat(x)
	return nil
}

// noneAtZero are the keys whose 0 in a Card stands for their default and whose negative value for none: who writes 0, or none,
// means none.
var noneAtZero = map[string]bool{
	"train.valid": true, "train.test": true, "train.ema": true, "train.clip_norm": true,
	"train.weight_decay": true, "train.momentum": true, "train.patience": true, "flow.dropout": true, "categorical.dropout": true,
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
	for _, f := range reflect.VisibleFields(t) {
		if k := yamlKey(f); k != "" {
			names = append(names, k)
		}
	}
	return names
}

func fieldByKey(v reflect.Value, key string) (reflect.Value, bool) {
	for _, f := range reflect.VisibleFields(v.Type()) {
		if yamlKey(f) == key && key != "" {
			return v.FieldByIndex(f.Index), true
		}
	}
	return reflect.Value{}, false
}

// suggest names the keys that a mistyped one may have meant, or else all.
func suggest(name string, known []string) string {
	return spell.Remedy(name, known, "there is "+strings.Join(slices.Sorted(slices.Values(known)), ", "))
}
