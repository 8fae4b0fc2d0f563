package apply

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/atomicfile"
	"github.com/sluice-hep/sluice/internal/await"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/internal/journal"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/query"
)

// ManifestSuffix is what the names of manifests end with.
const ManifestSuffix = ".shard"

// manifest stands beside a shard and says of what sample or density it is which part.
type manifest struct {
	Whole   []journal.Fact `json:"whole"` // the sample, or the density
	Shard   uint64         `json:"shard"`
	Shards  uint64         `json:"shards"`
	Events  uint64         `json:"events"` // in the shard
	Within  *float64       `json:"within,omitempty"`
	Redrawn uint64         `json:"redrawn,omitempty"`
	Density *tally         `json:"density,omitempty"` // what the events of a density add up to
	// Types are those of the columns of a density, which come from the user's files: text does not tell float32 from float64, nor an integer from either.
	Types  map[string]string `json:"types,omitempty"`
	SHA256 string            `json:"sha256"` // of the shard
}

func manifestPath(shard string) string { return atomicfile.Beside(shard, ManifestSuffix) }

// checkShard is an error where there is no such shard; 0 of 0 is the whole.
func checkShard(shard, shards uint64) error {
	if shard > shards || shards > 0 && shard == 0 {
		return fmt.Errorf("there is no shard %d of %d: they are 1 to %d", shard, shards, shards)
	}
	return nil
}

// part is the range [first, last) of n events that shard 1 to shards of them has.
func part(shard, shards, n uint64) (first, last uint64) {
	at := func(i uint64) uint64 { return n/shards*i + n%shards*i/shards } // n*i/shards without overflow
	return at(shard - 1), at(shard)
}

func shardFact(shard, shards uint64) journal.Fact {
	return journal.Fact{Name: "shard", Value: fmt.Sprintf("%d/%d", max(shard, 1), max(shards, 1))}
}

// manifest writes that of a shard that is whole.
func (d *Sample) manifest(m *model.Model, r *Drawn) error {
	of, _, err := d.facts(m, journal.Contents)
	if err != nil {
		return err
	}
	return (&manifest{Whole: of, Shard: d.Shard, Shards: d.Shards, Events: r.Events, Within: r.Within, Redrawn: r.Redrawn}).write(r.File)
}

// manifest writes that of a shard that is whole.
func (e *Density) manifest(m *model.Model, path string, rows *query.Rows, t *tally) error {
	of, err := e.about(m)
	if err != nil {
		return err
	}
	inputs, ok := journal.Contents("input", e.Files...)
	if !ok {
		return fmt.Errorf("the inputs, %q, are not there any more", e.Files)
	}
	types := map[string]string{}
	for _, c := range e.empty(rows, m).Columns {
		types[c.Name] = c.Type.String()
	}
	return (&manifest{Whole: append(of, inputs...), Shard: e.Shard, Shards: e.Shards, Events: uint64(t.Events), Density: t, Types: types}).write(path)
}

func (m *manifest) write(shard string) (err error) {
	if m.SHA256, err = hashOf(shard); err != nil {
		return err
	}
	text, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(manifestPath(shard), append(text, '\n'))
}

func hashOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Merged is the record of shards that were joined: of a sample, or of a density. In JSON it is the one of these that there is.
type Merged struct {
	Sample  *Drawn
	Density *Evaluated
}

// MarshalJSON implements json.Marshaler.
func (r *Merged) MarshalJSON() ([]byte, error) {
	if r.Density != nil {
		return json.Marshal(r.Density)
	}
	return json.Marshal(r.Sample)
}

// Merge joins all shards of a sample or of a density, in whatever order they are named, to the file that the whole would be: byte by byte, where it has
// the format of the shards. The file appears when it is whole. A shard that is not there, twice, changed, or of another whole is an error.
func Merge(ctx context.Context, shards []string, path string, o Options) (*Merged, error) {
	began, o := time.Now(), o.Filled()
	all, err := gather(ctx, shards)
	if err != nil {
		return nil, err
	}
	r := all.record(path, o.Notice)
	q := query.Query{Files: all.files, All: true, Reading: query.Reading{Types: all.sum.Types}}
	create := func() (*events.Writer, error) {
		out, err := events.Create(path)
		if err == nil {
			r.describe(out)
		}
		return out, err
	}
	written, _, err := q.Write(ctx, create, false, o.Notice)
	if err != nil {
		return nil, err
	}
	r.ended(written, time.Since(began).Seconds())
	return r, nil
}

func (r *Merged) describe(out describer) {
	if r.Density != nil {
		r.Density.Describe(out)
		return
	}
	r.Sample.describe(out)
}

