package groottest

import (
	"flag"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go-hep.org/x/hep/groot/riofs"
	"go-hep.org/x/hep/groot/rtree"

	"github.com/sluice-hep/sluice/events"
)

// read reads a tree with the library, in full precision.
func read(t *testing.T, path, tree string, opts events.Options) *events.Table {
	t.Helper()
	table, err := events.ReadAll([]string{path + ":" + tree}, opts)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// valueOf is value i of a column as groot's flat gives it.
func valueOf(c *events.Column, i int) any {
	if c.Type == events.Text {
		return c.Str[i]
	}
	return c.Float(i)
}

func equal(a, b any) bool {
	x, ok1 := a.(float64)
	y, ok2 := b.(float64)
	return a == b || ok1 && ok2 && math.IsNaN(x) && math.IsNaN(y)
}

// agree compares every branch of a tree as the library reads it with groot's reading: single values, arrays, the first
// elements of jagged branches, and all values of each event.
func agree(t *testing.T, path, tree string) {
	t.Helper()
	got := read(t, path, tree, events.Options{})
	columns := make(map[string][]events.Column) // of a branch, in the order of its values
	for _, c := range got.Columns {
		name, _, _ := strings.Cut(c.Name, "[")
		columns[name] = append(columns[name], c)
	}
	for _, b := range readTree(t, path, tree) {
		if b.jagged {
			agreeElements(t, path, tree, b)
			agreeObjects(t, path, tree, b)
			continue
		}
		agreeValues(t, b, columns[b.name])
		delete(columns, b.name)
	}
	for name := range columns {
		t.Errorf("%s: no branch that groot reads", name)
	}
}

func agreeValues(t *testing.T, b branch, columns []events.Column) {
	t.Helper()
	for i, values := range b.events {
		if len(values) != len(columns) {
			t.Fatalf("%s, event %d: %d columns for %v", b.name, i, len(columns), values)
		}
		for k := range columns {
			if c := &columns[k]; c.Len() != len(b.events) || !equal(valueOf(c, i), values[k]) {
				t.Fatalf("%s, event %d of %d: %v, and groot reads %v", c.Name, i, c.Len(), valueOf(c, i), values[k])
			}
		}
	}
}

// agreeElements compares the first two values of each event, NaN where there are fewer.
func agreeElements(t *testing.T, path, tree string, b branch) {
	t.Helper()
	c := read(t, path, tree, events.Options{Columns: []string{b.name + "[0]", b.name + "[1]"}}).Columns
	for i, values := range b.events {
		for k := range c {
			want := any(math.NaN())
			if len(values) > k {
				want = values[k]
			}
			if !equal(valueOf(&c[k], i), want) {
				t.Fatalf("%s, event %d: %v, and groot reads %v", c[k].Name, i, valueOf(&c[k], i), values)
			}
		}
	}
}

// agreeObjects compares all values, a row each.
func agreeObjects(t *testing.T, path, tree string, b branch) {
	t.Helper()
	c := read(t, path, tree, events.Options{Flatten: b.name, Columns: []string{b.name, "event"}}).Columns
	k := 0
	for e, values := range b.events {
		for _, v := range values {
			if k >= c[0].Len() || !equal(v, valueOf(&c[0], k)) || c[1].I64[k] != int64(e) {
				t.Fatalf("%s: object %d, of event %d, differs from groot's %v", b.name, k, e, v)
			}
			k++
		}
	}
	if k != c[0].Len() {
		t.Fatalf("%s: %d objects, and groot reads %d", b.name, c[0].Len(), k)
	}
}

var codecs = map[string]rtree.WriteOption{
	"none": rtree.WithoutCompression(), "zlib": rtree.WithZlib(6), "lz4": rtree.WithLZ4(1),
	"zstd": rtree.WithZstd(2), "lzma": rtree.WithLZMA(1),
}

func TestEveryTypeAndCodec(t *testing.T) {
	for name, codec := range codecs {
		t.Run(name, func(t *testing.T) {
			n := 500
			if name == "lzma" { // which groot packs slowly
				n = 120
			}
			path := filepath.Join(t.TempDir(), "x.root")
			writeTrees(t, path, n, codec)
			agree(t, path, "t")
			agree(t, path, "sub/deep")
		})
	}
}

func TestRealFiles(t *testing.T) {
	agree(t, "../testdata/skhep_HZZ.root", "events")
	agree(t, "../testdata/skhep_Zmumu-lz4.root", "events")
}

// Large files of ROOT 5 and 6.
func TestLargeFiles(t *testing.T) {
	folder := os.Getenv("SLUICE_DATA")
	if folder == "" {
		t.Skip("SLUICE_DATA, the folder of large files, is not set")
	}
	agree(t, filepath.Join(folder, "hepml_rd_21k.root"), "tree")
	agree(t, filepath.Join(folder, "hepml_dalitz_100k.root"), "tree")
}

// Files of other writers that come with groot: Geant4's, and collections of ROOT's RDataFrame.
func TestFilesOfOthers(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "go-hep.org/x/hep").Output()
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(strings.TrimSpace(string(dir)), "groot", "testdata")
	for file, trees := range map[string][]string{
		"g4-like.root": {"mytree"}, "g4-hist.root": {"Details", "HitStrips", "GeneratedTracks", "TrackedRays"},
		"g4-merge.root": {"Photons", "Hits", "Scoring"},
	} {
		for _, tree := range trees {
			agree(t, filepath.Join(folder, file), tree)
		}
	}
	for file, name := range map[string]string{"rvec.root": "RP_", "uproot/uproot-issue-172.root": "rec_part_"} {
		path := filepath.Join(folder, file)
		for _, b := range readTree(t, path, "events") {
			if b.jagged && strings.HasPrefix(b.name, name) && !strings.Contains(b.name, "indexes") {
				agreeElements(t, path, "events", b)
				agreeObjects(t, path, "events", b)
			}
		}
	}
}

var update = flag.Bool("update", false, "write the files of groot in ../testdata anew")

// baskets is an event of branches of several lengths, so that their baskets end at different events.
type baskets struct {
	X [3]float64
	L float32
	N int32
	P []float32 `groot:"P[N]"`
	Q []int16   `groot:"Q[N]"`
}

func (e *baskets) set(i int) {
	*e = baskets{X: [3]float64{float64(i) / 7}, L: float32(i), N: int32(i % 4)}
	for k := range i % 4 {
		e.P, e.Q = append(e.P, float32(10*i+k)), append(e.Q, int16(k-i))
	}
}

// The files that the library's own tests read as written by groot hold what groot reads in them.
func TestFilesOfGroot(t *testing.T) {
	for name, codec := range codecs {
		path := filepath.Join("../testdata", "groot-"+name+".root")
		if *update {
			writeTrees(t, path, 60, codec)
		}
		agree(t, path, "t")
		agree(t, path, "sub/deep")
	}
	const path = "../testdata/groot-baskets.root"
	if *update {
		f, err := riofs.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		var e baskets
		writeTree(t, f, "t", &e, 1000, e.set, codecs["zlib"])
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	agree(t, path, "t")
}
