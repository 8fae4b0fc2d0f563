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
	for _, one := range append([]*sluice.Planned{p}, p.Others...) {
		name := ""
		if one.Name != "" {
			name = fmt.Sprintf("%s, %d parameters: ", one.Name, one.Parameters)
		}
		fmt.Fprintf(w, "training   %s%d epochs of %d steps: about %s each (from %d steps)", name, one.Epochs, one.StepsPerEpoch, seconds(one.SecondsPerEpoch), one.StepsMeasured)
		if p.Others == nil {
			fmt.Fprintf(w, ", at most %s", seconds(p.Seconds))
		}
		fmt.Fprintln(w)
	}
	if p.Others != nil {
		fmt.Fprintf(w, "           at most %s in all\n", seconds(p.Seconds))
	}
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
	if p.Others != nil {
		return // each in full would be long; sluice describe shows a model
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
