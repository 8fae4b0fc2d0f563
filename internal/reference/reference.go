// Package reference gives the reference vectors to the tests that check the maths by them. Its folder is that of SLUICE_REFERENCE
// if set, else testdata/reference of this module, whose README says what each file holds.
package reference

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Data is a file of the folder of large test data, SLUICE_DATA; a test is skipped where that is not set.
func Data(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("SLUICE_DATA")
	if dir == "" {
		t.Skip("SLUICE_DATA is not set: the folder of the large test files is not known")
	}
	return filepath.Join(dir, name)
}

// folder is relative to the test's own, which lies anywhere in the module.
func folder(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("SLUICE_REFERENCE"); dir != "" {
		return dir
	}
	up := "."
	for range 8 {
		if dir := filepath.Join(up, "testdata", "reference"); exists(dir) {
			return dir
		}
		up = filepath.Join(up, "..")
	}
	t.Fatal("no folder testdata/reference; SLUICE_REFERENCE may name one")
	return ""
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Names are the files whose names match a pattern (`rqs_k*`), at least one, without their extension.
func Names(t testing.TB, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder(t), pattern+".json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no reference vectors %s (%v)", pattern, err)
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), ".json")
	}
	return files
}

// Read decodes the inputs and the outputs of a file.
func Read(t testing.TB, name string, inputs, outputs any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder(t), name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	file := struct{ Inputs, Outputs any }{inputs, outputs}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// Case is one of a file's cases.
type Case[In, Out any] struct {
	In  In
	Out Out
}

// Cases decodes a file in which inputs and outputs carry the same names, of at least one case.
func Cases[In, Out any](t testing.TB, name string) map[string]Case[In, Out] {
	t.Helper()
	var in map[string]In
	var out map[string]Out
	Read(t, name, &in, &out)
	if len(in) == 0 || len(in) != len(out) {
		t.Fatalf("%s: %d cases with %d outputs", name, len(in), len(out))
	}
	cases := make(map[string]Case[In, Out], len(in))
	for c := range in {
		o, ok := out[c]
		if !ok {
			t.Fatalf("%s: case %s has no outputs", name, c)
		}
		cases[c] = Case[In, Out]{in[c], o}
	}
	return cases
}

// Near fails unless |got-want| <= tol (1+|want|), the measure of the vectors' tolerances.
func Near(t testing.TB, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol*(1+math.Abs(want))) {
		t.Errorf("%s: %.15g, want %.15g within %.1g", what, got, want, tol)
	}
}
