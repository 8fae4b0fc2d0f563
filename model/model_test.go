package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/internal/safetensors"
	"github.com/sluice-hep/sluice/prep"
	"github.com/sluice-hep/sluice/train"
)

// table has a continuous, an integer, a constant column and one for a context.
func table(n int) *events.Table {
	x := make([]float32, n)
	rng.Normal(x, 1, rng.StreamTest, 0, 0)
	t := &events.Table{Columns: []events.Column{
		{Name: "mass", Unit: "TeV", F32: make([]float32, n)},
		{Name: "njets", Type: events.Int64, I64: make([]int64, n)},
		{Name: "beam", F32: make([]float32, n)},
		{Name: "q", Unit: "e", F32: make([]float32, n)},
	}}
	for i := range n {
		t.Columns[0].F32[i] = float32(math.Exp(float64(x[i])))
		t.Columns[1].I64[i] = int64(i % 5)
		t.Columns[2].F32[i] = 6.5
		t.Columns[3].F32[i] = x[(i+7)%n] - x[i]
	}
	return t
}

// untrained is a model of that table whose flow has been pushed off the identity.
func untrained(t testing.TB, kind string, context bool) *Model {
	t.Helper()
	tab := table(400)
	features, _, err := prep.Fit(tab, []string{"mass", "njets", "beam"}, prep.Spec{}, 3)
	if err != nil {
		t.Fatal(err)
	}
	m := &Model{Features: features, Seed: 11, Card: "name: test\nseed: 11\n"}
	given := 0
	if context {
		if m.Context, _, err = prep.FitContext(tab, []string{"q"}, prep.Spec{}); err != nil {
			t.Fatal(err)
		}
		given = 1
	}
	f, err := flow.New(features.Dim(), given, flow.Spec{Type: kind, Transforms: 3, Hidden: []int{8, 8}, Permute: "random"}, m.Seed)
	if err != nil {
		t.Fatal(err)
	}
	m.Density = f
	push := make([]float32, f.Size())
	rng.Normal(push, 2, rng.StreamTest, 1, 0)
	for i := range push {
		f.Params()[i] += 0.1 * push[i]
	}
	f.Cut(f.Params())
	m.Train = &train.Result{
		Epochs: 2, Steps: 7, BestEpoch: 1, TrainNLL: 1.5, ValidNLL: 1.75, TestNLL: train.NLL(math.NaN()), Seconds: 3,
		History: []train.Epoch{{Epoch: 1, TrainNLL: 2, ValidNLL: 1.75, LR: 1e-3}}, Notices: []string{"a notice"},
	}
	return m
}

var families = []string{"maf", "realnvp", "nsf", "nsf-ar"}

