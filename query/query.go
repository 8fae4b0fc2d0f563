// Package query gives the events that a verb works on, a block at a time: read from files or held in memory, with the
// columns that expressions define, selected, complete, and in the units stated. Whatever reads events, to train, to
// evaluate, to convert or to compare, does it by a Query.
package query

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/events/formula"
	"github.com/sluice-hep/sluice/internal/await"
)

// Query says which events are wanted and which of their columns. The zero value of a field asks for nothing special.
type Query struct {
	Files []string      // a name may hold a pattern, and the key of a table in its file
	Table *events.Table // events in memory, in place of files
	Reading

	Define Definitions // columns made from others, in this order
	// Lacking uses a definition only for a column that the events lack: those that a model is applied to may hold what its
	// card defines, and lack what that is made from.
	Lacking bool
	Where   string // keeps the events for which this expression holds; "" all

	// Columns are those of the blocks. All puts every column that the files list before them; see Rows.Given.
	Columns []string
	All     bool
	// Welcome are columns that come with those if they can: files may lack them, and what they are made from.
	Welcome []string
	Units   map[string]string // of columns, where the files know none or another
	Weight  string            // the column of event weights, one of Columns; "" where all weigh 1

	// Complete names the columns, of numbers or, those in Names, of text, in which no value may be missing or infinite. Events that lack one are left out
	// where Drop is set, and else an error, which ends in Remedy ("": Drop's own).
	Complete []string
	Names    []string
	Lack     []string // those of them in which NaN, or an empty text, is a cell without a value, as it should be
	Drop     bool
	Remedy   string
	Trained  bool // the columns are those that a model was trained on, and no others
	// Sets are those of whose columns no value is missing where there is no object; nor does one stand there, but 0, unless All is set.
	Sets []events.Set

	Known map[string]events.Type // types of columns, from an earlier Open: text files are not looked through for them
}

// Definition is a column made from others.
type Definition struct{ Name, Expr string }

// Definitions are columns made from others, each also from those before it.
type Definitions []Definition

// Defines says whether a column of that name is made.
func (x Definitions) Defines(name string) bool {
	return slices.ContainsFunc(x, func(d Definition) bool { return d.Name == name })
}

// Of is a table with the columns made of those that it has.
func (x Definitions) Of(t *events.Table) (*events.Table, error) {
	made := &events.Table{Columns: slices.Clone(t.Columns), Weight: t.Weight}
	for _, d := range x {
		if err := events.Define(made, d.Name, d.Expr); err != nil {
			return nil, fmt.Errorf("column %q: %w", d.Name, err)
		}
	}
	return made, nil
}

// lacking are the definitions of those names that are not listed, and of what these are made from; and all names needed.
func (x Definitions) lacking(listed map[string]bool, names []string) (made Definitions, needed map[string]bool) {
	needed = make(map[string]bool, len(names))
	for _, name := range names {
		needed[name] = true
	}
	for _, d := range slices.Backward(x) {
		if needed[d.Name] && !listed[d.Name] {
			made = append(made, d)
			inner, _ := formula.Names(d.Expr)
			for _, name := range inner {
				needed[name] = true
			}
		}
	}
	slices.Reverse(made)
	return made, needed
}

