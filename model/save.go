package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/nn"
	"github.com/sluice-hep/sluice/prep"
)

const (
	format = "sluice-model"
	// FormatVersion is the newest layout that this package reads, and the one that it writes.
	FormatVersion = 1
)

// Save writes the model: whole or, after an error, not at all. Equal models give equal files; how fast the training
// ran is left out for that.
func (m *Model) Save(path string) error {
	f, err := m.file()
	if err != nil {
		return fmt.Errorf("model: %s: %w", path, err)
	}
	return f.Write(path)
}

// Load reads a model. A file that is damaged, or made to harm, is an error.
func Load(path string) (*Model, error) {
	f, err := Read(path)
	if err != nil {
		return nil, err
	}
	m, err := f.model()
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
	Check    []float64 `json:"check"`
}

func (m *Model) file() (*File, error) {
	if err := m.validate(); err != nil {
		return nil, err
	}
	f := &File{Metadata: map[string]string{
		"format": format, "format_version": strconv.Itoa(FormatVersion),
		"seed": strconv.FormatUint(m.Seed, 10), "card": m.Card,
	}}
	check, err := probe(m.Flow)
	if err != nil {
		return nil, err
	}
	context := m.Context
	if context == nil {
		context = &prep.Pipeline{Columns: []prep.Column{}, Noiseless: true}
	}
	record := map[string]any{
		"schema":   schema{columnInfo(m.Features), columnInfo(context)},
		"features": m.Features, "context": context,
		"flow": flowRecord{m.Flow.Spec, m.Flow.Features, m.Flow.Context, check},
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
	for _, v := range m.Flow.Views() {
		f.Tensors = append(f.Tensors, Tensor{v.Name, shape(v), v.Of(m.Flow.Params())})
	}
	return f, nil
}

func shape(v nn.View) []int {
	if v.Cols == 1 {
		return []int{v.Rows}
	}
	return []int{v.Rows, v.Cols}
}

func (f *File) model() (*Model, error) {
	if got := f.Metadata["format"]; got != format {
		return nil, fmt.Errorf("format %q: not a model of this program", got)
	}
	version, err := strconv.Atoi(f.Metadata["format_version"])
	switch {
	case err != nil || version < 1:
		return nil, fmt.Errorf("format_version %q is not a number from 1 on", f.Metadata["format_version"])
	case version > FormatVersion:
		return nil, fmt.Errorf("format_version %d is newer than this program's %d; use a newer sluice", version, FormatVersion)
	case f.Metadata[hashKey] == "":
		return nil, fmt.Errorf("damaged: it has no %s", hashKey)
	}
	m := &Model{Card: f.Metadata["card"]}
	if m.Seed, err = strconv.ParseUint(f.Metadata["seed"], 10, 64); err != nil {
		return nil, fmt.Errorf("seed %q is not a number", f.Metadata["seed"])
	}
	m.Features, m.Context = new(prep.Pipeline), new(prep.Pipeline)
	var r flowRecord
	for _, part := range []struct {
		key string
		to  any
	}{{"features", m.Features}, {"context", m.Context}, {"flow", &r}, {"train", &m.Train}} {
		text, ok := f.Metadata[part.key]
		if !ok && part.key == "train" {
			continue
		}
		if err := decodeJSON(text, part.to); err != nil {
			return nil, fmt.Errorf("%s: %w", part.key, err)
		}
	}
	if r.Features != m.Features.Dim() || r.Context != m.Context.Dim() {
		return nil, fmt.Errorf("a flow of %d features and %d context columns does not go with a preparation of %d and %d",
			r.Features, r.Context, m.Features.Dim(), m.Context.Dim())
	}
	if m.Flow, err = f.flow(r, m.Seed); err != nil {
		return nil, fmt.Errorf("flow: %w", err)
	}
	return m, m.validate()
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

// flow builds the flow that a record describes, with the file's parameters.
func (f *File) flow(r flowRecord, seed uint64) (*flow.Flow, error) {
	floats := 0
	tensors := map[string]Tensor{}
	for _, t := range f.Tensors {
		floats += len(t.Data)
		tensors[t.Name] = t
	}
	if err := r.Spec.Validate(); err != nil {
		return nil, err
	}
	if need := fewestParameters(r); need > float64(floats) {
		return nil, fmt.Errorf("its description asks for at least %.0f parameters; the file has %d", need, floats)
	}
	w, err := flow.New(r.Features, r.Context, r.Spec, seed)
	if err != nil {
		return nil, err
	}
	for _, v := range w.Views() {
		t, ok := tensors[v.Name]
		if !ok || !slices.Equal(t.Shape, shape(v)) {
			return nil, fmt.Errorf("tensor %q of shape %v is missing; there is one of shape %v", v.Name, shape(v), t.Shape)
		}
		copy(v.Of(w.Params()), t.Data)
		delete(tensors, v.Name)
	}
	for name := range tensors {
		return nil, fmt.Errorf("tensor %q is not part of it", name)
	}
	if err := checkParameters(w); err != nil {
		return nil, err
	}
	return w, compareProbe(w, r.Check)
}

// fewestParameters bounds a flow's size from below, before anything is allocated for it: weights and biases of the hidden
// layers, half of the features at either end, as in a coupling, and the matrices of linear maps.
func fewestParameters(r flowRecord) float64 {
	s := r.Spec.WithDefaults()
	half := float64(r.Features / 2)
	one := (half + float64(r.Context)) * float64(s.Hidden[0])
	for i, h := range s.Hidden {
		one += float64(h)
		if i > 0 {
			one += float64(h) * float64(s.Hidden[i-1])
		}
	}
	one += 2 * float64(s.Blocks) * float64(s.Hidden[0]) * float64(s.Hidden[0]) // of a residual network
	perOutput := 1.0
	if s.Type == "nsf" || s.Type == "nsf-ar" {
		perOutput = 2 * float64(s.Bins)
	}
	one += half * perOutput * float64(s.Hidden[len(s.Hidden)-1])
	if s.Linear == "lu" {
		one += float64(r.Features) * float64(r.Features)
	}
	return one * float64(s.Transforms)
}

// probe is the log-density of a few fixed points of the flow's own space, with a context of zeros.
func probe(f *flow.Flow) ([]float64, error) {
	const points = 4
	context := make([][]float32, f.Context)
	for i := range context {
		context[i] = make([]float32, points)
	}
	return f.LogProb(f.Latent(points, 0, 0), context)
}

func compareProbe(f *flow.Flow, want []float64) error {
	got, err := probe(f)
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
