package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestManualPages(t *testing.T) {
	root, dir := new(app).command(), t.TempDir()
	must(t, "man", dir)
	groff, _ := exec.LookPath("groff")
	for _, v := range verbsOf(root) {
		path := filepath.Join(dir, manName(v)+".1")
		page, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
			continue
		}
		v.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden && !strings.Contains(string(page), roff("--"+f.Name)) {
				t.Errorf("%s does not name --%s", path, f.Name)
			}
		})
		if groff == "" {
			continue
		}
		if told, err := exec.Command(groff, "-man", "-Tutf8", "-ww", "-z", path).CombinedOutput(); err != nil || len(told) > 0 {
			t.Errorf("groff of %s: %v\n%s", path, err, told)
		}
	}
}

func TestTextOfAManualIsNoInstruction(t *testing.T) {
	if got, want := roff(".TH a\\b\n'c -d"), "\\&.TH a\\eb\n\\&'c \\-d"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// The release's script makes the completions that a shell takes: bash offers every verb, and the flags of one.
func TestRelease(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	out := filepath.Join(t.TempDir(), "release")
	if told, err := exec.Command("bash", "../../release/build", out, "linux/amd64").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, told)
	}
	for _, f := range []string{"sluice-linux-amd64", "sluice-linux-amd64-nohdf5", "sluice.py", "LICENSE", "notice.txt", "completions/_sluice", "completions/sluice.fish", "man1/sluice-train.1"} {
		if at, err := os.Stat(filepath.Join(out, f)); err != nil || at.Size() == 0 {
			t.Errorf("%s: %v", f, err)
		}
	}
	check := exec.Command("sha256sum", "-c", "--quiet", "SHA256SUMS")
	check.Dir = out
	if told, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, told)
	}
	const script = `
PATH=$1:$PATH
ln -s "$1/sluice-linux-amd64" "$1/sluice"
source "$1/completions/sluice.bash"
_get_comp_words_by_ref() { words=("${COMP_WORDS[@]}") cword=$COMP_CWORD cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}; }
__ltrim_colon_completions() { :; }
compopt() { :; }
offer() { COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE} COMP_TYPE=9; __start_sluice; echo "${COMPREPLY[@]}"; }
offer sluice ""
offer sluice train --feat
`
	told, err := exec.Command("bash", "-c", script, "bash", out).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, told)
	}
	for _, v := range verbsOf(new(app).command()) {
		if !strings.Contains(string(told), v.Name()) {
			t.Errorf("bash does not offer %s: %s", v.Name(), told)
		}
	}
	if !strings.Contains(string(told), "--features") {
		t.Errorf("bash does not offer --features: %s", told)
	}
}
