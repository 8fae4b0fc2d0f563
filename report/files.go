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
	"github.com/sluice-hep/sluice/events/formula"
	"github.com/sluice-hep/sluice/internal/await"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/query"
	"github.com/sluice-hep/sluice/validate"
)

// Files are a file of reference events, one or more of generated events to compare with it, and how.
type Files struct {
	Reference     string
	Generated     []string
	Names         []string          // of all on the page, the reference first; none for the names of the files
	Columns       []string          // none: every column of numbers that all files have
	Weight        string            // the column of event weights, in each file that has it
	Define        query.Definitions // columns made from others, in each file that lacks them
	Where         string            // the events to compare; see Compare
	Corner        []string          // columns to draw in pairs, 2 to 8 of those compared; none for no such picture
	Cuts          []string          // selections, after each of which the events are compared again
	Alone         bool              // columns one by one and their correlations, without the tests of all columns together
	Training      string            // the events that a model was trained on, of which the generated ones should hold no copies; "" for none
	Reweigh       bool              // compare the generated events of one file also weighted by r; see Reweighted
	Score, Label  string            // columns to judge as scores: see validate.Score; "" for none, and for a label that is the file
	Seed          uint64            // of what those tests draw
	Threads       int
	query.Reading // of all; Flatten is for each file that has such objects

	// Notices of a comparison are what was guessed of the files, and Warnings what makes it doubtful.
	Notices, Warnings []string
	// Verbose names all that is left out of the files, each with its reason.
	Verbose bool

	pairs    *several       // that were compared
	model    *model.Model   // of Follow; nil for none
	followed int            // of Define, the first, which are those of a model
	listed   map[string]int // columns of others: how many files have them
}

// Follow compares as a model's card has it: its features and context, definitions, selection, weights and objects. What is set already stays.
func (f *Files) Follow(m *model.Model) error {
	c, err := card.Parse([]byte(m.Card), "the card of the model")
	if err != nil {
		return err
	}
	f.model = m
	if len(f.Columns) == 0 {
		f.Columns = slices.Concat(m.Features.Names(), m.Context.Single())
	}
	f.Define, f.followed = append(slices.Clone(c.Define), f.Define...), len(c.Define)
	f.Where, f.Weight, f.Flatten = cmp.Or(f.Where, c.Where), cmp.Or(f.Weight, c.Weight), cmp.Or(f.Flatten, c.Flatten)
	return nil
}

// Compare reads the files and measures how far those of generated events are from the reference. Page is that about it. Generated events
// that lack what a selection or an object is made of are taken as they are: Warnings say so, and Notices which columns not all files have.
func (f *Files) Compare(ctx context.Context) (_ *Compared, page func() (*Page, error), err error) {
	f.Notices, f.Warnings, f.listed = nil, nil, map[string]int{}
	ref, gen, err := f.tables(ctx)
	if err == nil {
		err = f.weigh(append([]*events.Table{ref}, gen...)...)
	}
	if err != nil {
		return nil, nil, err
	}
	f.sayListed(1 + len(gen))
	f.sayOutside(gen)
	scores, err := f.scores(ref, gen)
	if err != nil {
		return nil, nil, err
	}
	training, err := f.training(ctx)
	if err != nil {
		return nil, nil, err
	}
	columns := f.Columns
	if len(columns) == 0 {
		columns = f.common(ref, gen)
	}
	names := f.names()
	for _, name := range f.Corner {
		if len(columns) > 0 && !slices.Contains(columns, name) {
			return nil, nil, fmt.Errorf("a picture of pairs of columns: %q is not among those compared, %s", name, column.List(columns, 10))
		}
	}
	all := &several{pairs: make([]*Pair, len(gen)), found: make([]*Compared, len(gen))}
	for i, t := range gen {
		all.pairs[i] = &Pair{Reference: ref, Generated: t, ReferenceName: names[0], GeneratedName: names[1+i], Corner: f.Corner}
		c, err := await.Do(ctx, "the comparison", func() (*validate.Result, error) {
			return validate.Compare(ctx, ref, t, validate.Options{Columns: columns, Cuts: f.Cuts, Alone: f.Alone, Training: training, Seed: f.Seed, Threads: f.Threads})
		})
		if err != nil {
			if len(gen) > 1 {
				err = fmt.Errorf("%s: %w", f.Generated[i], err)
			}
			return nil, nil, err
		}
		all.found[i] = newCompared(c, nil)
		if len(gen) > 1 {
			all.found[i].File, all.found[i].Name = f.Generated[i], names[1+i]
		}
		f.note(c.Notes...)
	}
	f.pairs = all
	if f.Reweigh {
		if err := all.reweigh(); err != nil {
			return nil, nil, err
		}
	}
	compared := all.rank()
	compared.Scores = scores
	return compared, func() (*Page, error) {
		page, err := all.page(f.Reference)
		if err == nil {
			page.Notices, page.Warnings = f.Notices, f.Warnings
		}
		if err == nil && len(scores) > 0 {
			var s Section
			s, err = scoreSection(f.Score, scores)
			page.Sections = append(page.Sections, s)
		}
		return page, err
	}, nil
}

