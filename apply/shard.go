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

// manifest stands beside a shard and says of what sample it is which part.
type manifest struct {
	Sample  []journal.Fact `json:"sample"`
	Shard   uint64         `json:"shard"`
	Shards  uint64         `json:"shards"`
	Events  uint64         `json:"events"` // in the shard
	Within  *float64       `json:"within"`
	Redrawn uint64         `json:"redrawn"`
	SHA256  string         `json:"sha256"` // of the shard
}

func manifestPath(shard string) string { return atomicfile.Beside(shard, ManifestSuffix) }

// manifest writes that of a shard that is whole.
func (d *Sample) manifest(m *model.Model, r *Drawn) error {
	of, _, err := d.facts(m)
	if err != nil {
		return err
	}
	sum, err := hashOf(r.File)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(manifest{of, d.Shard, d.Shards, r.Events, r.Within, r.Redrawn, sum}, "", " ")
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(manifestPath(r.File), append(text, '\n'))
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

// Merge joins all shards of a sample, in whatever order they are named, to the file that the sample would be: byte by byte, where it has the format of
// the whole. The file appears when it is whole. A shard that is not there, twice, changed, or of another sample is an error.
func Merge(ctx context.Context, shards []string, path string, o Options) (*Drawn, error) {
	began, o := time.Now(), o.Filled()
	ordered, r, err := gather(ctx, shards)
	if err != nil {
		return nil, err
	}
	create := func() (*events.Writer, error) {
		out, err := events.Create(path)
		if err == nil {
			r.describe(out)
		}
		return out, err
	}
	written, _, err := query.Query{Files: ordered, All: true}.Write(ctx, create, false, o.Notice)
	if err != nil {
		return nil, err
	}
	r.File, r.Events, r.Seconds = path, uint64(written), time.Since(began).Seconds()
	r.EventsPerSecond = float64(written) / r.Seconds
	return r, nil
}

// gather checks the shards, and puts them in order.
func gather(ctx context.Context, shards []string) (ordered []string, r *Drawn, err error) {
	r = &Drawn{}
	var first *manifest
	for _, path := range shards {
		m, err := await.Do(ctx, path, func() (*manifest, error) { return readManifest(path) })
		if err != nil {
			return nil, nil, fault.Of(err)
		}
		if first == nil {
			first, ordered = m, make([]string, m.Shards)
		}
		if err := first.joins(m, shards[0], path, ordered); err != nil {
			return nil, nil, fault.Of(err)
		}
		ordered[m.Shard-1], r.Within = path, m.Within
		r.Redrawn += m.Redrawn
	}
	var lacking []string
	for i, path := range ordered {
		if path == "" {
			lacking = append(lacking, fmt.Sprintf("%d/%d", i+1, len(ordered)))
		}
	}
	if len(lacking) > 0 {
		return nil, nil, fault.Of(fmt.Errorf("%d of %d shards are not there: %s", len(lacking), len(ordered), brief(lacking)))
	}
	return ordered, r, nil
}

// brief lists the first of many.
func brief(list []string) string {
	const most = 8
	text := fmt.Sprint(list[:min(len(list), most)])
	if n := len(list) - most; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

func readManifest(path string) (*manifest, error) {
	text, err := os.ReadFile(manifestPath(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s has no manifest %s: shards are what sluice sample --shard writes, and their manifests go where they go", path, manifestPath(path))
	}
	if err != nil {
		return nil, err
	}
	m := &manifest{}
	if err := json.Unmarshal(text, m); err != nil || m.Shard < 1 || m.Shard > m.Shards || m.Shards > 1<<32 {
		return nil, fmt.Errorf("%s is no manifest of a shard", manifestPath(path))
	}
	sum, err := hashOf(path)
	if err != nil {
		return nil, err
	}
	if sum != m.SHA256 {
		return nil, fmt.Errorf("%s is not what its manifest says: it was changed, or copied in part; draw shard %d/%d again", path, m.Shard, m.Shards)
	}
	return m, nil
}

// joins is an error where a shard is not one more of the same sample.
func (first *manifest) joins(m *manifest, firstPath, path string, ordered []string) error {
	if m.Shards != first.Shards {
		return fmt.Errorf("%s is one of %d shards, %s one of %d", path, m.Shards, firstPath, first.Shards)
	}
	if !slices.Equal(m.Sample, first.Sample) {
		return fmt.Errorf("%s and %s are of different samples: %s", firstPath, path, journal.Difference(first.Sample, m.Sample))
	}
	if twice := ordered[m.Shard-1]; twice != "" {
		return fmt.Errorf("%s and %s are both shard %d/%d", twice, path, m.Shard, m.Shards)
	}
	return nil
}
