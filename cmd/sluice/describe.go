package main

import (
	"fmt"
	"io"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/sluice-hep/sluice"
	"github.com/sluice-hep/sluice/internal/licences"
	"github.com/sluice-hep/sluice/model"
)

func (a *app) describeVerb() *cobra.Command {
	return &cobra.Command{
		Use:     "describe MODEL",
		Short:   "Print the model card: columns, units, ranges, preparation, flow, training, hash",
		Example: "  sluice run cards/banana.yaml --set train.epochs=3\n  sluice describe out/banana/model.safetensors",
		Args:    arguments(1, 1, "one model"),
		RunE: func(c *cobra.Command, args []string) error {
			info, err := readModel(c.Context(), args[0], func() (model.Info, error) { return model.ReadInfo(args[0]) })
			return show(a, info, err, func(w io.Writer, info model.Info) { info.Describe(w) })
		},
	}
}

func (a *app) versionVerb() *cobra.Command {
	var notice bool
	c := &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  sluice version\n  sluice version --licences",
		Args:    arguments(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			if notice {
				return show(a, map[string]string{"licences": licences.Notice}, nil, func(w io.Writer, _ map[string]string) { io.WriteString(w, licences.Notice) })
			}
			v := map[string]string{"version": sluice.Version(), "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH}
			return show(a, v, nil, func(w io.Writer, v map[string]string) {
				fmt.Fprintf(w, "sluice %s, %s, %s/%s\n", v["version"], v["go"], v["os"], v["arch"])
			})
		},
	}
	c.Flags().BoolVar(&notice, "licences", false, "print the licences, each with the works that it is of")
	c.Flags().BoolVar(&notice, "licenses", false, "the same")
	return c
}