func (r *Merged) ended(written int, seconds float64) {
	if r.Density != nil {
		r.Density.Seconds = seconds
		return
	}
	r.Sample.Events, r.Sample.Seconds, r.Sample.EventsPerSecond = uint64(written), seconds, float64(written)/seconds
}

// shardsOf are all of a whole: those that hold events, in order, and what their manifests add up to.
type shardsOf struct {
	files []string
	sum   manifest
}

// record is what is known of the whole before it is written.
func (s *shardsOf) record(path string, tell func(line string)) *Merged {
	if t := s.sum.Density; t != nil {
		return &Merged{Density: t.evaluated(path, tell)}
	}
	return &Merged{Sample: &Drawn{File: path, Within: s.sum.Within, Redrawn: s.sum.Redrawn}}
}

// gather checks the shards, and puts them in order.
func gather(ctx context.Context, shards []string) (*shardsOf, error) {
	var first *manifest
	var ordered []string
	all := &shardsOf{}
	holds := map[string]bool{} // events
	for _, path := range shards {
		m, err := await.Do(ctx, path, func() (*manifest, error) { return readManifest(path) })
		if err != nil {
			return nil, fault.Of(err)
		}
		if first == nil {
			first, ordered = m, make([]string, m.Shards)
		}
		if err := first.joins(m, shards[0], path, ordered); err != nil {
			return nil, fault.Of(err)
		}
		ordered[m.Shard-1], holds[path] = path, m.Events > 0
		all.sum.add(m)
	}
	if err := lacking(ordered); err != nil {
		return nil, fault.Of(err)
	}
	all.files = slices.DeleteFunc(ordered, func(path string) bool { return !holds[path] })
	if len(all.files) == 0 {
		return nil, fault.Of(errors.New("none of the shards holds an event: the selection leaves none"))
	}
	return all, nil
}

// lacking is an error where one of the shards is not there.
func lacking(ordered []string) error {
	var none []string
	for i, path := range ordered {
		if path == "" {
			none = append(none, fmt.Sprintf("%d/%d", i+1, len(ordered)))
		}
	}
	if len(none) > 0 {
		return fmt.Errorf("%d of %d shards are not there: %s", len(none), len(ordered), brief("%v", none))
	}
	return nil
}

// add adds up what shards hold.
func (m *manifest) add(of *manifest) {
	m.Within, m.Types = of.Within, of.Types
	m.Redrawn += of.Redrawn
	switch {
	case of.Density == nil:
	case m.Density == nil:
		m.Density = of.Density
	default:
		m.Density.join(of.Density)
	}
}

// brief lists the first of many, each as format has it.
func brief(format string, list []string) string {
	const most = 8
	text := fmt.Sprintf(format, list[:min(len(list), most)])
	if n := len(list) - most; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

func readManifest(path string) (*manifest, error) {
	text, err := os.ReadFile(manifestPath(path))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there is no file %s", path)
		}
		return nil, fmt.Errorf("%s has no manifest %s: shards are what sluice sample and density write with --shard, and their manifests go where they go", path, manifestPath(path))
	}
	if err != nil {
		return nil, err
	}
	m := &manifest{}
	if err := json.Unmarshal(text, m); err != nil || len(m.Whole) == 0 || m.Shard < 1 || m.Shard > m.Shards || m.Shards > 1<<32 {
		return nil, fmt.Errorf("%s is no manifest of a shard", manifestPath(path))
	}
	sum, err := hashOf(path)
	if err != nil {
		return nil, err
	}
	if sum != m.SHA256 {
		return nil, fmt.Errorf("%s is not what its manifest says: it was changed, or copied in part; make shard %d/%d again", path, m.Shard, m.Shards)
	}
	return m, nil
}

// joins is an error where a shard is not one more of the same sample.
func (first *manifest) joins(m *manifest, firstPath, path string, ordered []string) error {
	if one, other := first.kind(), m.kind(); one != other {
		return fmt.Errorf("%s is a shard of %s, %s of %s: merge those of either alone", firstPath, one, path, other)
	}
	if m.Shards != first.Shards {
		return fmt.Errorf("%s is one of %d shards, %s one of %d", path, m.Shards, firstPath, first.Shards)
	}
	if !slices.Equal(m.Whole, first.Whole) {
		return fmt.Errorf("%s and %s are of different %s: %s", firstPath, path, first.kind(), journal.Difference(first.Whole, m.Whole))
	}
	if twice := ordered[m.Shard-1]; twice != "" {
		return fmt.Errorf("%s and %s are both shard %d/%d", twice, path, m.Shard, m.Shards)
	}
	return nil
}

func (m *manifest) kind() string {
	if m.Density != nil {
		return "densities"
	}
	return "samples"
}
