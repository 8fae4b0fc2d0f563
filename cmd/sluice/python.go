package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/sluice-hep/sluice/python"
)

func (a *app) pythonVerb() *cobra.Command {
	return &cobra.Command{
		Use:   "python",
		Short: "Print the reader of models for Python, which needs NumPy alone",
		Long: `Print sluice.py: it loads a model, gives log-densities, latents and samples, trains by
this program with the verbs of scikit-learn, and reads the histograms of a report.json.
What has a closed form it evaluates itself, with NumPy; the rest it asks of this program.`,
		Example: "  sluice python > sluice.py",
		Args:    arguments(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			return show(a, map[string]string{"source": python.Source}, nil, func(w io.Writer, _ map[string]string) { io.WriteString(w, python.Source) })
		},
	}
}
