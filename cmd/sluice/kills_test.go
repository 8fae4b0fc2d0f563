package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

var (
	kills    = flag.Int("kills", 0, "kill run so many times, and others two fifths of that, and interrupt each as often (20 minutes for 50)")
	killSeed = flag.Uint64("kill-seed", 1, "seed of the times of kills and interruptions")
)

// trial is a command that is killed and interrupted.
type trial struct {
	name  string
	args  []string // files that it writes are relative, to a folder of their own
	files []string // that it is to leave
	fails bool     // as it is to
}

// mostKills are those of one command, before it is left alone.
const mostKills = 4

// span is how long a command is watched at most, until a signal ends it.
const span = 3 * time.Second

// A kill at any time costs nothing but time: the same command ends, in the end, with the bytes of one left alone, and with nothing
// beside them.
func TestKills(t *testing.T) {
	if *kills == 0 {
		t.Skip("takes long: go test ./cmd/sluice -run 'Kills|Signals' -kills 50 -timeout 2h -v")
	}
	for i, c := range killTrials(t) {
		wanted := *kills
		if i > 0 {
			wanted = (2**kills + 4) / 5
		}
		t.Run(c.name, func(t *testing.T) { c.kill(t, wanted) })
	}
}

func (c trial) kill(t *testing.T, wanted int) {
	random := rand.New(rand.NewPCG(*killSeed, 1))
	whole := t.TempDir()
	took, stdout := leftAlone(t, c, whole)
	killed, rounds := 0, 0
	for killed < wanted {
		dir := t.TempDir()
		for tries := 0; ; tries++ {
			rounds++
			after := time.Duration(random.Float64() * float64(took))
			if tries == mostKills {
				after = time.Hour
			}
			p := inFolder(t, dir, c.args)
			var out bytes.Buffer
			p.Stdout = &out
			if signalled(t, p, syscall.SIGKILL, after) {
				killed++
				continue
			}
			if !p.ProcessState.Success() {
				t.Fatalf("exit code %d after %d kills", p.ProcessState.ExitCode(), killed)
			}
			if out.String() != stdout && c.files == nil {
				t.Errorf("it prints %s, and left alone %s", out.String(), stdout)
			}
			break
		}
		c.compare(t, whole, dir)
		os.RemoveAll(dir)
	}
	t.Logf("%d kills within %.1f s, %d processes: the same files, and none besides", killed, took.Seconds(), rounds)
}

// The first SIGINT ends every verb within a second.
func TestSignals(t *testing.T) {
	if *kills == 0 {
		t.Skip("takes long; see TestKills")
	}
	for _, c := range append(killTrials(t), signalTrials(t)...) {
		t.Run(c.name, c.interrupt)
	}
}

func (c trial) interrupt(t *testing.T) {
	random := rand.New(rand.NewPCG(*killSeed, 2))
	took, _ := leftAlone(t, c, t.TempDir())
	var most, at time.Duration
	ended := 0
	for tries := 0; ended < (2**kills+4)/5 && tries < 2**kills; tries++ { // some commands end before
		dir := t.TempDir()
		p := inFolder(t, dir, c.args)
		var stderr bytes.Buffer
		p.Stderr = &stderr
		after := time.Duration(random.Float64() * float64(took))
		if signalled(t, p, syscall.SIGINT, after) {
			ended++
			if code := p.ProcessState.ExitCode(); code != 130 && code > 0 && !c.fails { // -1: the signal came before the program began
				t.Errorf("interrupted after %v: exit code %d, %s", after, code, stderr.String())
			}
			if p.lasted > most {
				most, at = p.lasted, after
			}
			if left, _ := filepath.Glob(filepath.Join(dir, ".*.tmp")); len(left) > 0 {
				t.Errorf("interrupted after %v: left behind %q", after, left)
			}
		}
		os.RemoveAll(dir)
	}
	t.Logf("%d interruptions within %.1f s: gone after %.2f s at most (interrupted after %.2f s)", ended, took.Seconds(), most.Seconds(), at.Seconds())
	if most > time.Second {
		t.Errorf("gone after %v only", most)
	}
}

// command is a process, and how long it lasted after its signal.
type command struct {
	*exec.Cmd
	lasted time.Duration
}

