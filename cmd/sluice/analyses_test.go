package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	quickBlock = regexp.MustCompile("(?ms)^```sh quick\n(.*?)^```$")
	cardNamed  = regexp.MustCompile(`\bcards/[\w./-]+\.yaml\b`)
)

// The commands of each page about an analysis that are marked as quick do what they say, as they are written, one after the other.
func TestAnalyses(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a small flow or more for each page")
	}
	pages, err := filepath.Glob("../../docs/analyses/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	for _, page := range pages {
		t.Run(strings.TrimSuffix(filepath.Base(page), ".md"), func(t *testing.T) {
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			blocks := quickBlock.FindAllStringSubmatch(string(text), -1)
			if blocks == nil {
				t.Fatal("no block of commands begins with ```sh quick")
			}
			inCopy(t)
			for _, path := range cardNamed.FindAllString(string(text), -1) {
				if _, err := os.Stat(path); err != nil {
					t.Errorf("there is no %s", path)
				}
			}
			for _, b := range blocks {
				shell(t, b[1])
			}
		})
	}
}

// inCopy makes a folder with a copy of the cards and their data the working one.
func inCopy(t *testing.T) {
	t.Helper()
	cards, err := filepath.Abs("../../cards")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.CopyFS("cards", os.DirFS(cards)); err != nil {
		t.Fatal(err)
	}
}

// shell runs commands one after the other, up to the first that fails; sluice is this program.
func shell(t *testing.T, commands string) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.Symlink(program, filepath.Join(bin, "sluice")); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), "sh", "-euc", commands)
	c.Env = append(os.Environ(), asProgram+"=1", "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s\n%s", err, commands, out)
	}
}
