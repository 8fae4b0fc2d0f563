package flow

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
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

// IsZero says whether nothing is named.
func (p Part) IsZero() bool { return p.Kind == "" }

// inner is the part within {role: part}, of one of the roles; ok is false for any other.
func (p Part) inner(roles ...Role) (q Part, ok bool, err error) {
	if !slices.Contains(roles, Role(p.Kind)) || len(p.Options) != 1 {
		return p, false, nil
	}
	q, err = ParsePart(cmp.Or(p.Options[""], any(p.Options)))
	return q, true, err
}

// Plain is the form in which a Part is written.
func (p Part) Plain() any {
	if len(p.Options) == 0 {
		return p.Kind
	}
	if inner, ok := p.Options[""]; ok { // {role: part}
		return map[string]any{p.Kind: inner}
	}
	return map[string]any{p.Kind: p.Options}
}

// MarshalJSON implements json.Marshaler.
func (p Part) MarshalJSON() ([]byte, error) { return json.Marshal(p.Plain()) }

// UnmarshalJSON implements json.Unmarshaler.
func (p *Part) UnmarshalJSON(text []byte) error {
	var v any
	err := json.Unmarshal(text, &v)
	if err != nil {
		return err
	}
	*p, err = ParsePart(v)
	return err
}

// ParsePart takes a Part in the form of texts and maps.
func ParsePart(v any) (Part, error) {
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

// String is the form of a card.
func (p Part) String() string {
	text := inline(p)
	return strings.TrimSuffix(strings.TrimPrefix(text, "{"), "}")
}

func inline(v any) string {
	switch v := v.(type) {
	case Part:
		return inline(v.Plain())
	case map[string]any:
		var pairs []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			pairs = append(pairs, k+": "+inline(v[k]))
		}
		return "{" + strings.Join(pairs, ", ") + "}"
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return strings.ReplaceAll(strings.Trim(string(text), `"`), ",", ", ")
}
