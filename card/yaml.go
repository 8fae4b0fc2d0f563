package card

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/prep"
)

// YAML is the card's text in a canonical form: what differs from the defaults, in the order of Card's fields, without
// profiles. Parse reads it back as the same card.
func (c *Card) YAML() ([]byte, error) {
	var w writer
	w.object(reflect.ValueOf(*c), 0)
	return w.Bytes(), w.err
}

// Annotated is YAML with remarks on the preparation of columns, each on the line before it.
func (c *Card) Annotated(prepare map[string]string) ([]byte, error) {
	w := writer{remarks: prepare}
	w.object(reflect.ValueOf(*c), 0)
	return w.Bytes(), w.err
}

// writer puts maps on lines and lists in brackets. The YAML package's own writer is not used: it loses a key with a
// line break, and takes an empty list for none.
type writer struct {
	bytes.Buffer
	err     error
	remarks map[string]string // on columns, under prepare
}

func (w *writer) object(v reflect.Value, indent int) {
	for _, field := range reflect.VisibleFields(v.Type()) {
		if key, f := yamlKey(field), v.FieldByIndex(field.Index); key != "" && key != "profiles" && (!f.IsZero() || key == "seed") {
			w.pair(key, f, indent)
		}
	}
}

// pair writes a key and what belongs to it, on the same line or, indented, on the next ones.
func (w *writer) pair(key string, v reflect.Value, indent int) {
	fmt.Fprintf(w, "%*s%s:", indent, "", quote(key))
	switch x := v.Interface().(type) {
	case Definitions:
		w.WriteByte('\n')
		for _, d := range x {
			w.pair(d.Name, reflect.ValueOf(d.Expr), indent+2)
		}
		return
	case Flows:
		w.WriteByte('\n')
		for _, f := range x {
			w.pair(f.Name, reflect.ValueOf(f), indent+2)
		}
		return
	case prep.Limits:
		fmt.Fprintf(w, " [%s, %s]\n", end(x.Low), end(x.High))
		return
	case prep.Spec, prep.Missing:
		plain, err := x.(interface{ MarshalYAML() (any, error) }).MarshalYAML()
		if err != nil {
			w.err = fmt.Errorf("card: %s: %w", key, err)
			return
		}
		v = reflect.ValueOf(plain)
	}
	kind := v.Kind()
	if v.Type() == reflect.TypeFor[flow.Part]() {
		kind = reflect.Interface // on one line
	}
	switch kind {
	case reflect.Struct:
		w.WriteByte('\n')
		w.object(v, indent+2)
	case reflect.Map:
		w.WriteByte('\n')
		for _, k := range sortedKeys(v) {
			if why := w.remarks[k.String()]; why != "" && key == "prepare" {
				fmt.Fprintf(w, "%*s# %s\n", indent+2, "", oneLine(why))
			}
			w.pair(k.String(), elem(v.MapIndex(k)), indent+2)
		}
	default:
		if none(key, v) {
			w.WriteString(" none\n")
			return
		}
		w.WriteByte(' ')
		w.inline(v)
		w.WriteByte('\n')
	}
}

// none is whether a value is the -1 that a card says none for.
func none(key string, v reflect.Value) bool {
	if !(v.CanInt() && v.Int() == -1 || v.CanFloat() && v.Float() == -1) {
		return false
	}
	for known := range noneAtZero {
		if strings.HasSuffix(known, "."+key) {
			return true
		}
	}
	return false
}

// end of a range.
func end(x float64) string {
	if math.IsInf(x, 0) {
		return "null"
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

// inline writes a value on one line.
func (w *writer) inline(v reflect.Value) {
	v = elem(v)
	if p, ok := v.Interface().(flow.Part); ok {
		v = reflect.ValueOf(p.Plain())
	}
	if s, ok := v.Interface().(events.Set); ok {
		v = reflect.ValueOf(map[string]any{s.Name: s.Variables, "count": s.Count, "most": s.Most})
	}
	switch v.Kind() {
	case reflect.String:
		w.WriteString(quote(v.String()))
	case reflect.Float64:
		if math.IsInf(v.Float(), 1) {
			w.WriteString("none")
			return
		}
		w.WriteString(strconv.FormatFloat(v.Float(), 'g', -1, 64))
	case reflect.Slice:
		w.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				w.WriteString(", ")
			}
			w.inline(v.Index(i))
		}
		w.WriteByte(']')
	case reflect.Map:
		w.WriteByte('{')
		for i, k := range sortedKeys(v) {
			if i > 0 {
				w.WriteString(", ")
			}
			w.WriteString(quote(k.String()) + ": ")
			w.inline(v.MapIndex(k))
		}
		w.WriteByte('}')
	default:
		fmt.Fprint(w, v.Interface())
	}
}

func elem(v reflect.Value) reflect.Value {
	if v.Kind() == reflect.Interface {
		return v.Elem()
	}
	return v
}

func sortedKeys(m reflect.Value) []reflect.Value {
	k := m.MapKeys()
	slices.SortFunc(k, func(a, b reflect.Value) int { return bytes.Compare([]byte(a.String()), []byte(b.String())) })
	return k
}

// bare is a text that YAML reads back as itself without quotes, alone and in a list.
var bare = regexp.MustCompile(`^[A-Za-z_]([A-Za-z0-9_./*^()<>=&|+ -]*[A-Za-z0-9_.)])?$`)

// quote writes a text; a JSON string is also YAML.
func quote(s string) string {
	if bare.MatchString(s) && !slices.Contains([]string{"true", "True", "TRUE", "false", "False", "FALSE", "null", "Null", "NULL"}, s) {
		return s
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return strconv.Quote(s)
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}
