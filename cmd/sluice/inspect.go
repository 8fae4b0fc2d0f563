package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sluice-hep/sluice"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/profile"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/query"
)

func (a *app) inspectVerb() *cobra.Command {
	var how query.Reading
	var card bool
	c := &cobra.Command{
		Use:   "inspect FILE...",
		Short: "Show what the columns of files hold, and how each would be prepared",
		Long: `Show what the columns of files hold, and how each would be prepared: the steps that
auto chooses. With --card, print a card with these steps, to edit and to run.`,
		Example: "  sluice inspect cards/data/lhco.parquet\n  sluice inspect cards/data/lhco.parquet --card > jets.yaml",
		Args:    arguments(1, -1, "one or more files"),
		RunE: func(c *cobra.Command, files []string) error {
			if card {
				text, err := sluice.Starter(c.Context(), files, how, a.options())
				return show(a, map[string]string{"card": string(text)}, err, func(w io.Writer, _ map[string]string) { w.Write(text) })
			}
			r, err := sluice.Inspect(c.Context(), files, how)
			return show(a, r, err, func(w io.Writer, r *sluice.Inspection) { printInspection(w, r, a.verbose) })
		},
	}
	readingFlags(c, &how)
	c.Flags().BoolVar(&card, "card", false, "print a card with all columns and what auto does with each")
	return c
}

// readingFlags are for verbs that read files of events.
func readingFlags(c *cobra.Command, to *query.Reading) {
	flags := c.Flags()
	flags.StringVar(&to.Flatten, "flatten", "", "NAME: a row for every object NAME of an event, not for every event")
	flags.StringVar(&to.Separator, "separator", "", "of text files: a character, tab or blank (default: found)")
	flags.IntVar(&to.SkipLines, "skip-lines", 0, "lines that text files begin with and that are no table")
	flags.StringVar(&to.Header, "header", "", "yes or no: the first row of text files holds the names (default: found)")
	flags.StringToStringVar(&to.Types, "types", nil, "NAME=TYPE: a column is float32, float64, int64, uint64 or text (default: found)")
}

func printInspection(w io.Writer, r *sluice.Inspection, verbose bool) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "name\tunit\ttype\tkind\tcount\tNaN\tdistinct\tmin\tmax\tmean\tstd\tpreparation\tatoms")
	for _, c := range r.Columns {
		steps := cmp.Or(strings.Trim(c.Plan, "[]"), "-")
		var atoms []string
		for _, a := range c.Atoms {
			atoms = append(atoms, fmt.Sprintf("%s: %.3g", valueOf(c, a.Value), a.Fraction))
		}
		for _, n := range c.Names[:min(len(c.Names), profile.MaxDistinct*len(c.Prepare))] {
			atoms = append(atoms, fmt.Sprintf("%s: %.3g", say.Text(n.Name, ""), float64(n.Events)/float64(c.Count)))
		}
		numbers := fmt.Sprintf("%s\t%s\t%.*g\t%.6g", valueOf(c, c.Min), valueOf(c, c.Max), digits(c), c.Mean, c.Std)
		if c.Kind == profile.KindText || c.Kind == profile.KindEmpty {
			numbers = "\t\t\t"
		}
		distinct := strconv.Itoa(c.Distinct)
		if c.DistinctAtLeast {
			distinct += "+"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%d\t%s\t%s\t%s\t%s\n", c.Name, c.Unit, c.Type, c.Kind, c.Count, c.NaN, distinct, numbers, steps, strings.Join(atoms, ", "))
	}
	t.Flush()
	rows := say.Count(r.Rows, "row")
	if r.Rows == 0 {
		rows = "no events"
	}
	fmt.Fprintln(w, rows)
	for _, c := range r.Columns {
		if c.Inf > 0 {
			fmt.Fprintf(w, "column %s: %s %s infinite\n", c.Name, say.Count(c.Inf, "value"), say.Are(c.Inf))
		}
	}
	for _, line := range r.Notes {
		fmt.Fprintln(w, line)
	}
	for _, line := range r.Skipped.Say(verbose) {
		fmt.Fprintf(w, "left out: %s\n", line)
	}
}

// digits are those that tell the values of a column apart: six, and more where its range is a small part of its values.
func digits(c sluice.InspectedColumn) int {
	if span := c.Max - c.Min; span > 0 {
		return min(max(6, 3+int(math.Ceil(math.Log10(max(-c.Min, c.Max)/span)))), 17)
	}
	return 6
}

// valueOf is a value of a column: all digits of a whole number, of another those that tell it from others.
func valueOf(c sluice.InspectedColumn, v float64) string {
	if c.Type == events.Int64.String() || c.Type == events.Uint64.String() {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprintf("%.*g", digits(c), v)
}
