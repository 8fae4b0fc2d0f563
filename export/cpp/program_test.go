package cpp_test

import (
	"os"
	"os/exec"
	"path/filepath"
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
	t.Log("\n" + run(t, "make", "-C", "../../examples/cpp", "check", "SLUICE="+program, "OUT="+filepath.Join(dir, "out")))
}
