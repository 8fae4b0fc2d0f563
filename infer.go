package sluice

import (
	"context"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/infer"
	"github.com/sluice-hep/sluice/internal/await"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/report"
)

// Observed says given what posteriors are inferred.
type Observed = infer.Observed

// InferOutputs are the files that Infer writes; "" for none.
type InferOutputs struct {
	Draws string // of the posteriors, in a format that follows from the ending
	Page  string // about the posteriors, and whether the model is calibrated
}

// Inferred are posteriors.
type Inferred = infer.Inferred

// Infer draws the parameters of a simulation, the features of a conditional model, given what is observed, its context: of each
// observation by itself. It returns medians and central intervals, and whether the observations are such as the model knows; what makes the
// posteriors doubtful is no error, but told by Options.Warn before they are drawn.
//
// A model without a context, observations that do not fit it, and a file that cannot be read or written are *InputError. When ctx ends
// (*InterruptedError), nothing is written.
func Infer(ctx context.Context, m *model.Model, q Observed, out InferOutputs, o Options) (_ *Inferred, err error) {
	chain := o.chain()
	release, err := chain.ClaimAll([]string{q.File, q.Check}, out.Draws, out.Page)
	if err != nil {
		return nil, err
	}
	defer release()
	at := chain.Apply("")
	var write func(*events.Table) error
	var draws *events.Writer
	if out.Draws != "" {
		if draws, err = chain.Create(out.Draws); err != nil {
			return nil, fault.Of(err)
		}
		defer draws.Abort()
		write = draws.Write
	}
	r, err := q.Infer(ctx, m, write, at)
	if err != nil {
		return nil, ended(ctx, err, "")
	}
	var page *report.Page
	if out.Page != "" {
		if page, err = await.Do(ctx, "the report", func() (*report.Page, error) { return report.Posterior(r, m) }); err != nil {
			return nil, ended(ctx, err, "")
		}
		chain.Sign(page, q.File, q.Check, out.Draws, out.Page)
	}
	if draws != nil {
		if err := draws.Close(); err != nil {
			return nil, err
		}
		r.File = out.Draws
	}
	if page == nil {
		return r, nil
	}
	r.Report = out.Page
	return r, report.Write(out.Page, page)
}
