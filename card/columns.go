package card

import (
	"maps"
	"math"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/sluice-hep/sluice/prep"
	"github.com/sluice-hep/sluice/query"
)

func (d *decoder) definitions(key string, n ast.Node, to *Definitions) error {
	*to = nil
	return d.pairs(key, n, func(k *ast.MappingValueNode, name string) error {
		def := query.Definition{Name: name}
		err := d.value(join(key, name), k.Value, reflect.ValueOf(&def.Expr).Elem())
		*to = append(*to, def)
		return err
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
	if n.Type() == ast.NullType {
		*to = prep.Spec{}
		return nil
	}
	plain, err := d.plain(key, n)
	if err != nil {
		return err
	}
	err = to.UnmarshalYAML(func(v any) error {
		*v.(*any) = plain
		return nil
	})
	if err != nil {
		return at(n, key, "%s", firstLine(err.Error()))
	}
	return nil
}

func (d *decoder) missing(key string, n ast.Node, to *prep.Missing) error {
	plain, err := d.plain(key, n)
	if err != nil {
		return err
	}
	if err := to.Parse(plain); err != nil {
		return at(n, key, "%s", err)
	}
	return nil
}

// limits reads [low, high], of which one may be null.
func (d *decoder) limits(key string, n ast.Node, to *prep.Limits) error {
	list, ok := n.(*ast.SequenceNode)
	if !ok || len(list.Values) != 2 {
		return at(n, key, "a range is written [low, high], with null for an end that is open")
	}
	*to = prep.Limits{Low: math.Inf(-1), High: math.Inf(1)}
	for i, end := range []*float64{&to.Low, &to.High} {
		if e := list.Values[i]; e.Type() != ast.NullType {
			if err := d.number(key, e, reflect.ValueOf(end).Elem()); err != nil {
				return err
			}
		}
	}
	if !(to.Low < to.High) {
		return at(n, key, "%g is not below %g", to.Low, to.High)
	}
	return nil
}
