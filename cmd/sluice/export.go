package main

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/sluice-hep/sluice/export"
	"github.com/sluice-hep/sluice/export/cpp"
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
		Use:   "export MODEL -o DIR [--onnx] [--cpp]",
		Short: "Write a model for programs that are not this one",
		Long: `Write the functions of a model with its preparation and units inside: log_prob, of
columns of events in nats per unit of the features; to_latent; and to_data, which makes
events of latents. manifest.json names the columns, units, trained ranges and checksums.

--onnx writes three graphs, log_prob.onnx, to_latent.onnx and to_data.onnx, for ONNX
Runtime; their operators are among those that ROOT's SOFIE parses. All numbers that go in
and out are float32, a row an event.

--cpp writes NAME.hpp, a header of C++17 that needs nothing else, in the namespace
sluice_NAME: columns of doubles go in and out. NAME is that of the model's file unless
--name gives another.

What has no closed form cannot be exported, and the error names it: discrete columns and
missing values, continuous, planar and residual flows, dsf and bernstein, mixtures. An
ensemble has log_prob alone. The parity told is by how much the graphs differ from the
model on events drawn from it.`,
		Example: `  sluice run cards/banana.yaml --set train.epochs=3
  sluice export out/banana/model.safetensors -o exported --onnx --cpp --name banana`,
		Args: arguments(1, 1, "a model"),
	}
	c.Flags().StringVarP(&out, "output", "o", "", "the folder to write to")
	c.Flags().BoolVar(&o.ONNX, "onnx", false, "write ONNX graphs")
	c.Flags().BoolVar(&o.CPP, "cpp", false, "write a header of C++")
	c.Flags().StringVar(&o.Name, "name", "", "the name of the header and its namespace (default: that of the model's file)")
	c.RunE = func(c *cobra.Command, args []string) error {
		switch {
		case out == "":
			return usage("where to? give -o DIR")
		case !o.ONNX && !o.CPP:
			return usage("in what form? give --onnx, --cpp or both")
		case o.Name != "" && !o.CPP:
			return usage("--name is that of a header: give --cpp too")
		case o.Name == "":
			o.Name = cpp.NameOf(args[0])
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