func TestSavedModelIsTheSame(t *testing.T) {
	for _, kind := range families {
		for _, context := range []bool{false, true} {
			m := untrained(t, kind, context)
			path := filepath.Join(t.TempDir(), "m.sluice")
			if err := m.Save(path); err != nil {
				t.Fatal(err)
			}
			l, err := Load(path)
			if err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			tab := table(100)
			want, err := m.LogProb(tab, 0)
			if err != nil {
				t.Fatal(err)
			}
			got, err := l.LogProb(tab, 0)
			if err != nil || !reflect.DeepEqual(want, got) {
				t.Errorf("%s: the log-densities of the loaded model differ: %v", kind, err)
			}
			var given *events.Table
			if context {
				given = tab
			}
			a, err := m.Sample(100, given, 1, 0)
			if err != nil {
				t.Fatal(err)
			}
			b, err := l.Sample(100, given, 1, 0)
			if err != nil || !reflect.DeepEqual(a, b) {
				t.Errorf("%s: the sample of the loaded model differs: %v", kind, err)
			}
			again := filepath.Join(t.TempDir(), "m.sluice")
			m.Train.Seconds, l.Train.Seconds = 8, 9
			if err := l.Save(again); err != nil {
				t.Fatal(err)
			}
			if x, y := read(t, path), read(t, again); !bytes.Equal(x, y) {
				t.Errorf("%s: saved again, the file changed", kind)
			}
		}
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The density is per unit of the user's columns: over the plane of two features it integrates to 1, and over one given
// a context.
func TestDensityIntegratesToOneInTheUsersUnits(t *testing.T) {
	const side = 400
	plane := &events.Table{Columns: []events.Column{
		{Name: "mass", Type: events.Float64, F64: make([]float64, side*side)},
		{Name: "q", Type: events.Float64, F64: make([]float64, side*side)},
	}}
	area := make([]float64, side*side)
	// mass = 0.1 sinh(a), q = sinh(b): even steps in a and b, which reach some 1e5 and 1e6 of the columns' widths.
	const reach = 16
	for i := range area {
		a, b := reach*(2*float64(i/side)/side-1), reach*(2*float64(i%side)/side-1)
		plane.Columns[0].F64[i], plane.Columns[1].F64[i] = 0.1*math.Sinh(a), math.Sinh(b)
		area[i] = 0.1 * math.Cosh(a) * math.Cosh(b) * 4 * reach * reach / (side * side)
	}
	for _, kind := range families {
		m := untrained(t, kind, false)
		var err error
		if m.Features, _, err = prep.Fit(table(400), []string{"mass", "q"}, prep.Spec{}, 3); err != nil {
			t.Fatal(err)
		}
		logProb, err := m.LogProb(plane, 0)
		if err != nil {
			t.Fatal(err)
		}
		var sum float64
		for i, l := range logProb {
			sum += math.Exp(l) * area[i]
		}
		// Of the steps' size with the spline's kinks, and of the tails outside: 0.0008 at most where measured.
		if math.Abs(sum-1) > 0.003 {
			t.Errorf("%s: the density integrates to %g", kind, sum)
		}
	}
}

func TestSlicesOfASample(t *testing.T) {
	m := untrained(t, "maf", true)
	tab := table(200)
	whole, err := m.Sample(200, tab, 4, 1000)
	if err != nil {
		t.Fatal(err)
	}
	part, err := m.Sample(50, tab.Slice(70, 120), 4, 1070)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(whole.Slice(70, 120), part) {
		t.Error("a slice of a sample differs from the sample's slice")
	}
	if got := strings.Join(whole.Names(), " "); got != "mass njets beam q" {
		t.Errorf("columns %s", got)
	}
	if c, err := whole.Column("beam"); err != nil || c.F32[0] != 6.5 || c.F32[199] != 6.5 {
		t.Errorf("the constant column is not put back: %v", err)
	}
	a, err := m.LogProb(tab, 0)
	if err != nil {
		t.Fatal(err)
	}
	b, err := m.LogProb(tab.Slice(70, 120), 0)
	if err != nil || !reflect.DeepEqual(a[70:120], b) {
		t.Errorf("log-densities of a slice differ: %v", err)
	}
}

func TestLatentIsWhatTheDensitySays(t *testing.T) {
	m := untrained(t, "realnvp", true)
	tab := table(60)
	z, err := m.ToLatent(tab, nil)
	if err != nil {
		t.Fatal(err)
	}
	x, _, err := m.Features.Apply(tab, nil)
	if err != nil {
		t.Fatal(err)
	}
	context, err := m.givenContext(60, tab)
	if err != nil {
		t.Fatal(err)
	}
	want, _, err := m.Density.(*flow.Flow).ToLatent(x, context)
	if err != nil || !reflect.DeepEqual(z, want) || len(z) != 2 {
		t.Errorf("%d latent columns differ from the flow's: %v", len(z), err)
	}
	logProb, both, err := m.Evaluate(tab, 0)
	alone, errAlone := m.LogProb(tab, 0)
	if err != nil || errAlone != nil || len(both) != 2 || !reflect.DeepEqual(logProb, alone) {
		t.Errorf("in one pass, density or latent differ: %v, %v", err, errAlone)
	}
}

func TestUseWithoutWhatIsNeeded(t *testing.T) {
	m := untrained(t, "maf", true)
	for _, c := range []struct {
		err    func() error
		expect string
	}{
		{func() error { _, err := m.Sample(5, nil, 1, 0); return err }, `it is conditional: give a value of ["q"]`},
		{func() error { _, err := m.Sample(5, table(4), 1, 0); return err }, "a context of 4 events for 5"},
		{func() error { _, err := m.Sample(-1, table(4), 1, 0); return err }, "-1 events to draw"},
		{func() error { _, err := m.LogProb(&events.Table{}, 0); return err }, `no column "mass"`},
		{func() error { return (&Model{}).Save(filepath.Join(t.TempDir(), "m")) }, "needs features and a density"},
		{func() error {
			bad := untrained(t, "maf", true)
			bad.Context = nil
			return bad.Save(filepath.Join(t.TempDir(), "m"))
		}, "does not go with a preparation of 2 and 0"},
		{func() error {
			bad := untrained(t, "maf", true)
			bad.Density.(*flow.Flow).Params()[0] = float32(math.NaN())
			return bad.Save(filepath.Join(t.TempDir(), "m"))
		}, "is NaN"},
	} {
		if err := c.err(); err == nil || !strings.Contains(err.Error(), c.expect) {
			t.Errorf("%v; expected %q", err, c.expect)
		}
	}
}

// Files that are whole, with a good hash, and still no model.
func TestImpossibleModelsAreRefused(t *testing.T) {
	for _, c := range []struct {
		change func(f *safetensors.File)
		expect string
	}{
		{func(f *safetensors.File) { f.Metadata["format"] = "pt" }, `format "pt": not a model of this program`},
		{func(f *safetensors.File) { f.Metadata["format_version"] = "6" }, "format_version 6 is newer than this program's 5"},
		{func(f *safetensors.File) { f.Metadata["format_version"] = "x" }, `format_version "x" is not a number`},
		{func(f *safetensors.File) { f.Metadata["seed"] = "-1" }, `seed "-1" is not a number`},
		{func(f *safetensors.File) { f.Metadata["seed"] = "12" }, "incompatible version"}, // other permutations
		{func(f *safetensors.File) { delete(f.Metadata, "features") }, "features: EOF"},
		{func(f *safetensors.File) { f.Metadata["context"] = "{}" }, "of 2 features and 1 context columns does not go with a preparation of 2 and 0"},
		{func(f *safetensors.File) { replace(f, "density", `"kind":"flow"`, `"kind":"net"`) }, `density: "net" is no kind of density`},
		{func(f *safetensors.File) { replace(f, "density", `"kind":"flow"`, `"kind":"flow","parts":[{}]`) }, "has no parts"},
		{func(f *safetensors.File) { f.Metadata["density"] += "{}" }, "density: text after its end"},
		{func(f *safetensors.File) { f.Metadata["density"] = strings.Repeat("[", 1_000_000) }, "density: "},
		{func(f *safetensors.File) { replace(f, "density", `"hidden":[8,8]`, `"hidden":[65536,65536]`) }, "asks for at least 42956"},
		{func(f *safetensors.File) {
			replace(f, "density", `{"mlp":{"activation":"relu","context":"all","dropout":0,"hidden":[8,8],"init":"glorot"}}`, `{"residual":{"width":65536,"blocks":100}}`)
		}, "asks for at least 859020"},
		{func(f *safetensors.File) { replace(f, "density", `"repeat":3`, `"repeat":1000`) }, "parameters, more than 456"},
		{func(f *safetensors.File) { replace(f, "density", `"repeat":3`, `"repeat":-1`) }, "-1 is not between 1 and 1000"},
		{func(f *safetensors.File) { replace(f, "density", `"repeat":3`, `"repeat":4`) }, "asks for at least 608 parameters, more than 456"},
		{func(f *safetensors.File) { replace(f, "density", `"repeat":3`, `"repeat":2`) }, "is not part of it"},
		{func(f *safetensors.File) { replace(f, "density", `"repeat":3`, `"kind":3`) }, `unknown field "kind"`},
		{func(f *safetensors.File) { replace(f, "density", `"features":2`, `"features":2000000000`) }, "does not go with"},
		{func(f *safetensors.File) { replace(f, "features", `"steps":[`, `"steps":[{"kind":"no"},`) }, `"no" is not a preparation step`},
		{func(f *safetensors.File) { f.Tensors[0].Data[0] = float32(math.Inf(1)) }, "+Inf"},
		{func(f *safetensors.File) {
			for i := range f.Tensors {
				for j := range f.Tensors[i].Data {
					f.Tensors[i].Data[j] += 0.01
				}
			}
		}, "is masked and not zero"},
		{func(f *safetensors.File) { f.Tensors = f.Tensors[1:] }, "asks for at least 456 parameters, more than 432"},
		{func(f *safetensors.File) { f.Tensors[0].Name = "x" }, "is missing"},
		{func(f *safetensors.File) { f.Tensors[0].Shape = []int{1, len(f.Tensors[0].Data)} }, "is missing; there is one of shape [1 "},
	} {
		f, err := untrained(t, "maf", true).file()
		if err != nil {
			t.Fatal(err)
		}
		c.change(f)
		path := filepath.Join(t.TempDir(), "m.sluice")
		if err := f.Write(path); err != nil {
			t.Fatal(err)
		}
		_, err = Load(path)
		if err == nil || !strings.HasPrefix(err.Error(), "model: "+path+": ") || !strings.Contains(err.Error(), c.expect) {
			t.Errorf("%v; expected %q", err, c.expect)
		}
	}
}

func replace(f *safetensors.File, key, from, to string) {
	if !strings.Contains(f.Metadata[key], from) {
		panic(fmt.Sprintf("%s does not hold %s: %s", key, from, f.Metadata[key]))
	}
	f.Metadata[key] = strings.Replace(f.Metadata[key], from, to, 1)
}

func TestDescribe(t *testing.T) {
	m := untrained(t, "maf", true)
	m.Card += "title: \x1b[31mred\n"
	var b bytes.Buffer
	info, err := m.Info()
	if err != nil {
		t.Fatal(err)
	}
	if err := info.Describe(&b); err != nil {
		t.Fatal(err)
	}
	hash, err := m.Hash()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		hash, "mass", "[TeV]", "njets", "0 to 4", "not seen by the flow", "[e]", "3 x (affine autoregressive)", "hidden: [8, 8]",
		"1.5000 nats per event", "epoch 1", "a notice", "  name: test\n", "{affine: {log_scale: tanh}}",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in\n%s", want, b.String())
		}
	}
	if strings.ContainsAny(b.String(), "\x1b") || strings.Contains(b.String(), "NLL of the test") {
		t.Errorf("an escape or a missing NLL is printed:\n%q", b.String())
	}
	if _, err := json.Marshal(info); err != nil {
		t.Error(err)
	}
}

