package uhi

import (
	"encoding/json"
	"fmt"
)

// Histogram is the contents of bins: sums of weights, or counts.
type Histogram struct {
	Axes []Axis
	// Values of all bins, the last axis running fastest; underflow stands before the bins of an axis, overflow after them.
	Values []float64
	// Variances are sums of squared weights, in the same order; nil of counts, whose variances are their values.
	Variances []float64
	Metadata  Metadata
	// Writer is the program that wrote the histogram and its version; both empty where it says none.
	Writer [2]string
}

// Len is the number of bins that the axes span.
func (h *Histogram) Len() int {
	n := 1
	for i := range h.Axes {
		n *= h.Axes[i].Len()
	}
	return n
}

// Variance is that of bin i.
func (h *Histogram) Variance(i int) float64 {
	if h.Variances == nil {
		return h.Values[i]
	}
	return h.Variances[i]
}

// Check is an error where axes and contents do not go together, or are not finite.
func (h *Histogram) Check() error {
	for i := range h.Axes {
		if err := h.Axes[i].Check(); err != nil {
			return fmt.Errorf("axis %d: %w", i, err)
		}
	}
	n := h.Len()
	if len(h.Values) != n || h.Variances != nil && len(h.Variances) != n {
		return fmt.Errorf("%d values and %d variances for %d bins", len(h.Values), len(h.Variances), n)
	}
	for i, v := range h.Values {
		if s := h.Variance(i); v-v != 0 || s-s != 0 {
			return fmt.Errorf("the content of bin %d is not finite", i)
		}
	}
	return h.Metadata.check()
}

type histogram struct {
	Schema   int                          `json:"uhi_schema"`
	Writer   map[string]map[string]string `json:"writer_info,omitempty"`
	Metadata Metadata                     `json:"metadata,omitempty"`
	Axes     []Axis                       `json:"axes"`
	Storage  storage                      `json:"storage"`
}

// storage has its arrays nested, a level an axis.
type storage struct {
	Type      string `json:"type"`
	Values    any    `json:"values,omitempty"`
	Variances any    `json:"variances,omitempty"`
	Index     any    `json:"index,omitempty"`
}

// MarshalJSON writes a histogram whose storage is "weighted", or "double" of counts.
func (h Histogram) MarshalJSON() ([]byte, error) {
	if err := h.Check(); err != nil {
		return nil, fmt.Errorf("uhi: %w", err)
	}
	w := histogram{Schema: 1, Metadata: h.Metadata, Axes: h.Axes, Storage: storage{Type: "double", Values: h.nested(h.Values)}}
	if w.Axes == nil {
		w.Axes = []Axis{}
	}
	if h.Writer[0] != "" {
		w.Writer = map[string]map[string]string{h.Writer[0]: {"version": h.Writer[1]}}
	}
	if h.Variances != nil {
		w.Storage.Type, w.Storage.Variances = "weighted", h.nested(h.Variances)
	}
	return json.Marshal(w)
}

// nested are values as arrays in arrays, the last axis innermost.
func (h *Histogram) nested(values []float64) any {
	var at func(axis int) any
	at = func(axis int) any {
		if axis == len(h.Axes) {
			v := values[0]
			values = values[1:]
			return v
		}
		all := make([]any, h.Axes[axis].Len())
		for i := range all {
			all[i] = at(axis + 1)
		}
		return all
	}
	return at(0)
}

// UnmarshalJSON reads a histogram of int, double or weighted storage, dense. It refuses another version of the schema.
func (h *Histogram) UnmarshalJSON(text []byte) error {
	var r histogram
	if err := json.Unmarshal(text, &r); err != nil {
		return fmt.Errorf("uhi: %w", err)
	}
	*h = Histogram{Axes: r.Axes, Metadata: r.Metadata}
	for name, info := range r.Writer {
		if h.Writer[0] == "" || name < h.Writer[0] {
			h.Writer = [2]string{name, info["version"]}
		}
	}
	switch s := r.Storage; {
	case r.Schema != 1:
		return fmt.Errorf("uhi: a histogram of schema %d: version 1 is read", r.Schema)
	case s.Index != nil:
		return fmt.Errorf("uhi: a sparse histogram: dense ones are read (uhi.io.from_sparse makes one)")
	case s.Values == nil:
		return fmt.Errorf("uhi: a histogram without values")
	case s.Type == "weighted" && s.Variances == nil:
		return fmt.Errorf("uhi: a weighted histogram without variances")
	case s.Type != "int" && s.Type != "double" && s.Type != "weighted":
		return fmt.Errorf("uhi: storage %q: int, double and weighted are read", s.Type)
	}
	var err error
	if h.Values, err = h.flat("values", r.Storage.Values); err == nil && r.Storage.Type == "weighted" {
		h.Variances, err = h.flat("variances", r.Storage.Variances)
	}
	if err == nil {
		err = h.Check()
	}
	if err != nil {
		return fmt.Errorf("uhi: %w", err)
	}
	return nil
}

// flat are the numbers of nested arrays, which must have the shape of the axes.
func (h *Histogram) flat(what string, nested any) (values []float64, err error) {
	var add func(axis int, v any) error
	add = func(axis int, v any) error {
		if axis == len(h.Axes) {
			number, ok := v.(float64)
			if !ok {
				return fmt.Errorf("%s: %v is not a number", what, v)
			}
			values = append(values, number)
			return nil
		}
		list, ok := v.([]any)
		if n := h.Axes[axis].Len(); !ok || len(list) != n {
			return fmt.Errorf("%s: axis %d has %d bins, and the array there %d", what, axis, n, len(list))
		}
		for _, v := range list {
			if err := add(axis+1, v); err != nil {
				return err
			}
		}
		return nil
	}
	return values, add(0, nested)
}
