package main

import (
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/card"
)

// readme is the page, and the blocks of it that are indented as code.
func readme(t *testing.T) (page string, blocks [][]string) {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blank := true // before the line
	for line := range strings.Lines(string(text)) {
		switch code, ok := strings.CutPrefix(strings.TrimRight(line, "\n"), "    "); {
		case ok && blank:
			blocks = append(blocks, []string{code})
			blank = false
		case ok && len(blocks) > 0:
			blocks[len(blocks)-1] = append(blocks[len(blocks)-1], code)
		default:
			blank = strings.TrimSpace(line) == ""
		}
	}
	return string(text), blocks
}

// others are the commands of the README that are not the program's; CI runs them.
var others = []string{"go test ./...", "go build ./cmd/sluice"}

// The commands of the README do what they say, as they are written, one after the other, on a small file; the card that the
// first one names trains for one epoch here.
func TestReadmeCommands(t *testing.T) {
	if testing.Short() {
		t.Skip("trains on 100,000 jets")
	}
	page, blocks := readme(t)
	jets, err := card.Load("../../cards/lhco.yaml")
	if err != nil {
		t.Fatal(err)
	}
	jets.Train.Epochs, jets.Flow.Transforms = 1, 2
	text, err := jets.YAML()
	if err != nil {
		t.Fatal(err)
	}
	inCopy(t)
	if err := os.WriteFile("cards/lhco.yaml", text, 0o666); err != nil {
		t.Fatal(err)
	}
	writeEvents(t, "events.csv.gz", 3000)
	ran, shown := map[string]bool{}, false
	program := regexp.MustCompile(`^(\./|go run \./cmd/)sluice `)
	for _, block := range blocks {
		if c, err := card.Parse([]byte(strings.Join(block, "\n")), "shortest.yaml"); err == nil {
			shown = shown || len(c.Files) > 0
			continue
		}
		for _, line := range block {
			command, _, _ := strings.Cut(line, " #")
			command = strings.TrimSpace(command)
			if start := program.FindString(command); start != "" {
				command = command[len(start):]
				shell(t, "sluice "+command+" --quiet")
				ran[strings.Fields(command)[0]] = true
			} else if !slices.Contains(others, command) {
				t.Errorf("%q is no command of the program, nor a card", line)
			}
		}
	}
	if !shown {
		t.Error("no block of the README is a card")
	}
	for _, verb := range []string{"run", "inspect", "train", "sample", "density", "compare"} {
		if !ran[verb] {
			t.Errorf("no block of the README shows sluice %s", verb)
		}
	}
	for _, c := range (&app{}).command().Commands() {
		if c.Name() != "version" && !c.Hidden && !strings.Contains(page, "\n| `"+c.Name()) {
			t.Errorf("the README's table of verbs lacks %s", c.Name())
		}
	}
	for _, path := range append(regexp.MustCompile(`out/\S+`).FindAllString(page, -1), "m.safetensors", "new.parquet", "scored.parquet", "report.html") {
		if _, err := os.Stat(strings.Trim(path, "`,.")); err != nil {
			t.Errorf("the README's commands leave no %s", path)
		}
	}
}

// writeEvents writes columns pt, eta and mass.
func writeEvents(t *testing.T, path string, n int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	src := rand.New(rand.NewPCG(1, 2))
	fmt.Fprintln(z, "pt,eta,mass")
	for range n {
		pt := 30 + 40*src.ExpFloat64()
		fmt.Fprintf(z, "%.4f,%.4f,%.4f\n", pt, src.NormFloat64(), 0.1*pt+5*src.NormFloat64())
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