// training reads the events that the model was trained on; nil for none.
func (f *Files) training(ctx context.Context) (*events.Table, error) {
	if f.Training == "" {
		return nil, nil
	}
	t, err := f.generated(ctx, f.Training)
	if err != nil {
		return nil, fmt.Errorf("the training events: %w", err)
	}
	return t, nil
}

// scores judges the column of scores: in each file that has a label too, or, without labels, with the reference as background and each file
// of generated events as signal.
func (f *Files) scores(ref *events.Table, gen []*events.Table) (all []*validate.Score, err error) {
	if f.Score == "" {
		return nil, nil
	}
	names := f.names()
	for i, t := range gen {
		var s *validate.Score
		switch {
		case f.Label == "":
			s, err = validate.ScoreBetween(names[1+i]+" against "+names[0], ref, t, f.Score)
		case i == 0 && f.has(ref):
			if s, err = validate.ScoreByLabel(names[0], ref, f.Score, f.Label); err != nil {
				return nil, fmt.Errorf("%s: %w", f.Reference, err)
			}
			all = append(all, s)
			fallthrough
		default:
			if s = nil; f.has(t) {
				s, err = validate.ScoreByLabel(names[1+i], t, f.Score, f.Label)
			}
		}
		switch {
		case err != nil && f.Label == "": // says which
			return nil, err
		case err != nil:
			return nil, fmt.Errorf("%s: %w", f.Generated[i], err)
		case s != nil:
			all = append(all, s)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no file has both the score %q and the label %q", f.Score, f.Label)
	}
	for _, s := range all {
		if s.Skipped > 0 {
			f.note(fmt.Sprintf("%s: %s left out of the curves, without a score", s.Of, say.Count(s.Skipped, "event")))
		}
		if s.Brier == nil {
			f.note(fmt.Sprintf("%s: the scores are not all between 0 and 1: no logarithmic loss and no Brier score, which are of probabilities", s.Of))
		}
	}
	return all, nil
}

// has says whether a table has both the score and the label.
func (f *Files) has(t *events.Table) bool {
	_, score := t.Column(f.Score)
	_, label := t.Column(f.Label)
	return score == nil && label == nil
}

// Reweighted are the generated events with one more column, RatioColumn, after Compare with Reweigh.
func (f *Files) Reweighted() *events.Table { return f.pairs.reweighted }

// note adds lines that are not there yet.
func (f *Files) note(lines ...string) {
	for _, line := range lines {
		if line != "" && !slices.Contains(f.Notices, line) {
			f.Notices = append(f.Notices, line)
		}
	}
}

// tables reads all files.
func (f *Files) tables(ctx context.Context) (ref *events.Table, gen []*events.Table, err error) {
	ref, err = f.read(ctx, f.Reference, f.Flatten, f.Where)
	if err != nil && f.Flatten != "" { // generated events are flat, and may be the reference
		if first, other := f.read(ctx, f.Generated[0], f.Flatten, f.Where); other == nil {
			ref, err = f.read(ctx, f.Reference, "", f.Where)
			gen = append(gen, first)
		}
	}
	if err != nil {
		return nil, nil, err
	}
	for _, file := range f.Generated[len(gen):] {
		t, err := f.generated(ctx, file)
		if err != nil {
			return nil, nil, err
		}
		gen = append(gen, t)
	}
	return ref, gen, nil
}

// sayListed warns of definitions that no file needs.
func (f *Files) sayListed(files int) {
	all := "both files"
	if files > 2 {
		all = "all files"
	}
	for _, d := range f.Define[f.followed:] {
		if f.listed[d.Name] == files {
			f.Warnings = append(f.Warnings, fmt.Sprintf("%s have a column %q: its definition is not used", all, d.Name))
		}
	}
}

// sayOutside warns of generated events whose context the model that is followed was not trained on.
func (f *Files) sayOutside(gen []*events.Table) {
	if f.model == nil {
		return
	}
	for i, t := range gen {
		if o, err := validate.OutsideContext(f.model, t); err == nil && o.Say() != "" { // an error: they have no context
			f.Warnings = append(f.Warnings, f.Generated[i]+": "+o.Say())
		}
	}
}

// common are the columns of numbers that all tables have, in the order of the reference; Notices say which others there are. It is empty,
// which stats.Compare makes an error of, where there is none.
func (f *Files) common(ref *events.Table, gen []*events.Table) (names []string) {
	for i, t := range gen {
		f.note(oneSided(ref, t, f.Reference), oneSided(t, ref, f.Generated[i]), texts(ref, t))
	}
	for i := range ref.Columns {
		c := &ref.Columns[i]
		lacks := func(t *events.Table) bool {
			k := column.Find(t.Columns, c.Name, i)
			return k < 0 || t.Columns[k].Type == events.Text || t.Weight == c.Name || c.Name == f.Score || c.Name == f.Label
		}
		if !lacks(ref) && !slices.ContainsFunc(gen, lacks) {
			names = append(names, c.Name)
		}
	}
	return names
}

// names are those of the sides: as given, or of the files, with their folders where two are the same.
func (f *Files) names() []string {
	if len(f.Names) > 0 {
		return f.Names
	}
	files := append([]string{f.Reference}, f.Generated...)
	names := make([]string, len(files))
	for i, file := range files {
		names[i] = events.Base(file)
	}
	short := slices.Clone(names)
	for i, file := range files {
		if n := slices.Index(short, short[i]); n != i || slices.Contains(short[i+1:], short[i]) {
			names[i] = filepath.Join(filepath.Base(filepath.Dir(file)), short[i])
		}
	}
	return names
}

// generated reads a file as the reference, or else without the selection or the objects that it lacks.
func (f *Files) generated(ctx context.Context, file string) (t *events.Table, err error) {
	t, err = f.read(ctx, file, f.Flatten, f.Where)
	for _, as := range [][2]string{{"", f.Where}, {f.Flatten, ""}, {"", ""}} {
		if err == nil || ctx.Err() != nil {
			break
		}
		if plain, again := f.read(ctx, file, as[0], as[1]); again == nil {
			if as[1] != f.Where {
				f.Warnings = append(f.Warnings, fmt.Sprintf("the selection %q is not applied to %s: %v", f.Where, file, err))
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
	q.Columns = append(slices.Clone(q.Columns), f.cutOn()...)
	rows, err := q.Open(ctx, 1<<16)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	t, err := rows.All()
	if err == nil {
		if len(f.Columns) == 0 {
			for _, line := range rows.Skipped().Say(f.Verbose) {
				f.note(file + ": left out: " + line)
			}
		}
		f.note(rows.Notes()...)
		for _, d := range f.Define[f.followed:] {
			if column.Find(rows.Columns()[:rows.Given()], d.Name, 0) >= 0 {
				f.listed[d.Name]++
			}
		}
	}
	return t, err
}

// cutOn are the columns that the cuts are on, and that are not compared otherwise.
func (f *Files) cutOn() (names []string) {
	for _, cut := range f.Cuts {
		of, _ := formula.Names(cut) // what is wrong with it is said when it is compiled
		for _, name := range of {
			if name != "pi" && !slices.Contains(f.Columns, name) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
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
