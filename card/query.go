package card

import (
	"cmp"
	"slices"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/query"
	"github.com/sluice-hep/sluice/toy"
)

// toyEvents are drawn of a toy, unless told otherwise.
const toyEvents = 20_000

// Query asks for the events of the card: of its files, of its table, or drawn from its toy.
func (c *Card) Query() (query.Query, error) {
	used := c.Used()
	q := query.Query{
		Files: c.Paths(), Table: c.Table, Reading: c.Reading, Define: c.Define, Where: c.Where,
		Columns: used, Units: c.Units, Weight: c.Weight, Complete: used, Names: slices.Concat(c.Features, c.Context), Drop: c.DropNaN, Sets: c.ContextSets,
		Remedy: "--drop-nan (in a card: drop_nan: true) leaves these events out, --missing model (missing: model) has such cells modelled",
	}
	for _, name := range slices.Concat(c.Features, c.Context) {
		if c.Missing.Of(name).Model {
			q.Lack = append(q.Lack, name)
		}
	}
	if c.Toy == (Toy{}) {
		return q, nil
	}
	draw := func(n int) (*events.Table, error) { return toy.Generate(c.Toy.Name, n, c.Seed, c.Toy.Options()) }
	one, err := draw(1)
	if err != nil {
		return q, err
	}
	n := cmp.Or(c.Toy.Events, toyEvents)
	if takes := Bytes(n) * Bytes(one.Bytes()); takes > c.AllowedMemory() {
		return q, wrong("toy.events", "%d events take %v, more than the %v allowed: draw fewer, or allow more memory (--memory, in a card memory)", n, takes, c.AllowedMemory())
	}
	q.Table, err = draw(n)
	return q, err
}

// AnalysisQuery asks for the events of an analysis, with a column more that says what each is; "" for none.
func (c *Card) AnalysisQuery(label string) (query.Query, error) {
	q, err := c.Query()
	if label != "" {
		q.Columns, q.Complete = append(q.Columns, label), append(slices.Clone(q.Complete), label)
	}
	q.Remedy = "drop_nan: true in the card (or --set drop_nan=true) leaves these events out" // the verbs of analyses have no flags for it
	return q, err
}

// Used lists every column that the analysis itself needs: features, context and the weight.
func (c *Card) Used() []string {
	return slices.Concat(c.Features, c.Given(), nonEmpty(c.Weight))
}

// Given lists the columns conditioned on, those of objects behind the others.
func (c *Card) Given() []string {
	names := slices.Clone(c.Context)
	for _, s := range c.ContextSets {
		for _, name := range s.Columns() {
			if name != s.Count || !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// Generated lists the columns of the events that are generated, but for objects and the weight.
func (c *Card) Generated() []string {
	names := slices.Concat(c.Features, c.Context)
	for _, d := range c.Restore {
		names = append(names, d.Name)
	}
	return names
}

// AllowedMemory is what the events may take.
func (c *Card) AllowedMemory() Bytes { return cmp.Or(c.Memory, DefaultMemory) }
