package card

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/sluice-hep/sluice/prep"
	"github.com/sluice-hep/sluice/query"
)

// Set changes one value: key is dotted as in train.epochs, and value is YAML, so that lists are written [a, b].
// A text, such as an expression, needs no quotes. After an error the card is as before. The card is not checked
// as a whole; Validate does that.
func (c *Card) Set(key, value string) error {
	if err := c.change(key, value); err != nil {
		return fmt.Errorf("set %w", err)
	}
	return nil
}

func (c *Card) change(key, value string) error {
	if first, _, _ := strings.Cut(key, "."); first == "profiles" {
		return wrong(key, "a profile is chosen (--profile NAME), and not set")
	}
	changed := c.clone()
	var d decoder
	if err := d.set(reflect.ValueOf(changed).Elem(), "", key, value); err != nil {
		if k, ok := err.(*keyError); ok {
			k.line = 0
		}
		return err
	}
	d.addUnits(changed)
	*c = *changed
	return nil
}

// clone copies what set changes in place.
func (c *Card) clone() *Card {
	n := *c
	n.Define, n.Restore, n.Flows = slices.Clone(c.Define), slices.Clone(c.Restore), slices.Clone(c.Flows)
	n.Types, n.Units, n.Labels = maps.Clone(c.Types), maps.Clone(c.Units), maps.Clone(c.Labels)
	n.Sample.Context = maps.Clone(c.Sample.Context)
	n.Range, n.Missing.Columns = maps.Clone(c.Range), maps.Clone(c.Missing.Columns)
	n.Prepare.Columns = maps.Clone(c.Prepare.Columns)
	n.PrepareContext.Columns = maps.Clone(c.PrepareContext.Columns)
	return &n
}

// set follows the rest of a dotted key from v, which stands at key. What follows the name of a map is one key,
// dots and all: names of columns may hold them.
func (d *decoder) set(v reflect.Value, key, rest, value string) error {
	full := join(key, rest)
	if rest == "" {
		if key == "" {
			return wrong("", "a key is missing; write KEY=VALUE, as in train.epochs=20")
		}
		n, err := d.node(key, value, v.Kind())
		if err != nil {
			return err
		}
		if err := d.value(key, n, v); err != nil {
			return err
		}
		return d.written(key, n, v)
	}
	switch x := v.Addr().Interface().(type) {
	case *Definitions:
		*x = redefine(*x, rest, value)
		return nil
	case *Flows:
		return d.setFlow(*x, key, rest, value)
	case *prep.Spec:
		n, err := d.node(full, value, reflect.Struct)
		if err != nil {
			return err
		}
		return d.columnSteps(full, rest, n, x)
	}
	if x, ok := v.Addr().Interface().(*prep.Missing); ok {
		return d.setMissing(full, rest, value, x)
	}
	switch v.Kind() {
	case reflect.Map:
		e := reflect.New(v.Type().Elem()).Elem()
		if err := d.set(e, full, "", value); err != nil {
			return err
		}
		if v.IsNil() {
			v.Set(reflect.MakeMap(v.Type()))
		}
		v.SetMapIndex(reflect.ValueOf(rest), e)
		return nil
	case reflect.Struct:
		name, rest, _ := strings.Cut(rest, ".")
		field, ok := fieldByKey(v, name)
		if !ok {
			return wrong(join(key, name), "no such key; %s", suggest(name, keys(v.Type())))
		}
		return d.set(field, join(key, name), rest, value)
	}
	return wrong(full, "no such key; %s is one value", key)
}

// setMissing sets what is missing of one column.
func (d *decoder) setMissing(key, column, value string, to *prep.Missing) error {
	n, err := d.node(key, value, reflect.Struct)
	if err != nil {
		return err
	}
	plain, err := d.plain(key, n)
	if err != nil {
		return err
	}
	var one prep.Missing
	if err := one.Parse(map[string]any{column: plain}); err != nil {
		return at(n, key, "%s", err)
	}
	if column == "*" {
		to.All = one.All
		return nil
	}
	if to.Columns == nil {
		to.Columns = map[string]prep.Gap{}
	}
	to.Columns[column] = one.Columns[column]
	return nil
}

// node is the syntax tree of a value; one for a text is taken as it is, unless it is in quotes.
func (d *decoder) node(key, value string, kind reflect.Kind) (ast.Node, error) {
	n, err := parseYAML([]byte(value))
	if kind == reflect.String && (err != nil || !quoted(n)) {
		return ast.String(token.New(value, value, &token.Position{})), nil
	}
	if k, ok := err.(*keyError); ok {
		k.key = key
	}
	return n, err
}

// redefine replaces a definition or appends one.
func redefine(x Definitions, name, expr string) Definitions {
	if i := slices.IndexFunc(x, func(d query.Definition) bool { return d.Name == name }); i >= 0 {
		x[i].Expr = expr
		return x
	}
	return append(x, query.Definition{Name: name, Expr: expr})
}
