package serve

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-hep/sluice/apply"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/events/parquet"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/infer"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/internal/web"
	"github.com/sluice-hep/sluice/mix"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/prep"
)

// table has a continuous and an integer column, and one for a context.
func table(n int) *events.Table {
	x := make([]float32, n)
	rng.Normal(x, 1, rng.StreamTest, 0, 0)
	t := &events.Table{Columns: []events.Column{
		column.New("mass", "TeV", events.Float64, n), column.New("njets", "", events.Int64, n), column.New("q", "e", events.Float64, n),
	}}
	for i := range n {
		t.Columns[0].F64[i] = math.Exp(float64(x[i]))
		t.Columns[1].I64[i] = int64(i % 5)
		t.Columns[2].F64[i] = float64(x[(i+7)%n] - x[i])
	}
	return t
}

// untrained is a model of mass and njets, given q or not, whose flow has been pushed off the identity.
func untrained(t testing.TB, given bool) *model.Model {
	t.Helper()
	tab := table(400)
	features, _, err := prep.Fit(tab, []string{"mass", "njets"}, prep.Spec{}, 3)
	if err != nil {
		t.Fatal(err)
	}
	m := &model.Model{Features: features, Seed: 11, Card: "name: test\nfiles: [events.csv]\nfeatures: [mass, njets]\ndefine: {mass: energy / 2}\nwhere: mass < 50\n"}
	m.Context = &prep.Pipeline{}
	context := 0
	if given {
		if m.Context, _, err = prep.FitContext(tab, []string{"q"}, prep.Spec{}); err != nil {
			t.Fatal(err)
		}
		context = m.Context.Dim()
	}
	m.Density = pushed(t, features.Dim(), context, 2)
	return m
}

func pushed(t testing.TB, features, context int, seed uint64) *flow.Flow {
	t.Helper()
	f, err := flow.New(features, context, flow.Spec{Type: "nsf-ar", Transforms: 2, Hidden: []int{8, 8}}, seed)
	if err != nil {
		t.Fatal(err)
	}
	push := make([]float32, f.Size())
	rng.Normal(push, seed, rng.StreamTest, 1, 0)
	for i := range push {
		f.Params()[i] += 0.1 * push[i]
	}
	f.Cut(f.Params())
	return f
}

func ensemble(t testing.TB) *model.Model {
	t.Helper()
	m := untrained(t, false)
	e, err := mix.NewEnsemble(m.Density, pushed(t, 2, 0, 5), pushed(t, 2, 0, 9))
	if err != nil {
		t.Fatal(err)
	}
	m.Density = e
	return m
}

// started is a server of three models that a client asks; all of it ends with the test, and no goroutine stays.
func started(t *testing.T, o Options) *httptest.Server {
	t.Helper()
	before := runtime.NumGoroutine()
	s, err := New([]Named{{"jets", untrained(t, false)}, {"given", untrained(t, true)}, {"several", ensemble(t)}}, o)
	if err != nil {
		t.Fatal(err)
	}
	at := httptest.NewServer(s)
	t.Cleanup(func() {
		at.Client().CloseIdleConnections()
		at.Close()
		s.Close()
		for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
			after := runtime.NumGoroutine()
			if after <= before {
				return
			}
			if time.Now().After(deadline) {
				stacks := make([]byte, 1<<20)
				t.Errorf("%d goroutines before, %d after:\n%s", before, after, stacks[:runtime.Stack(stacks, true)])
				return
			}
		}
	})
	return at
}

// reply is an answer.
type reply struct {
	status int
	head   http.Header
	body   []byte
}

// ask sends a request; headers are "Name: value".
func ask(t *testing.T, at *httptest.Server, method, path string, body []byte, headers ...string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, at.URL+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", jsonType)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if r.Header.Del(name); value != "" {
			r.Header.Set(name, value)
		}
	}
	answer, err := at.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{answer.StatusCode, answer.Header, text}
}

