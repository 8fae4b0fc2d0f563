package events

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/events/column"
)

// ReadAll reads one or several files as one table. A name may hold a pattern
// (`run*.csv`); the files must have the same columns. Unlike Open it looks at
// whole files before it chooses types, so that the type of a column depends on
// its values and not on their order.
func ReadAll(paths []string, opts Options) (*Table, error) {
	files, err := expand(paths)
	if err != nil {
		return nil, err
	}
	if opts.Most > 0 {
		if err := announced(files, opts); err != nil {
			return nil, err
		}
	}
	var all *Table
	var gaps []column.Gap
	total := int64(0)
	for _, path := range files {
		t, passed, err := readWhole(path, opts)
		if err != nil {
			return nil, err
		}
		before := total
		total += int64(t.Len())
		for _, g := range passed {
			gaps = append(gaps, column.Gap{First: before + g.First, Events: g.Events})
			total += g.Events
		}
		if all == nil {
			all = t
			opts.held = all.Bytes()
			continue
		}
		if len(gaps) > 0 && !all.sameTypes(t) { // the common type depends on all values
			opts.Limits, opts.held = nil, 0
			return ReadAll(paths, opts)
		}
		if err := all.join(t, files[0], path); err != nil {
			return nil, err
		}
		if opts.held = all.Bytes(); opts.fits(opts.held) != nil { // the common types may be wider
			return nil, opts.fits(opts.held)
		}
	}
	if opts.Passed != nil {
		for _, g := range gaps {
			opts.Passed(g.First, g.Events)
		}
	}
	return all, nil
}

func (t *Table) sameTypes(b *Table) bool {
	for i := range t.Columns {
		if c, err := b.Column(t.Columns[i].Name); err == nil && c.Type != t.Columns[i].Type {
			return false
		}
	}
	return true
}

// Files lists the files that names stand for, as they are named wherever files are read: a pattern is replaced by the
// files that it matches, at least one, and the key of a table is left out.
func Files(paths []string) ([]string, error) {
	files, err := expand(paths)
	for i, path := range files {
		files[i], _ = splitKey(path)
	}
	return files, err
}

// expand replaces patterns by the files they match, in the order of their names.
func expand(paths []string) ([]string, error) {
	var files []string
	for _, path := range paths {
		file, key := splitKey(path)
		if _, err := os.Stat(file); err == nil || !strings.ContainsAny(file, "*?[") {
			files = append(files, path)
			continue
		}
		found, err := filepath.Glob(file)
		if err != nil {
			return nil, inFile(path, err)
		}
		if len(found) == 0 {
			return nil, inFile(path, errors.New("no file matches"))
		}
		for _, f := range found {
			if key != "" {
				f += ":" + key
			}
			files = append(files, f)
		}
	}
	if len(files) == 0 {
		return nil, errors.New("events: no file given")
	}
	return files, nil
}

// readWhole reads a file, again where a value contradicts the type of its column.
func readWhole(path string, opts Options) (*Table, []column.Gap, error) {
	given := opts.Types
	opts.Types = maps.Clone(given)
	for {
		t, gaps, err := readOnce(path, opts)
		if !readableAgain(path) || !opts.widen(err, given) {
			return t, gaps, err
		}
	}
}

// widen changes the types to read with after a value that contradicts the type of its column, unless that was given;
// it is false where there is nothing to change. First comes a look at whole files, so that types follow from all
// values; formats that state their types do not heed that, and need the wider type.
func (o *Options) widen(err error, given map[string]Type) bool {
	var bad *column.Contradiction
	if !errors.As(err, &bad) {
		return false
	}
	if _, stated := given[bad.Column]; stated {
		return false
	}
	if !o.whole {
		o.whole = true
		return true
	}
	if was, tried := o.Types[bad.Column]; tried && was == bad.Want {
		return false
	}
	if o.Types == nil {
		o.Types = make(map[string]Type)
	}
	o.Types[bad.Column] = bad.Want
	return true
}

// readableAgain is false for a pipe.
func readableAgain(path string) bool {
	file, _ := splitKey(path)
	at, err := os.Stat(file)
	return err == nil && at.Mode().IsRegular()
}

func exists(path string) bool {
	file, _ := splitKey(path)
	_, err := os.Stat(file)
	return err == nil
}

func readOnce(path string, opts Options) (*Table, []column.Gap, error) {
	in, err := open(path, opts)
	if err != nil {
		return nil, nil, err
	}
	defer in.Close()
	all := &Table{Columns: in.Columns()}
	const block = 1 << 16
	all.reserve(capacity(path, in.Rows(), len(all.Columns)))
	for {
		t, err := in.Read(block)
		if err == io.EOF {
			return all, in.gaps(), nil
		}
		if err != nil {
			return nil, nil, err
		}
		all.Append(t)
		if err := opts.fits(opts.held + all.Bytes()); err != nil {
			return nil, nil, err
		}
	}
}

