// Package export writes a trained model for programs that are not this one, with its preparation and its units inside, and says by how much what
// it wrote differs from the model.
package export

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/export/cpp"
	"github.com/sluice-hep/sluice/export/onnx"
	"github.com/sluice-hep/sluice/export/plain"
	"github.com/sluice-hep/sluice/internal/atomicfile"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/model"
)

// Options are what is written: ONNX graphs, a header of C++, named Name. Notice, which may be nil, hears a line on what float32 loses of the columns
// of graphs, and on files of another model.
type Options struct {
	ONNX, CPP bool
	Name      string // letters, digits and underscores
	Notice    func(line string)
}

// Manifest is what was written, kept beside it as manifest.json.
type Manifest struct {
	Model     string   `json:"model_sha256"`
	Precision string   `json:"precision"` // of all that goes into graphs and out
	Features  []Column `json:"features"`
	Context   []Column `json:"context"`
	Latent    int      `json:"latent"` // columns
	Unit      string   `json:"log_prob_unit"`
	Lacking   string   `json:"lacking,omitempty"` // functions that there are not, and why
	ONNX      *ONNX    `json:"onnx,omitempty"`
	CPP       *CPP     `json:"cpp,omitempty"`
	Files     []File   `json:"files"`
	Parity    *Parity  `json:"parity,omitempty"`
}

// Column is a column of the user.
type Column struct {
	Name string  `json:"name"`
	Unit string  `json:"unit,omitempty"`
	Min  float64 `json:"min"` // of the training events
	Max  float64 `json:"max"`
	Step float64 `json:"float32_step"` // how far apart float32 numbers are at the end of that range which is farther from 0
}

// ONNX are the graphs.
type ONNX struct {
	Opset  int     `json:"opset"`
	Graphs []Graph `json:"graphs"`
}

// Graph is one of log_prob, to_latent and to_data.
type Graph struct {
	Name      string         `json:"name"`
	File      string         `json:"file"`
	Inputs    []onnx.Port    `json:"inputs"` // float32, shape (events, columns)
	Output    onnx.Port      `json:"output"`
	Operators map[string]int `json:"operators"`
}

// CPP is a header of C++.
type CPP struct {
	Header    string `json:"header"`
	Namespace string `json:"namespace"`
	Precision string `json:"precision"` // of all that goes in and out; the flow is float32
}

// File is a file with the SHA-256 of its bytes.
type File struct {
	Name  string `json:"name"`
	Hash  string `json:"sha256"`
	Bytes int    `json:"bytes"`
}

// Write writes a model to a folder, which it makes if need be; files of the same names are replaced, and the manifest keeps what
// the folder has of the same model in the other form. What has no closed form is an error of the
// user (fault.Is). Cancelling leaves whole files, without a manifest of them.
func Write(ctx context.Context, m *model.Model, dir string, o Options) (*Manifest, error) {
	p, err := plain.Of(m)
	if err != nil {
		return nil, err
	}
	var header []byte
	if o.CPP {
		if header, err = cpp.Header(p, o.Name); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fault.Of(err)
	}
	w := &writer{Manifest: manifest(p), dir: dir}
	if o.CPP {
		w.CPP = &CPP{o.Name + ".hpp", cpp.Namespace(o.Name), "float64"}
		if err := w.file(w.CPP.Header, header); err != nil {
			return nil, err
		}
	}
	if o.ONNX {
		w.tell(o.Notice)
		if err := w.onnx(ctx, m, p); err != nil {
			return nil, err
		}
	}
	all := w.Manifest
	all.keep(dir, o.Notice)
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return nil, err
	}
	return &w.Manifest, w.file("manifest.json", append(text, '\n'))
}

