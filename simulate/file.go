package simulate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/root"
	"github.com/sluice-hep/sluice/internal/atomicfile"
	"github.com/sluice-hep/sluice/model"
)

// file is the ROOT file being written: it takes tables of draws, of one stretch of events after the other, and folds them.
type file struct {
	run   *run
	event int // the first of those that are not in it
	file  *atomicfile.File
	out   *root.Writer
}

func (r *run) create(path string) (*file, error) {
	f, err := atomicfile.Create(path)
	if err != nil {
		return nil, err
	}
	return &file{run: r, file: f, out: root.NewWriterOf(f.File, r.writer())}, nil
}

// Write appends the events of the next draws; see draws.
func (f *file) Write(t *events.Table) error {
	r, to := f.run, f.run.stretch(f.event)
	b, err := r.assemble(t, f.event, to)
	if err != nil {
		return err
	}
	b.countClipped()
	if r.judged {
		if r.drawn == nil {
			r.drawn = b.tables[0].Table.Take(nil)
		}
		r.drawn.Append(b.tables[0].Table)
	}
	if r.spectra == nil {
		r.spectra = b.newSpectra(f.event, to)
	}
	if err := f.out.Write(b.columns(f.event, to)); err != nil {
		return err
	}
	f.event = to
	return nil
}

// Describe keeps a text with the file, under a key.
func (f *file) Describe(key, value string) { f.out.Describe(key, value) }

// Close adds histograms and what the file is, and lets it appear.
func (f *file) Close() error {
	defer f.file.Abort()
	f.describe()
	if err := f.out.Histograms(f.run.histograms()); err != nil {
		return err
	}
	if err := f.out.Finish(); err != nil {
		return err
	}
	return f.file.Commit()
}

// Abort leaves nothing.
func (f *file) Abort() { f.file.Abort() }

// writer says how the columns of an assembly are written.
func (r *run) writer() root.WriterOptions {
	o := root.WriterOptions{Tree: "Events", Counters: map[string]string{}, Narrow: []string{"draw"}}
	for _, name := range r.events.objects {
		o.Counters[name] = "n" + r.plan.Generated
		if c, _ := r.events.table.Column(name); c.Type == events.Int64 && !slices.ContainsFunc(c.I64, func(v int64) bool { return v != int64(int32(v)) }) {
			o.Narrow = append(o.Narrow, name)
		}
	}
	for _, c := range r.objects {
		o.Counters[c.name] = "n" + r.plan.Reconstructed
		if c.integer {
			o.Narrow = append(o.Narrow, c.name)
		}
	}
	o.Counters[r.index()] = "n" + r.plan.Reconstructed
	o.Narrow = append(o.Narrow, r.index())
	return o
}

// index is the column that tells which generated object of the event a reconstructed one is of, as NanoAOD calls it: Jet_genJetIdx.
func (r *run) index() string {
	g := r.plan.Generated
	return r.plan.Reconstructed + "_" + strings.ToLower(g[:1]) + g[1:] + "Idx"
}

// describe keeps with the file what it is.
func (f *file) describe() {
	r := f.run
	hash, _ := r.m.Hash()
	for _, about := range [][2]string{
		{"sluice.model", hash}, {"sluice.seed", fmt.Sprint(r.Seed)}, {"sluice.draws", fmt.Sprint(r.Draws)}, {"sluice.within", fmt.Sprint(model.Factor(r.Within))},
		{"sluice.redrawn", fmt.Sprint(r.result.Redrawn)}, {"sluice.clipped", fmt.Sprint(r.result.Clipped)}, {"sluice.outside", fmt.Sprint(r.result.Outside)}, {"sluice.lacking", fmt.Sprint(r.result.Lacking)},
	} {
		f.out.Describe(about[0], about[1])
	}
}