// capacity is the number of events to make room for: what the file says, unless
// that is beyond belief for its size.
func capacity(path string, rows int64, columns int) int {
	file, _ := splitKey(path)
	at, err := os.Stat(file)
	if err != nil || rows < 0 || columns == 0 {
		return 0
	}
	return int(min(rows, 10*at.Size()/int64(columns)))
}

func (t *Table) reserve(n int) {
	for i := range t.Columns {
		c := &t.Columns[i]
		switch c.Type {
		case Float32:
			c.F32 = slices.Grow(c.F32, n)
		case Float64:
			c.F64 = slices.Grow(c.F64, n)
		case Int64:
			c.I64 = slices.Grow(c.I64, n)
		default:
			c.Str = slices.Grow(c.Str, n)
		}
	}
}

// Append adds the events of b, whose columns are those of t.
func (t *Table) Append(b *Table) {
	for i := range t.Columns {
		t.Columns[i].Append(&b.Columns[i])
	}
}

// join adds the events of another file, whose columns may lie in another order
// and be narrower or wider numbers.
func (t *Table) join(b *Table, first, path string) error {
	if err := sameColumns(t, b, first, path); err != nil {
		return err
	}
	ordered := &Table{Columns: make([]Column, len(t.Columns))}
	for i := range t.Columns {
		c := &t.Columns[i]
		d, err := b.Column(c.Name)
		if err != nil {
			return inFile(path, err)
		}
		ordered.Columns[i] = *d
		d = &ordered.Columns[i]
		if c.Type == d.Type {
			continue
		}
		common, ok := commonType(c, d)
		if !ok {
			return inFile(path, fmt.Errorf("column %q is %s, but %s in %s", c.Name, d.Type, c.Type, first))
		}
		convert(c, common)
		convert(d, common)
	}
	t.Append(ordered)
	return nil
}

// sameColumns shows how the columns of two files differ, in names or in units.
func sameColumns(t, b *Table, first, path string) error {
	without := func(x, y []string) (only []string) {
		for _, name := range x {
			if !slices.Contains(y, name) {
				only = append(only, name)
			}
		}
		return only
	}
	lacks, extra := without(t.Names(), b.Names()), without(b.Names(), t.Names())
	if len(lacks) == 0 && len(extra) == 0 {
		return sameUnits(t, b, first, path)
	}
	var difference []string
	if len(lacks) > 0 {
		difference = append(difference, "lacks "+strings.Join(lacks, ", "))
	}
	if len(extra) > 0 {
		difference = append(difference, "has besides "+strings.Join(extra, ", "))
	}
	return inFile(path, fmt.Errorf("the columns differ from those of %s: it %s; read only the columns that both hold", first, strings.Join(difference, " and ")))
}

func sameUnits(t, b *Table, first, path string) error {
	for i := range t.Columns {
		c := &t.Columns[i]
		d, err := b.Column(c.Name)
		if err == nil && c.Unit != d.Unit && c.Unit != "" && d.Unit != "" {
			return inFile(path, fmt.Errorf("column %q is in %s, but in %s in %s; convert one of them", c.Name, d.Unit, c.Unit, first))
		}
	}
	return nil
}

// commonType holds the values of both columns without loss. A column of nothing
// but missing values goes with anything.
func commonType(a, b *Column) (Type, bool) {
	if a.Type == Text || b.Type == Text {
		return Text, allMissing(a) || allMissing(b)
	}
	if a.Type == Int64 || b.Type == Int64 {
		integers, floats := a, b
		if b.Type == Int64 {
			integers, floats = b, a
		}
		if allWhole(floats) {
			return Int64, true
		}
		if exactIn32(integers) && floats.Type == Float32 {
			return Float32, true
		}
	}
	return Float64, true
}

func allMissing(c *Column) bool {
	for i := range c.Len() {
		if c.Type == Text && c.Str[i] != "" || c.Type != Text && !math.IsNaN(c.Float(i)) {
			return false
		}
	}
	return true
}

func allWhole(c *Column) bool {
	for i := range c.Len() {
		if v := c.Float(i); v != math.Trunc(v) || math.Abs(v) > 1<<53 {
			return false
		}
	}
	return true
}

func exactIn32(c *Column) bool {
	for _, v := range c.I64 {
		if v > 1<<24 || v < -1<<24 {
			return false
		}
	}
	return true
}

// convert changes the type of a column of numbers; values that are all missing
// become empty text.
func convert(c *Column, to Type) {
	if c.Type == to {
		return
	}
	from := *c
	*c = column.New(c.Name, c.Unit, to, c.Len())
	for i := range from.Len() {
		switch to {
		case Float32:
			c.F32[i] = float32(from.Float(i))
		case Float64:
			c.F64[i] = from.Float(i)
		case Int64:
			c.I64[i] = int64(from.Float(i))
		}
	}
}
