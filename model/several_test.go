package model

import (
	"math"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/safetensors"
	"github.com/sluice-hep/sluice/mix"
	"github.com/sluice-hep/sluice/prep"
)

// ensemble is a model of flows of the features of one.
func ensemble(t *testing.T, n int) (*Model, int) {
	t.Helper()
	tab := table(500)
	m := pushed(t, tab.Slice(0, 500), prep.Spec{}, "nsf-ar")
	var members []mix.Density
	for i := range n {
		f := pushed(t, tab.Slice(0, 500), prep.Spec{}, "nsf-ar").Density.(*flow.Flow)
		for k := range f.Params() { // none like another
			f.Params()[k] *= 0.4 + 0.1*float32(i)
		}
		members = append(members, f)
	}
	e, err := mix.NewEnsemble(members...)
	if err != nil {
		t.Fatal(err)
	}
	m.Density = e
	return m, tab.Len()
}

// A model of several densities comes back from its file: the same log-densities, samples, hash and description.
func TestEnsembleRoundTrip(t *testing.T) {
	m, _ := ensemble(t, 3)
	sameAgain(t, m)
	if info, _ := m.Info(); info.Members != 3 || info.Parameters != m.Density.Size() {
		t.Errorf("%d members of %d parameters", info.Members, info.Parameters)
	}
}

// sameAgain saves a model and reads it again.
func sameAgain(t *testing.T, m *Model) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "m.safetensors")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	again, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	tab := table(100)
	if a, b := logProb(t, m, tab, 0), logProb(t, again, tab, 0); !reflect.DeepEqual(a, b) {
		t.Error("the log-densities are others")
	}
	first, err := m.Sample(200, nil, 3, 1000)
	if err != nil {
		t.Fatal(err)
	}
	second, err := again.Sample(200, nil, 3, 1000)
	if err != nil || !reflect.DeepEqual(first, second) {
		t.Errorf("the sample is another: %v", err)
	}
	a, _ := m.Hash()
	if b, _ := again.Hash(); a != b {
		t.Error("the hash is another")
	}
	was, err := m.Info()
	if err != nil {
		t.Fatal(err)
	}
	if is, err := ReadInfo(path); err != nil || !reflect.DeepEqual(was, is) {
		t.Errorf("described are\n%+v\n%+v, %v", was, is, err)
	}
}

// Which density drew each event is told, also of those drawn again.
func TestSampleNamed(t *testing.T) {
	m, _ := ensemble(t, 3)
	const n, within = 3000, math.SmallestNonzeroFloat64 // none beyond the range
	named, redrawn, err := m.SampleNamed(n, nil, 5, 70, within)
	if err != nil {
		t.Fatal(err)
	}
	plain, again, err := m.SampleWithin(n, nil, 5, 70, within)
	if err != nil {
		t.Fatal(err)
	}
	if redrawn != again || redrawn < 20 {
		t.Fatalf("%d and %d of %d events drawn again", redrawn, again, n)
	}
	last := len(named.Columns) - 1
	which := named.Columns[last]
	named.Columns = named.Columns[:last]
	if which.Name != "member" || !reflect.DeepEqual(named, plain) {
		t.Errorf("the column %q, or other events", which.Name)
	}
	members := m.Members()
	var of [3]int
	for k, one := range members { // an event that was not drawn again is its member's own
		own, err := one.Sample(n, nil, 5, 70)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			if own.Columns[0].Float(i) == plain.Columns[0].Float(i) && int64(k+1) != which.I64[i] {
				t.Fatalf("event %d is that of member %d, and said to be of %d", i, k+1, which.I64[i])
			}
		}
	}
	for _, w := range which.I64 {
		of[w-1]++
	}
	for k, c := range of {
		if c < n/4 || c > n/2 {
			t.Errorf("member %d drew %d of %d events", k+1, c, n)
		}
	}
}

