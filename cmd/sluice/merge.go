package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/sluice-hep/sluice"
	"github.com/sluice-hep/sluice/apply"
)

func (a *app) mergeVerb() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "merge SHARD... -o FILE",
		Short: "Join the shards of a sample or of a density to the file that the whole would be",
		Long: `Join all shards that sample or density --shard I/N wrote, in any order. Each is checked
by its manifest, SHARD.shard: none may be lacking, changed or of another whole. In the
format of the shards the file is, byte by byte, what the same command without --shard
would write.`,
		Example: `  sluice run cards/banana.yaml --set train.epochs=3
  sluice sample out/banana/model.safetensors -n 10000 -o part-1.parquet --shard 1/2
  sluice sample out/banana/model.safetensors -n 10000 -o part-2.parquet --shard 2/2
  sluice merge part-1.parquet part-2.parquet -o events.parquet`,
		Args: arguments(1, -1, "shards"),
	}
	c.Flags().StringVarP(&out, "output", "o", "", "the file to write")
	c.RunE = func(c *cobra.Command, args []string) error {
		if out == "" {
			return usage("where to? give -o FILE")
		}
		r, err := sluice.Merge(c.Context(), args, out, a.options())
		return show(a, r, err, func(w io.Writer, r *apply.Merged) {
			if r.Density != nil {
				printEvaluated(w, r.Density)
				return
			}
			printDrawn(w, r.Sample)
		})
	}
	return c
}
