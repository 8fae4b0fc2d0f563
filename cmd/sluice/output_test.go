package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// What cannot be printed is a failure, whatever the verb.
func TestFullOutput(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full here:", err)
	}
	defer full.Close()
	for _, verb := range [][]string{{"version"}, {"version", "--json"}, {"inspect", "../../cards/data/lhco.parquet"}, {"--help"}} {
		var messages bytes.Buffer
		if code := run(context.Background(), verb, full, &messages); code != failed || !strings.Contains(messages.String(), "no space left") {
			t.Errorf("%v: exit code %d, %q", verb, code, messages.String())
		}
	}
}

// A reader that has seen enough ends the program without a word.
func TestReaderThatEnds(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	c := process(t, "convert", "../../cards/data/lhco.parquet", "-o", "-", "--format", "csv", "--quiet")
	var messages bytes.Buffer
	c.Stdout, c.Stderr = w, &messages
	err = c.Run()
	w.Close()
	var end *exec.ExitError
	if !errors.As(err, &end) || messages.Len() > 0 {
		t.Fatalf("%v, %q", err, messages.String())
	}
	if at, ok := end.Sys().(syscall.WaitStatus); ok && at.Signal() != syscall.SIGPIPE {
		t.Errorf("it ended by %v", err)
	}
}
