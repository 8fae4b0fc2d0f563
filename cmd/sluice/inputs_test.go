package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
)

const hzz = "../../events/root/testdata/skhep_HZZ.root" // 2421 events, 3825 muons

func readFile(t *testing.T, path string) *events.Table {
	t.Helper()
	table, err := events.ReadAll([]string{path}, events.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// Every verb that reads files takes a row an object; a model learned so is evaluated so.
func TestFlattenInEveryVerb(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if v := object(t, "inspect", hzz, "--flatten", "Muon"); v["rows"].(float64) != 3825 {
		t.Errorf("inspect sees %v rows", v["rows"])
	}
	v := object(t, "convert", hzz, "-o", at("fast.csv"), "--flatten", "Muon",
		"--define", "p=hypot(Muon_Px, Muon_Py)", "--where", "p > 30 && NPrimaryVertices > 4", "--columns", "event,p")
	if table := readFile(t, at("fast.csv")); v["read"].(float64) != 3825 || table.Len() == 0 || table.Len() >= 3825 || !slices.Equal(table.Names(), []string{"event", "p"}) {
		t.Errorf("convert wrote %d muons, %q, from %v", table.Len(), table.Names(), v["read"])
	}

	model := at("m.safetensors")
	must(t, append([]string{"train", hzz, "-o", model, "--features", "Muon_Pz,pt", "--define", "pt=hypot(Muon_Px, Muon_Py)", "--flatten", "Muon"}, tiny...)...)
	if v = object(t, "density", model, hzz, "-o", at("scored.parquet")); v["events"].(float64) != 3825 {
		t.Errorf("density of %v rows", v["events"])
	}
	must(t, "convert", hzz, "-o", at("muons.csv"), "--flatten", "Muon")
	if v = object(t, "density", model, at("muons.csv"), "-o", at("again.csv")); v["events"].(float64) != 3825 {
		t.Errorf("density of %v rows of a file that is flat already", v["events"])
	}

	card := at("c.yaml")
	text := "files: [" + absolute(t, hzz) + "]\nflatten: Muon\nfeatures: [Muon_Px, Muon_Py]\ntrain: {epochs: 1}\nflow: {transforms: 1, hidden: [8]}\n"
	if err := os.WriteFile(card, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "run", card, "--out", at("out"), "--quiet")
	if table := readFile(t, filepath.Join(at("out"), "sample.parquet")); table.Len() != 3825 {
		t.Errorf("a run draws %d rows for 3825 muons", table.Len())
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// One value of many is a column wherever columns are named, and is written only where it is named itself.
func TestElementsOfColumns(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, expr := range []string{"Muon_Px[0]*2", "`Muon_Px[0]`*2", `col("Muon_Px[0]") * 2`} {
		must(t, "convert", hzz, "-o", at("lead.csv"), "--define", "lead="+expr, "--where", "Muon_Px[1] < 1e9")
		table := readFile(t, at("lead.csv"))
		lead, err := table.Column("lead")
		if err != nil || table.Len() == 0 || table.Len() >= 2421 || slices.Contains(table.Names(), "Muon_Px[0]") {
			t.Fatalf("%s: %d events, %q, %v", expr, table.Len(), table.Names(), err)
		}
		must(t, "convert", hzz, "-o", at("two.csv"), "--columns", "Muon_Px[0],Muon_Px[1]", "--where", "NMuon > 1")
		two := readFile(t, at("two.csv"))
		if two.Len() != table.Len() || !slices.Equal(two.Names(), []string{"Muon_Px[0]", "Muon_Px[1]"}) {
			t.Fatalf("%d events, %q", two.Len(), two.Names())
		}
		for i := range table.Len() {
			if float32(lead.Float(i)) != 2*float32(two.Columns[0].Float(i)) { // text of a float32 is no more exact
				t.Fatalf("event %d: %g and %g", i, lead.Float(i), two.Columns[0].Float(i))
			}
		}
	}

	model := at("m.safetensors")
	must(t, append([]string{"train", hzz, "-o", model, "--features", "Muon_Px[0],e", "--define", "e=log(Muon_E[0])", "--where", "NMuon > 0"}, tiny...)...)
	must(t, "density", model, hzz, "-o", at("scored.csv"), "--drop-nan")
	names := readFile(t, at("scored.csv")).Names()
	if !slices.Contains(names, "Muon_Px[0]") || slices.Contains(names, "Muon_E[0]") || slices.Contains(names, "e") {
		t.Errorf("density writes %q", names)
	}
}

func TestInputsThatCannotBe(t *testing.T) {
	dir := t.TempDir()
	csv, out := filepath.Join(dir, "t.csv"), filepath.Join(dir, "out.csv")
	other := filepath.Join(dir, "u.csv")
	os.WriteFile(csv, []byte("x,y\n1,2\n"), 0o600)
	os.WriteFile(other, []byte("x,z\n1,2\n"), 0o600)
	for want, args := range map[string][]string{
		`no column "Muon_Pq[0]"`:                      {"convert", hzz, "-o", out, "--define", "a=Muon_Pq[0]"},
		`column "Muon_Px" holds any number of values`: {"convert", hzz, "-o", out, "--define", "a=Muon_Px"},
		`nothing to flatten as "Muo"; there is`:       {"inspect", hzz, "--flatten", "Muo"},
		`there is no "Muon" to flatten; only ROOT`:    {"inspect", csv, "--flatten", "Muon"},
		"it lacks y and has besides z":                {"inspect", csv, other},
		`u.csv: the columns differ from those of`:     {"convert", filepath.Join(dir, "*.csv"), "-o", out + ".gz"},
		`holds no tree "nope"; there is events`:       {"inspect", hzz + ":nope"},
		"no file matches":                             {"inspect", filepath.Join(dir, "*.root")},
		`t.csv: no column "yy"; did you mean "y"?`:    {"convert", csv, "-o", out, "--where", "yy > 1"},
		`is one table; leave out ":key"`:              {"inspect", csv + ":key"},
	} {
		code, _, stderr := runSluice(t.Context(), args...)
		if code != 2 || !strings.Contains(stderr, want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%q: exit code %d, %q, want %q", args, code, stderr, want)
		}
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a file was written")
	}
}