// Open begins to read, so many events at a time. A column that is not there, an expression that cannot be, and a file
// that cannot be read are errors here. The reading ends, with an error, when ctx does. The caller closes the Rows.
func (q Query) Open(ctx context.Context, size int) (*Rows, error) {
	r := &Rows{q: q, ctx: ctx, size: size, absent: events.NewAbsent(q.Sets)}
	err := r.begin()
	if err != nil && ctx.Err() == nil && r.hoped { // interrupted, r still belongs to the opening, which goes on alone
		q.Welcome = nil
		if plain, again := q.Open(ctx, size); again == nil {
			return plain, nil
		}
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (r *Rows) begin() error {
	if err := r.open(); err != nil {
		return err
	}
	if err := r.compile(); err != nil {
		r.Close()
		return err
	}
	return nil
}

// open opens what is needed of what there is.
func (r *Rows) open() error {
	if r.q.Table != nil {
		r.in = &table{t: r.q.Table}
		r.choose(r.q.Table.Columns)
		needed, err := r.ask(r.q.Table.Columns)
		if err == nil && needed != nil {
			if _, err = column.Pick(r.q.Table.Names(), needed); err != nil {
				err = fmt.Errorf("events: %w", err)
			}
		}
		return err
	}
	o, err := r.q.Options()
	if err != nil {
		return err
	}
	if r.q.Known != nil {
		o.Types = r.q.Known
	}
	o.Limits = r.limits()
	o.Passed = r.pass
	o.Choose = func(have []events.Column) ([]string, error) {
		r.choose(have)
		return r.ask(have)
	}
	files, err := await.Do(r.ctx, strings.Join(r.q.Files, ", "), func() (*events.Chain, error) {
		return events.OpenAll(r.q.Files, o)
	})
	if err != nil {
		return err
	}
	r.in = files
	return nil
}

// choose settles which columns are made and which are given, from those that the files list.
func (r *Rows) choose(have []events.Column) {
	listed := make(map[string]bool, len(have))
	for i := range have {
		listed[have[i].Name] = true
	}
	wanted := slices.Clone(r.q.Columns)
	for _, name := range r.q.Welcome {
		if !slices.Contains(wanted, name) && r.can(listed, name) {
			wanted = append(wanted, name)
			r.hoped = r.hoped || !listed[name]
		}
	}
	r.define = r.q.Define
	if r.q.Lacking {
		used, _ := formula.Names(r.q.Where) // what is wrong with it is said when it is compiled
		r.define, _ = r.q.Define.lacking(listed, slices.Concat(wanted, used))
	}
	for _, d := range r.define {
		if listed[d.Name] {
			r.replaced = append(r.replaced, fmt.Sprintf("column %q of the files gives way to its definition, %s", d.Name, d.Expr))
		}
	}
	if !r.q.All {
		r.wanted = wanted
		return
	}
	var made []string
	for i := range have {
		r.wanted = append(r.wanted, have[i].Name)
	}
	for _, name := range wanted {
		switch {
		case listed[name]:
		case r.define.Defines(name):
			made = append(made, name)
		default: // a file may hold it all the same, as it does Muon_pt[0]
			r.wanted = append(r.wanted, name)
		}
	}
	r.given = len(r.wanted)
	r.wanted = append(r.wanted, made...)
}

// can says whether a column can be had of the files, as far as they tell: what may be a value of an array is not listed.
func (r *Rows) can(listed map[string]bool, name string) bool {
	made, needed := r.q.Define.lacking(listed, []string{name})
	for n := range needed {
		if !listed[n] && !made.Defines(n) && n != "pi" && !strings.Contains(n, "[") {
			return false
		}
	}
	return true
}

// needs are the columns that must come from the files: those that are not defined before they are used.
func (r *Rows) needs() ([]string, error) {
	var needed []string
	known := map[string]bool{} // as made or needed
	need := func(names []string, err error) error {
		for _, name := range names {
			if !known[name] {
				needed = append(needed, name)
			}
			known[name] = true
		}
		return err
	}
	for _, d := range r.define {
		if err := need(formula.Names(d.Expr)); err != nil {
			return nil, err
		}
		known[d.Name] = true
	}
	if r.q.Where != "" {
		if err := need(formula.Names(r.q.Where)); err != nil {
			return nil, err
		}
	}
	err := need(r.wanted, nil)
	return needed, err
}

// ask is what to ask of files, nil for every column. Among it may be columns that a file holds but does not list: elements
// such as Muon_pt[0], and columns of events beside flattened ones.
func (r *Rows) ask(have []events.Column) ([]string, error) {
	needed, err := r.needs()
	if err != nil {
		return nil, err
	}
	needed = slices.DeleteFunc(needed, func(name string) bool {
		return name == "pi" && column.Find(have, name, 0) < 0 // the constant
	})
	names := column.Names(have)
	switch {
	case len(needed) == 0: // the number of events matters all the same
		return names[:min(len(names), 1)], nil
	case slices.Equal(needed, names):
		return nil, nil
	}
	r.unread = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(needed, name) })
	return needed, nil
}

// limits let files pass over events that the selection leaves out.
func (r *Rows) limits() []column.Limit {
	if r.q.Where == "" {
		return nil
	}
	return slices.DeleteFunc(formula.Limits(r.q.Where), func(l column.Limit) bool { return r.q.Define.Defines(l.Column) })
}

// mostValues are in a block, half a second's work for the slowest format: of wide tables, fewer events at a time.
const mostValues = 1 << 22

// compile makes sure, before any event is read, that all can be computed, and finds the types. Definitions of which nothing comes
// are not computed after that.
func (r *Rows) compile() error {
	have, err := r.makeColumns()
	if err == nil && r.dropUnused() {
		have, err = r.makeColumns()
	}
	if err != nil {
		return err
	}
	r.size = min(r.size, max(mostValues/max(len(have.List()), 1), 64))
	if r.q.Where != "" {
		if r.where, err = have.CompileCondition(r.q.Where); err != nil {
			return r.located(err)
		}
	}
	r.places = make([]int, len(r.wanted))
	for k, name := range r.wanted {
		r.places[k] = have.Find(name)
	}
	out, err := r.project(&events.Table{Columns: have.List()})
	if err != nil {
		return err
	}
	r.columns = out.Columns
	for _, name := range r.q.Complete {
		if _, err := out.Column(name); err != nil {
			return r.located(err)
		}
	}
	return nil
}

// makeColumns compiles the definitions. It gives all columns that a block has then.
func (r *Rows) makeColumns() (*formula.Columns, error) {
	have := formula.NewColumns(r.in.Columns())
	r.made = nil
	for _, d := range r.define {
		if err := r.ctx.Err(); err != nil {
			return nil, err
		}
		f, err := have.Compile(d.Expr)
		if err != nil {
			return nil, r.located(err)
		}
		r.made = append(r.made, made{f, have.Set(d.Name, f)})
	}
	return have, nil
}

// dropUnused leaves out the definitions that neither the columns wanted, nor the selection, nor another definition is made of.
func (r *Rows) dropUnused() (any bool) {
	used := map[string]bool{}
	use := func(names []string) {
		for _, name := range names {
			used[name] = true
		}
	}
	use(r.wanted)
	if names, err := formula.Names(r.q.Where); err == nil {
		use(names)
	}
	var kept Definitions
	for k, d := range slices.Backward(r.define) {
		if used[d.Name] {
			delete(used, d.Name) // what is used before is another
			use(r.made[k].Uses())
			kept = append(kept, d)
		}
	}
	slices.Reverse(kept)
	any = len(kept) < len(r.define)
	r.define = kept
	return any
}
