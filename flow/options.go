package flow

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
)

// FieldError names a field of a Spec, by its name in a card, whose value cannot be.
type FieldError struct{ Field, Reason string }

func (e *FieldError) Error() string { return "flow." + e.Field + ": " + e.Reason }

func fault(field, format string, args ...any) error {
	return &FieldError{field, fmt.Sprintf(format, args...)}
}

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

func (o *Options) fail(name, format string, args ...any) {
	if o.fault == nil {
		o.fault = fault(join(o.path, name), format, args...)
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

func integer(v any) (int, bool) {
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
	return bounded(o, name, read(o, name, def, integer, "a whole number"), def, lo, hi)
}

// Number is a number within [lo, hi].
func (o *Options) Number(name string, def, lo, hi float64) float64 {
	x := read(o, name, def, func(v any) (float64, bool) {
		if n, ok := v.(int); ok {
			return float64(n), true
		}
		return is[float64](v)
	}, "a number")
	return bounded(o, name, x, def, lo, hi)
}

func bounded[T int | float64](o *Options, name string, x, def, lo, hi T) T {
	if !(x >= lo && x <= hi) {
		o.fail(name, "%v is not between %v and %v", x, lo, hi)
		return def
	}
	return x
}

func is[T any](v any) (T, bool) { x, ok := v.(T); return x, ok }

// Flag is true or false; the default is false.
func (o *Options) Flag(name string) bool {
	return read(o, name, false, is[bool], "true or false")
}

// Choice is one of the texts allowed.
func (o *Options) Choice(name, def string, allowed ...string) string {
	s := read(o, name, def, is[string], "a text")
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
			n, ok := integer(v)
			return []int{n}, ok
		}
		for i := range list.Len() {
			n, ok := integer(list.Index(i).Interface())
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
	}
	all, full := map[string]func() T{}, map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(given)) {
		all[key], full[key] = makes[T](o, join(name, key), given[key], role)
	}
	o.full[name] = full
	return all
}

func makes[T any](o *Options, name string, v any, role Role) (func() T, Part) {
	part, err := ParsePart(v)
	if err != nil {
		o.fail(name, "%v", err)
		return nil, part
	}
	x, err := expandPart(o.kinds, part, join(o.path, name), role)
	if err != nil {
		o.fault = cmp.Or(o.fault, err)
		return nil, part
	}
	if _, ok := x.made.(T); !ok {
		o.fail(name, "the kind %s builds a %T, which is no %s", x.Kind, x.made, role)
	}
	return func() T {
		again, _ := expandPart(o.kinds, x.Part, "", role)
		return again.made.(T)
	}, x.Part
}

// expanded is a part with all its options, and what its kind builds.
type expanded struct {
	Part
	role Role
	made any
}

func expandPart(kinds []Kind, p Part, path string, roles ...Role) (expanded, error) {
	if q, ok, err := p.inner(roles...); err != nil {
		return expanded{}, fault(join(path, p.Kind), "%v", err)
	} else if ok {
		return expandPart(kinds, q, join(path, p.Kind), Role(p.Kind))
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
		made := k.Build(o)
		o.unread(k)
		return expanded{Part{k.Name, o.full}, k.Role, made}, o.fault
	}
	return expanded{}, fault(path, "%q is not one of %v", p.Kind, names)
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
