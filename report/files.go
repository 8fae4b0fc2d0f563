package report

import (
	"cmp"
	"context"
	"path/filepath"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/query"
	"github.com/sluice-hep/sluice/stats"
)

// Files are two files of events to compare, and how.
type Files struct {
	Reference, Generated string
	Columns              []string // none: every column of numbers that both files have
	Weight               string   // the column of event weights, in each file that has it
	Flatten              string   // a row an object of this name, in each ROOT file that has it; "": a row an event
}

// Compared is a comparison with what it comes to.
type Compared struct {
	*stats.Comparison
	Verdict Verdict `json:"verdict"`
}

// NewCompared judges a comparison, its columns under their own names.
func NewCompared(c *stats.Comparison) *Compared {
	return &Compared{c, Judge(c, func(column string) string { return column })}
}

// Compare reads both files and measures how far they are apart. Page is that about it.
func (f *Files) Compare(ctx context.Context) (_ *Compared, page func() (*Page, error), err error) {
	ref, gen, err := f.read(ctx)
	if err == nil {
		err = f.weigh(ref, gen)
	}
	if err != nil {
		return nil, nil, err
	}
	c, err := stats.Compare(ref, gen, f.Columns)
	if err != nil {
		return nil, nil, err
	}
	return NewCompared(c), func() (*Page, error) {
		return comparedPage(&Pair{Reference: ref, Generated: gen}, filepath.Base(f.Reference), filepath.Base(f.Generated), c)
	}, nil
}

// read reads both files flattened. One that holds nothing to flatten, as generated events do not, is taken as it is, if
// the other does.
func (f *Files) read(ctx context.Context) (ref, gen *events.Table, err error) {
	read := func(file, flatten string) (*events.Table, error) {
		rows, err := query.Query{Files: []string{file}, Flatten: flatten, All: true}.Open(ctx, 1<<16)
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		return rows.All()
	}
	ref, refErr := read(f.Reference, f.Flatten)
	gen, genErr := read(f.Generated, f.Flatten)
	switch {
	case f.Flatten == "" || (refErr == nil) == (genErr == nil):
	case refErr != nil:
		if t, err := read(f.Reference, ""); err == nil {
			ref, refErr = t, nil
		}
	default:
		if t, err := read(f.Generated, ""); err == nil {
			gen, genErr = t, nil
		}
	}
	return ref, gen, cmp.Or(refErr, genErr)
}

// weigh names the weight column in each table that has it.
func (f *Files) weigh(tables ...*events.Table) error {
	if f.Weight == "" {
		return nil
	}
	var missing []error
	for _, t := range tables {
		if _, err := t.Column(f.Weight); err != nil {
			missing = append(missing, err)
		} else {
			t.Weight = f.Weight
		}
	}
	if len(missing) == len(tables) {
		return missing[0]
	}
	return nil
}
