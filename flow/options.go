package flow

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
)

// Part is one part of a flow as a Spec has it: a kind, and those options that are not to have their defaults. It is written
// as the kind's name, or as {kind: {option: value}}. Values are numbers, texts, true or false, lists of whole numbers, Parts and
// maps from name to Part; a Part may also be a text or a map of that form.
type Part struct {
	Kind    string
	Options map[string]any
}

// plain is the form in which a Part is written.
func (p Part) plain() any {
	if len(p.Options) == 0 {
		return p.Kind
	}
	return map[string]any{p.Kind: p.Options}
}

// MarshalJSON implements json.Marshaler.
func (p Part) MarshalJSON() ([]byte, error) { return json.Marshal(p.plain()) }

// UnmarshalJSON implements json.Unmarshaler.
func (p *Part) UnmarshalJSON(text []byte) error {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	q, err := toPart(v)
	*p = q
	return err
}

// ParsePart takes a Part in the form of texts and maps.
func ParsePart(v any) (Part, error) { return toPart(v) }

func toPart(v any) (Part, error) {
	switch v := v.(type) {
	case Part:
		return v, nil
	case string:
		return Part{Kind: v}, nil
	case map[string]any:
		if len(v) != 1 {
			return Part{}, errors.New("one kind belongs here, as in spline or {spline: {bins: 16}}")
		}
		for kind, options := range v {
			switch o := options.(type) {
			case map[string]any:
				if len(o) == 0 {
					o = nil
				}
				return Part{kind, o}, nil
			case string, Part: // {role: part}
				return Part{kind, map[string]any{"": o}}, nil
			}
			return Part{}, fmt.Errorf("the options of %s are a map, as in {%s: {bins: 16}}", kind, kind)
		}
	}
	return Part{}, fmt.Errorf("%v is not the name of a kind, nor {kind: {option: value}}", v)
}

// FieldError names a field of a Spec, by its name in a card, whose value cannot be.
type FieldError struct{ Field, Reason string }

func (e *FieldError) Error() string { return "flow." + e.Field + ": " + e.Reason }

func fmtReason(format string, args ...any) string { return fmt.Sprintf(format, args...) }

// within puts a path before the field of an error.
func within(path string, err error) error {
	var f *FieldError
	if errors.As(err, &f) {
		return &FieldError{join(path, f.Field), f.Reason}
	}
	return err
}

func join(path, name string) string {
	if path == "" || name == "" {
		return path + name
	}
	return path + "." + name
}

// Options are read by the Build of a Kind. Each call names an option, its default and what it may be; an option that cannot
// be, or that is given and not read, is an error of whoever builds.
type Options struct {
	kinds []Kind
	path  string
	given map[string]any
	full  map[string]any // what was read, defaults included
	fault error          // the first
}

func (o *Options) err() error { return o.fault }

func (o *Options) fail(name, format string, args ...any) {
	if o.fault == nil {
		o.fault = &FieldError{join(o.path, name), fmtReason(format, args...)}
	}
}

func read[T any](o *Options, name string, def T, is func(v any) (T, bool), what string) T {
	x := def
	if v, ok := o.given[name]; ok {
		if x, ok = is(v); !ok {
			o.fail(name, "%v is not %s", v, what)
			x = def
		}
	}
	o.full[name] = x
	return x
}

func whole(v any) (int, bool) {
	switch v := v.(type) {
	case int:
		return v, true
	case float64:
		return int(v), v == math.Trunc(v) && math.Abs(v) < 1<<53
	}
	return 0, false
}

// Count is a whole number within [lo, hi].
func (o *Options) Count(name string, def, lo, hi int) int {
	n := read(o, name, def, whole, "a whole number")
	if n < lo || n > hi {
		o.fail(name, "%d is not between %d and %d", n, lo, hi)
		return def
	}
	return n
}

// Number is a number within [lo, hi].
func (o *Options) Number(name string, def, lo, hi float64) float64 {
	x := read(o, name, def, func(v any) (float64, bool) {
		if n, ok := v.(int); ok {
			return float64(n), true
		}
		x, ok := v.(float64)
		return x, ok
	}, "a number")
	if !(x >= lo && x <= hi) {
		o.fail(name, "%g is not between %g and %g", x, lo, hi)
		return def
	}
	return x
}

// Flag is true or false; the default is false.
func (o *Options) Flag(name string) bool {
	return read(o, name, false, func(v any) (bool, bool) { b, ok := v.(bool); return b, ok }, "true or false")
}

// Choice is one of the texts allowed.
func (o *Options) Choice(name, def string, allowed ...string) string {
	s := read(o, name, def, func(v any) (string, bool) { s, ok := v.(string); return s, ok }, "a text")
	if !slices.Contains(allowed, s) {
		o.fail(name, "%q is not one of %v", s, allowed)
		return def
	}
	return s
}

