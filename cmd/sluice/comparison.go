package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"

	"github.com/sluice-hep/sluice"
)

func printComparison(w io.Writer, c *sluice.Compared) {
	if len(c.Generated) > 0 {
		printSeveral(w, c)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "column\tKS\tp\tW1\tchi2/ndf\t\n")
	for _, name := range c.Names {
		d := c.Columns[name]
		ratio := "-" // of nothing to compare
		if d.NDF > 0 {
			ratio = fmt.Sprintf("%.3g", d.Chi2NDF)
		}
		fmt.Fprintf(t, "%s\t%.4f\t%.3g\t%.3g\t%s\t\n", name, d.KS, d.KSP, d.W1, ratio)
	}
	t.Flush()
	if r := c.Rank; r != nil {
		fmt.Fprintf(w, "rank correlations differ most in %s: by %.4f +- %.4f\n", strings.Join(r.Pair, ", "), math.Abs(r.Diff), r.Error)
	}
	fmt.Fprintf(w, "%d generated events%s against %d%s\n", c.GeneratedEvents, effective(c.GeneratedEffective, c.GeneratedEvents), c.ReferenceEvents, effective(c.ReferenceEffective, c.ReferenceEvents))
	printCuts(w, c)
	fmt.Fprintf(w, "verdict: %s\n", c.Verdict.Headline)
	for _, reason := range c.Verdict.Reasons {
		fmt.Fprintf(w, "  %s\n", reason)
	}
}

// printSeveral has a column of numbers a file, in their rank; what follows it is about the best.
func printSeveral(w io.Writer, c *sluice.Compared) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(head string, cell func(g *sluice.Compared) string) {
		fmt.Fprintf(t, "%s\t", head)
		for _, g := range c.Generated {
			fmt.Fprintf(t, "%s\t", cell(g))
		}
		fmt.Fprintln(t)
	}
	row("KS", func(g *sluice.Compared) string { return g.Name })
	for _, name := range c.Names {
		row(name, func(g *sluice.Compared) string { return fmt.Sprintf("%.4f", g.Columns[name].KS) })
	}
	row("verdict", func(g *sluice.Compared) string { return g.Verdict.Level.String() })
	t.Flush()
	fmt.Fprintf(w, "ranked by %s\n\n%s:\n", c.RankedBy, c.Name)
}

// printCuts has a line a cut.
func printCuts(w io.Writer, c *sluice.Compared) {
	for _, cut := range c.Cuts {
		if cut.Verdict == nil {
			fmt.Fprintf(w, "cut %s: %s\n", cut.Cut.Cut, cut.Cannot)
			continue
		}
		fmt.Fprintf(w, "cut %s: %.4g %% of the generated events pass, of the reference %.4g %%: %s\n", cut.Cut.Cut, 100*cut.Generated, 100*cut.Reference, cut.Verdict.Headline)
	}
}
