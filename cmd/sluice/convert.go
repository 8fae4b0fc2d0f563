package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/sluice-hep/sluice"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/query"
)

func (a *app) convertVerb() *cobra.Command {
	var to destination
	var define []string
	var q query.Query
	c := &cobra.Command{
		Use:   "convert FILE... -o FILE",
		Short: "Write events in another format, with columns made or selected on the way",
		Long: `Write the events of one or several files as one file of any format that can be
written (the ending says which), or to stdout (-o -, with --format), a block at a time:
files may be larger than memory.`,
		Example: `  sluice convert cards/data/lhco.parquet -o heavy.csv.gz \
      --define 'm_max=max(mj1, mj2)/1000' --where 'm_max > 0.5' --columns label,m_max`,
		Args: arguments(1, -1, "one or more files"),
	}
	destinationFlags(c, &to)
	c.Flags().StringArrayVar(&define, "define", nil, "NAME=EXPR: a column made from others (repeatable)")
	c.Flags().StringVar(&q.Where, "where", "", "keep the events for which an expression holds")
	c.Flags().StringSliceVar(&q.Columns, "columns", nil, "columns to write, in this order (default: all)")
	readingFlags(c, &q.Reading)
	c.RunE = func(c *cobra.Command, files []string) (err error) {
		o := a.options()
		if err := a.send(&to, &o); err != nil {
			return err
		}
		q.Files, q.Columns = files, trimmed(q.Columns)
		if q.Define, err = definitions(define); err != nil {
			return err
		}
		r, err := sluice.Convert(c.Context(), q, to.file, o)
		return show(a, r, err, func(w io.Writer, r *sluice.Converted) {
			fmt.Fprintf(w, "%s  %d of %s\n", r.File, r.Events, say.Count(r.Read, "event"))
		})
	}
	return c
}
