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
	ref, err := events.ReadAll([]string{reference}, events.Options{})
	if err != nil {
		return nil, input(err)
	}
	gen, err := events.ReadAll([]string{generated}, events.Options{})
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
