package card

import (
	"errors"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/train"
)

// Flows are several flows of the same events, written as a map from name to flow, whose order they keep.
type Flows []NamedFlow

// NamedFlow is one of them: what stands under flow elsewhere, and under train what differs from the training of all. Without type and
// layers, it is of the type that its name is.
type NamedFlow struct {
	Name      string `yaml:"-"`
	flow.Spec `yaml:",inline"`
	Train     train.Config `yaml:"train,omitempty"`
}

const mostFlows = 64

// flowName is one that files and keys can have.
var flowName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)

// Each is the card of each of the flows, each with files of its own; of one flow the card itself.
func (c *Card) Each() []*Card {
	if len(c.Flows) == 0 {
		return []*Card{c}
	}
	var each []*Card
	for _, f := range c.Flows {
		own := *c
		own.Flows, own.Flow, own.Name = nil, f.Spec, c.Name+"-"+f.Name
		if f.Type == "" && len(f.Layers) == 0 && slices.Contains(flow.Presets(), f.Name) {
			own.Flow.Type = f.Name
		}
		overlay(reflect.ValueOf(&own.Train).Elem(), reflect.ValueOf(f.Train))
		sample := c.SampleFile()
		ending := filepath.Ext(strings.TrimSuffix(sample, ".gz")) + sample[len(strings.TrimSuffix(sample, ".gz")):]
		own.Sample.File = strings.TrimSuffix(sample, ending) + "-" + f.Name + ending
		each = append(each, &own)
	}
	return each
}

// overlay sets the fields of to that are set in from.
func overlay(to, from reflect.Value) {
	for i := range from.NumField() {
		switch f := from.Field(i); {
		case f.IsZero():
		case f.Kind() == reflect.Struct:
			overlay(to.Field(i), f)
		default:
			to.Field(i).Set(f)
		}
	}
}

func (d *decoder) flows(key string, n ast.Node, to *Flows) error {
	*to = Flows{}
	return d.pairs(key, n, func(k *ast.MappingValueNode, name string) error {
		f := NamedFlow{Name: name}
		err := d.value(join(key, name), k.Value, reflect.ValueOf(&f).Elem())
		*to = append(*to, f)
		return err
	})
}

// setFlow changes a value of one of the flows.
func (d *decoder) setFlow(flows Flows, key, rest, value string) error {
	name, rest, _ := strings.Cut(rest, ".")
	var names []string
	for i := range flows {
		if names = append(names, flows[i].Name); flows[i].Name == name {
			return d.set(reflect.ValueOf(&flows[i]).Elem(), join(key, name), rest, value)
		}
	}
	return wrong(join(key, name), "there is no such flow; %s", suggest(name, names))
}

// alike is the key of the same thing in a card of one flow.
func alike(key string) string {
	inner, ok := strings.CutPrefix(key, "flows.")
	if !ok {
		return key
	}
	_, inner, _ = strings.Cut(inner, ".")
	if strings.HasPrefix(inner, "train.") {
		return inner
	}
	return "flow." + inner
}

func (c *Card) checkFlows() error {
	switch {
	case c.Flows == nil:
		return c.checkFlow()
	case len(c.Flows) == 0:
		return wrong("flows", "there are none in it: write NAME: {type: ...} for each, or take the key out")
	case !reflect.ValueOf(c.Flow).IsZero():
		return wrong("flow", "there are flows too; put it among these, or take one out")
	case len(c.Flows) > mostFlows:
		return wrong("flows", "%d flows are more than %d", len(c.Flows), mostFlows)
	}
	if err := c.checkTrain(); err != nil {
		return err
	}
	seen := map[string]bool{}
	for i, one := range c.Each() {
		f := c.Flows[i]
		key := join("flows", f.Name)
		switch lower := strings.ToLower(f.Name); {
		case !flowName.MatchString(f.Name) || len(f.Name) > 60:
			return wrong(key, "%q cannot be a part of the names of files: write letters, digits, - and _", f.Name)
		case seen[lower]:
			return wrong(key, "comes twice; take one out")
		default:
			seen[lower] = true
		}
		var inside *keyError
		if err := one.checkFlow(); errors.As(err, &inside) {
			rest := strings.TrimPrefix(inside.key, "flow.")
			if rest == "flow" {
				return wrong(key, "%s", inside.reason)
			}
			return wrong(join(key, rest), "%s", inside.reason)
		} else if err != nil {
			return err
		}
	}
	return nil
}
