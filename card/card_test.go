package card

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/prep"
	"github.com/sluice-hep/sluice/query"
	"github.com/sluice-hep/sluice/train"
)

const full = `# the whole schema
name: lhco
title: "LHC Olympics: jets"
files: [data/a.parquet, "data/b*.csv"]
flatten: Muon
define:
  mj_min: min(mj1, mj2) / 1000
  delta_mj: "abs(mj1 - mj2) / 1000  # TeV"
  a: "mj_min > 0 && delta_mj < 1 ? 1 : 0"
restore:
  mj_max: mj_min + delta_mj
where: |
  mj_min > 0.05 &&
  label == 0
drop_nan: true
features:
  mj_min: TeV
  delta_mj: TeV
  "tau21.1":
context: [mjj]
weight: w
units: {mjj: TeV}
labels: {mj_min: "m_{J}^{min}"}
prepare:
  mj_min: [minmax, {clip: {b: 1e-6}}, logit, standardise]
  delta_mj: auto
  "*": [standardise]
prepare_context: [standardise]
flow: {type: nsf-ar, transforms: 6, hidden: [64, 32], bound: 4.5}
train:
  epochs: 1e2
  lr: 2e-3
  betas: [0.9, 0.99]
  nesterov: false
  schedule: {type: step, every: 5}
sample:
  events: same
  file: new.parquet
  context: {mjj: 3.5}
compare: {columns: [mj_min], bins: 40}
plots:
  latent: true
seed: 7
threads: 2
`

func fullCard() *Card {
	steps := []prep.StepSpec{{Kind: "minmax"}, {Kind: "clip", Options: map[string]float64{"b": 1e-6}}, {Kind: "logit"}, {Kind: "standardise"}}
	return &Card{
		Name: "lhco", Title: "LHC Olympics: jets", Files: []string{"data/a.parquet", "data/b*.csv"}, Reading: query.Reading{Flatten: "Muon"},
		Define: Definitions{
			{Name: "mj_min", Expr: "min(mj1, mj2) / 1000"}, {Name: "delta_mj", Expr: "abs(mj1 - mj2) / 1000  # TeV"},
			{Name: "a", Expr: "mj_min > 0 && delta_mj < 1 ? 1 : 0"},
		},
		Restore: Definitions{{Name: "mj_max", Expr: "mj_min + delta_mj"}},
		Where:   "mj_min > 0.05 &&\nlabel == 0\n", DropNaN: true,
		Features: []string{"mj_min", "delta_mj", "tau21.1"}, Context: []string{"mjj"}, Weight: "w",
		Units:  map[string]string{"mj_min": "TeV", "delta_mj": "TeV", "mjj": "TeV"},
		Labels: map[string]string{"mj_min": "m_{J}^{min}"},
		Prepare: prep.Spec{
			All:     steps[3:],
			Columns: map[string][]prep.StepSpec{"mj_min": steps, "delta_mj": nil},
		},
		PrepareContext: prep.Spec{All: steps[3:]},
		Flow:           flow.Spec{Type: "nsf-ar", Transforms: 6, Hidden: []int{64, 32}, Bound: 4.5},
		Train: train.Config{
			Epochs: 100, LR: 2e-3, Betas: []float64{0.9, 0.99},
			Schedule: train.Schedule{Type: "step", Every: 5},
		},
		Sample:  Sample{File: "new.parquet", Context: map[string]any{"mjj": 3.5}},
		Compare: Compare{Columns: []string{"mj_min"}, Bins: 40},
		Plots:   Plots{Latent: true},
		Seed:    7, Threads: 2,
	}
}

func TestParseReadsTheWholeSchema(t *testing.T) {
	c, err := Parse([]byte(full), "lhco.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if want := fullCard(); !reflect.DeepEqual(c, want) {
		t.Errorf("read\n%+v\nwant\n%+v", c, want)
	}
}

