package sluice

import (
	"fmt"
	"strings"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/report"
	"github.com/sluice-hep/sluice/stats"
)

// CompareOptions say which columns of two files are compared and how.
type CompareOptions struct {
	Columns []string // none: every column of numbers that both files have
	Weight  string   // the column of event weights, in each file that has it
	Flatten string   // a row an object of this name, in each ROOT file that has it; "": a row an event
	Report  string   // the page to write; "" for none
	Command string   // that made it, for the page
}

// CompareFiles compares generated events with reference events.
func CompareFiles(reference, generated string, o CompareOptions) (*stats.Comparison, error) {
	if o.Report != "" {
		if err := distinct(o.Report, reference, generated); err != nil {
			return nil, err
		}
		if err := writable(o.Report); err != nil {
			return nil, err
		}
	}
	ref, gen, err := readPair(reference, generated, o.Flatten)
	if err != nil {
		return nil, input(err)
	}
	if err := weigh(o.Weight, ref, gen); err != nil {
		return nil, input(err)
	}
	c, err := stats.Compare(ref, gen, o.Columns)
	if err != nil || o.Report == "" {
		return c, input(err)
	}
	p := &pair{reference: ref, generated: gen, referenceName: "Reference", generatedName: "Generated"}
	page := &report.Page{
		Title: fmt.Sprintf("%s against %s", generated, reference), Version: Version(), Commands: o.Command,
		Summary: []report.Fact{
			{Name: "Reference", Value: fmt.Sprintf("%d events", ref.Len()), Note: reference},
			{Name: "Generated", Value: fmt.Sprintf("%d events", gen.Len()), Note: generated},
			{Name: "Columns", Value: fmt.Sprint(len(c.Names)), Note: strings.Join(c.Names, ", ")},
		},
	}
	if err := p.addTo(page, c); err != nil {
		return nil, err
	}
	return c, report.Write(o.Report, page)
}

// readPair reads both files flattened. One that holds nothing to flatten, as generated events do not, is taken as it is,
// if the other does.
func readPair(reference, generated, flatten string) (ref, gen *events.Table, err error) {
	read := func(file, flatten string) (*events.Table, error) {
		return events.ReadAll([]string{file}, events.Options{Flatten: flatten})
	}
	ref, refErr := read(reference, flatten)
	gen, genErr := read(generated, flatten)
	switch {
	case flatten == "" || (refErr == nil) == (genErr == nil):
	case refErr != nil:
		if t, err := read(reference, ""); err == nil {
			ref, refErr = t, nil
		}
	default:
		if t, err := read(generated, ""); err == nil {
			gen, genErr = t, nil
		}
	}
	if refErr != nil {
		return nil, nil, refErr
	}
	return ref, gen, genErr
}

// weigh names the weight column in each table that has it.
func weigh(weight string, tables ...*events.Table) error {
	if weight == "" {
		return nil
	}
	var first error
	found := false
	for _, t := range tables {
		_, err := t.Column(weight)
		if err != nil {
			if first == nil {
				first = err
			}
			continue
		}
		t.Weight, found = weight, true
	}
	if !found {
		return first
	}
	return nil
}
