package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/safetensors"
	"github.com/sluice-hep/sluice/prep"
)

const (
	format = "sluice-model"
	// FormatVersion is the newest layout that this package reads, and the one that it writes.
	FormatVersion = 5
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

func (m *Model) file() (*safetensors.File, error) {
	if err := m.validate(); err != nil {
		return nil, err
	}
	f := &safetensors.File{Metadata: map[string]string{
		"format": format, "format_version": strconv.Itoa(FormatVersion),
		"seed": strconv.FormatUint(m.Seed, 10), "card": m.Card,
	}}
	density, tensors, err := describe(m.Density, "")
	if err != nil {
		return nil, err
	}
	f.Tensors = tensors
	context := m.Context
	if context == nil {
		context = &prep.Pipeline{Columns: []prep.Column{}, Noiseless: true}
	}
	record := map[string]any{
		"schema":   schema{Columns(m.Features), Columns(context)},
		"features": m.Features, "context": context,
		"density": density,
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
	return f, nil
}

func fromFile(f *safetensors.File, own []flow.Kind) (*Model, error) {
	m, s, err := recordOf(f, own)
	if err != nil {
		return nil, err
	}
	if m.Density, err = s.density(); err != nil {
		return nil, fmt.Errorf("%s: %w", s.key(), err)
	}
	return m, nil
}

// recordOf is what a file says of a model: all but its density, which is in the section.
func recordOf(f *safetensors.File, own []flow.Kind) (m *Model, s *section, err error) {
	wrong := func(format string, args ...any) (*Model, *section, error) {
		return nil, nil, fmt.Errorf(format, args...)
	}
	if got := f.Metadata["format"]; got != format {
		return wrong("format %q: not a model of this program", got)
	}
	s = &section{file: f, own: own}
	s.version, err = strconv.Atoi(f.Metadata["format_version"])
	switch {
	case err != nil || s.version < 1:
		return wrong("format_version %q is not a number from 1 on", f.Metadata["format_version"])
	case s.version > FormatVersion:
		return wrong("format_version %d is newer than this program's %d; use a newer sluice", s.version, FormatVersion)
	case f.Metadata[safetensors.HashKey] == "":
		return wrong("damaged: it has no %s", safetensors.HashKey)
	}
	m = &Model{Card: f.Metadata["card"]}
	if m.Seed, err = strconv.ParseUint(f.Metadata["seed"], 10, 64); err != nil {
		return wrong("seed %q is not a number", f.Metadata["seed"])
	}
	s.seed = m.Seed
	m.Features, m.Context = new(prep.Pipeline), new(prep.Pipeline)
	for _, part := range []struct {
		key string
		to  any
	}{{"features", m.Features}, {"context", m.Context}, {s.key(), &s.record}, {"train", &m.Train}} {
		text, ok := f.Metadata[part.key]
		if !ok && part.key == "train" {
			continue
		}
		if err := decodeJSON(text, part.to); err != nil {
			return wrong("%s: %w", part.key, err)
		}
	}
	if s.Features != m.Features.Dim() || s.Context != m.Context.Dim() {
		return wrong("a density of %d features and %d context columns does not go with a preparation of %d and %d",
			s.Features, s.Context, m.Features.Dim(), m.Context.Dim())
	}
	return m, s, nil
}

// key is that of the record in a file.
func (s *section) key() string {
	if s.version < 5 {
		return "flow"
	}
	return "density"
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