// A file whose parts do not make what it says is refused.
func TestHarmfulPartsAreRefused(t *testing.T) {
	m, _ := ensemble(t, 2)
	for _, c := range []struct {
		wrong string
		harm  func(f *safetensors.File)
		want  string
	}{
		{"a seed too few", func(f *safetensors.File) {
			f.Metadata["density"] = replaceSeeds(f.Metadata["density"], `[11]`)
		}, "2 parts and 1 seeds"},
		{"a stray part", func(f *safetensors.File) {
			f.Tensors = append(f.Tensors, safetensors.Tensor{Name: "parts.7.x", Shape: []int{1}, Data: []float32{0}})
		}, "tensors"},
		{"a tensor missing", func(f *safetensors.File) { f.Tensors = f.Tensors[:len(f.Tensors)-1] }, "parameters, more than"},
		{"another kind", func(f *safetensors.File) {
			f.Metadata["density"] = strings.Replace(f.Metadata["density"], `"ensemble"`, `"choir"`, 1)
		}, "no kind of density"},
	} {
		f, err := m.file()
		if err != nil {
			t.Fatal(err)
		}
		c.harm(f)
		path := filepath.Join(t.TempDir(), "m.safetensors")
		if err := f.Write(path); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.wrong, err)
		}
	}
}

func replaceSeeds(text, with string) string {
	before, rest, _ := strings.Cut(text, `"seeds":`)
	_, after, _ := strings.Cut(rest, "]")
	return before + `"seeds":` + with + after
}

// mixture is a model of flows with a gate.
func mixture(t *testing.T) *Model {
	t.Helper()
	m, _ := ensemble(t, 3)
	var of []*flow.Flow
	for _, d := range m.Density.(*mix.Ensemble).Members {
		of = append(of, d.(*flow.Flow))
	}
	g, err := mix.NewGated(of, mix.Gate{}, 17)
	if err != nil {
		t.Fatal(err)
	}
	copy(g.Params(), []float32{0.5, -0.3, 0.1})
	m.Density = g
	return m
}

func TestMixtureRoundTrip(t *testing.T) {
	m := mixture(t)
	sameAgain(t, m)
	if info, _ := m.Info(); info.Components != 3 || info.Parameters != m.Density.Size() || info.Gate != "gate of constants" {
		t.Errorf("%+v", info)
	}
	e, err := mix.NewEnsemble(m.Density, mixture(t).Density)
	if err != nil {
		t.Fatal(err)
	}
	m.Density = e
	sameAgain(t, m) // parts of parts
}

// A flow on a trained one comes back from its file, which holds both; its parameters are those that were trained on the other. A file
// whose parts do not fit is an error.
func TestTransportRoundTrip(t *testing.T) {
	tab := table(500)
	m := pushed(t, tab.Slice(0, 500), prep.Spec{}, "nsf-ar")
	below := m.Density.(*flow.Flow)
	features, _ := below.Dims()
	f, err := flow.New(features, 0, flow.Spec{Type: "maf", Transforms: 2, Hidden: []int{8}, Base: flow.Part{Kind: flow.TrainedBase}}, 9, flow.Trained(below))
	if err != nil {
		t.Fatal(err)
	}
	for k := range f.Params() {
		f.Params()[k] += 0.01 * float32(k%7)
	}
	f.Cut(f.Params())
	m.Density = f
	sameAgain(t, m)
	info, err := m.Info()
	if err != nil || info.Parameters != f.Size() || info.On == nil || info.On.Parameters != below.Size() {
		t.Errorf("%d parameters, on %+v: %v", info.Parameters, info.On, err)
	}
	if lines := strings.Join(info.Layers(), "\n"); !strings.Contains(lines, "the base is the density of a trained model, kept as it was") {
		t.Errorf("it is described as\n%s", lines)
	}
	file, err := m.file()
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(string) string{
		"its base": func(s string) string { return strings.Replace(s, `"base":"model"`, `"base":"normal"`, 1) },
		"its part": func(s string) string { return strings.Replace(s, `"kind":"flow"`, `"kind":"transport"`, 1) },
		"no part":  func(s string) string { return s[:strings.Index(s, `,"parts"`)] + "}" },
	} {
		own := *file
		own.Metadata = map[string]string{}
		for k, v := range file.Metadata {
			own.Metadata[k] = v
		}
		own.Metadata["density"] = change(own.Metadata["density"])
		if own.Metadata["density"] == file.Metadata["density"] {
			t.Fatalf("%s: nothing changed in %s", name, own.Metadata["density"])
		}
		path := filepath.Join(t.TempDir(), "bad.safetensors")
		if err := own.Write(path); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path); err == nil {
			t.Errorf("%s: a file that does not fit is read", name)
		}
	}
	m.Density, err = mix.NewEnsemble(f, f)
	if err != nil {
		t.Fatal(err)
	}
	sameAgain(t, m)
}