// keep adds what the folder has of the same model in a form that was not written now. Of files of another model, which stay, it tells.
func (m *Manifest) keep(dir string, notice func(line string)) {
	var old Manifest
	text, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil || json.Unmarshal(text, &old) != nil {
		return
	}
	var rest []File
	var names []string
	for _, f := range old.Files {
		if slices.ContainsFunc(m.Files, func(own File) bool { return own.Name == f.Name }) {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, filepath.Base(f.Name))); err != nil {
			return
		}
		rest, names = append(rest, f), append(names, f.Name)
	}
	switch {
	case len(rest) == 0:
	case old.Model != m.Model:
		if notice != nil {
			notice(fmt.Sprintf("%s holds %s of another model than that of manifest.json now: take them away, or give each model a folder of its own", dir, strings.Join(names, ", ")))
		}
	default:
		if m.ONNX == nil {
			m.ONNX, m.Parity = old.ONNX, old.Parity
		}
		if m.CPP == nil {
			m.CPP = old.CPP
		}
		m.Files = append(slices.Clone(m.Files), rest...)
	}
}

func manifest(p *plain.Model) Manifest {
	m := Manifest{Model: p.Hash, Precision: "float32", Features: columns(p.Features), Context: columns(p.Context), Unit: unit(p.Features), Files: []File{}}
	if len(p.Members) == 1 {
		m.Latent = p.Members[0].Features
	} else {
		m.Lacking = "to_latent and to_data: an ensemble has no latent"
	}
	return m
}

func columns(of []plain.Column) []Column {
	all := []Column{}
	for _, c := range of {
		far := float32(max(math.Abs(c.Min), math.Abs(c.Max)))
		all = append(all, Column{c.Name, c.Unit, c.Min, c.Max, float64(math.Nextafter32(far, math.MaxFloat32) - far)})
	}
	return all
}

// unit is that of the density.
func unit(of []plain.Column) string {
	text := "nats"
	for _, c := range of {
		if c.Unit != "" && len(c.Steps) > 0 {
			text += " per " + c.Unit
		}
	}
	return text
}

// coarse is the part of its range from which on what float32 leaves of a column is worth a word.
const coarse = 1e-5

// lost says what float32 loses of a column; empty for nothing that matters.
func (c *Column) lost() string {
	if width := c.Max - c.Min; width > 0 && c.Step > coarse*width {
		return fmt.Sprintf("column %q: float32 numbers are %.2g apart at %.6g, 1/%.0f of its range: take a constant off before the training, so that they are finer",
			c.Name, c.Step, max(math.Abs(c.Min), math.Abs(c.Max)), width/c.Step)
	}
	return ""
}

// tell says what float32 loses of the columns.
func (m *Manifest) tell(notice func(line string)) {
	for _, c := range append(m.Features, m.Context...) {
		if line := c.lost(); line != "" && notice != nil {
			notice(line)
		}
	}
}

// writer keeps the manifest of what it writes.
type writer struct {
	Manifest
	dir string
}

// file writes a file and, but for the manifest, notes it there.
func (w *writer) file(name string, b []byte) error {
	f, err := atomicfile.Create(filepath.Join(w.dir, name))
	if err != nil {
		return fault.Of(err)
	}
	defer f.Abort()
	if _, err := f.Write(b); err != nil {
		return err
	}
	sum := sha256.Sum256(b)
	w.Files = append(w.Files, File{name, hex.EncodeToString(sum[:]), len(b)})
	return f.Commit()
}

func (w *writer) onnx(ctx context.Context, m *model.Model, p *plain.Model) (err error) {
	w.ONNX = &ONNX{Opset: onnx.Opset}
	graphs := onnx.Graphs(p)
	if w.Parity, err = parity(ctx, m, p, graphs); err != nil {
		return err
	}
	for i := range graphs {
		g := &graphs[i]
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if g.Bytes() > onnx.MostBytes {
			return fault.Of(fmt.Errorf("%s would have %.1f GB, and an ONNX file holds 2: take narrower networks or fewer transforms", g.Name, float64(g.Bytes())/1e9))
		}
		of := Graph{g.Name, g.Name + ".onnx", g.Inputs, g.Output, g.Operators}
		w.ONNX.Graphs = append(w.ONNX.Graphs, of)
		if err := w.file(of.File, g.File()); err != nil {
			return err
		}
	}
	return nil
}