func TestCanonicalTextReadsBack(t *testing.T) {
	odd := fullCard()
	odd.Title = " yes: \"no\" # \\ 'x'\n\ttab é\u0001 "
	odd.Define = append(odd.Define, query.Definition{Name: "null", Expr: "1e5"}, query.Definition{Name: "- x", Expr: "true"}, query.Definition{Name: "007", Expr: "~"}, query.Definition{Name: "a: b", Expr: "[1]"})
	odd.Units = map[string]string{"1": "1", "true": "", "x\ny": "%", "*": "&x", "": "{"}
	odd.Prepare = prep.Spec{All: []prep.StepSpec{}}
	odd.Seed = 0
	for _, c := range []*Card{fullCard(), odd, {Name: "a", Toy: Toy{Name: "banana"}, Features: []string{"x1", "x2"}, Seed: 1 << 62}} {
		text, err := c.YAML()
		if err != nil {
			t.Fatal(err)
		}
		back, err := Parse(text, "x.yaml")
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if !reflect.DeepEqual(back, c) {
			t.Errorf("read\n%+v\nwant\n%+v\nfrom\n%s", back, c, text)
		}
		again, err := back.YAML()
		if err != nil || string(again) != string(text) {
			t.Errorf("the text of the same card changed: %v\n%s\nto\n%s", err, text, again)
		}
	}
}

const composed = `files: [a.csv]
features: [pt, phi]
flow:
  base: normal
  bases: {phi: {student-t: {nu: 3}}}
  repeat: 5
  layers:
    - linear: lu
    - coupling: {transformer: {spline: {bins: 16}}, transformers: {phi: affine}, net: {residual: {width: 128, blocks: 2}}}
    - batch-norm
  between: [lu]
`

