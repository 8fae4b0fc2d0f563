package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-hep/sluice"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/query"
	"github.com/sluice-hep/sluice/toy"
)

func (a *app) convertVerb() *cobra.Command {
	var to destination
	var define []string
	var drawn, n string
	var q query.Query
	c := &cobra.Command{
		Use:   "convert FILE...|--toy NAME -o FILE",
		Short: "Write events in another format, with columns made or selected on the way",
		Long: `Write the events of one or several files as one file of any format that can be
written (the ending says which), or to stdout (-o -, with --format), a block at a time:
files may be larger than memory. With --toy NAME the events are drawn from a toy, as in a
card: -n of them, by --seed.`,
		Example: `  sluice convert --toy slcp -n 10000 -o pairs.parquet
  sluice convert cards/data/lhco.parquet -o heavy.csv.gz \
      --define 'm_max=max(mj1, mj2)/1000' --where 'm_max > 0.5' --columns label,m_max`,
	}
	c.Args = func(_ *cobra.Command, files []string) error {
		if drawn == "" {
			return arguments(1, -1, "one or more files, or --toy NAME")(c, files)
		}
		return arguments(0, 0, "files or a --toy")(c, files)
	}
	destinationFlags(c, &to)
	c.Flags().StringVar(&drawn, "toy", "", "a toy to draw the events from, instead of files: "+strings.Join(toy.Names(), ", "))
	c.Flags().StringVarP(&n, "events", "n", "10000", "how many events of a toy; 1e5 is a number too")
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
		if drawn != "" {
			many, err := count(n)
			if err != nil {
				return err
			}
			if many > mostDraws {
				return usage("-n %s is more than %d events of a toy", n, mostDraws)
			}
			if q.Table, err = toy.Generate(drawn, int(many), a.seed, toy.Options{}); err != nil {
				return usage("%v", err)
			}
		}
		r, err := sluice.Convert(c.Context(), q, to.file, o)
		return show(a, r, err, func(w io.Writer, r *sluice.Converted) {
			fmt.Fprintf(w, "%s  %d of %s\n", r.File, r.Events, say.Count(r.Read, "event"))
		})
	}
	return c
}
