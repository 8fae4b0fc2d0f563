package main

import (
	"fmt"
	"io"

	"github.com/sluice-hep/sluice"
	"github.com/sluice-hep/sluice/model"
)

func printPlanned(w io.Writer, p *sluice.Planned) {
	fmt.Fprintf(w, "events     %d read, %d kept\n", p.Read, p.Kept)
	for _, line := range p.Dropped {
		fmt.Fprintf(w, "           %s\n", line)
	}
	fmt.Fprintf(w, "split      %d train, %d validate, %d test\n", p.Train, p.Valid, p.Test)
	fmt.Fprintf(w, "training   %d epochs of %d steps: about %s each (from %d steps), at most %s\n",
		p.Epochs, p.StepsPerEpoch, seconds(p.SecondsPerEpoch), p.StepsMeasured, seconds(p.Seconds))
	if p.MemoryMB > 0 {
		fmt.Fprintf(w, "memory     %.0f MB so far, with %.3g MB for the parameters and what a training keeps beside them\n", p.MemoryMB, p.ParametersMB)
	}
	for _, f := range p.Files {
		there := ""
		if f.There {
			there = ", which is there and would be replaced"
		}
		fmt.Fprintf(w, "writes     %s%s\n", f.File, there)
	}
	model.Info{Features: p.Features, Context: p.Context, Flow: p.Flow, Table: p.Table, Parameters: p.Parameters}.Describe(w)
}

// seconds is a time to two digits.
func seconds(s float64) string {
	switch {
	case s < 100:
		return fmt.Sprintf("%.2g s", s)
	case s < 6000:
		return fmt.Sprintf("%.0f min", s/60)
	}
	return fmt.Sprintf("%.1f h", s/3600)
}
