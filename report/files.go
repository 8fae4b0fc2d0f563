package report

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/internal/await"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/query"
	"github.com/sluice-hep/sluice/stats"
)

// Files are two files of events to compare, and how.
type Files struct {
	Reference, Generated string
	Names                [2]string         // of the two on the page; "" for the names of the files
	Columns              []string          // none: every column of numbers that both files have
	Weight               string            // the column of event weights, in each file that has it
	Define               query.Definitions // columns made from others, in each file that lacks them
	Where                string            // the events to compare; see Compare
	query.Reading                          // of both; Flatten is for each file that has such objects

	// Notices of a comparison are what was guessed of the files, and Warnings what makes it doubtful.
	Notices, Warnings []string
	// Verbose names all that is left out of the files, each with its reason.
	Verbose bool

	followed int      // of Define, the first, which are those of a model
	listed   []string // columns of others, once for each file that has them
}

// Follow compares as a model's card has it: its features and context, definitions, selection, weights and objects. What is set already stays.
func (f *Files) Follow(m *model.Model) error {
	c, err := card.Parse([]byte(m.Card), "the card of the model")
	if err != nil {
		return err
	}
	if len(f.Columns) == 0 {
		f.Columns = slices.Concat(m.Features.Names(), m.Context.Single())
	}
	f.Define, f.followed = append(slices.Clone(c.Define), f.Define...), len(c.Define)
	f.Where, f.Weight, f.Flatten = cmp.Or(f.Where, c.Where), cmp.Or(f.Weight, c.Weight), cmp.Or(f.Flatten, c.Flatten)
	return nil
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

// Compare reads both files and measures how far they are apart. Page is that about it. Generated events that lack what a selection or
// an object is made of are taken as they are: Warnings say so, and Notices which columns only one file has.
func (f *Files) Compare(ctx context.Context) (_ *Compared, page func() (*Page, error), err error) {
	f.Notices, f.Warnings, f.listed = nil, nil, nil
	ref, err := f.read(ctx, f.Reference, f.Flatten, f.Where)
	var gen *events.Table
	if err != nil && f.Flatten != "" { // generated events are flat, and may be the reference
		var other error
		if gen, other = f.read(ctx, f.Generated, f.Flatten, f.Where); other == nil {
			ref, err = f.read(ctx, f.Reference, "", f.Where)
		}
	}
	if err != nil {
		return nil, nil, err
	}
	if gen == nil {
		gen, err = f.generated(ctx)
	}
	if err == nil {
		err = f.weigh(ref, gen)
	}
	if err != nil {
		return nil, nil, err
	}
	for i, name := range f.listed {
		if slices.Contains(f.listed[:i], name) {
			f.Warnings = append(f.Warnings, fmt.Sprintf("both files have a column %q: its definition is not used", name))
		}
	}
	if len(f.Columns) == 0 {
		f.Notices = append(f.Notices, oneSided(ref, gen, f.Reference), oneSided(gen, ref, f.Generated), texts(ref, gen))
		f.Notices = slices.DeleteFunc(f.Notices, func(line string) bool { return line == "" })
	}
	c, err := await.Do(ctx, "the comparison", func() (*stats.Comparison, error) { return stats.Compare(ref, gen, f.Columns) })
	if err != nil {
		return nil, nil, err
	}
	return NewCompared(c), func() (*Page, error) {
		names := f.names()
		pair := Pair{Reference: ref, Generated: gen, ReferenceName: names[0], GeneratedName: names[1]}
		page, err := comparedPage(&pair, events.Base(f.Reference), events.Base(f.Generated), c)
		page.Notices, page.Warnings = f.Notices, f.Warnings
		return page, err
	}, nil
}

// names are those of the sides: as given, or of the files, with their folders where they are the same.
func (f *Files) names() [2]string {
	a, b := events.Base(f.Reference), events.Base(f.Generated)
	if a == b {
		a, b = filepath.Join(filepath.Base(filepath.Dir(f.Reference)), a), filepath.Join(filepath.Base(filepath.Dir(f.Generated)), b)
	}
	return [2]string{cmp.Or(f.Names[0], a), cmp.Or(f.Names[1], b)}
}

// generated reads the second file as the first, or else without the selection or the objects that it lacks.
func (f *Files) generated(ctx context.Context) (t *events.Table, err error) {
	t, err = f.read(ctx, f.Generated, f.Flatten, f.Where)
	for _, as := range [][2]string{{"", f.Where}, {f.Flatten, ""}, {"", ""}} {
		if err == nil || ctx.Err() != nil {
			break
		}
		if plain, again := f.read(ctx, f.Generated, as[0], as[1]); again == nil {
			if as[1] != f.Where {
				f.Warnings = append(f.Warnings, fmt.Sprintf("the selection %q is not applied to %s: %v", f.Where, f.Generated, err))
			}
			return plain, nil
		}
	}
	return t, err
}

func (f *Files) read(ctx context.Context, file, flatten, where string) (*events.Table, error) {
	how := f.Reading
	how.Flatten = flatten
	q := query.Query{Files: []string{file}, Reading: how, All: true, Define: f.Define, Lacking: true, Where: where, Columns: f.Columns}
	if len(f.Columns) == 0 {
		for _, d := range f.Define {
			q.Columns = append(q.Columns, d.Name)
		}
	}
	rows, err := q.Open(ctx, 1<<16)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	t, err := rows.All()
	if err == nil {
		if len(f.Columns) == 0 {
			for _, line := range rows.Skipped().Say(f.Verbose) {
				f.Notices = append(f.Notices, file+": left out: "+line)
			}
		}
		f.Notices = append(f.Notices, rows.Notes()...)
		for _, d := range f.Define[f.followed:] {
			if column.Find(rows.Columns()[:rows.Given()], d.Name, 0) >= 0 {
				f.listed = append(f.listed, d.Name)
			}
		}
	}
	return t, err
}

// oneSided names the columns of numbers that the other table lacks.
func oneSided(t, other *events.Table, file string) string {
	var names []string
	for i := range t.Columns {
		if _, err := other.Column(t.Columns[i].Name); err != nil && t.Columns[i].Type != events.Text && t.Columns[i].Name != t.Weight {
			names = append(names, t.Columns[i].Name)
		}
	}
	if names == nil {
		return ""
	}
	return fmt.Sprintf("only %s has %s: not compared", file, column.List(names, 10))
}

// texts names the columns that both tables have and one holds as text.
func texts(ref, gen *events.Table) string {
	var names []string
	for i := range ref.Columns {
		c, err := gen.Column(ref.Columns[i].Name)
		if err == nil && (c.Type == events.Text || ref.Columns[i].Type == events.Text) {
			names = append(names, c.Name)
		}
	}
	if names == nil {
		return ""
	}
	return fmt.Sprintf("text, not compared: %s", column.List(names, 10))
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