func inFolder(t *testing.T, dir string, args []string) *command {
	p := process(t, args...)
	p.Dir = dir
	return &command{Cmd: p}
}

// signalled sends a signal to a command after some time, and waits for its end; false where it ended before.
func signalled(t *testing.T, p *command, s syscall.Signal, after time.Duration) bool {
	t.Helper()
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { p.Wait(); close(ended) }()
	select {
	case <-ended:
		return false
	case <-time.After(after):
	}
	sent := time.Now()
	if err := p.Process.Signal(s); err != nil {
		<-ended
		return false
	}
	<-ended
	p.lasted = time.Since(sent)
	return true
}

// leftAlone runs a command to its end, or for a while, and tells its time.
func leftAlone(t *testing.T, c trial, dir string) (took time.Duration, stdout string) {
	t.Helper()
	p := inFolder(t, dir, c.args)
	var out, errors bytes.Buffer
	p.Stdout, p.Stderr = &out, &errors
	began := time.Now()
	limit := span
	if c.files != nil {
		limit = 10 * time.Minute
	}
	if !signalled(t, p, syscall.SIGKILL, limit) && p.ProcessState.Success() == c.fails {
		t.Fatalf("%s: %s", c.name, errors.String())
	}
	return time.Since(began), out.String()
}

// The clock shows in these places of a page and of a record.
var clocks = []*regexp.Regexp{
	regexp.MustCompile(`\d+ s, \d+ events a second`), regexp.MustCompile(`\d+ (events|generated objects)/s`), regexp.MustCompile(`"(seconds|events_per_second)": [0-9.e+-]+`),
	regexp.MustCompile(`(?s)"is": "report".*?}`), // its hash
	regexp.MustCompile(`<td[^>]*>\d+</td></tr>`), // seconds of a method of a search
}

