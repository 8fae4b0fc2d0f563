package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice"
)

// asProgram in the environment makes the program of a test binary.
const asProgram = "SLUICE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// process is the program as a process of its own, which signals end.
func process(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(path, args...)
	c.Env = append(os.Environ(), asProgram+"=1")
	return c
}

// runSluice runs the program in this process.
func runSluice(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(ctx, args, &out, &err)
	return code, out.String(), err.String()
}

// must runs the program and expects success.
func must(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	code, stdout, stderr := runSluice(t.Context(), args...)
	if code != 0 {
		t.Fatalf("sluice %s: exit code %d: %s", strings.Join(args, " "), code, stderr)
	}
	return stdout, stderr
}

// What ends before it has anything to tell of is an interruption all the same, in words.
func TestInterruptedAtOnce(t *testing.T) {
	var said strings.Builder
	a := &app{stderr: &said}
	if code := a.report(&sluice.InterruptedError{Err: context.Canceled}); code != interrupted || said.String() != "sluice: interrupted; nothing is kept\n" {
		t.Errorf("%d, %q", code, said.String())
	}
}
