package root

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/sluice-hep/sluice/events/column"
)

// Options says what to read.
type Options struct {
	Key     string                 // the tree, `tree`, `folder/tree` or `tree;cycle`; "": the only one
	Columns []string               // only these, `NAME[i]` for one value of many included; nil: all
	Types   map[string]column.Type // columns whose type is given
	// Flatten makes a row of every object instead of every event: of the values
	// counted by nMuon for "Muon" (or "nMuon", or one of the columns). The column
	// event is the number of its event, from 0.
	Flatten string
}

// Reader reads the events of one tree block by block.
type Reader struct {
	*file
	column.Walk
	tree    *tree
	picked  []field
	sources []*source // the branches that picked needs
	workers column.Crew[worker]
}

// source is a branch that is read, with the basket that the next events begin in.
type source struct {
	branch *branch
	fields []int // of Reader.picked
	held   int   // the basket in values; -1: none
	values values
}

// Open opens a tree or an RNTuple of a ROOT file.
func Open(path string, opts Options) (column.Reader, error) {
	return column.OpenSized(path, func(in *os.File, size int64) (column.Reader, error) {
		return open(&file{File: in, size: size}, opts)
	})
}

func open(f *file, opts Options) (column.Reader, error) {
	if err := f.header(); err != nil {
		return nil, err
	}
	e, err := f.find(opts.Key)
	if err != nil {
		return nil, err
	}
	if e.isRNTuple() {
		r, err := f.openRNTuple(e, opts)
		if err != nil {
			return nil, fmt.Errorf("RNTuple %q: %w", e.path, err)
		}
		return r, nil
	}
	r, err := f.openTree(e, opts)
	if err != nil {
		return nil, fmt.Errorf("tree %q: %w", e.path, err)
	}
	return r, nil
}

func (f *file) openTree(e *entry, opts Options) (*Reader, error) {
	l := sync.OnceValue(f.layouts) // most trees need none
	t, err := f.readTree(&e.key, l)
	if err != nil {
		return nil, err
	}
	r := &Reader{file: f, tree: t, Walk: column.Walk{Events: t.entries}}
	if f.unclosed {
		r.Told = append(r.Told, f.saved(&e.key, t))
	}
	all := t.fields(l)
	if opts.Flatten != "" {
		err = r.flatten(all, opts)
	} else {
		err = r.pick(all, opts)
	}
	if err == nil {
		err = r.believable()
	}
	if err != nil {
		return nil, err
	}
	r.Borders = r.coarsest()
	return r, nil
}

// densest is how many bytes a codec makes of one at most: zstd, of blocks of 2^17 equal bytes.
const densest = 1 << 15

// believable refuses more events than the baskets can hold, before room is made.
func (r *Reader) believable() error {
	for _, s := range r.sources {
		for _, k := range s.branch.baskets {
			most := int64(k.length) * densest
			if k.at == 0 && k.embedded != nil {
				most = int64(max(len(k.embedded.bytes), len(k.embedded.offsets)))
			}
			if events, f := k.end-k.first, &r.picked[s.fields[0]]; events > math.MaxInt32 || events > most/int64(max(1, f.stride)) {
				return fmt.Errorf("claims %d events, which is beyond belief for a file of %d bytes", r.tree.entries, r.size)
			}
		}
	}
	return nil
}

// pick chooses the columns of events.
func (r *Reader) pick(all *fields, opts Options) error {
	if opts.Columns == nil { // who names columns wants no others
		r.Left = all.leftOut()
	}
	names, many := namesOf(all.flat), all.many()
	for _, name := range opts.Columns {
		if k, i, ok := many.Element(name); ok && !slices.Contains(names, name) {
			f := all.jagged[k]
			f.name, f.element = name, i
			all.flat = append(all.flat, f)
		}
	}
	return r.choose(all, all.flat, opts.Columns, opts.Types)
}

// choose takes the wanted ones of the fields offered.
func (r *Reader) choose(all *fields, offered []field, wanted []string, types map[string]column.Type) error {
	names := namesOf(offered)
	for _, name := range wanted {
		if slices.Contains(names, name) {
			continue
		}
		if i := slices.IndexFunc(offered, func(f field) bool { return f.full == name }); i >= 0 {
			names[i] = name
		}
	}
	if err := column.Without(names, wanted, all.unreadable); err != nil {
		return err
	}
	switch left := all.leftOut(); {
	case len(names) == 0 && len(left) == 0:
		return errors.New("holds no columns")
	case len(names) == 0:
		return fmt.Errorf("holds no column that can be read: %s", strings.Join(left.Say(false), "; "))
	}
	picked, err := column.Pick(names, wanted)
	if err != nil {
		return err
	}
	for _, i := range picked {
		f := offered[i]
		f.name = names[i]
		if err := r.use(f, types); err != nil {
			return err
		}
	}
	return nil
}

