// Package record is the record of a run: what it wrote and found, and whether its folder is still as it was left.
package record

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/sluice-hep/sluice/apply"
	"github.com/sluice-hep/sluice/internal/atomicfile"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/report"
	"github.com/sluice-hep/sluice/train"
)

// Run is the record of a run, also kept as summary.json beside what it wrote.
type Run struct {
	Out    string `json:"out"`
	Report string `json:"report"`
	// ReportJSON has the statistics and the histograms of the page; records of older versions have none.
	ReportJSON string `json:"report_json,omitempty"`
	// Learned is the flow, or, of several, that with the lowest NLL of the validation events; Flows are all of several.
	Learned
	Flows []Learned `json:"flows,omitempty"`

	Files []File `json:"files"` // what was written beside this record; see Check
}

// Learned is the record of a flow that was trained and held against the events.
type Learned struct {
	Flow    string           `json:"flow,omitempty"` // its name, among several
	Model   string           `json:"model"`
	Sample  string           `json:"sample"`
	Drawn   *apply.Drawn     `json:"drawn"` // the record of the sample
	Train   *Training        `json:"train"`
	Compare *report.Compared `json:"compare"`
	// Where the true density is known: TrueEntropy is the lowest NLL there can be on average, TrueNLL that of the true density on
	// the events compared with (which are the test events, if there are any), and Excess that of the model above it on the same events.
	TrueEntropy *float64 `json:"true_entropy,omitempty"`
	TrueNLL     *float64 `json:"true_nll,omitempty"`
	Excess      *float64 `json:"excess_nll,omitempty"`
	ExcessError *float64 `json:"excess_nll_error,omitempty"`
	// Of a potential: the logarithm of its integral, from a grid, and the bound that draws of the model give.
	LogZ           *float64 `json:"log_z,omitempty"`
	LogZBound      *float64 `json:"log_z_bound,omitempty"`
	LogZBoundError *float64 `json:"log_z_bound_error,omitempty"`

	// Fingerprint tells what the model was trained from, and Hash which model it is.
	Fingerprint string `json:"fingerprint"`
	Hash        string `json:"sha256"`
}

// Training is the record of a training.
type Training struct {
	Model      string `json:"model"` // its file
	Parameters int    `json:"parameters"`
	*train.Result

	Density *model.Model `json:"-"`
}

// File is a file that a run wrote, as it was then.
type File struct {
	Is     string `json:"is"`     // model, sample, report or statistics
	File   string `json:"file"`   // seen from the folder of the run, so that this can be moved
	SHA256 string `json:"sha256"` // of its bytes
}

// Last is what another run needs of the record of the last one in a folder.
type Last struct {
	Out, Report string
	LastFlow
	Flows []LastFlow // of several
	Files []File     // nil in records of versions that kept no hashes
}

// LastFlow is what another run needs of a flow.
type LastFlow struct {
	Flow, Model, Sample, Fingerprint string
	Train                            *Training
	Hash                             string `json:"sha256"`
}

// Named is the flow of that name, "" for the only one.
func (l *Last) Named(flow string) (of LastFlow, found bool) {
	for _, of := range append(l.Flows, l.LastFlow) {
		if of.Flow == flow {
			return of, true
		}
	}
	return of, false
}

const summary = "summary.json"

// LiveLog is the folder, in that of a run, in which a training keeps its log until it ends.
const LiveLog = "live"

// Path is where the record of a run to a folder is kept.
func Path(folder string) string { return filepath.Join(folder, summary) }

// Read reads the record in a folder. An error that is fs.ErrNotExist says that no run has ended there.
func Read(folder string) (last Last, err error) {
	text, err := os.ReadFile(Path(folder))
	if err == nil {
		err = json.Unmarshal(text, &last)
	}
	return last, err
}

// Write keeps the record, with the hashes of the files that the run wrote, which it adds.
func (r *Run) Write(ctx context.Context) error {
	r.Files = nil
	for _, f := range r.written() {
		sum, err := hashFile(ctx, f[1])
		if err != nil {
			return err
		}
		r.Files = append(r.Files, File{f[0], seenFrom(r.Out, f[1]), sum})
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(Path(r.Out), append(text, '\n'))
}

// written are the files of a run, each after what it is.
func (r *Run) written() (files [][2]string) {
	flows := r.Flows
	if len(flows) == 0 {
		flows = []Learned{r.Learned}
	}
	for _, f := range flows {
		files = append(files, [2]string{"model", f.Model}, [2]string{"sample", f.Sample})
	}
	if files = append(files, [2]string{"report", r.Report}); r.ReportJSON != "" {
		files = append(files, [2]string{"statistics", r.ReportJSON})
	}
	return files
}

// seenFrom is a path as it is seen from a folder.
func seenFrom(folder, path string) string {
	if at, err := filepath.Rel(folder, path); err == nil {
		return at
	}
	return path
}

// hashFile is the SHA-256 of a file's bytes.
func hashFile(ctx context.Context, path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		switch _, err := io.CopyN(h, f, 1<<24); err {
		case nil:
		case io.EOF:
			return fmt.Sprintf("%x", h.Sum(nil)), nil
		default:
			return "", err
		}
	}
}
