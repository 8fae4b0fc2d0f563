package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/sluice-hep/sluice"
	"github.com/sluice-hep/sluice/report"
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
		p := chance(d.KSP)
		if d.Cannot != "" {
			p = "-"
		}
		fmt.Fprintf(t, "%s\t%.4f\t%s\t%.3g\t%s\t\n", name, d.KS, p, d.W1, ratio)
	}
	t.Flush()
	if r := c.Rank; r != nil {
		fmt.Fprintf(w, "rank correlations differ most in %s: by %.4f +- %.4f\n", strings.Join(r.Pair, ", "), math.Abs(r.Diff), r.Error)
	}
	fmt.Fprintf(w, "%d generated events%s against %d%s\n", c.GeneratedEvents, effective(c.GeneratedEffective, c.GeneratedEvents), c.ReferenceEvents, effective(c.ReferenceEffective, c.ReferenceEvents))
	printTests(w, c)
	printCuts(w, c)
	printScores(w, c)
	if c.Weights != "" {
		fmt.Fprintf(w, "weights    %s: %s\n", c.Weights, report.SayRatio(c.Ratio))
	}
	of := ""
	if len(c.Generated) > 0 {
		of = " on " + c.Name
	}
	fmt.Fprintf(w, "verdict%s: %s\n", of, c.Verdict.Headline)
	for _, reason := range c.Verdict.Reasons {
		fmt.Fprintf(w, "  %s\n", reason)
	}
}

// chance is a p-value; those below 1e-12 are not told apart, as formulas are not that exact.
func chance(p float64) string {
	if p < 1e-12 {
		return "< 1e-12"
	}
	return fmt.Sprintf("%.3g", p)
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
	if c.C2ST != nil {
		row("AUC", func(g *sluice.Compared) string { return fmt.Sprintf("%.4f", g.C2ST.AUC) })
	}
	row("verdict", func(g *sluice.Compared) string { return g.Verdict.Level.String() })
	t.Flush()
	fmt.Fprintf(w, "ranked by %s\n\n%s:\n", c.RankedBy, c.Name)
}

// printTests has a line a test of all columns together.
func printTests(w io.Writer, c *sluice.Compared) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	var cannot []string // each reason once, with the first test that it is of
	any := false
	for _, test := range c.Tests() {
		if test.Cannot != "" {
			if !slices.ContainsFunc(cannot, func(s string) bool { return strings.HasSuffix(s, test.Cannot) }) {
				cannot = append(cannot, test.Name+": "+test.Cannot)
			}
			continue
		}
		if !any {
			fmt.Fprintf(t, "all columns together\tvalue\tby chance\tp\n")
			any = true
		}
		value, null := fmt.Sprintf("%.4g", test.Value), "-"
		if test.Error > 0 {
			value += fmt.Sprintf(" +- %.2g", test.Error)
		}
		p := chance(test.P)
		if test.Unreached() {
			p = "<= " + p // no draw reaches the value
		}
		if test.NullStd > 0 {
			null = fmt.Sprintf("%.4g +- %.2g", test.NullMean, test.NullStd)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", test.Name, value, null, p)
	}
	t.Flush()
	switch {
	case !any && len(cannot) > 0:
		_, why, _ := strings.Cut(cannot[0], ": ")
		fmt.Fprintf(w, "all columns together are not tested: %s\n", why)
	case any:
		for _, line := range cannot {
			fmt.Fprintln(w, line)
		}
	}
}

// printScores has a line a sample of scores.
func printScores(w io.Writer, c *sluice.Compared) {
	for _, s := range c.Scores {
		fmt.Fprintf(w, "score, %s: AUC %.4f +- %.4f of %d signal and %d background events", s.Of, s.AUC, s.AUCError, s.Signal, s.Background)
		for _, r := range s.Rejections {
			if r.Efficiency != 0.5 {
				continue
			}
			if r.Rejection > 0 {
				fmt.Fprintf(w, "; rejection at 50 %%: %.4g +- %.2g", r.Rejection, r.Error)
			} else {
				fmt.Fprintf(w, "; rejection at 50 %%: more than %.3g", r.MoreThan)
			}
		}
		if m := s.MaxSIC; m != nil {
			fmt.Fprintf(w, "; largest SIC %.3g +- %.2g at %.3g %%", m.SIC, m.SICError, 100*m.TPR)
		}
		fmt.Fprintln(w)
	}
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