func TestDescribeNamesEveryPartOfTheFlow(t *testing.T) {
	spec, err := flow.Spec{Type: "nsf", Net: "residual", NetBatchNorm: true, Dropout: 0.2, Linear: "lu", BatchNorm: true, Base: flow.Part{Kind: "student-t"}}.Full()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	describeFlow(&b, Info{Flow: spec, Parameters: 12})
	const want = `
flow
  5 x (lu, spline coupling), 12 parameters
  base student-t: {nu: 5}
  5 times, from data to latent
    lu: {permute: none}
    coupling: {net: {residual: {activation: relu, batch_norm: true, blocks: 2, dropout: 0.2, init: glorot, width: 128}}, permute: random, transformer: {spline: {bins: 8, bound: 5}}}
  and between these times
    batch-norm
`
	if b.String() != want {
		t.Errorf("%s", b.String())
	}
}

// A model is read without drawing the weights that a flow starts with: those of orthogonal matrices take minutes.
func TestReadingDrawsNothing(t *testing.T) {
	f, err := flow.New(1, 0, flow.Spec{Type: "maf", Transforms: 1, Hidden: []int{700, 700}, Init: "glorot"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	features, _, err := prep.Fit(table(100), []string{"mass"}, prep.Spec{All: []prep.StepSpec{{Kind: "log"}}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	m, err := (&Model{Features: features, Density: f, Seed: 1}).file()
	if err != nil {
		t.Fatal(err)
	}
	hash, err := m.Hash()
	if err != nil {
		t.Fatal(err)
	}
	m.Metadata[safetensors.HashKey] = hash
	read := func() time.Duration {
		start := time.Now()
		if _, err := fromFile(m, nil); err != nil {
			t.Fatal(err)
		}
		return time.Since(start)
	}
	glorot := min(read(), read(), read())
	replace(m, "density", `"glorot"`, `"orthogonal"`)
	if orthogonal := min(read(), read(), read()); orthogonal > 5*glorot+100*time.Millisecond {
		t.Errorf("%v with orthogonal weights, %v without", orthogonal, glorot)
	}
}

// FuzzModel changes the descriptions in a file whose hash is good.
func FuzzModel(f *testing.F) {
	for _, kind := range families {
		m, err := untrained(f, kind, true).file()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(m.Metadata["features"], m.Metadata["context"], m.Metadata["density"], m.Metadata["train"])
	}
	f.Fuzz(func(t *testing.T, features, context, flowText, trainText string) {
		m, err := untrained(t, "nsf", true).file()
		if err != nil {
			t.Fatal(err)
		}
		m.Metadata["sha256"] = "none"
		m.Metadata["features"], m.Metadata["context"], m.Metadata["density"], m.Metadata["train"] = features, context, flowText, trainText
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		l, err := fromFile(m, nil)
		runtime.ReadMemStats(&after)
		size := 0
		for _, s := range m.Metadata {
			size += len(s)
		}
		// 16 MiB are for the workers of the check of the flow.
		if used, limit := after.TotalAlloc-before.TotalAlloc, uint64(16<<20+1000*size); used > limit {
			t.Errorf("%d bytes of description took %d of memory", size, used)
		}
		if err == nil {
			if _, err := l.LogProb(table(10), 0); err != nil && !strings.Contains(err.Error(), "no column") {
				t.Errorf("a model that was read cannot be used: %v", err)
			}
		}
	})
}

// What is known of a model in a file is what the loaded one tells; a damaged file tells nothing.
func TestReadInfo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	saved := untrained(t, "nsf-ar", true)
	spec := flow.Spec{Transforms: 1, Bases: map[string]flow.Part{"0": {Kind: "student-t"}}}
	var err error
	if saved.Density, err = flow.New(saved.Features.Dim(), 1, spec, saved.Seed); err != nil {
		t.Fatal(err)
	}
	if err := saved.Save(path); err != nil {
		t.Fatal(err)
	}
	m, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := m.Info()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ReadInfo(path)
	if err != nil {
		t.Fatal(err)
	}
	if got.Flow.Bases["mass"].Kind != "student-t" {
		t.Errorf("the features of a flow have other names: %v", got.Flow.Bases)
	}
	a, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := json.Marshal(want); err != nil || !bytes.Equal(a, b) {
		t.Errorf("%s\nof a file, and of the loaded model\n%s, %v", a, b, err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file[len(file)-2] ^= 1
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadInfo(path); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Error(err)
	}
}
