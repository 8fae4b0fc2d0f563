package fit

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events/profile"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/prep"
	"github.com/sluice-hep/sluice/query"
)

// Starter is a card to begin with, for the columns of files that can be modelled: what auto does with each is spelled out,
// with the reason, to be edited. What is left out of the files is named in it, all of it where it is to be verbose. Events that
// cannot be read, or without a column to model, are the user's error.
func Starter(ctx context.Context, files []string, how query.Reading, verbose bool, o Options) ([]byte, error) {
	opts, err := how.Options()
	if err != nil {
		return nil, fault.Of(err)
	}
	all, err := prep.Inspect(ctx, files, opts)
	if err != nil {
		return nil, fault.Of(err)
	}
	c := &card.Card{Files: files, Reading: how, Seed: 1}
	notes := choose(c, all, verbose)
	if len(c.Features) == 0 {
		return nil, fault.Of(fmt.Errorf("%s: there is no column to model", strings.Join(files, ", ")))
	}
	small := *c
	small.Train.Batch = 1 // nothing is trained here
	d, err := Load(ctx, &small, o)
	if err != nil {
		return nil, err
	}
	if hidden := d.Features.Hidden(); hidden != "" {
		notes = append(notes, hidden)
	}
	return spelled(c, d.Features, notes)
}

// choose makes features of the columns that can be modelled, and says why others are not.
func choose(c *card.Card, all *prep.Inspection, verbose bool) (notes []string) {
	for _, line := range all.Skipped.Say(verbose) {
		notes = append(notes, "left out: "+line)
	}
	for _, col := range all.Columns {
		note := ""
		switch {
		case col.Plan == "[]":
			note = col.Why
		case col.Inf > 0:
			note = fmt.Sprintf("%s %s infinite: keep it with where: abs(x) < 1e30", say.Count(col.Inf, "value"), say.Are(col.Inf))
		default:
			c.Features = append(c.Features, col.Name)
			if col.NaN > 0 {
				c.Missing.All.Model = true
				notes = append(notes, fmt.Sprintf("missing: %s has no value in %d of %d events, and that is modelled; drop_nan: true leaves such events out", col.Name, col.NaN, col.Count))
			}
		}
		if note != "" {
			notes = append(notes, fmt.Sprintf("left out: %s (%s)", col.Name, note))
		}
	}
	return notes
}

// spelled is the text of a card with the steps of a preparation, each with its reason.
func spelled(c *card.Card, p *prep.Pipeline, notes []string) ([]byte, error) {
	c.Prepare.Columns = map[string][]prep.StepSpec{}
	why := map[string]string{}
	for _, col := range p.Columns {
		if col.Kind != profile.KindConstant {
			c.Prepare.Columns[col.Name], why[col.Name] = col.Spec, col.Chose
		}
	}
	text, err := c.Annotated(why)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString("# For sluice run: every column that can be modelled, prepared as auto would. Edit it, or write auto for a list of steps.\n")
	for _, note := range notes {
		b.WriteString("# " + strings.Join(strings.Fields(note), " ") + "\n")
	}
	b.Write(text)
	return b.Bytes(), nil
}
