package main

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/sluice-hep/sluice/export"
)

// exported is what the verb says.
type exported struct {
	Dir string `json:"dir"`
	*export.Manifest
}

func (a *app) exportVerb() *cobra.Command {
	var out string
	var o export.Options
	c := &cobra.Command{
		Use:   "export MODEL -o DIR --onnx",
		Short: "Write a model for programs that are not this one",
		Long: `Write the functions of a model with its preparation and units inside: log_prob, of
columns of events in nats per unit of the features; to_latent; and to_data, which makes
events of latents. All numbers that go in and out are float32, a row an event.
manifest.json names the columns, units, trained ranges and checksums.

--onnx writes three graphs, log_prob.onnx, to_latent.onnx and to_data.onnx, for ONNX
Runtime; their operators are among those that ROOT's SOFIE parses.

What has no closed form cannot be exported, and the error names it: discrete columns and
missing values, continuous, planar and residual flows, dsf and bernstein, mixtures. An
ensemble has log_prob alone. The parity told is by how much what was written differs from the
model on events drawn from it.`,
		Example: `  sluice run cards/banana.yaml --set train.epochs=3
  sluice export out/banana/model.safetensors -o exported --onnx`,
		Args: arguments(1, 1, "a model"),
	}
	c.Flags().StringVarP(&out, "output", "o", "", "the folder to write to")
	c.Flags().BoolVar(&o.ONNX, "onnx", false, "write ONNX graphs")
	c.RunE = func(c *cobra.Command, args []string) error {
		switch {
		case out == "":
			return usage("where to? give -o DIR")
		case !o.ONNX:
			return usage("in what form? give --onnx")
		}
		m, err := a.load(c.Context(), args[0])
		if err != nil {
			return err
		}
		defer m.Density.Close()
		o.Notice = a.options().Warn
		found, err := export.Write(c.Context(), m, out, o)
		return show(a, exported{out, found}, err, printExported)
	}
	return c
}

func printExported(w io.Writer, e exported) {
	for _, f := range e.Files {
		fmt.Fprintf(w, "%s  %d bytes\n", filepath.Join(e.Dir, f.Name), f.Bytes)
	}
	if e.Lacking != "" {
		fmt.Fprintf(w, "without %s\n", e.Lacking)
	}
	if p := e.Parity; p != nil {
		fmt.Fprintf(w, "off by at most %.1e nats, and %.1e of the columns of events, on %d events drawn\n", p.LogProb, p.Data, p.Events)
	}
}