func namesOf(all []field) []string {
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].name
	}
	return column.Unique(names)
}

// unreadable says why a column of the file cannot be had; nil where there is none of that name.
func (s *fields) unreadable(name string) error {
	if err := s.many().Unreadable(name, s.left); err != nil {
		return err
	}
	return s.ambiguous(name)
}

// use adds a column of events.
func (r *Reader) use(f field, types map[string]column.Type) error {
	title := ""
	if f.branch != nil {
		title = f.branch.title
	}
	native := f.native()
	if f.decoder != nil && native != f.Native() {
		native = column.Lacking(f.name, f.Native(), types)
	}
	if err := r.Chosen.Add(f.name, unitIn(title), native, types); err != nil {
		return err
	}
	k := len(r.picked)
	r.picked = append(r.picked, f)
	if f.branch == nil {
		return nil
	}
	for _, s := range r.sources {
		if s.branch == f.branch {
			s.fields = append(s.fields, k)
			return nil
		}
	}
	r.sources = append(r.sources, &source{branch: f.branch, fields: []int{k}, held: -1})
	return nil
}

// Read returns the next events, or objects, at most n, and no part of a basket of
// the longest behind whole ones.
func (r *Reader) Read(n int) ([]column.Column, error) {
	if r.Objects != nil {
		return r.ReadObjects(n, math.MaxInt64, r.expand)
	}
	n, err := r.Next(int64(n), math.MaxInt64)
	if err != nil {
		return nil, err
	}
	out, _, err := r.readEvents(n)
	if err == nil {
		err = r.Chosen.Settle(out, r.Row)
	}
	if err != nil {
		return nil, err
	}
	r.Row += int64(n)
	return out, nil
}

// part is what a basket holds of a field whose values are wanted whole: those of its events one after the other, and how
// many each event has.
type part struct {
	column.Column
	counts []int32
}

// readEvents reads n events from r.Row on: a column of each field, and the parts of those that are wanted whole.
func (r *Reader) readEvents(n int) ([]column.Column, [][]part, error) {
	out, parts := r.Chosen.Block(n), make([][]part, len(r.picked))
	var todo []func(*worker) error
	for _, s := range r.sources {
		todo = append(todo, r.tasks(s, out, parts, n)...)
	}
	return out, parts, r.workers.Each(len(todo), func(w *worker, i int) error { return todo[i](w) })
}

// tasks lists the baskets of a branch that n events need.
func (r *Reader) tasks(s *source, out []column.Column, parts [][]part, n int) []func(*worker) error {
	var todo []func(*worker) error
	end := r.Row + int64(n)
	begin := s.branch.basketOf(r.Row)
	for i := begin; i < len(s.branch.baskets) && s.branch.baskets[i].first < end; i++ {
		k := &s.branch.baskets[i]
		v, have := s.values, i == s.held
		for _, j := range s.fields {
			parts[j] = append(parts[j], part{})
		}
		todo = append(todo, func(w *worker) (err error) {
			if !have {
				if v, err = r.load(w, s.branch, k); err != nil {
					return fmt.Errorf("column %q: the basket of events %d to %d %w", s.branch.name, k.first+1, k.end, err)
				}
			}
			if k.end > end && !have {
				s.held, s.values = i, v
				w.raw, w.room = nil, nil // v lies in them
			}
			first, last := max(k.first, r.Row), min(k.end, end)
			for _, j := range s.fields {
				f := &r.picked[j]
				if f.whole() {
					parts[j][i-begin], err = f.gather(v, first, last, k)
				} else {
					c := out[j].Slice(int(first-r.Row), int(last-r.Row))
					err = f.fill(&c, v, first, k)
				}
				if err != nil {
					return fmt.Errorf("column %q: %w", f.name, err)
				}
			}
			return nil
		})
	}
	return todo
}

// basketOf is the basket that holds an event.
func (b *branch) basketOf(row int64) int {
	i, _ := slices.BinarySearchFunc(b.baskets, row, func(k basket, row int64) int {
		if k.end <= row {
			return -1
		}
		return 1
	})
	return i
}
