package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/safetensors"
	"github.com/sluice-hep/sluice/nn"
	"github.com/sluice-hep/sluice/prep"
)

const (
	format = "sluice-model"
	// FormatVersion is the newest layout that this package reads, and the one that it writes.
	FormatVersion = 4
)

// Save writes the model: whole or, after an error, not at all. Equal models give equal files; how fast the training
// ran is left out for that.
func (m *Model) Save(path string) error {
	f, err := m.file()
	if err != nil {
		return fmt.Errorf("model: %s: %w", path, err)
	}
	if err := f.Write(path); err != nil {
		return fmt.Errorf("model: %w", err)
	}
	return nil
}

// Load reads a model; own are kinds of parts besides those of package flow. A file that is damaged, or made to harm, is an
// error.
func Load(path string, own ...flow.Kind) (*Model, error) {
	f, err := safetensors.Read(path)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	m, err := fromFile(f, own)
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", path, err)
	}
	return m, nil
}

// Hash is the SHA-256 of the model's content, as its file holds it.
func (m *Model) Hash() (string, error) {
	f, err := m.file()
	if err != nil {
		return "", fmt.Errorf("model: %w", err)
	}
	return f.Hash()
}

// flowRecord describes a flow in a file. Check guards against a program that would build another flow from the
// same description: the log-densities that this one gives to a few fixed points.
type flowRecord struct {
	Spec     flow.Spec `json:"spec"`
	Features int       `json:"features"`
	Context  int       `json:"context"`
	Inverted bool      `json:"inverted,omitempty"` // it is read backwards
	Check    []float64 `json:"check"`

	version int // of the file's format
}

func (m *Model) file() (*safetensors.File, error) {
	if err := m.validate(); err != nil {
		return nil, err
	}
	f := &safetensors.File{Metadata: map[string]string{
		"format": format, "format_version": strconv.Itoa(FormatVersion),
		"seed": strconv.FormatUint(m.Seed, 10), "card": m.Card,
	}}
	w, ok := m.Flow()
	if !ok {
		return nil, fmt.Errorf("a density of type %T cannot be saved", m.Density)
	}
	check, err := probe(m.Density.(probed), w.Context)
	if err != nil {
		return nil, err
	}
	context := m.Context
	if context == nil {
		context = &prep.Pipeline{Columns: []prep.Column{}, Noiseless: true}
	}
	record := map[string]any{
		"schema":   schema{Columns(m.Features), Columns(context)},
		"features": m.Features, "context": context,
		"flow": flowRecord{Spec: w.Spec, Features: w.Features, Context: w.Context, Inverted: m.inverted(), Check: check},
	}
	if m.Train != nil {
		record["train"] = m.Train.WithoutClock()
	}
	for key, v := range record {
		text, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		f.Metadata[key] = string(text)
	}
	for _, v := range w.Views() {
		f.Tensors = append(f.Tensors, safetensors.Tensor{Name: v.Name, Shape: shape(v), Data: v.Of(w.Params())})
	}
	return f, nil
}

func shape(v nn.View) []int {
	if v.Cols == 1 {
		return []int{v.Rows}
	}
	return []int{v.Rows, v.Cols}
}

func fromFile(f *safetensors.File, own []flow.Kind) (*Model, error) {
	m, r, err := recordOf(f)
	if err != nil {
		return nil, err
	}
	if m.Density, err = flowOf(f, r, m.Seed, own); err != nil {
		return nil, fmt.Errorf("flow: %w", err)
	}
	return m, nil
}