// compare finds in a folder the files of a command left alone, and no others.
func (c trial) compare(t *testing.T, whole, dir string) {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			name, _ := filepath.Rel(dir, path)
			found = append(found, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := slices.Sorted(slices.Values(c.files)); !slices.Equal(found, want) {
		t.Errorf("it leaves %q, not %q", found, want)
	}
	for _, name := range c.files {
		var text [2][]byte
		for i, folder := range []string{whole, dir} {
			if text[i], err = os.ReadFile(filepath.Join(folder, name)); err != nil {
				t.Error(err)
			}
			if ext := filepath.Ext(name); ext == ".html" || ext == ".json" {
				for _, clock := range clocks {
					text[i] = clock.ReplaceAll(text[i], nil)
				}
			}
		}
		if !bytes.Equal(text[0], text[1]) {
			t.Errorf("%s is not that of a command left alone", name)
		}
	}
}

// killTrials are commands of some seconds, run first.
func killTrials(t *testing.T) []trial {
	t.Helper()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	card := writeCard(t, longCard)
	must(t, "run", card, "--out", dir, "--set", "train.epochs=1", "--quiet")
	model, large := at("model.safetensors"), at("large.csv")
	must(t, "sample", model, "-n", "150000", "-o", large, "--quiet")
	trainDetector(t, at)
	epochs := "train.epochs=" + longEnough(t, card, 2*time.Second)
	return []trial{
		{name: "run", args: []string{"run", card, "--out", "o", "--set", epochs, "--set", "sample.events=200000"},
			files: []string{"o/model.safetensors", "o/new.csv", "o/report.html", "o/summary.json"}},
		{name: "train", args: []string{"train", large, "-o", "m", "--features", "x1,x2", "--epochs", "2", "--set", "flow.hidden=[16]", "--batch", "1000", "--resume"}, files: []string{"m"}},
		{name: "sample", args: []string{"sample", model, "-n", "400000", "-o", "s.csv", "--resume"}, files: []string{"s.csv"}},
		{name: "density", args: []string{"density", model, large, "-o", "d.parquet", "--latent", "--resume"}, files: []string{"d.parquet"}},
		{name: "convert", args: []string{"convert", large, "-o", "c.npy", "--define", "r=hypot(x1, x2)"}, files: []string{"c.npy"}},
		{name: "compare", args: []string{"compare", large, large, "-o", "page.html"}, files: []string{"page.html"}},
		{name: "anomaly", args: []string{"anomaly", writeCard(t, searchCard), "--out", "o"}, files: []string{"o/report.html"}},
		{name: "simulate", args: []string{"simulate", at("jets.safetensors"), "--generated", at("test.parquet"), "--fakes", at("fakes.safetensors"), "--draws", "30", "-o", "e.root", "--report", "e.html", "--resume"},
			files: []string{"e.html", "e.root"}},
		{name: "inspect", args: []string{"inspect", large}},
	}
}

// signalTrials are commands that spend their time where nothing is written: loading, compiling, planning, and in large blocks.
func signalTrials(t *testing.T) []trial {
	t.Helper()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(name string, fill func(b *bytes.Buffer)) string {
		var b bytes.Buffer
		fill(&b)
		if err := os.WriteFile(at(name), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return at(name)
	}
	random := rand.New(rand.NewPCG(7, 8))
	table := func(columns, rows int) func(b *bytes.Buffer) {
		return func(b *bytes.Buffer) {
			for r := -1; r < rows; r++ {
				for i := range columns {
					if r < 0 {
						fmt.Fprintf(b, "c%d,", i)
					} else {
						fmt.Fprintf(b, "%.4f,", random.NormFloat64())
					}
				}
				b.Truncate(b.Len() - 1)
				b.WriteByte('\n')
			}
		}
	}
	small, wide, many := write("small.csv", table(3, 20_000)), write("wide.csv", table(20_000, 60)), write("many.csv", table(200, 5000))
	features := func(n int) string {
		var names []string
		for i := range n {
			names = append(names, fmt.Sprint("c", i))
		}
		return strings.Join(names, ",")
	}
	definitions := write("definitions.yaml", func(b *bytes.Buffer) {
		fmt.Fprintf(b, "files: [%s]\nfeatures: [c0, d9800]\ntrain: {epochs: 1}\nflow: {hidden: [8]}\ndefine:\n  d0: c1\n", small)
		for i := range 9800 {
			fmt.Fprintf(b, "  d%d: \"d%d + c2*%d\"\n", i+1, i, i)
		}
	})
	header := write("header.safetensors", func(b *bytes.Buffer) {
		text, _ := json.Marshal(map[string]any{"__metadata__": map[string]string{"format": "sluice-model", "card": strings.Repeat("x", 1000)}})
		text = append(text[:len(text)-1], ',')
		for i := range 900_000 {
			text = fmt.Appendf(text, `"t%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},`, i)
		}
		text[len(text)-1] = '}'
		n := len(text)
		b.Write([]byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24), 0, 0, 0, 0})
		b.Write(text)
	})
	model := at("large.safetensors")
	must(t, "train", small, "-o", model, "--features", "c0,c1", "--valid", "0", "--test", "0", "--max-seconds", "0.01", "--quiet", "--set", "flow.hidden=[512,512,512]", "--set", "flow.transforms=9")
	must(t, "run", write("card.yaml", func(b *bytes.Buffer) { b.WriteString(longCard) }), "--out", at("out"), "--set", "train.epochs=1", "--set", "sample.events=3e6", "--quiet")
	return []trial{
		{name: "describe, 20 MB", args: []string{"describe", model}},
		{name: "describe, header", args: []string{"describe", header}, fails: true},
		{name: "sample, 20 MB", args: []string{"sample", model, "-n", "1e6", "-o", "s.npy"}},
		{name: "density, 20 MB", args: []string{"density", model, small, "-o", "d.npy"}},
		{name: "check", args: []string{"check", at("out")}},
		{name: "run, 9,800 definitions", args: []string{"run", definitions, "--dry-run"}},
		{name: "convert, wide", args: []string{"convert", wide, "-o", "w.parquet"}},
		{name: "inspect, wide", args: []string{"inspect", wide}},
		{name: "compare, 3,000 columns", args: []string{"compare", wide, wide, "--columns", features(3000)}},
		{name: "train, 200 columns", args: []string{"train", many, "-o", "m", "--features", features(200), "--epochs", "1"}},
		{name: "train, orthogonal", args: []string{"train", small, "-o", "m", "--features", "c0,c1", "--set", "flow.init=orthogonal", "--set", "flow.hidden=[1024,1024]"}},
		{name: "bench", args: []string{"bench", "--workload", "A"}},
	}
}
