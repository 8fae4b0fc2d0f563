package record

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/internal/atomicfile"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/internal/journal"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/report"
	"github.com/sluice-hep/sluice/train"
)

// Checked says whether the folder of a run is as the run left it.
type Checked struct {
	Out   string        `json:"out"`
	Whole bool          `json:"whole"`
	Files []CheckedFile `json:"files"`
	Notes []string      `json:"notes,omitempty"`
}

// CheckedFile is a file in, or missing from, the folder of a run.
type CheckedFile struct {
	Status string `json:"status"` // whole, missing, changed, foreign (of another run, or of none) or unfinished
	File   string `json:"file"`   // seen from the folder
	Why    string `json:"why,omitempty"`
}

// Check finds out whether all that a run wrote to the folder out is there, unchanged, and of one run: by the hashes that its
// record keeps, and by that of the model in the page. What it finds is no error; a folder that is not there is the user's. When
// ctx ends, the error wraps its own.
func Check(ctx context.Context, out string) (*Checked, error) {
	entries, err := os.ReadDir(out)
	if err != nil {
		return nil, fault.Of(fmt.Errorf("cannot look into %s: %w; give the folder that a run wrote to", out, errors.Unwrap(err)))
	}
	c := &checker{ctx: ctx, found: &Checked{Out: out, Files: []CheckedFile{}}, known: map[string]bool{summary: true}}
	if release, ok := atomicfile.LockFolder(out); ok {
		release()
	} else {
		c.note("a run is writing to this folder now")
	}
	if err := c.record(); err != nil {
		return nil, err
	}
	if c.models != nil {
		c.others(entries)
	}
	c.found.Whole = !slices.ContainsFunc(c.found.Files, func(f CheckedFile) bool { return f.Status != "whole" })
	return c.found, nil
}

// checker is a check under way.
type checker struct {
	ctx    context.Context
	found  *Checked
	known  map[string]bool // files of the folder, or folders in it, that the run's are in
	models []string        // the hashes of the run's models
}

func (c *checker) note(line string) { c.found.Notes = append(c.found.Notes, line) }

func (c *checker) tell(status, file, why string) {
	c.found.Files = append(c.found.Files, CheckedFile{status, file, why})
}

// record checks the files that the record of the run lists.
func (c *checker) record() error {
	r, err := Read(c.found.Out)
	if errors.Is(err, fs.ErrNotExist) {
		why := "no run has ended here (check knows folders of sluice run; an analysis is whole where its report.html is)"
		if states, _ := fs.Glob(os.DirFS(c.found.Out), "*"+train.StateSuffix); len(states) > 0 {
			why = "no run has ended here; there is the state of a training, from which the same command goes on"
		}
		c.tell("missing", summary, why)
		return nil
	}
	if err == nil && (r.Model == "" || r.Hash == "") {
		err = errors.New("it names no model")
	}
	if err != nil {
		c.tell("changed", summary, fmt.Sprintf("not the record of a run: %v", err))
		return nil
	}
	c.models = []string{r.Hash}
	for _, f := range r.Flows {
		c.models = append(c.models, f.Hash)
	}
	if r.Files == nil {
		c.note("no hashes recorded: made by an older version; the sample and the page are not compared")
		for _, f := range (&Run{Learned: Learned{Model: r.Model, Sample: r.Sample}, Report: r.Report}).written() {
			r.Files = append(r.Files, File{Is: f[0], File: seenFrom(r.Out, f[1])})
		}
	}
	for _, f := range r.Files {
		c.known[strings.SplitN(filepath.ToSlash(f.File), "/", 2)[0]] = true
		if err := c.file(f); err != nil {
			return err
		}
	}
	return nil
}

// file compares one with what the record says of it.
func (c *checker) file(f File) error {
	path := f.File
	if !filepath.IsAbs(path) {
		path = filepath.Join(c.found.Out, path)
	}
	sum, err := hashFile(c.ctx, path)
	if err := c.ctx.Err(); err != nil {
		return err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.tell("missing", f.File, "")
		return nil
	case err != nil:
		c.tell("changed", f.File, err.Error())
		return nil
	}
	status, why := c.belongs(f.Is, path)
	if status == "whole" && f.SHA256 != "" && sum != f.SHA256 {
		status, why = "changed", "its bytes are not those that the run wrote"
	}
	c.tell(status, f.File, why)
	return nil
}

// belongs tells whether a file is of the run's model, where the file says so itself.
func (c *checker) belongs(is, path string) (status, why string) {
	switch is {
	case "model":
		info, err := model.ReadInfo(path)
		if err != nil {
			return "changed", err.Error()
		}
		if !slices.Contains(c.models, info.Hash) {
			return "foreign", "it is another model, " + info.Hash
		}
	case "report":
		hash, err := report.ModelOf(path)
		if err != nil {
			return "changed", err.Error()
		}
		if hash != "" && !slices.Contains(c.models, hash) {
			return "foreign", "it is the page of another model, " + hash
		}
	}
	return "whole", ""
}

// others names what is in the folder and not of the run.
func (c *checker) others(entries []fs.DirEntry) {
	for _, e := range entries {
		name := e.Name()
		switch {
		case c.known[name]:
		case name == LiveLog, atomicfile.IsLeftover(name), strings.HasSuffix(name, train.StateSuffix), strings.HasSuffix(name, journal.Suffix):
			c.tell("unfinished", name, "a run is at work, or was interrupted: run it again")
		case !strings.HasPrefix(name, "."):
			c.tell("foreign", name, "this run did not write it")
		}
	}
}
