package sluice

import (
	"context"

	"github.com/sluice-hep/sluice/internal/await"
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
// written are *InputError. When ctx ends (*InterruptedError), nothing is kept.
func Simulate(ctx context.Context, m *model.Model, s Simulation, out, page string, o Options) (*simulate.Simulated, error) {
	release, err := o.chain().ClaimAll([]string{s.File}, out, page)
	if err != nil {
		return nil, err
	}
	defer release()
	r, err := s.ToFile(ctx, m, out, page != "", o.chain().Apply(""))
	if err != nil || page == "" {
		return r, ended(ctx, err, "")
	}
	about, err := await.Do(ctx, "the report", r.Page)
	if err != nil {
		return nil, ended(ctx, err, "")
	}
	o.chain().Sign(about, s.File, out, page)
	r.Report = page
	return r, report.Write(page, about)
}
