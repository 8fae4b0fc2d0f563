package cpp_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The program in examples gives the log-densities of the program, for a model that it trained and exported.
func TestExampleGivesTheNumbersOfTheProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	compilers(t)
	if _, err := exec.LookPath("make"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no make")
		}
		t.Skip("no make")
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "sluice")
	t.Setenv("CGO_ENABLED", "0")
	run(t, "go", "build", "-o", program, "../../cmd/sluice")
	// The example ends with an error where its numbers are not those of the program.
	out := filepath.Join(dir, "out")
	t.Log("\n" + run(t, "make", "-C", "../../examples/cpp", "check", "SLUICE="+program, "OUT="+out))

	// The program in docs/deploy.md is of this model, and compiles as it stands there.
	page, err := os.ReadFile("../../docs/deploy.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(page), "    #include \"jets.hpp\"")
	text, _, ends := strings.Cut(text, "\n    }\n")
	if !found || !ends {
		t.Fatal("docs/deploy.md has no program")
	}
	source := filepath.Join(dir, "program.cpp")
	if err := os.WriteFile(source, []byte("#include \"jets.hpp\""+text+"\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "g++", "-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror", "-I"+out, source, "-o", filepath.Join(dir, "program"))
	if told := run(t, filepath.Join(dir, "program")); len(strings.Fields(told)) != 2 || strings.Contains(told, "nan") {
		t.Fatalf("the program of docs/deploy.md told %q, want two log-densities", told)
	}
}
