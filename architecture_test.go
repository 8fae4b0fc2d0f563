package sluice_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the imports in docs/architecture.md anew")

const (
	module       = "github.com/sluice-hep/sluice"
	architecture = "docs/architecture.md"
)

// imports are the packages of the module, and those of them that each imports, from the go command.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}} {{join .Imports \" \"}}", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	all := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		var ours []string
		for _, w := range words[1:] {
			if w == module || strings.HasPrefix(w, module+"/") {
				ours = append(ours, short(w))
			}
		}
		slices.Sort(ours)
		all[short(words[0])] = ours
	}
	return all
}

// short is a package's path within the module.
func short(path string) string {
	if path == module {
		return "sluice"
	}
	return strings.TrimPrefix(path, module+"/")
}

// The table of rooms in docs/architecture.md has every package, with what it imports, from the roof to the ground: a room
// imports only those below it.
func TestArchitecture(t *testing.T) {
	text, err := os.ReadFile(architecture)
	if err != nil {
		t.Fatal(err)
	}
	real := imports(t)
	floor := map[string]int{}
	lines := strings.Split(string(text), "\n")
	for i, line := range lines {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || !strings.HasPrefix(line, "| `") {
			continue
		}
		room := strings.Trim(cells[1], " `")
		ours, ok := real[room]
		if !ok {
			t.Errorf("line %d: there is no package %s", i+1, room)
			continue
		}
		floor[room] = i
		want := " " + strings.Join(ours, ", ") + " "
		if len(ours) == 0 {
			want = " - "
		}
		if cells[3] != want {
			if cells[3] = want; !*update {
				t.Errorf("line %d: %s imports%s; go test -run Architecture -update . writes the column anew", i+1, room, want)
			}
			lines[i] = strings.Join(cells, "|")
		}
	}
	for room, ours := range real {
		at, ok := floor[room]
		if !ok {
			t.Errorf("%s has no line for the package %s", architecture, room)
			continue
		}
		for _, other := range ours {
			if below, ok := floor[other]; ok && below <= at {
				t.Errorf("%s imports %s, which stands above it", room, other)
			}
		}
	}
	if *update {
		if err := os.WriteFile(architecture, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// What go doc shows of the root package fits a page.
func TestFaceFitsAPage(t *testing.T) {
	out, err := exec.Command("go", "doc", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("go doc: %v\n%s", err, out)
	}
	const page = 66 // lines
	if n := strings.Count(string(out), "\n"); n > page {
		t.Errorf("go doc prints %d lines, more than %d", n, page)
	}
}

// The root package is a face: what it does is done in the rooms below it. The core of flows has their families in rooms of their own.
func TestRoomsStaySmall(t *testing.T) {
	for _, c := range []struct {
		most  int // lines, tests aside
		rooms []string
	}{
		{700, []string{"."}},
		{6000, []string{"flow", "nn"}},
	} {
		lines := 0
		for _, room := range c.rooms {
			lines += linesOf(t, room)
		}
		if lines > c.most {
			t.Errorf("%v have %d lines, more than %d: move what belongs to another room there", c.rooms, lines, c.most)
		}
	}
}

// linesOf are the lines of a package, tests aside.
func linesOf(t *testing.T, room string) (lines int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(room, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files (%v)", room, len(files), err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines += strings.Count(string(text), "\n")
	}
	return lines
}