// A composition is read and written, and the names of features become numbers when they are known.
func TestComposition(t *testing.T) {
	c, err := Parse([]byte(composed), "c.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	back, err := Parse(text, "c.yaml")
	if err != nil || !reflect.DeepEqual(back, c) {
		t.Errorf("%v, %+v\nfrom\n%s", err, back, text)
	}
	spec, err := c.Flow.Resolve(c.Features)
	if err != nil {
		t.Fatal(err)
	}
	if spec, err = spec.Full(); err != nil {
		t.Fatal(err)
	}
	const want = `coupling: {net: {residual: {activation: relu, batch_norm: false, blocks: 2, dropout: 0, init: glorot, width: 128}}, ` +
		`permute: random, transformer: {spline: {bins: 16, bound: 5}}, transformers: {1: {affine: {log_scale: tanh}}}}`
	if got := spec.Layers[1].String(); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if got := strings.Join(spec.Lines()[:2], ", "); got != "base normal, base of 1 student-t: {nu: 3}" {
		t.Error(got)
	}
	if err := c.Set("flow.layers", "[{autoregressive: {passes: 2}}]"); err != nil || c.Flow.Layers[0].Options["passes"] != 2 {
		t.Errorf("%v, %v", err, c.Flow.Layers)
	}
}

func TestShortestCard(t *testing.T) {
	c, err := Parse([]byte("files: jets.csv\nfeatures: [mass, pt]\n"), "cards/jets.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := &Card{Name: "jets", Files: []string{"jets.csv"}, Features: []string{"mass", "pt"}, Seed: 1}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("read %+v, want %+v", c, want)
	}
}

func TestPathsCountFromTheCard(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.yaml")
	if err := os.WriteFile(path, []byte("files: [x.csv, /data/y*.csv]\nfeatures: [a]\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.Paths(), []string{filepath.Join(dir, "x.csv"), "/data/y*.csv"}; !reflect.DeepEqual(got, want) {
		t.Errorf("paths %q, want %q", got, want)
	}
	if _, err := Load(filepath.Join(dir, "none.yaml")); err == nil || !strings.HasPrefix(err.Error(), "card: open ") {
		t.Errorf("a missing card: %v", err)
	}
	if _, err := Load(dir); err == nil {
		t.Error("a folder is read as a card")
	}
}

// Models and pages do not tell where files lie on a machine; what a card says relative to itself stays.
func TestPortable(t *testing.T) {
	c := &Card{Files: []string{"/home/me/data/a.csv", "data/b.csv", "/data/c.h5:group/table", "/data/run*.root:tree"},
		Sample: Sample{File: "/tmp/new.parquet", ContextFile: "../given.csv"}}
	p := c.Portable()
	if got, want := strings.Join(append(p.Files, p.Sample.File, p.Sample.ContextFile), " "), "a.csv data/b.csv c.h5:group/table run*.root:tree new.parquet ../given.csv"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	if c.Files[0] != "/home/me/data/a.csv" || c.Sample.File != "/tmp/new.parquet" {
		t.Errorf("the card itself is changed: %+v", c)
	}
}

func TestErrorsNameThePlaceAndTheRemedy(t *testing.T) {
	const head = "files: [a.csv]\nfeatures: [x, y]\n" // two lines
	for _, c := range []struct{ text, want string }{
		{head + "train:\n  objective: matching\n", `c.yaml:4:14: train.objective: flow matching trains a flow of one continuous layer (type: cfm), not this one: take the key out`},
		{head + "flow: {type: cfm, bins: 8}\n", `c.yaml:3:25: flow.bins: no such option of the whole continuous; there is activation, hidden, init, pairing, path, sigma_min, steps, tolerance`},
		{head + "train:\n  epochs: ten\n", `c.yaml:4:11: train.epochs: "ten" is not an integer`},
		{head + "train:\n  epochs: 1.5\n", `c.yaml:4:11: train.epochs: "1.5" is not an integer`},
		{head + "train: {epochs: \"10\"}\n", `c.yaml:3:17: train.epochs: "10" is a text, not an integer; take the quotes off`},
		{head + "train: {epochs: 99999999999999999999}\n", `c.yaml:3:17: train.epochs: "99999999999999999999" is too large`},
		{head + "train:\n  epochs:\n", `c.yaml:4:11: train.epochs: nothing is not an integer`},
		{head + "train:\n  lr: fast\n", `c.yaml:4:7: train.lr: "fast" is not a finite number`},
		{head + "train:\n  lr: .nan\n", `c.yaml:4:7: train.lr: ".nan" is not a finite number`},
		{head + "train:\n  epocs: 3\n", `c.yaml:4:3: train.epocs: no such key; did you mean epochs?`},
		{head + "trian: {}\n", `c.yaml:3:1: trian: no such key; did you mean train?`},
		{head + "plots:\n  qqqqqq: 1\n", `c.yaml:4:3: plots.qqqqqq: no such key; there is density, latent, steps`},
		{head + "train: 3\n", `c.yaml:3:8: train: "3" where a map of keys and values belongs`},
		{head + "where: [a]\n", `c.yaml:3:8: where: a list where a text belongs; put it in quotes`},
		{head + "drop_nan: yes\n", `c.yaml:3:11: drop_nan: "yes" is not true or false`},
		{head + "flow: {hidden: 64,32}\n", `c.yaml:3:19: flow.32: no such key; there is activation, base, bases, batch_norm, `},
		{head + "flow:\n  hidden: 64,x\n", `c.yaml:4:11: flow.hidden: "64,x" is not an integer; write a list as [a, b]`},
		{head + "flow:\n  hidden: [64, -1]\n", `c.yaml:4:3: flow.hidden: a width of -1 is not between 1 and 65536`},
		{head + "flow:\n\n  type: nfs\n", `c.yaml:5:9: flow.type: "nfs" is not one of [nsf-ar nsf maf realnvp`},
		{head + "flow: {bins: 0}\n", `c.yaml:3:14: flow.bins: "0" is not possible; leave the key out for the default`},
		{head + "flow: {hidden: []}\n", `c.yaml:3:16: flow.hidden: a list is not possible`},
		{head + "flow:\n  type: maf\n  bins: 8\n", `c.yaml:5:9: flow.bins: has no effect on the transformer affine, only on spline, circular-spline: take it out`},
		{head + "flow: {type: nsf, log_scale: soft}\n", `c.yaml:3:30: flow.log_scale: has no effect on the transformer spline, only on affine, scale-shift`},
		{head + "flow: {type: nsf, degrees: equal}\n", `c.yaml:3:28: flow.degrees: has no effect on the conditional coupling, only on autoregressive`},
		{head + "flow: {net_batch_norm: true}\n", `c.yaml:3:24: flow.net_batch_norm: has no effect on the net mlp, only on residual`},
		{head + "flow: {net: residual, context: all}\n", `c.yaml:3:32: flow.context: has no effect on the net residual, only on mlp`},
		{head + "flow: {net: residual, hidden: [3, 3]}\n", `c.yaml:3:23: flow.hidden: a residual network has one width, not 2`},
		{head + "flow: {transforms: -2}\n", `c.yaml:3:20: flow.transforms: -2 is not between 1 and 1000`},
		{head + "flow: {linear: qr}\n", `c.yaml:3:16: flow.linear: "qr" is not one of [lu`},
		{head + "flow: {repeat: 3}\n", `c.yaml:3:1: flow.layers: repeat and between are for a flow of layers`},
		{head + "flow: {type: nsf, layers: [lu]}\n", `c.yaml:3:14: flow.type: belongs to a preset`},
		{head + "flow:\n  layers:\n    - lu\n    - coupling: {transformer: {spline: {bins: 1}}}\n", `c.yaml:6:18: flow.layers.1.coupling.transformer.bins: 1 is not between 2 and 500`},
		{head + "flow:\n  layers:\n    - coupling: {net: {mlp: {width: 5}}}\n", `c.yaml:5:18: flow.layers.0.coupling.net.width: has no effect on the net mlp, only on residual`},
		{head + "flow:\n  layers:\n    - coupling: {transformers: {z: spline}}\n", `c.yaml:5:36: flow.layers.0.coupling.transformers.z: "z" is not one of the features [x y]`},
		{head + "flow: {layers: [glow]}\n", `c.yaml:3:8: flow.layers.0: "glow" is not one of [coupling autoregressive lu permutation householder rotation planar radial residual-flow batch-norm act-norm`},
		{head + "flow: {layers: [{a: 1, b: 2}]}\n", `c.yaml:3:17: flow.layers: one kind belongs here`},
		{head + "flow: {layers: [lu], base: {uniform: {}}}\n", `c.yaml:3:22: flow.base: "uniform" is not one of [normal student-t`},
		{head + "flow: {bases: {z: student-t}}\n", `c.yaml:3:19: flow.bases.z: "z" is not one of the features [x y]`},
		{head + "flow: {bases: {x: {student-t: {nu: 0}}}}\n", `c.yaml:3:16: flow.bases.x.nu: 0 is not between 0.1 and 1000`},
		{head + "flow: {bases: {x: lu}}\n", `c.yaml:3:19: flow.bases.x: "lu" is not one of [normal student-t`},
		{head + "flow: {bases: {x: student-t, y: normal}, base: normal}\n", `c.yaml:3:48: flow.base: has no effect where bases names every feature`},
		{head + "train:\n  schedule:\n    gamma: 2\n    type: step\n", `c.yaml:5:12: train.schedule.gamma: 2 is not above 0 and at most 1`},
		{head + "train:\n  valid: 1\n", `c.yaml:4:10: train.valid: 1 is not below 1`},
		{head + "seed: -1\n", `c.yaml:3:7: seed: "-1" is not between 0 and 9223372036854775807`},
		{head + "seed: 1\nseed: 2\n", `c.yaml:4:1: mapping key "seed" already defined at [3:1]`},
		{head + "prepare:\n  x: [logit]\n  y: [lgit]\n", `c.yaml:5:6: prepare.y: "lgit" is not a preparation step; there is minmax`},
		{head + "prepare: {z: [logit]}\n", `c.yaml:3:11: prepare.z: "z" is not listed under features; there is x, y`},
		{head + "compare:\n  columns: [xx]\n", `c.yaml:4:3: compare.columns: "xx" is not listed under features or restore; did you mean x?`},
		{head + "restore: {z: xx}\n", `c.yaml:3:14: restore.z: "xx" is not listed under features, context or restore before it; did you mean x?`},
		{head + "restore: {b: a, a: x}\n", `c.yaml:3:14: restore.b: "a" is not listed under features, context or restore before it`},
		{head + "restore: {y: x}\n", `c.yaml:3:14: restore.y: a column of that name is generated, or given, already; take one out`},
		{head + "restore: {z: \"x * \"}\n", `c.yaml:3:14: restore.z: `},
		{head + "restore: {z: \"\"}\n", `c.yaml:3:14: restore.z: the expression is empty`},
		{head + "context: [z, x]\n", `c.yaml:3:1: context: "x" stands under features already; a column is one or the other`},
		{head + "sample:\n  events: some\n", `c.yaml:4:11: sample.events: "some" is not an integer`},
		{head + "sample:\n  context: {q: 1}\n", `c.yaml:4:16: sample.context.q: "q" is not listed under context`},
		{"toy: {name: banana}\nflatten: Muon\n", `c.yaml:2:10: flatten: a toy has nothing to flatten, only files have; take it out`},
		{head + "toy: {name: banana}\n", `c.yaml:3:1: toy: events come from files or from a toy, not from both; take one out`},
		{head + "define:\n  a.b: \"\"\n", `c.yaml:4:8: define.a.b: the expression is empty`},
		{head + "define:\n  - a\n", `c.yaml:4:3: define: a list where a map of keys and values belongs`},
		{head + "context: {z: m}\nunits:\n  z: km\n", `c.yaml:5:6: units.z: "km", but "m" where the column is named; take one out`},
		{head + "where: a: b\n", `c.yaml:3:8: mapping value is not allowed in this context; indent`},
		{head + "\twhere: a\n", `c.yaml:3:1: `},
		{head + "title: *big\n", `c.yaml:3:8: anchors and aliases (*) are not part of a card`},
		{head + "title: &a x\n", `c.yaml:3:8: anchors and aliases (&) are not part of a card`},
		{head + "where: !x\n", `c.yaml:3:8: !x is not part of a card; put a text that begins with it in quotes`},
		{head + "---\nname: b\n", `c.yaml:3:1: a card is one document`},
		{head + "title: [\n", `c.yaml:3:`},
		{"features: [a]\n", `c.yaml: files: missing; write files: [events.csv], or toy: {name: two-moons}`},
		{"files: a.csv\n", `c.yaml: features: missing; name the columns`},
		{"toy: {name: bananas}\n", `c.yaml:1:13: toy.name: no toy "bananas"; did you mean banana?`},
		{"seed: 2\ntoy:\n  name: two-moons\n  noise: -1\n", `c.yaml:2:1: toy: two-moons: a noise of -1 is not between`},
		{"files: [a]\nfeatures: [a, b, a]\n", `c.yaml:2:1: features: "a" comes twice; take one out`},
		{"", `c.yaml: nothing in it; the shortest card`},
		{"# only\n", `c.yaml: nothing in it; the shortest card`},
		{"just text", `c.yaml:1:1: "just text" where a map of keys and values belongs`},
		{strings.Repeat("[", 100), `c.yaml:1:33: brackets are nested more than 32 deep`},
		{strings.Repeat("- ", 100), `c.yaml:1:65: lists are nested more than 32 deep`},
	} {
		_, err := Parse([]byte(c.text), "c.yaml")
		switch {
		case err == nil:
			t.Errorf("no error for\n%s", c.text)
		case !strings.HasPrefix(err.Error(), c.want):
			t.Errorf("%v\nwant %s\nfor\n%s", err, c.want, c.text)
		case strings.Contains(err.Error(), "\n"):
			t.Errorf("more than a line: %v", err)
		}
	}
}

func TestSet(t *testing.T) {
	c := fullCard()
	for _, s := range [][2]string{
		{"train.epochs", "3"}, {"train.schedule.type", "cosine"}, {"train.lr", "1e-4"}, {"flow.hidden", "[8]"},
		{"where", "a ? b : c # d"}, {"title", `"quoted"`}, {"define.new", "x*2"}, {"define.mj_min", "min(a, b)"},
		{"units.tau21.1", "%"}, {"labels.mjj", "m"}, {"features", "[x, y]"}, {"prepare.y", "[logit]"},
		{"prepare.*", "auto"}, {"prepare_context", "auto"}, {"sample", "{events: 5}"}, {"sample.context.mjj", "2"},
		{"compare", ""}, {"seed", "0"}, {"context", "{q: GeV}"},
	} {
		if err := c.Set(s[0], s[1]); err != nil {
			t.Errorf("%s=%s: %v", s[0], s[1], err)
		}
	}
	w := fullCard()
	w.Train.Epochs, w.Train.Schedule.Type, w.Train.LR, w.Flow.Hidden = 3, "cosine", 1e-4, []int{8}
	w.Where, w.Title = "a ? b : c # d", "quoted"
	w.Define[0].Expr = "min(a, b)"
	w.Define = append(w.Define, query.Definition{Name: "new", Expr: "x*2"})
	w.Units["tau21.1"], w.Units["q"], w.Labels["mjj"], w.Features, w.Context = "%", "GeV", "m", []string{"x", "y"}, []string{"q"}
	w.Prepare.Columns["y"], w.Prepare.All, w.PrepareContext.All = []prep.StepSpec{{Kind: "logit"}}, nil, nil
	w.Sample.Events, w.Sample.Context["mjj"], w.Seed = 5, 2, 0
	if !reflect.DeepEqual(c, w) {
		t.Errorf("got\n%+v\nwant\n%+v", c, w)
	}
}

func TestSetRefusesAndLeavesTheCard(t *testing.T) {
	for _, s := range []struct{ key, value, want string }{
		{"flow.transforms", "0", `set flow.transforms: "0" is not possible; leave the key out`},
		{"train.epocs", "3", "set train.epocs: no such key; did you mean epochs?"},
		{"epochs", "3", "set epochs: no such key; there is anomaly, background, base_model, categorical, compare, context,"},
		{"train.epochs", "ten", `set train.epochs: "ten" is not an integer`},
		{"train.epochs.x", "1", "set train.epochs.x: no such key; train.epochs is one value"},
		{"flow.hidden", "8,8", `set flow.hidden: "8,8" is not an integer; write a list as [a, b]`},
		{"flow.hidden", "[8", "set flow.hidden: "},
		{"prepare.x", "[nope]", "set prepare.x: \"nope\" is not a preparation step"},
		{"units", "[a]", "set units: a list where a map of keys and values belongs"},
		{"sample.context.mjj", "[1]", "set sample.context.mjj: a list is neither a number nor a name"},
		{"features", "{a: {b: c}}", "set features.a: a map where a text belongs"},
		{"", "3", "set a key is missing"},
	} {
		c := fullCard()
		err := c.Set(s.key, s.value)
		if err == nil || !strings.HasPrefix(err.Error(), s.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s=%s: %v\nwant %s", s.key, s.value, err, s.want)
		}
		if !reflect.DeepEqual(c, fullCard()) {
			t.Errorf("%s=%s: the card changed", s.key, s.value)
		}
	}
}

// A 0 that somebody writes is none of it, not the default.
func TestZeroIsNone(t *testing.T) {
	const head = "files: [a.csv]\nfeatures: [x]\n"
	none := train.Config{Valid: -1, Test: -1, EMA: -1, ClipNorm: -1, WeightDecay: -1, Momentum: -1}
	c, err := Parse([]byte(head+"train: {valid: 0, test: 0.0, ema: 0, clip_norm: 0, weight_decay: 0, momentum: -0}\n"), "c.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(c.Train, none) {
		t.Errorf("in a card: %+v", c.Train)
	}
	text, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	if back, err := Parse(text, "c.yaml"); err != nil || !reflect.DeepEqual(back.Train, none) || !strings.Contains(string(text), "ema: none") || strings.Contains(string(text), "-1") {
		t.Errorf("written and read again: %v in\n%s", err, text)
	}
	set := &Card{}
	for _, value := range [][2]string{{"train", "{ema: 0, clip_norm: 0, weight_decay: 0, momentum: 0}"}, {"train.valid", "0"}, {"train.test", "0"}} {
		if err := set.Set(value[0], value[1]); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(set.Train, none) {
		t.Errorf("by Set: %+v", set.Train)
	}
}

// Texts that are slow or large for a parser that takes them at their word.
// What was 0, or nothing, would be taken for the default.
func TestZeroIsNotTheDefault(t *testing.T) {
	const head = "toy: {name: banana, events: 100}\n"
	for _, text := range []string{
		"train: {epochs: 0}", "train: {batch: 0}", "train: {lr: 0.0}", "train: {betas: []}", "train: {schedule: {power: 0}}",
		"compare: {bins: 0}", "compare: {columns: []}", "sample: {events: 0}", "threads: 0", "features: []",
	} {
		if _, err := Parse([]byte(head+text+"\n"), "c.yaml"); err == nil || !strings.Contains(err.Error(), "c.yaml:2:") || !strings.Contains(err.Error(), "is not possible; leave the key out") {
			t.Errorf("%s: %v", text, err)
		}
	}
	meant := "context: []\nflow: {dropout: 0}\nsample: {events: same}\ncompare:\n" +
		"train: {patience: 0, max_seconds: 0, schedule: {end: 0, warmup: 0}}\n"
	if _, err := Parse([]byte(head+meant), "c.yaml"); err != nil {
		t.Error(err)
	}
	for text, good := range map[string]bool{"0": true, "none": true, "0.1": false} { // of layers, a preset's dropout is none
		c, err := Parse([]byte("toy: {name: banana}\nflow: {dropout: "+text+", layers: [autoregressive]}\n"), "c.yaml")
		if err == nil {
			_, err = c.Flow.Full()
		}
		if (err == nil) != good {
			t.Errorf("dropout %s and layers: %v", text, err)
		}
	}
	if _, err := Parse([]byte("toy: {name: two-moons, noise: 0}\n"), "c.yaml"); err == nil {
		t.Error("moons without noise")
	}
}

// A training without patience is written 0 or none, and neither is the default.
func TestNoPatience(t *testing.T) {
	const head = "toy: {name: banana}\n"
	for text, want := range map[string]int{"": 0, "train: {patience: 0}": -1, "train: {patience: none}": -1, "train: {patience: 7}": 7} {
		c, err := Parse([]byte(head+text+"\n"), "c.yaml")
		if err != nil || c.Train.Patience != want {
			t.Fatalf("%q: %+v, %v", text, c, err)
		}
		again, err := c.YAML()
		if err != nil {
			t.Fatal(err)
		}
		if d, err := Parse(again, "c.yaml"); err != nil || d.Train.Patience != want {
			t.Errorf("%q is written as %s: %v", text, again, err)
		}
		if err := c.Set("train.patience", "none"); err != nil || c.Train.Patience != -1 {
			t.Errorf("set to none: %d, %v", c.Train.Patience, err)
		}
	}
	for _, text := range []string{"train: {epochs: none}", "train: {patience: some}"} {
		if _, err := Parse([]byte(head+text+"\n"), "c.yaml"); err == nil {
			t.Errorf("%s was taken", text)
		}
	}
}

func TestByteOrderMark(t *testing.T) {
	c, err := Parse([]byte("\ufefffiles: [a.csv]\r\nfeatures: [x]\r\n"), "c.yaml")
	if err != nil || len(c.Files) != 1 || c.Features[0] != "x" {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := Parse([]byte("\xff\xfef\x00i\x00"), "c.yaml"); err == nil || err.Error() != "c.yaml: a text in UTF-16; save it as UTF-8" {
		t.Error(err)
	}
}

// A parser that compares each key with all before it takes half a minute for these.
func TestManyKeysAreRefused(t *testing.T) {
	lines := func(format string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, text := range map[string]string{
		"top": lines("k%d: 1\n", 40_000), "within a map": "units:\n" + lines("  k%d: GeV\n", 40_000), "in brackets": "define: {" + lines("k%d: x, ", 40_000) + "z: x}",
	} {
		start := time.Now()
		if _, err := Parse([]byte(text), "c.yaml"); err == nil || !strings.Contains(err.Error(), "more than 10000 keys") {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s: %v", name, took)
		}
	}
	if _, err := Parse([]byte("files: [a.csv]\nfeatures: [x]\nunits:\n"+lines("  k%d: GeV\n", 4096)), "c.yaml"); err != nil {
		t.Error(err)
	}
}

// A toy that does not fit into the memory allowed is refused before it is drawn.
func TestToyBeyondMemory(t *testing.T) {
	for text, want := range map[string]string{
		"toy: {name: banana, events: 1000000000}\nmemory: 100MB": "toy.events: 1000000000 events take 8GB, more than the 100MB allowed",
		"toy: {name: two-moons, events: 250000000}":              "toy.events: 250000000 events take 3GB, more than the 2GB allowed",
		"toy: {name: two-moons, events: 1000}\nmemory: 12kB":     "",
	} {
		c, err := Parse([]byte(text+"\n"), "c.yaml")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Query(); want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestHostileCardsStaySmall(t *testing.T) {
	stairs := ""
	for i := range 300 {
		stairs += strings.Repeat(" ", i) + "a:\n"
	}
	fill := func(s string) string { return strings.Repeat(s, 40_000/len(s)) }
	for name, text := range map[string]string{
		"brackets": fill("["), "braces": fill("{"), "dashes": fill("- "), "questions": fill("? "), "tags": fill("!!a "),
		"anchors": fill("&a "), "aliases": fill("*a "), "merges": fill("<<: "), "keys in a line": fill("a: "),
		"the same key": fill("a: 1\n"), "stairs": stairs, "documents": fill("---\n"), "quotes": fill("'"),
		"list": "files: [" + fill("1,") + "]", "features": "files: a\nfeatures: [" + fill("1,") + "]",
		"closed": fill("[") + fill("]"), "too long": strings.Repeat("#", maxBytes+1),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Parse([]byte(text), "c.yaml")
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: no error", name)
		} else if len(err.Error()) > 1200 {
			t.Errorf("%s: an error of %d bytes", name, len(err.Error()))
		}
		// A token of the syntax takes some 300 bytes; the parser without a bound on nesting takes 4 GB for 100 kB of dashes.
		if used := after.TotalAlloc - before.TotalAlloc; used > uint64(1000*len(text)) {
			t.Errorf("%s: %d bytes took %d of memory", name, len(text), used)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte("files: jets.csv\nfeatures: [mass, pt]\n"))
	f.Add([]byte("toy: {name: banana}\ndefine: {a: 'x # y', \"b: c\": \"\\u00e9\\n\"}\nprepare: [logit, {clip: {b: 1e-3}}]\n"))
	f.Add([]byte("fi\x00\x1bles: {a4 'xr\nna}: defie9\n"))
	f.Add([]byte("toy:\n  name: two-moons\n  noise: 0.1\nfeatures:\n  a: GeV\n  b:\nwhere: >-\n  a\n  b\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Parse(text, "c.yaml")
		if err != nil {
			if s := err.Error(); strings.ContainsAny(s, "\n\x1b\x00") || !strings.HasPrefix(s, "c.yaml:") {
				t.Errorf("not a line with its place: %q", s)
			}
			return
		}
		canonical, err := c.YAML()
		if err != nil {
			t.Fatal(err)
		}
		back, err := Parse(canonical, "c.yaml")
		if err != nil {
			t.Fatalf("%v in\n%q\nof\n%q", err, canonical, text)
		}
		if !reflect.DeepEqual(c, back) {
			t.Fatalf("%+v\nbecame\n%+v\nin\n%q", c, back, canonical)
		}
	})
}

// How far an event may be drawn is a factor, 0 for none beyond, or none for no bound, and is written as it was read.
func TestWithin(t *testing.T) {
	for text, want := range map[string]Within{"0.25": 0.25, "0": math.SmallestNonzeroFloat64, "none": Within(math.Inf(1))} {
		c, err := Parse([]byte("files: [a.csv]\nfeatures: [x]\nsample: {within: "+text+"}\n"), "card")
		if err != nil || c.Sample.Within != want {
			t.Fatalf("%s: %v, %v", text, c, err)
		}
		again, err := c.YAML()
		if err != nil {
			t.Fatal(err)
		}
		if d, err := Parse(again, "card"); err != nil || d.Sample.Within != want {
			t.Errorf("%s is written as %s: %v", text, again, err)
		}
	}
	for _, text := range []string{"-1", "far", "[1]", ".inf"} {
		if _, err := Parse([]byte("files: [a.csv]\nfeatures: [x]\nsample: {within: "+text+"}\n"), "card"); err == nil {
			t.Errorf("%s was taken", text)
		}
	}
}

// The context of a sample is of numbers and names, and is written as it was read.
func TestContextOfNames(t *testing.T) {
	text := "files: [a.csv]\nfeatures: [x]\ncontext: [mjj, channel, era]\nsample:\n  context: {mjj: 3.5, channel: ee, era: \"2016\"}\n"
	c, err := Parse([]byte(text), "c.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"mjj": 3.5, "channel": "ee", "era": "2016"}
	written, err := c.YAML()
	if err != nil || !reflect.DeepEqual(c.Sample.Context, want) {
		t.Fatalf("%#v, %v", c.Sample.Context, err)
	}
	if c, err = Parse(written, "c.yaml"); err != nil || !reflect.DeepEqual(c.Sample.Context, want) {
		t.Errorf("%v in\n%s", err, written)
	}
	if _, err := Parse([]byte(strings.Replace(text, "ee", "[ee]", 1)), "c.yaml"); err == nil || !strings.Contains(err.Error(), "sample.context.channel: a list is neither a number nor a name") {
		t.Error(err)
	}
}
