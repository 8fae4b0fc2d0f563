package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
	"rsc.io/script"
	"rsc.io/script/scripttest"
)

var update = flag.Bool("update", false, "rewrite what the transcripts in testdata/script expect")

// Each file of testdata/script is a transcript: commands, below them what they print (> on stdout, 2> on stderr; what is not
// there is not looked at), and at the end the files that they start from, in a folder of their own. The commands are those of
// rsc.io/script, and
//
//	sluice ...          the program, in this process; with ! it is to refuse its input: exit code 2, one line that says why
//	                    as the last of stderr, nothing on stdout, no file more or less
//	exit N sluice ...   the program, which is to end with exit code N
//	cat FILE            what a file holds
//	interrupt FILE N    what Ctrl-C does to the command in the background (&), once FILE has N bytes
//	json KEY[=VALUE]... stdout is to be one JSON object with these keys; a.0.b is b of the first of a
//
// In what is printed, ~ stands for a number that training, the clock or the machine decides, and a line ... for any lines.
func TestScript(t *testing.T) {
	paths, err := filepath.Glob("testdata/script/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) { play(t, path) })
	}
}

func play(t *testing.T, path string) {
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	x := &transcript{t: t, path: filepath.Join(here, path)}
	x.read(string(archive.Comment))
	dir := t.TempDir()
	t.Chdir(dir)
	state, err := script.NewState(t.Context(), dir, []string{"REPOSITORY=" + filepath.Join(here, "../..")})
	if err == nil {
		err = state.ExtractFiles(archive)
	}
	if err != nil {
		t.Fatal(err)
	}
	scripttest.Run(t, x.engine(), state, path, bufio.NewReader(strings.NewReader(x.text(false))))
	if *update && !t.Failed() {
		archive.Comment = []byte(x.text(true))
		if err := os.WriteFile(x.path, txtar.Format(archive), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// transcript is a file of testdata/script, and how far it is played.
type transcript struct {
	t     *testing.T
	path  string // absolute
	steps []*step
	next  int // of the steps

	interrupt context.CancelFunc // of the program that runs
	ended     chan struct{}      // closed at its end
}

// step is a line that prints, with the lines before it.
type step struct {
	number int // of the line, in the file
	lines  []string
	prints [2][]string // on stdout and stderr
}

var (
	marks    = []string{">", "2>"}
	printing = regexp.MustCompile(`^(! |exit \d+ )?(sluice|cat)( |$)`)
)

func (x *transcript) read(text string) {
	last := &step{}
	x.steps = []*step{last}
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		ends := len(last.lines) > 0 && printing.MatchString(last.lines[len(last.lines)-1])
		mark, printed, _ := strings.Cut(line, " ")
		stream := slices.Index(marks, mark)
		if stream >= 0 && ends {
			last.prints[stream] = append(last.prints[stream], printed)
			continue
		}
		if ends {
			last = &step{}
			x.steps = append(x.steps, last)
		}
		last.number, last.lines = i+1, append(last.lines, line)
	}
}

// text is the transcript with what is printed, or with as many empty lines: so errors tell the lines of the file.
func (x *transcript) text(printed bool) string {
	var lines []string
	for _, s := range x.steps {
		lines = append(lines, s.lines...)
		for stream, mark := range marks {
			for _, line := range s.prints[stream] {
				if line = strings.TrimRight(mark+" "+line, " "); !printed {
					line = ""
				}
				lines = append(lines, line)
			}
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

func (x *transcript) engine() *script.Engine {
	cmds := scripttest.DefaultCmds()
	cmds["sluice"] = script.Command(script.CmdUsage{Args: "args...", Async: true}, x.sluice)
	cmds["exit"] = script.Command(script.CmdUsage{Args: "N sluice args...", Async: true}, x.exit)
	cmds["cat"] = script.Command(script.CmdUsage{Args: "FILE"}, x.cat)
	cmds["interrupt"] = script.Command(script.CmdUsage{Args: "FILE N"}, x.interruptAt)
	cmds["json"] = script.Command(script.CmdUsage{Args: "KEY[=VALUE]..."}, hasKeys)
	return &script.Engine{Cmds: cmds, Conds: scripttest.DefaultConds(), Quiet: !testing.Verbose()}
}

func (x *transcript) step() *step {
	x.next++
	return x.steps[x.next-1]
}

func (x *transcript) wrong(at *step, format string, args ...any) {
	x.t.Errorf("%s:%d: %s", x.path, at.number, fmt.Sprintf(format, args...))
}

func (x *transcript) cat(_ *script.State, args ...string) (script.WaitFunc, error) {
	text, err := os.ReadFile(strings.Join(args, " "))
	x.compare(x.step(), string(text), "")
	return nil, err
}

func (x *transcript) sluice(_ *script.State, args ...string) (script.WaitFunc, error) {
	return x.start(done, args), nil
}

func (x *transcript) exit(_ *script.State, args ...string) (script.WaitFunc, error) {
	if len(args) < 2 {
		return nil, script.ErrUsage
	}
	code, err := strconv.Atoi(args[0])
	if err != nil {
		return nil, err
	}
	return x.start(code, args[2:]), nil
}

// start runs the program; what is returned waits for its end and looks at what it did.
func (x *transcript) start(want int, args []string) script.WaitFunc {
	at := x.step()
	ctx, cancel := context.WithCancel(x.t.Context())
	x.interrupt, x.ended = cancel, make(chan struct{})
	before, ended := listing(), x.ended
	var code int
	var stdout, stderr string
	go func() {
		defer close(ended)
		code, stdout, stderr = runSluice(ctx, args...)
	}()
	return func(*script.State) (string, string, error) {
		<-ended
		cancel()
		switch after := listing(); {
		case code != want && code != badInput:
			x.wrong(at, "exit code %d, not %d", code, want)
		case code == badInput && (stdout != "" || !refusal(stderr)):
			x.wrong(at, "stdout %q, stderr %q: not one line that says what is wrong", stdout, stderr)
		case code == badInput && !slices.Equal(before, after):
			x.wrong(at, "what was refused leaves %q of %q", after, before)
		}
		x.compare(at, stdout, stderr)
		if code != want {
			return stdout, stderr, fmt.Errorf("exit code %d", code)
		}
		return stdout, stderr, nil
	}
}

// refusal says whether the last line, and no other, tells what is wrong.
func refusal(stderr string) bool {
	_, line, ok := strings.Cut("\n"+stderr, "\nsluice: ")
	return ok && strings.Index(line, "\n") == len(line)-1
}

func listing() []string {
	names, _ := filepath.Glob("*")
	return names
}

var (
	trailing = regexp.MustCompile(` +\n`)
	blanks   = regexp.MustCompile(` +`)
)

// compare checks what a step printed, where the transcript says it.
func (x *transcript) compare(at *step, printed ...string) {
	for stream, text := range printed {
		want := at.prints[stream]
		text = trailing.ReplaceAllString(text, "\n")
		switch {
		case want == nil || pattern(want...).MatchString(text):
		case *update && !slices.Contains(want, "..."):
			at.prints[stream] = renewed(want, text)
		default:
			x.wrong(at, "prints\n%s\nnot\n%s", text, strings.Join(want, "\n"))
		}
	}
}

// pattern matches lines. In one where numbers are left open the columns of a table may have other widths.
func pattern(lines ...string) *regexp.Regexp {
	const number = `-?[0-9.]+(e[-+][0-9]+)?[kM]?`
	all := "^"
	for _, line := range lines {
		if line == "..." {
			all += `(.*\n)*`
			continue
		}
		open := strings.Contains(line, "~")
		line = regexp.QuoteMeta(line)
		if open {
			line = blanks.ReplaceAllString(strings.ReplaceAll(line, "~", number), " +")
		}
		all += line + "\n"
	}
	return regexp.MustCompile(all + "$")
}

// renewed are the lines of a text; those that still match stay as they are.
func renewed(old []string, text string) []string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, line := range lines {
		if at := slices.IndexFunc(old, func(o string) bool { return pattern(o).MatchString(line + "\n") }); at >= 0 {
			lines[i] = old[at]
		}
	}
	return lines
}

func (x *transcript) interruptAt(_ *script.State, args ...string) (script.WaitFunc, error) {
	if len(args) != 2 {
		return nil, script.ErrUsage
	}
	least, err := strconv.ParseInt(args[1], 10, 64)
	if err != nil {
		return nil, err
	}
	for {
		if f, err := os.Stat(args[0]); err == nil && f.Size() >= least {
			x.interrupt()
			return nil, nil
		}
		select {
		case <-x.ended:
			return nil, errors.New("the command ended before it could be interrupted")
		case <-time.After(time.Millisecond):
		}
	}
}

// hasKeys checks that stdout is one JSON object in one line, and looks up keys in it.
func hasKeys(s *script.State, keys ...string) (script.WaitFunc, error) {
	var object map[string]any
	if err := json.Unmarshal([]byte(s.Stdout()), &object); err != nil || strings.Count(s.Stdout(), "\n") != 1 {
		return nil, fmt.Errorf("not one object in one line: %v", err)
	}
	for _, key := range keys {
		path, want, exact := strings.Cut(key, "=")
		v, ok := value(object, strings.Split(path, "."))
		if !ok {
			return nil, fmt.Errorf("there is no %s", path)
		}
		if text, _ := json.Marshal(v); exact && want != strings.Trim(string(text), `"`) {
			return nil, fmt.Errorf("%s is %s, not %s", path, text, want)
		}
	}
	return nil, nil
}

func value(v any, path []string) (_ any, ok bool) {
	if len(path) == 0 {
		return v, true
	}
	switch in := v.(type) {
	case map[string]any:
		v, ok = in[path[0]]
	case []any:
		i, err := strconv.Atoi(path[0])
		if ok = err == nil && i < len(in); ok {
			v = in[i]
		}
	}
	if !ok {
		return nil, false
	}
	return value(v, path[1:])
}

// Every verb has an example in its help and a transcript.
func TestEveryVerbIsShown(t *testing.T) {
	for _, c := range (&app{}).command().Commands() {
		if !strings.Contains(c.Example, "  sluice "+c.Name()) {
			t.Errorf("sluice %s --help shows no example of it", c.Name())
		}
		text, err := os.ReadFile("testdata/script/" + c.Name() + ".txt")
		if err != nil || !strings.Contains(string(text), "\nsluice "+c.Name()) {
			t.Errorf("no transcript shows sluice %s (%v)", c.Name(), err)
		}
	}
}
