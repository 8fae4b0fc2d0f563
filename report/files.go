package report

import (
	"cmp"
	"context"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/query"
	"github.com/sluice-hep/sluice/stats"
)

// Files are two files of events to compare, and how.
type Files struct {
	Reference, Generated string
	Columns              []string // none: every column of numbers that both files have
	Weight               string   // the column of event weights, in each file that has it
	query.Reading                 // of both; Flatten is for each ROOT file that has such objects
}

// Compare reads both files and measures how far they are apart. Page is that about it. Notice is told what was guessed of the files.
func (f *Files) Compare(ctx context.Context, notice func(line string)) (c *stats.Comparison, page func() (*Page, error), err error) {
	ref, gen, err := f.read(ctx, notice)
	if err == nil {
		err = f.weigh(ref, gen)
	}
	if err != nil {
		return nil, nil, err
	}
	c, err = stats.Compare(ref, gen, f.Columns)
	return c, func() (*Page, error) {
		return Compared(&Pair{Reference: ref, Generated: gen}, f.Reference, f.Generated, c)
	}, err
}

// read reads both files flattened. One that holds nothing to flatten, as generated events do not, is taken as it is, if
// the other does.
func (f *Files) read(ctx context.Context, notice func(line string)) (ref, gen *events.Table, err error) {
	read := func(file, flatten string) (*events.Table, error) {
		how := f.Reading
		how.Flatten = flatten
		rows, err := query.Query{Files: []string{file}, Reading: how, All: true}.Open(ctx, 1<<16)
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		t, err := rows.All()
		for _, line := range rows.Notes() {
			notice(line)
		}
		return t, err
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