// Counts are 1 to 100 whole numbers, widths of layers, each within [lo, hi].
func (o *Options) Counts(name string, def []int, lo, hi int) []int {
	x := read(o, name, def, func(v any) (out []int, ok bool) {
		list := reflect.ValueOf(v)
		if list.Kind() != reflect.Slice {
			n, ok := whole(v)
			return []int{n}, ok
		}
		for i := range list.Len() {
			n, ok := whole(list.Index(i).Interface())
			if !ok {
				return nil, false
			}
			out = append(out, n)
		}
		return out, true
	}, "a list of whole numbers")
	if len(x) < 1 || len(x) > 100 {
		o.fail(name, "%d layers are not between 1 and 100", len(x))
		return def
	}
	for _, n := range x {
		if n < lo || n > hi {
			o.fail(name, "a width of %d is not between %d and %d", n, lo, hi)
			return def
		}
	}
	return x
}

// made reads an option that is a part, and returns what makes it.
func made[T any](o *Options, name string, role Role, def string) func() T {
	v, ok := o.given[name]
	if !ok {
		v = def
	}
	build, full := makes[T](o, name, v, role)
	o.full[name] = full
	return build
}

// madeOf reads an option that is a map from name to part.
func madeOf[T any](o *Options, name string, role Role) map[string]func() T {
	v, ok := o.given[name]
	if !ok {
		return nil
	}
	given, ok := v.(map[string]any)
	if !ok {
		o.fail(name, "%v is not a map from the name of a feature to a %s", v, role)
		return nil
	}
	all, full := map[string]func() T{}, map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(given)) {
		all[key], full[key] = makes[T](o, join(name, key), given[key], role)
	}
	o.full[name] = full
	return all
}

func makes[T any](o *Options, name string, v any, role Role) (func() T, Part) {
	part, err := toPart(v)
	if err != nil {
		o.fail(name, "%v", err)
		return nil, part
	}
	full, made, err := expandPart(o.kinds, part, join(o.path, name), role)
	if err != nil {
		if o.fault == nil {
			o.fault = err
		}
		return nil, part
	}
	if _, ok := made.(T); !ok {
		o.fail(name, "the kind %s builds a %T, which is no %s", full.Kind, made, role)
	}
	return func() T {
		_, made, _ := expandPart(o.kinds, full, "", role)
		return made.(T)
	}, full
}

// expandPart gives a part all its options, and what its kind builds.
func expandPart(kinds []Kind, p Part, path string, roles ...Role) (full Part, made any, err error) {
	for _, r := range roles { // {role: part}
		if inner, ok := p.Options[""]; ok && p.Kind == string(r) {
			q, err := toPart(inner)
			if err != nil {
				return p, nil, &FieldError{join(path, p.Kind), err.Error()}
			}
			return expandPart(kinds, q, join(path, p.Kind), r)
		}
		if p.Kind == string(r) && len(p.Options) == 1 {
			return expandPart(kinds, Part{p.Kind, map[string]any{"": p.Options}}, path, roles...)
		}
	}
	var names []string
	for i := range kinds {
		k := &kinds[i]
		if !slices.Contains(roles, k.Role) {
			continue
		}
		if k.Name != p.Kind {
			names = append(names, k.Name)
			continue
		}
		o := &Options{kinds: kinds, path: join(path, k.Name), given: p.Options, full: map[string]any{}}
		if k.Role == RoleTransformer || k.Role == RoleNet || k.Role == RoleBase {
			o.path = path
		}
		made = k.Build(o)
		o.unread(k)
		return Part{k.Name, o.full}, made, o.fault
	}
	return p, nil, &FieldError{path, fmtReason("%q is not one of %v", p.Kind, names)}
}

// unread fails for an option that is given and has no effect.
func (o *Options) unread(k *Kind) {
	for _, name := range slices.Sorted(maps.Keys(o.given)) {
		if _, ok := o.full[name]; ok {
			continue
		}
		var others []string
		for _, other := range o.kinds {
			p := &Options{kinds: o.kinds, full: map[string]any{}}
			if other.Role == k.Role && other.Name != k.Name {
				other.Build(p)
			}
			if _, ok := p.full[name]; ok {
				others = append(others, other.Name)
			}
		}
		if len(others) > 0 {
			o.fail(name, "has no effect on the %s %s, only on %s: take it out, or choose that", k.Role, k.Name, strings.Join(others, ", "))
		} else {
			o.fail(name, "no such option of the %s %s; there is %s", k.Role, k.Name, strings.Join(slices.Sorted(maps.Keys(o.full)), ", "))
		}
	}
}