func post(t *testing.T, at *httptest.Server, path, body string, headers ...string) reply {
	t.Helper()
	return ask(t, at, http.MethodPost, path, []byte(body), headers...)
}

// answered are the columns of an answer of JSON.
type answered struct {
	Events     int                        `json:"events"`
	Rows       []int64                    `json:"rows"`
	OutOfRange int                        `json:"out_of_range"`
	Notices    []string                   `json:"notices"`
	Columns    map[string][]float64       `json:"columns"`
	Posterior  map[string]infer.Parameter `json:"posterior"`
	Outside    struct{ Events, Of int }   `json:"context_outside"`
	Warnings   []string                   `json:"warnings"`
}

func good(t *testing.T, r reply) (a answered) {
	t.Helper()
	if r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if err := json.Unmarshal(r.body, &a); err != nil {
		t.Fatalf("%v: %s", err, r.body)
	}
	return a
}

// jsonOf writes a table as columns.
func jsonOf(t *testing.T, tab *events.Table) string {
	t.Helper()
	all := map[string]any{}
	for _, c := range tab.Columns {
		if c.Type == events.Int64 {
			all[c.Name] = c.I64
		} else {
			all[c.Name] = c.F64
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func parquetOf(t testing.TB, tab *events.Table) []byte {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewWriter(&b)
	if err := w.Write(tab.Columns); err != nil {
		t.Fatal(err)
	}
	if err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func read(t *testing.T, body []byte) *events.Table {
	t.Helper()
	l := Limits{}.Filled()
	tab, err := tableOfParquet(body, &l)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

// written is what the verb density writes of events, read back.
func written(t *testing.T, m *model.Model, tab *events.Table, e apply.Density) *events.Table {
	t.Helper()
	in, out := filepath.Join(t.TempDir(), "in.parquet"), filepath.Join(t.TempDir(), "out.parquet")
	w, err := events.Create(in)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(tab); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	e.Files = []string{in}
	if _, err := e.ToFile(t.Context(), m, out, apply.Options{}); err != nil {
		t.Fatal(err)
	}
	all, err := events.ReadAll([]string{out}, events.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func sameBits(t *testing.T, what string, got, want *events.Table) {
	t.Helper()
	if !slices.Equal(got.Names(), want.Names()) || got.Len() != want.Len() {
		t.Fatalf("%s: %d events of %q, not %d of %q", what, got.Len(), got.Names(), want.Len(), want.Names())
	}
	for k := range want.Columns {
		a, b := &got.Columns[k], &want.Columns[k]
		for i := range b.Len() {
			if a.Format(i) != b.Format(i) {
				t.Fatalf("%s: %s of event %d is %s, not %s", what, b.Name, i, a.Format(i), b.Format(i))
			}
		}
	}
}

// Densities, latents and spreads are those of the verb, to the last bit: of many events and of one, in JSON and in Parquet.
func TestDensityIsThatOfTheVerb(t *testing.T) {
	at := started(t, Options{Threads: 3})
	tab := table(5000)
	for _, c := range []struct {
		name string
		m    *model.Model
		what string
	}{{"jets", untrained(t, false), "density"}, {"jets", untrained(t, false), "latent"}, {"given", untrained(t, true), "latent"}, {"several", ensemble(t), "density"}} {
		want := written(t, c.m, tab, apply.Density{Latent: c.what == "latent"})
		path := "/v1/models/" + c.name + "/" + c.what
		r := ask(t, at, http.MethodPost, path, parquetOf(t, tab), "Content-Type: "+parquetType, "Accept: "+parquetType)
		if r.status != http.StatusOK || r.head.Get("Content-Type") != parquetType {
			t.Fatalf("%s: %d %s", path, r.status, r.body)
		}
		sameBits(t, path, read(t, r.body), want)
		a := good(t, post(t, at, path, `{"events": `+jsonOf(t, tab)+`}`))
		one := good(t, post(t, at, path, `{"events": `+jsonOf(t, tab.Slice(17, 18))+`}`))
		for name, values := range a.Columns {
			w, err := want.Column(name)
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range values {
				if w.Type == events.Float32 {
					v = float64(float32(v))
				}
				if v != w.Float(i) || i == 17 && one.Columns[name][0] != values[17] {
					t.Fatalf("%s: %s of event %d is %g, alone %g, not %g", path, name, i, v, one.Columns[name][0], w.Float(i))
				}
			}
		}
		if len(a.Columns) != len(want.Columns)-3 || a.Events != 5000 {
			t.Errorf("%s: %d columns of %d events", path, len(a.Columns), a.Events)
		}
	}
}

// cells is a model of a table in which a number of jets says whether there is a mass of two.
func cells(t *testing.T) (*model.Model, *events.Table) {
	t.Helper()
	tab := table(400)
	for i := range 400 {
		if tab.Columns[1].I64[i] < 2 {
			tab.Columns[0].F64[i] = math.NaN()
		}
	}
	features, _, err := prep.Fit(tab, []string{"mass", "njets"}, prep.Spec{Mixed: true, Missing: prep.Missing{All: prep.Gap{Model: true}}}, 3)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := features.Together(tab); err != nil {
		t.Fatal(err)
	}
	spec := mix.Spec{Flow: flow.Spec{Type: "nsf-ar", Transforms: 2, Hidden: []int{8, 8}}, Hidden: []int{8}}
	for _, f := range features.Layout() {
		feature := mix.Feature{Categories: f.Categories}
		if f.By >= 0 {
			feature.Where = &mix.Where{Feature: f.By, Codes: f.Present}
		}
		spec.Features = append(spec.Features, feature)
	}
	d, err := mix.New(0, spec, 2)
	if err != nil {
		t.Fatal(err)
	}
	return &model.Model{Features: features, Context: &prep.Pipeline{}, Density: d, Seed: 11, Card: "name: test\nfiles: [events.csv]\nfeatures: [mass, njets]\nmissing: model\n"}, tab
}

// What a model gives is tried with an event that it may have: one of zeros, which has a mass without two jets, would be none of a table.
func TestCellsThatAnotherColumnTells(t *testing.T) {
	m, tab := cells(t)
	s, err := New([]Named{{"cells", m}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	at := httptest.NewServer(s)
	defer at.Close()
	for _, what := range []string{"density", "latent"} {
		want := written(t, m, tab, apply.Density{Latent: what == "latent"})
		r := ask(t, at, http.MethodPost, "/v1/models/cells/"+what, parquetOf(t, tab), "Content-Type: "+parquetType, "Accept: "+parquetType)
		if r.status != http.StatusOK {
			t.Fatalf("%s: %d %s", what, r.status, r.body)
		}
		sameBits(t, what, read(t, r.body), want)
	}
	good(t, post(t, at, "/v1/models/cells/sample", `{"n": 3}`))
}

// The model's selection counts, as with the verb: which rows were evaluated is told. Another can be asked for.
func TestSelection(t *testing.T) {
	at := started(t, Options{})
	const three = `"events": [{"mass": 2, "njets": 1}, {"mass": 60, "njets": 1}, {"mass": 3.5, "njets": null}]`
	r := post(t, at, "/v1/models/jets/density", `{`+three+`}`)
	if r.status != http.StatusUnprocessableEntity || !bytes.Contains(r.body, []byte(`"njets\": 1 of 2 values is missing (NaN), the first in row 3; \"drop_nan\": true leaves these events out`)) {
		t.Errorf("%d %s", r.status, r.body)
	}
	a := good(t, post(t, at, "/v1/models/jets/density", `{`+three+`, "drop_nan": true}`))
	if a.Events != 1 || !slices.Equal(a.Rows, []int64{0}) || len(a.Notices) != 1 || !strings.Contains(a.Notices[0], `"where": "1>0": all events`) {
		t.Errorf("%+v", a)
	}
	a = good(t, post(t, at, "/v1/models/jets/density", `{`+three+`, "drop_nan": true, "where": "1>0"}`))
	if a.Events != 2 || !slices.Equal(a.Rows, []int64{0, 1}) || a.OutOfRange != 1 {
		t.Errorf("%+v", a)
	}
	// what the card defines is made where it lacks
	b := good(t, post(t, at, "/v1/models/jets/density", `{"events": {"energy": 4, "njets": 1}}`))
	if b.Columns["log_prob"][0] != a.Columns["log_prob"][0] {
		t.Errorf("%g, not %g", b.Columns["log_prob"], a.Columns["log_prob"])
	}
}

// A sample is that of the verb with the same seed, whole or in parts, in every form.
func TestSampleIsThatOfTheVerb(t *testing.T) {
	at := started(t, Options{Threads: 3})
	const n = 20_000
	for name, m := range map[string]*model.Model{"jets": untrained(t, false), "given": untrained(t, true), "several": ensemble(t)} {
		d := apply.Sample{Events: n, Seed: 7}
		given := ""
		if name == "given" {
			d.Context = &events.Table{Columns: []events.Column{{Name: "q", Type: events.Float64, F64: []float64{0.5, -1}}}}
			given = `, "context": {"q": [0.5, -1]}`
		}
		path := filepath.Join(t.TempDir(), "s.parquet")
		if _, err := d.ToFile(t.Context(), m, path, apply.Options{}); err != nil {
			t.Fatal(err)
		}
		want, err := events.ReadAll([]string{path}, events.Options{})
		if err != nil {
			t.Fatal(err)
		}
		at1 := "/v1/models/" + name + "/sample"
		r := post(t, at, at1, fmt.Sprintf(`{"n": %d, "seed": 7%s}`, n, given), "Accept: "+parquetType)
		sameBits(t, name, read(t, r.body), want)
		lines := post(t, at, at1, fmt.Sprintf(`{"n": %d, "seed": 7%s}`, n, given), "Accept: "+linesType)
		if rows := bytes.Count(lines.body, []byte("\n")); rows != n {
			t.Fatalf("%d lines", rows)
		}
		part := good(t, post(t, at, at1, fmt.Sprintf(`{"n": 10, "first": %d, "seed": 7%s}`, n/2, given)))
		line := json.NewDecoder(bytes.NewReader(lines.body))
		for i := range n {
			var row map[string]float64
			if err := line.Decode(&row); err != nil {
				t.Fatal(err)
			}
			for k := range want.Columns {
				c := &want.Columns[k]
				if v := row[c.Name]; v != c.Float(i) && float32(v) != float32(c.Float(i)) || i >= n/2 && i < n/2+10 && part.Columns[c.Name][i-n/2] != v {
					t.Fatalf("%s: %s of event %d is %g, not %s", name, c.Name, i, v, c.Format(i))
				}
			}
		}
	}
}

// A posterior is that of the verb, with the alarm where the model does not know such an observation.
func TestPosterior(t *testing.T) {
	at := started(t, Options{})
	seen := &events.Table{Columns: []events.Column{{Name: "q", Type: events.Float64, F64: []float64{0.5}}}}
	q := infer.Observed{Values: seen, Draws: 3000, Seed: 4}
	want, err := q.Infer(t.Context(), untrained(t, true), nil, apply.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a := good(t, post(t, at, "/v1/models/given/posterior", `{"observed": {"q": 0.5}, "draws": 3000, "seed": 4, "columns": true}`))
	for name, p := range want.Posterior {
		if *a.Posterior[name].Median != *p.Median || *a.Posterior[name].Lo95 != *p.Lo95 || len(a.Columns[name]) != 3000 {
			t.Errorf("%s: %v, not %v", name, a.Posterior[name], p)
		}
	}
	if a.Outside.Events != 0 || len(a.Warnings) != 0 {
		t.Errorf("%+v", a)
	}
	a = good(t, post(t, at, "/v1/models/given/posterior", `{"observed": {"q": 1e6}, "draws": 100}`))
	if a.Outside.Events != 1 || len(a.Warnings) == 0 {
		t.Errorf("an observation far outside raises no alarm: %+v", a)
	}
	r := post(t, at, "/v1/models/given/posterior", `{"observed": {"q": [0.5, 0.6]}, "draws": 10}`, "Accept: "+parquetType)
	if draws := read(t, r.body); draws.Len() != 20 || !slices.Contains(draws.Names(), "observation") {
		t.Errorf("%d draws of %q", draws.Len(), draws.Names())
	}
}

// What is wrong with a request is told in one line of a problem document, with the status that it has and nothing of the inside.
func TestWrongRequests(t *testing.T) {
	at := started(t, Options{Limits: Limits{Rows: 1000, Body: 1 << 16}})
	const d, s = "/v1/models/jets/density", "/v1/models/given/sample"
	many := `{"events": {"mass": [` + strings.Repeat("1,", 1000) + `1], "njets": [` + strings.Repeat("1,", 1000) + `1]}}`
	for _, c := range []struct {
		path, body string
		status     int
		says       string
		headers    []string
	}{
		{"/v1/models/jts/density", `{}`, 404, "did you mean jets?", nil},
		{"/v1/models/nothing/density", `{}`, 404, "/v1/models lists them", nil},
		{"/v1/model", `{}`, 404, "/openapi.json", nil},
		{"/v1/models/../../etc/passwd", `{}`, 404, "nothing at", nil},
		{"/healthz", `{}`, 405, "takes GET", nil},
		{d, ``, 400, "empty", nil},
		{d, `{"events": {"mass": NaN, "njets": 1}}`, 400, "not JSON", nil},
		{d, `{"events": {"mass": 1`, 400, "ends too early", nil},
		{d, `[1]`, 400, "no object", nil},
		{d, `{"events": {}} x`, 400, "more after its end", nil},
		{d, `{"events": {"mass": 1, "njets": 1}, "events": {"mass": 1, "njets": 1}}`, 400, "twice", nil},
		{d, `{}`, 422, `give "events"`, nil},
		{d, `{"events": 5}`, 422, "is a number", nil},
		{d, `{"events": {}}`, 422, "no events", nil},
		{d, `{"events": []}`, 422, "no events", nil},
		{d, `{"events": {"mass": 1}}`, 422, `no column "njets"`, nil},
		{d, `{"events": {"mas": 1, "njets": 1}}`, 422, `did you mean "mas"?`, nil},
		{d, `{"events": {"mass": "heavy", "njets": 1}}`, 422, `"heavy" is not a number`, nil},
		{d, `{"events": {"mass": [1, "x"], "njets": [1, 1]}}`, 422, `row 2 is text among numbers`, nil},
		{d, `{"events": {"mass": [1, [2]], "njets": [1, 1]}}`, 422, `row 2 is a list`, nil},
		{d, `{"events": {"mass": true, "njets": 1}}`, 422, `true or false, not a number`, nil},
		{d, `{"events": {"mass": 1, "njets": null}}`, 422, `missing`, nil},
		{d, `{"events": {"mass": 1e999, "njets": 1}}`, 422, `64 bits`, nil},
		{d, `{"events": {"mass": [1, 2], "njets": 1}}`, 422, `as many of each`, nil},
		{d, `{"events": [{"mass": 1, "njets": 1}, {"mass": 1}]}`, 422, `row 2 has no "njets"`, nil},
		{d, `{"events": [{"mass": 1}, {"mass": 1, "njets": 1}]}`, 422, `row 1 has not`, nil},
		{d, `{"events": {"mass": 1, "njets": 1, "log_prob": 1}}`, 422, `"log_prob" already`, nil},
		{d, `{"events": {"mass": 1, "njets": 1}, "were": "1>0"}`, 422, "did you mean where?", nil},
		{d, `{"events": {"mass": 1, "njets": 1}, "draws": 0}`, 422, "draws 0", nil},
		{d, `{"events": {"mass": 1, "njets": 1}, "draws": "many"}`, 422, "whole number", nil},
		{d, `{"events": {"mass": 1, "njets": 1}, "where": "mass <"}`, 422, "", nil},
		{d, `{"events": {"mass": 1, "njets": 1}, "where": "mass > 2"}`, 422, "leaves none", nil},
		{d, many, 413, "the limit of this server", nil},
		{d, `{"events": {"x": "` + strings.Repeat("x", 1<<17) + `"}}`, 413, "65536 bytes", nil},
		{d, `{"events": 1}`, 415, "without Content-Encoding", []string{"Content-Encoding: gzip"}},
		{d, `events`, 415, "not \"text/plain\"", []string{"Content-Type: text/plain"}},
		{d, `events`, 415, "", []string{"Content-Type: "}},
		{d, `{"events": {"mass": 1, "njets": 1}}`, 406, "not \"text/html\"", []string{"Accept: text/html"}},
		{d, `PAR1 not really PAR1`, 400, "not Parquet", []string{"Content-Type: " + parquetType}},
		{d + "?draws=8", `{"events": {"mass": 1, "njets": 1}}`, 400, "in the address", nil},
		{"/v1/models/several/latent", `{"events": {"mass": 1, "njets": 1}}`, 422, "no latent", nil},
		{"/v1/models/jets/posterior", `{"observed": {"q": 1}}`, 422, "no context", nil},
		{"/v1/models/jets/sample", `{}`, 422, `give "n"`, nil},
		{"/v1/models/jets/sample", `{"n": 1000000000}`, 422, "limit of this server", nil},
		{"/v1/models/jets/sample", `{"n": -1}`, 422, "whole number", nil},
		{"/v1/models/jets/sample", `{"n": 1.5}`, 422, "whole number", nil},
		{"/v1/models/jets/sample", `{"n": 5, "first": 18446744073709551615}`, 422, "too large", nil},
		{"/v1/models/jets/sample", `{"n": 5, "within": -1}`, 422, `"none"`, nil},
		{"/v1/models/jets/sample", `{"n": 5, "context": {"q": 1}}`, 422, "has no context", nil},
		{s, `{"n": 5}`, 422, `conditioned on ["q"]`, nil},
		{s, `{"n": 5, "context": {"p": 1}}`, 422, `no column "p"`, nil},
		{s, `{"n": 5, "context": {"q": "x"}}`, 422, "not a number", nil},
		{s, `{"n": 5, "context": {"q": null}}`, 422, "row 1 is missing", nil},
		{"/v1/models/given/posterior", `{}`, 422, `give "observed"`, nil},
		{"/v1/models/given/posterior", `{"observed": {"q": 1}, "draws": 100000}`, 422, "1 to 1000", nil},
	} {
		r := ask(t, at, http.MethodPost, c.path, []byte(c.body), c.headers...)
		var p web.Problem
		if err := json.Unmarshal(r.body, &p); err != nil || r.head.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %.80s: %d %s", c.path, c.body, r.status, r.body)
			continue
		}
		if r.status != c.status || p.Status != c.status || !strings.Contains(p.Detail, c.says) ||
			strings.ContainsAny(p.Detail, "\n\x00") || strings.Contains(p.Detail, "goroutine") || strings.Contains(p.Detail, ".go:") || p.Request != r.head.Get("X-Request-Id") {
			t.Errorf("%s %.80s: %d %q, not %d %q", c.path, c.body, r.status, p.Detail, c.status, c.says)
		}
	}
}
