package sluice

import (
	"context"

	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/report"
	"github.com/sluice-hep/sluice/simulate"
)

// Simulation says which generated objects Simulate gives to a model.
type Simulation = simulate.Simulation

// Simulate draws what a detector makes of generated objects, and writes the events to the ROOT file out, as NanoAOD has them, and, unless page is "", a page
// that judges it by the full simulation in the same file of generated objects.
//
// A model whose card does not say how objects become events, objects that lack what it is conditioned on or their event, and a file that cannot be
// written are *InputError. When ctx ends, or the program is killed, the draws are kept in out.journal (*InterruptedError), as those of Sample are.
func Simulate(ctx context.Context, m *model.Model, s Simulation, out, page string, o Options) (*simulate.Simulated, error) {
	chain := o.chain()
	release, err := chain.ClaimAll([]string{s.File}, out, page)
	if err != nil {
		return nil, err
	}
	defer release()
	s.Version = chain.Version
	var write func(about *report.Page) error
	if page != "" {
		write = func(about *report.Page) error {
			chain.Sign(about, s.File, out, page)
			return report.Write(page, about)
		}
	}
	at := chain.Apply(out)
	r, err := s.ToFile(ctx, m, out, write, at)
	if err == nil {
		r.Report = page
	}
	return r, ended(ctx, err, at.State)
}
