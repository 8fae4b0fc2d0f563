package export_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/export"
	"github.com/sluice-hep/sluice/export/exporttest"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/prep"
)

// The graphs, evaluated operator by operator, give the numbers of the model, and the manifest says what there is.
func TestWrite(t *testing.T) {
	for _, c := range exporttest.Models(t) {
		t.Run(c.Name, func(t *testing.T) {
			dir := t.TempDir()
			m, err := export.Write(context.Background(), c.Model, dir, export.Options{ONNX: true})
			if err != nil {
				t.Fatal(err)
			}
			if m.Parity.Events != 1000 || !(m.Parity.LogProb < 1e-4) || !(m.Parity.Data < 1e-4) {
				t.Errorf("parity %+v", m.Parity)
			}
			check(t, m, dir)
		})
	}
}

func check(t *testing.T, m *export.Manifest, dir string) {
	t.Helper()
	var kept export.Manifest
	text, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &kept); err != nil {
		t.Fatal(err)
	}
	if kept.Features[1].Name != "pt" || kept.Features[1].Unit != "GeV" || kept.Features[1].Max < 100 || kept.Unit != "nats per GeV per GeV" {
		t.Errorf("the manifest has %+v, %s", kept.Features[1], kept.Unit)
	}
	for _, f := range kept.Files {
		b, err := os.ReadFile(filepath.Join(dir, f.Name))
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != f.Hash || len(b) != f.Bytes {
			t.Errorf("%s is not what the manifest says", f.Name)
		}
	}
	if len(kept.Files) != len(m.ONNX.Graphs) || (len(kept.Files) < 3) != (kept.Lacking != "") {
		t.Errorf("%d files, %d graphs, lacking %q", len(kept.Files), len(m.ONNX.Graphs), kept.Lacking)
	}
}

// A header is in the manifest, and one that cannot be is said before anything is written.
func TestWriteHeader(t *testing.T) {
	m, dir := exporttest.Models(t)[0].Model, filepath.Join(t.TempDir(), "out")
	if _, err := export.Write(context.Background(), m, dir, export.Options{ONNX: true, CPP: true, Name: "no name"}); !fault.Is(err) {
		t.Error(err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a folder was made")
	}
	found, err := export.Write(context.Background(), m, dir, export.Options{CPP: true, Name: "jets"})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "jets.hpp"))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	if found.CPP.Header != "jets.hpp" || len(found.Files) != 2 || found.Files[0].Hash != hex.EncodeToString(sum[:]) || !strings.Contains(string(text), "namespace "+found.CPP.Namespace+" {") {
		t.Errorf("the manifest has %+v, %+v", found.CPP, found.Files)
	}
}

// What a folder has of a model in one form stays in the manifest when the other is written; of another model's files a line tells.
func TestManifestOfBothForms(t *testing.T) {
	all, dir := exporttest.Models(t), t.TempDir()
	var lines []string
	write := func(m *model.Model, o export.Options) (onDisk export.Manifest) {
		t.Helper()
		o.Name, o.Notice = "jets", func(line string) { lines = append(lines, line) }
		found, err := export.Write(context.Background(), m, dir, o)
		if err != nil {
			t.Fatal(err)
		}
		if (found.ONNX != nil) != o.ONNX || (found.CPP != nil) != o.CPP {
			t.Error("told to be written what was not")
		}
		text, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
		if err != nil || json.Unmarshal(text, &onDisk) != nil {
			t.Fatal(err)
		}
		return onDisk
	}
	write(all[0].Model, export.Options{ONNX: true})
	if both := write(all[0].Model, export.Options{CPP: true}); both.ONNX == nil || both.CPP == nil || both.Parity == nil || len(both.Files) != 4 {
		t.Errorf("%+v", both)
	}
	if both := write(all[0].Model, export.Options{ONNX: true}); both.CPP == nil || len(both.Files) != 4 || len(lines) > 0 {
		t.Errorf("%+v, told %q", both, lines)
	}
	if other := write(all[1].Model, export.Options{CPP: true}); other.ONNX != nil || len(other.Files) != 1 {
		t.Errorf("%+v", other)
	}
	if len(lines) != 1 || !strings.Contains(lines[0], "log_prob.onnx, to_latent.onnx, to_data.onnx of another model") {
		t.Errorf("told %q", lines)
	}
}

// A column whose digits float32 has not is told.
func TestCoarseColumnsAreTold(t *testing.T) {
	data := exporttest.Events(2000)
	far := events.Column{Name: "time", Type: events.Float64}
	for e := range data.Len() {
		far.F64 = append(far.F64, 1.7e9+float64(data.Columns[3].F32[e]))
	}
	features, _, err := prep.Fit(&events.Table{Columns: []events.Column{far, data.Columns[0]}}, []string{"time", "mass"}, prep.Spec{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	f, err := flow.New(2, 0, flow.Spec{Type: "maf", Transforms: 1, Hidden: []int{4}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	_, err = export.Write(context.Background(), &model.Model{Features: features, Density: f}, t.TempDir(), export.Options{ONNX: true, Notice: func(s string) { lines = append(lines, s) }})
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) != 1 || !strings.Contains(lines[0], `column "time": float32 numbers are 1.3e+02 apart at 1.7e+09`) {
		t.Errorf("told %q", lines)
	}
}

// Nothing is written of what has no closed form, and a cancelled export leaves no manifest.
func TestNothingIsWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	m := exporttest.Model(t, exporttest.Flow(t, flow.Spec{Type: "cfm", Hidden: []int{8}}, 0), "")
	if _, err := export.Write(context.Background(), m, dir, export.Options{ONNX: true}); !fault.Is(err) {
		t.Error(err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a folder was made")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := export.Write(ctx, exporttest.Models(t)[0].Model, dir, export.Options{ONNX: true}); err == nil {
		t.Error("no error of a cancelled context")
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	if slices.ContainsFunc(files, func(f string) bool { return strings.HasSuffix(f, "manifest.json") }) {
		t.Error("a manifest of a cancelled export")
	}
}
