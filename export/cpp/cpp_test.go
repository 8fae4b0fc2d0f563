package cpp_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/export/cpp"
	"github.com/sluice-hep/sluice/export/exporttest"
	"github.com/sluice-hep/sluice/export/plain"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/model"
)

// compilers are those there are; in CI there must be one.
func compilers(t testing.TB) (found []string) {
	for _, name := range []string{"g++", "clang++"} {
		if path, err := exec.LookPath(name); err == nil {
			found = append(found, path)
		}
	}
	if found == nil && os.Getenv("CI") == "true" {
		t.Fatal("no g++ and no clang++")
	}
	if found == nil {
		t.Skip("no g++ and no clang++")
	}
	return found
}

var strict = []string{"-std=c++17", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror"}

func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// build compiles a program against the header of a model.
func build(t testing.TB, compiler, source, name string, p *plain.Model, more ...string) (program string) {
	t.Helper()
	dir := t.TempDir()
	text, err := cpp.Header(p, name)
	if err != nil {
		t.Fatal(err)
	}
	header := filepath.Join(dir, "model.hpp")
	if err := os.WriteFile(header, text, 0o644); err != nil {
		t.Fatal(err)
	}
	if len(p.Members) == 1 {
		more = append(more, "-DLATENT")
	}
	program = filepath.Join(dir, "program")
	run(t, compiler, append(append(append([]string{}, strict...), more...), fmt.Sprintf("-DHEADER=%q", header), source, "-o", program)...)
	return program
}

func numbers(t testing.TB, m *model.Model) *plain.Model {
	t.Helper()
	p, err := plain.Of(m)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// values are those of columns, each after the other.
func values(t testing.TB, columns []plain.Column, data *events.Table) (all []float64) {
	t.Helper()
	for i := range columns {
		c, err := data.Column(columns[i].Name)
		if err != nil {
			t.Fatal(err)
		}
		for e := range data.Len() {
			all = append(all, c.Float(e))
		}
	}
	return all
}

// evaluate runs the program on a table, and gives what it wrote, in lists of as many numbers as there are events, and the kernels that it used.
func evaluate(t testing.TB, program string, p *plain.Model, data *events.Table) (lists [][]float64, kernels string) {
	t.Helper()
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	var b bytes.Buffer
	for _, v := range []any{uint64(data.Len()), values(t, p.Features, data), values(t, p.Context, data)} {
		if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(in, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	kernels = run(t, program, in, out)
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	all := make([]float64, len(text)/8)
	if err := binary.Read(bytes.NewReader(text), binary.LittleEndian, all); err != nil {
		t.Fatal(err)
	}
	for n := data.Len(); len(all) > 0; all = all[n:] {
		lists = append(lists, all[:n])
	}
	return lists, kernels
}

// few is the number of events on which a family is compared, and many that on which some are.
const few, many = 5_000, 100_000

// Every closed form gives the numbers of the program, by the kernels of any width, among others and alone.
func TestHeaderGivesTheProgramsNumbers(t *testing.T) {
	compilers := compilers(t)
	for i, c := range exporttest.Models(t) {
		for _, compiler := range compilers {
			t.Run(c.Name+"/"+filepath.Base(compiler), func(t *testing.T) {
				if testing.Short() && i%5 > 0 {
					t.Skip("one of five in short tests")
				}
				t.Parallel()
				p, n := numbers(t, c.Model), few
				if i%4 == 0 {
					n = many
				}
				// The widest vectors that this processor has, or narrower ones, or loops: others of a family with a context than without.
				width := []int{64, 32, 16, 0}[(i/2+2*(i%2))%4]
				program := build(t, compiler, "testdata/parity.cpp", "parity", p, fmt.Sprintf("-DSLUICE_VECTORS=%d", width))
				data := exporttest.Events(n)
				lists, kernels := evaluate(t, program, p, data)
				off := compare(t, c.Model, p, data, lists)
				t.Logf("%s: %d events, %s: log p within %.1e, latent %.1e, events %.1e, alone %.1e and %.1e", c.Name, n, kernels, off.logProb, off.latent, off.events, off.alone, off.eventsAlone)
			})
		}
	}
}

// offsets are the largest there are: absolute of log p, in units of 1 and the value itself of the latent, and of the range of a column.
type offsets struct{ logProb, latent, events, alone, eventsAlone float64 }

func compare(t *testing.T, m *model.Model, p *plain.Model, data *events.Table, lists [][]float64) (off offsets) {
	t.Helper()
	want, err := m.LogProb(data, 1)
	if err != nil {
		t.Fatal(err)
	}
	next := func() (list []float64) {
		list, lists = lists[0], lists[1:]
		return list
	}
	worst := func(to *float64, got, want, scale float64, what string, e int) {
		d := math.Abs(got-want) / scale
		if got == want {
			d = 0
		}
		if !(d < 1e-4) {
			t.Fatalf("event %d: %s is %v, want %v", e, what, got, want)
		}
		*to = max(*to, d)
	}
	for e, v := range next() {
		worst(&off.logProb, v, want[e], 1, "log p", e)
	}
	var back *events.Table
	latent := len(p.Members) == 1
	if latent {
		z, err := m.ToLatent(data, nil)
		if err != nil {
			t.Fatal(err)
		}
		written := make([][]float32, len(z))
		for i := range z {
			for e, v := range next() {
				worst(&off.latent, v, float64(z[i][e]), 1+math.Abs(float64(z[i][e])), fmt.Sprintf("latent %d", i), e)
				written[i] = append(written[i], float32(v))
			}
		}
		back = exporttest.ToData(t, m, written, data)
		for i := range p.Features {
			for e, v := range next() {
				w := back.Columns[i].Float(e)
				worst(&off.events, rounded(&p.Features[i], v, w), w, slack(&p.Features[i], w), p.Features[i].Name, e)
			}
		}
	}
	for e, v := range next() {
		worst(&off.alone, v, want[e], 1, "log p alone", e)
	}
	for i := range p.Features {
		if !latent {
			break
		}
		for e, v := range next() {
			w := back.Columns[i].Float(e)
			worst(&off.eventsAlone, rounded(&p.Features[i], v, w), w, slack(&p.Features[i], w), p.Features[i].Name+" alone", e)
		}
	}
	if len(lists) > 0 {
		t.Fatalf("%d lists too many", len(lists))
	}
	return off
}

// What comes back at the end of a column, or beyond, is what the program has there.
func TestEventsEndWhereTheProgramHasThem(t *testing.T) {
	m := exporttest.Model(t, exporttest.Flow(t, flow.Spec{Type: "nsf", Transforms: 2, Hidden: []int{16}, Base: flow.Part{Kind: "truncated", Options: map[string]any{"width": 1.5}}}, 0), "")
	p, data := numbers(t, m), exporttest.Events(70)
	mass := &p.Features[0]
	for e := range data.Len() {
		data.Columns[0].F32[e] = []float32{0, 9}[e%2] // beyond
	}
	program := build(t, compilers(t)[0], "testdata/parity.cpp", "parity", p)
	lists, _ := evaluate(t, program, p, data)
	z := make([][]float32, len(p.Features))
	for i := range z {
		for _, v := range lists[1+i] {
			z[i] = append(z[i], float32(v))
		}
	}
	back, ends := exporttest.ToData(t, m, z, data), 0
	for e, got := range lists[1+len(z)] {
		want := back.Columns[0].Float(e)
		if want == float64(float32(mass.Least)) || want == float64(float32(mass.Most)) {
			ends++
			if float32(got) != float32(want) {
				t.Errorf("event %d: %v, want %v", e, got, want)
			}
		}
	}
	if ends == 0 {
		t.Error("no event is at an end")
	}
}

// slack is what an offset of a column counts in: the value, or, near 0, a tenth of the range.
func slack(c *plain.Column, v float64) float64 { return max(math.Abs(v), (c.Max-c.Min)/10) }

// rounded is v, or, of a column whose values are multiples of a step, w where v is the multiple next to it: it lay in the middle of two.
func rounded(c *plain.Column, v, w float64) float64 {
	for _, step := range c.Steps {
		if r, ok := step.(*plain.Round); ok && math.Abs(v-w) < 1.01*r.Unit {
			return w
		}
	}
	return v
}

// An event with a value that is no finite number has NaN, and those beside it what they have without it; an event far outside the training has what
// the program says.
func TestOddEvents(t *testing.T) {
	m := exporttest.Models(t)[1].Model // with a context
	p, data := numbers(t, m), exporttest.Events(70)
	program := build(t, compilers(t)[0], "testdata/parity.cpp", "parity", p, "-DSLUICE_VECTORS=32")
	clean, _ := evaluate(t, program, p, data)
	for e, v := range map[int]float32{3: float32(math.NaN()), 40: float32(math.Inf(1)), 66: float32(math.Inf(-1)), 69: float32(math.NaN())} {
		c, _ := data.Column([]string{"eta", "given"}[e%2])
		c.F32[e] = v
	}
	data.Columns[1].F32[7], data.Columns[3].F32[8] = 3e4, -200
	got, _ := evaluate(t, program, p, data)
	want, err := m.LogProb(data.Take([]int32{7, 8}), 1)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		for e, v := range got[i] {
			switch {
			case e == 3 || e == 40 || e == 66 || e == 69:
				if !math.IsNaN(v) {
					t.Errorf("list %d, event %d: %v of an event that is no event", i, e, v)
				}
			case e == 7 || e == 8:
				if i == 0 && !(math.Abs(v-want[e-7]) < 1e-5*math.Abs(want[e-7])) {
					t.Errorf("event %d: %v, want %v", e, v, want[e-7])
				}
			case math.Abs(v-clean[i][e]) > 0:
				t.Errorf("list %d, event %d: %v beside an odd event, %v without", i, e, v, clean[i][e])
			}
		}
	}
}

// Columns that the flow does not see: one value, and what follows from others; and names that C++ would take for something else.
func TestColumnsOutsideOfTheFlow(t *testing.T) {
	m := exporttest.Models(t)[0].Model
	p, data := numbers(t, m), exporttest.Events(70)
	want, err := m.LogProb(data, 1)
	if err != nil {
		t.Fatal(err)
	}
	p.Features = append([]plain.Column{
		{Name: `say "\\x??/" */`, Unit: "GeV²\n\\", Min: 7, Max: 7},
		{Name: "sum", Min: 0, Max: 1, Follows: &plain.Relation{Constant: 2, Columns: []int{2, 0}, Factors: []float64{3, -1}}},
	}, p.Features...)
	wide := &events.Table{Columns: append([]events.Column{}, data.Columns...)}
	for i := range 2 {
		c := events.Column{Name: p.Features[i].Name, Type: events.Float64}
		for e := range data.Len() {
			c.F64 = append(c.F64, []float64{7, 2 + 3*data.Columns[0].Float(e) - 7}[i])
		}
		wide.Columns = append(wide.Columns, c)
	}
	lists, _ := evaluate(t, build(t, compilers(t)[0], "testdata/parity.cpp", "parity", p, "-DSLUICE_VECTORS=16"), p, wide)
	constant, sum, mass := lists[5], lists[6], lists[7] // after log p and four latents
	for e, v := range want {
		if math.Abs(lists[0][e]-v) > 1e-4 || constant[e] != 7 || math.Abs(sum[e]-(2+3*mass[e]-7)) > 1e-12 || math.Abs(mass[e]-data.Columns[0].Float(e)) > 1e-4*mass[e] {
			t.Fatalf("event %d: log p %v, want %v; columns %v, %v of %v", e, lists[0][e], v, constant[e], sum[e], mass[e])
		}
	}
}

// A name follows from that of the model's file.
func TestNameOf(t *testing.T) {
	for path, want := range map[string]string{"out/jets.safetensors": "jets", "my jets-2.safetensors": "my_jets_2", "2024.safetensors": "model_2024", "é": "model__"} {
		if got := cpp.NameOf(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

// What cannot be a header is the user's error.
func TestNoHeader(t *testing.T) {
	m := exporttest.Models(t)[0].Model
	for _, name := range []string{"", "2jets", "my model", "über"} {
		if _, err := cpp.Header(numbers(t, m), name); !fault.Is(err) || !strings.Contains(err.Error(), "letter first") {
			t.Errorf("%q: %v", name, err)
		}
	}
	large := exporttest.Model(t, exporttest.Flow(t, flow.Spec{Type: "nsf", Transforms: 1, Hidden: []int{1024, 1024}}, 0), "")
	if _, err := cpp.Header(numbers(t, large), "large"); !fault.Is(err) || !strings.Contains(err.Error(), "holds 1048576 at most") {
		t.Error(err)
	}
}
