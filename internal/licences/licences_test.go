package licences

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write notice.txt anew")

const program = "github.com/sluice-hep/sluice/cmd/sluice"

// linked is a package of the program.
type linked struct {
	ImportPath, Dir string
	Standard        bool
	Imports         []string
	Module          *struct {
		Path, Version, Dir string
		Main               bool
	}
}

// packages are those of the program on any system that it is built for.
func packages(t *testing.T) map[string]linked {
	t.Helper()
	all := map[string]linked{}
	for _, system := range []string{"linux", "darwin", "windows"} {
		c := exec.Command("go", "list", "-deps", "-json=ImportPath,Dir,Standard,Imports,Module", program)
		c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH=amd64", "GOOS="+system)
		var problems bytes.Buffer
		c.Stderr = &problems
		out, err := c.Output()
		if err != nil {
			t.Fatalf("go list for %s: %v: %s", system, err, problems.String())
		}
		for in := json.NewDecoder(bytes.NewReader(out)); ; {
			var p linked
			if err := in.Decode(&p); err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			all[p.ImportPath] = p
		}
	}
	return all
}

// work is what has a licence: a module, or a part of one that has its own.
type work struct{ name, file string }

var (
	licence   = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([-.].*)?$`)
	folder    = regexp.MustCompile(`(?i)licenses$`)
	copyright = regexp.MustCompile(`^\W*(Portions )?(Copyright|\([cC]\)|©).*(\d{4}|\([cC]\)|©)|^\s*All rights reserved\.?\s*$`)
	letters   = regexp.MustCompile(`[^a-z0-9]+`)                                   // between those by which texts are the same
	extra     = map[string]string{"golang.org/x/image/font/gofont": "ttfs/README"} // of the fonts
)

const apacheEnd = "END OF TERMS AND CONDITIONS"

// works are the files of licences in the folder of each package and in those above it, up to its module's.
func works(t *testing.T, all map[string]linked) []work {
	t.Helper()
	goRoot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	own, goes := "../../LICENSE", filepath.Join(strings.TrimSpace(string(goRoot)), "LICENSE")
	found := map[work]bool{{"Go, its runtime and library", goes}: true, {"Sluice", own}: true}
	for _, p := range all {
		if p.Standard || p.Module == nil || p.Module.Main {
			continue
		}
		for dir := p.Dir; strings.HasPrefix(dir, p.Module.Dir); dir = filepath.Dir(dir) {
			name := p.Module.Path + " " + p.Module.Version
			part := strings.Trim(filepath.ToSlash(strings.TrimPrefix(dir, p.Module.Dir)), "/")
			if part != "" {
				name += ", " + part
			}
			for _, file := range licencesIn(t, dir, extra[strings.TrimSuffix(p.Module.Path+"/"+part, "/")]) {
				found[work{name, file}] = true
			}
		}
	}
	return slices.SortedFunc(maps.Keys(found), func(a, b work) int {
		if a.file == own || b.file == own {
			return map[bool]int{true: -1, false: 1}[a.file == own]
		}
		return strings.Compare(a.name+a.file, b.name+b.file)
	})
}

func licencesIn(t *testing.T, dir, more string) (files []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		switch path := filepath.Join(dir, e.Name()); {
		case !e.IsDir() && licence.MatchString(e.Name()):
			files = append(files, path)
		case e.IsDir() && folder.MatchString(e.Name()):
			_ = filepath.WalkDir(path, func(path string, e fs.DirEntry, err error) error {
				if err == nil && !e.IsDir() && !strings.HasPrefix(e.Name(), "gpl") { // the other of a choice of two
					files = append(files, path)
				}
				return nil
			})
		}
	}
	if more != "" {
		files = append(files, filepath.Join(dir, more))
	}
	return files
}

// notice lists the works by licence, those of the same text together.
func notice(t *testing.T, all []work) string {
	t.Helper()
	type group struct {
		works []string
		text  string
	}
	var order []*group
	groups := map[string]*group{}
	for _, w := range all {
		text, err := os.ReadFile(w.file)
		if err != nil {
			t.Fatal(err)
		}
		by := w.name
		var body []string
		for line := range strings.Lines(strings.ReplaceAll(string(text), "\r", "")) {
			if line = strings.TrimRight(line, " \t\n"); copyright.MatchString(line) {
				by += "\n    " + strings.TrimSpace(line)
			} else {
				body = append(body, line)
			}
		}
		whole := strings.Trim(strings.Join(body, "\n"), "\n")
		if terms, _, ok := strings.Cut(whole, apacheEnd); ok && strings.Contains(whole[:100], "Apache License") {
			whole = terms + apacheEnd // what follows tells how to apply it to one's own work
		}
		key := letters.ReplaceAllString(strings.ToLower(whole), "")
		g := groups[key]
		if g == nil {
			g = &group{text: whole}
			groups[key] = g
			order = append(order, g)
		}
		if !slices.Contains(g.works, by) {
			g.works = append(g.works, by)
		}
	}
	var b strings.Builder
	fmt.Fprintln(&b, "Sluice is linked with parts of these works. Below each list of works is the licence of all in it.")
	for _, g := range order {
		fmt.Fprintf(&b, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 78), strings.Join(g.works, "\n"), g.text)
	}
	return b.String()
}

func TestNotice(t *testing.T) {
	all := packages(t)
	want := notice(t, works(t, all))
	if *update {
		if err := os.WriteFile("notice.txt", []byte(want), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, p := range all {
		if p.Module != nil && !p.Module.Main && !strings.Contains(Notice, "\n"+p.Module.Path+" "+p.Module.Version) {
			t.Errorf("%s of %s %s is linked, and has no licence in the notice", p.ImportPath, p.Module.Path, p.Module.Version)
		}
	}
	if Notice != want {
		t.Error("the notice is stale; go test ./internal/licences -update writes it")
	}
}

// HTTP is for the rooms that serve it: nothing else speaks to a network, and no dependency brings it.
func TestHTTPOfOwnRoomsAlone(t *testing.T) {
	serving := []string{"serve", "internal/web", "internal/live"}
	for path, p := range packages(t) {
		room := strings.TrimPrefix(path, "github.com/sluice-hep/sluice/")
		if !p.Standard && slices.Contains(p.Imports, "net/http") && !slices.Contains(serving, room) {
			t.Errorf("%s imports net/http", path)
		}
	}
}
