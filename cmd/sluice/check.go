package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sluice-hep/sluice"
)

func (a *app) checkVerb() *cobra.Command {
	return &cobra.Command{
		Use:   "check OUT",
		Short: "Say whether the folder of a run is whole, and of one run",
		Long: `Say whether the folder of a run is whole and belongs together: the model, the sample
and the page are compared with the SHA-256 that summary.json keeps of each, and with the
model's own hash, which the page holds too. A line a file: whole, missing, changed,
foreign (of another run, or not written by this one) or unfinished (of a run that was
interrupted). The exit code is 1 where any file is not whole.`,
		Example: "  sluice run cards/banana.yaml --set train.epochs=3\n  sluice check out/banana",
		Args:    arguments(1, 1, "the folder of a run"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := sluice.Check(c.Context(), args[0])
			if err := show(a, r, err, printChecked); err != nil || r.Whole {
				return err
			}
			return fmt.Errorf("%s is not as a run left it", args[0])
		},
	}
}

func printChecked(w io.Writer, r *sluice.Checked) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.DiscardEmptyColumns)
	for _, f := range r.Files {
		fmt.Fprintf(t, "%s\t%s", f.Status, f.File)
		if f.Why != "" {
			fmt.Fprintf(t, ": %s", f.Why)
		}
		fmt.Fprintln(t)
	}
	t.Flush()
	for _, line := range r.Notes {
		fmt.Fprintln(w, line)
	}
}