// recordOf is what a file says of a model: all but its density, which the record describes.
func recordOf(f *safetensors.File) (m *Model, r flowRecord, err error) {
	wrong := func(format string, args ...any) (*Model, flowRecord, error) {
		return nil, r, fmt.Errorf(format, args...)
	}
	if got := f.Metadata["format"]; got != format {
		return wrong("format %q: not a model of this program", got)
	}
	r.version, err = strconv.Atoi(f.Metadata["format_version"])
	switch {
	case err != nil || r.version < 1:
		return wrong("format_version %q is not a number from 1 on", f.Metadata["format_version"])
	case r.version > FormatVersion:
		return wrong("format_version %d is newer than this program's %d; use a newer sluice", r.version, FormatVersion)
	case f.Metadata[safetensors.HashKey] == "":
		return wrong("damaged: it has no %s", safetensors.HashKey)
	}
	m = &Model{Card: f.Metadata["card"]}
	if m.Seed, err = strconv.ParseUint(f.Metadata["seed"], 10, 64); err != nil {
		return wrong("seed %q is not a number", f.Metadata["seed"])
	}
	m.Features, m.Context = new(prep.Pipeline), new(prep.Pipeline)
	for _, part := range []struct {
		key string
		to  any
	}{{"features", m.Features}, {"context", m.Context}, {"flow", &r}, {"train", &m.Train}} {
		text, ok := f.Metadata[part.key]
		if !ok && part.key == "train" {
			continue
		}
		if err := decodeJSON(text, part.to); err != nil {
			return wrong("%s: %w", part.key, err)
		}
	}
	if r.Features != m.Features.Dim() || r.Context != m.Context.Dim() {
		return wrong("a flow of %d features and %d context columns does not go with a preparation of %d and %d",
			r.Features, r.Context, m.Features.Dim(), m.Context.Dim())
	}
	if r.version == 1 {
		r.Spec = firstFormat(r.Spec)
	}
	return m, r, nil
}

// decodeJSON refuses unknown keys where the type does not read itself: a key that changes a flow must not be passed over.
func decodeJSON(text string, to any) error {
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return err
	}
	if d.More() {
		return errors.New("text after its end")
	}
	return nil
}

// flowOf builds the flow that a record describes, with the file's parameters.
func flowOf(f *safetensors.File, r flowRecord, seed uint64, own []flow.Kind) (Density, error) {
	plan, tensors, err := planOf(f, r, seed, own)
	if err != nil {
		return nil, err
	}
	w := flow.Blank(plan)
	for _, v := range plan.Views() {
		copy(v.Of(w.Params()), tensors[v.Name].Data)
	}
	if err := checkParameters(w); err != nil {
		return nil, err
	}
	var d probed = w
	if r.Inverted {
		d = flow.Invert(w)
	}
	return d, compareProbe(d, r.Context, r.Check)
}

// planOf lays out the flow that a record describes, whose parameters are the file's tensors, by name. Nothing is made for a
// description that asks for more than the file has.
func planOf(f *safetensors.File, r flowRecord, seed uint64, own []flow.Kind) (*flow.Plan, map[string]safetensors.Tensor, error) {
	floats := 0
	tensors := map[string]safetensors.Tensor{}
	for _, t := range f.Tensors {
		floats += t.Count()
		tensors[t.Name] = t
	}
	plan, err := flow.PlanWithin(floats, r.Features, r.Context, r.Spec, seed, own...)
	if err != nil {
		return nil, nil, err
	}
	views := plan.Views()
	for _, v := range views {
		if t, ok := tensors[v.Name]; !ok || !slices.Equal(t.Shape, shape(v)) {
			return nil, nil, fmt.Errorf("tensor %q of shape %v is missing; there is one of shape %v", v.Name, shape(v), t.Shape)
		}
	}
	for name := range tensors {
		if len(tensors) > len(views) && !slices.ContainsFunc(views, func(v nn.View) bool { return v.Name == name }) {
			return nil, nil, fmt.Errorf("tensor %q is not part of it", name)
		}
	}
	return plan, tensors, nil
}

// probed is a density that tells of a few points of its latent space.
type probed interface {
	Density
	Latent(n int, context [][]float32, seed, first uint64) ([][]float32, error)
}

// probe is the log-density of a few fixed points of the flow's own space, with a context of zeros.
func probe(f probed, columns int) ([]float64, error) {
	const points = 4
	context := make([][]float32, columns)
	for i := range context {
		context[i] = make([]float32, points)
	}
	x, err := f.Latent(points, context, 0, 0)
	if err != nil {
		return nil, err
	}
	return f.LogProb(x, context)
}

func compareProbe(f probed, columns int, want []float64) error {
	got, err := probe(f, columns)
	if err != nil {
		return err
	}
	if len(got) != len(want) {
		return fmt.Errorf("%d check values, not %d", len(want), len(got))
	}
	for i := range got {
		// Kernels may round differently, by about 1e-6 a transform.
		if d := got[i] - want[i]; !(d*d <= 1e-4*(1+want[i]*want[i])) {
			return fmt.Errorf("it gives a log-density of %g where the trained one gave %g: the file was written by an incompatible version", got[i], want[i])
		}
	}
	return nil
}
