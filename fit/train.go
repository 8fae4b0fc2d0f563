package fit

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/feed"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/prep"
	"github.com/sluice-hep/sluice/train"
)

// Train fits the flow of the card to the events. The NLL of the result are in the user's units. When ctx is cancelled, the
// state is saved to Options.State and the error wraps ctx's; the training of another call with Resume ends with the same bits.
func (d *Data) Train(ctx context.Context, o Options) (*model.Model, *train.Result, error) {
	o = o.Filled()
	var density model.Density
	var result *train.Result
	var err error
	if d.card.Train.Ensemble > 1 {
		density, result, err = d.ensemble(ctx, o)
	} else {
		density, result, err = d.one(ctx, o, d.card.Seed, weightNotices(d.survey.Weights))
	}
	if err != nil {
		return nil, result, err
	}
	text, err := d.card.Portable().YAML()
	if err != nil {
		return nil, nil, err
	}
	overfits(result, o.Warn)
	return &model.Model{Features: d.Features, Context: d.Context, Density: density, Seed: d.card.Seed, Card: string(text), Train: result}, result, nil
}

// one trains a density of the card from a seed; notices are on the data.
func (d *Data) one(ctx context.Context, o Options, seed uint64, notices []string) (model.Density, *train.Result, error) {
	b, err := d.bind(ctx, o, seed)
	if err == nil {
		defer d.close(b)
	}
	if err := d.join(o, b, err); err != nil {
		return nil, nil, err
	}
	result, err := train.Run(ctx, b.Objective, d.Rows, b.cfg, train.Options{
		Seed: seed, Notices: notices, State: o.State, StateOf: o.StateOf, Resume: o.Resume, DataID: d.id(), Peers: o.trainPeers(), Look: d.look(o, b, seed),
		Progress: func(at train.Progress) {
			switch {
			case at.Warning:
				o.Warn(at.Notice)
			case at.Notice != "":
				o.Notice(at.Notice)
			}
			if o.Progress != nil {
				o.Progress(at)
			}
		},
	})
	if err != nil {
		return nil, result, trainError(err)
	}
	if b.failed != nil {
		return nil, nil, b.failed
	}
	lines, loose, err := d.numerical(b)
	if err != nil {
		return nil, nil, err
	}
	for _, line := range b.said {
		result.Notices = append(result.Notices, line)
		o.Notice(line)
	}
	tell := o.Notice
	if loose {
		tell = o.Warn
	}
	for _, line := range lines {
		result.Notices = append(result.Notices, line)
		tell(line)
	}
	return b.density, result, nil
}

// look lets o.Look see the density on its way.
func (d *Data) look(o Options, b *bound, seed uint64) func(see func(do func())) {
	if o.Look == nil {
		return nil
	}
	m := &model.Model{Features: d.Features, Context: d.Context, Density: b.density, Seed: seed}
	return func(see func(do func())) {
		o.Look(func(do func(m *model.Model)) { see(func() { do(m) }) })
	}
}

// unbound is an error about the events or the flow, with the names of the features.
func (d *Data) unbound(err error) error {
	var outside *flow.SupportError
	if errors.As(err, &outside) {
		i, _ := strconv.Atoi(outside.Feature)
		outside.Feature = d.Features.InFlow()[i]
	}
	return fault.Of(err)
}

// close ends what works for a training.
func (d *Data) close(b *bound) {
	b.close()
	if d.windows != nil {
		d.windows.Close()
	}
}

// returning is how many events are taken through a flow and back.
const returning = 1000

// mostTurned is how far, in nats, their log-determinants may be from coming back to 0, in the mean, before a density is none.
const mostTurned = 0.05

// numerical says what there is to say of a flow whose map is found by numerical steps.
func (d *Data) numerical(b *bound) (lines []string, loose bool, err error) {
	both, ok := b.density.(twoWay)
	if !ok || len(b.flow.Numerical()) == 0 || b.flow.OneWay() != "" {
		return nil, false, nil
	}
	held := d.Rows.Test
	if len(held) == 0 {
		held = slices.Concat(d.Rows.Valid, d.Rows.Train)
	}
	rows := evenly(held, returning)
	x, given := take(d.x, rows), take(d.context, rows)
	z, up, err := both.ToLatent(x, given)
	if err != nil {
		return nil, false, err
	}
	back, down, err := both.ToData(z, given)
	if err != nil {
		return nil, false, err
	}
	var off, turned, mean float64
	for e := range rows {
		wrong := math.Abs(float64(up[e] + down[e]))
		turned = max(turned, wrong)
		mean += wrong / float64(len(rows))
		for f := range x {
			off = max(off, math.Abs(float64(back[f][e]-x[f][e])))
		}
	}
	lines = append(lines, fmt.Sprintf("the way through the flow is numerical: %s came back from the latent space to within %.2g of the prepared "+
		"columns, whose width is about 1, and to within %.2g nats of the log-determinant", say.Count(len(rows), "event"), off, turned))
	if loose = !(mean <= mostTurned); loose {
		lines[0] += fmt.Sprintf(", %.2g in the mean: the steps are too coarse for what was learned, and the densities, and each NLL, wrong; set a smaller tolerance, or more steps", mean)
	}
	if _, ok := b.Objective.(*matching); ok {
		lines = append(lines, fmt.Sprintf("each NLL is that of %d events at most, evenly spread, integrated one by one; the history has the loss that was trained", judgedEvents))
	}
	return lines, loose, nil
}

// overfits adds a line where a model knows the training events by heart.
func overfits(r *train.Result, warn func(line string)) {
	gap := float64(r.TestNLL - r.TrainNLL)
	if errors := gap / (math.Sqrt2 * r.TestError); r.TestError > 0 && errors > 5 && gap > 0.02 {
		line := fmt.Sprintf("the model overfits: test events have an NLL %.3g nats higher than training events (%.0f standard errors; "+
			"%s of %d); take more events, a smaller flow or dropout", gap, errors, r.Kept(), r.Epochs)
		r.Notices = append(r.Notices, line)
		warn(line)
	}
}

// flowSpec is the card's flow, with circular splines for the angles that are prepared as such, and with the features by their numbers: those that
// it sees; and with the sets of objects of its context.
func (d *Data) flowSpec() (flow.Spec, error) {
	var angles []string
	for i := range d.Features.Columns {
		if c := &d.Features.Columns[i]; c.InFlow() && c.Circle() {
			angles = append(angles, c.Name)
		}
	}
	spec, ok := d.card.Flow, true
	if d.Features.HasCodes() && len(spec.Layers) == 0 && spec.Context == "" && spec.Net != "residual" {
		spec.Context = "first" // codes in all layers of a network are learned by heart: docs/performance.md
	}
	if len(angles) > 0 {
		spec, ok = spec.Circular(angles...)
	}
	switch {
	case !ok && d.base != nil:
		return spec, fmt.Errorf("base_model: its %s is an angle whose ends are one point: a flow on it has couplings or autoregressive layers alone, with circular-spline for it",
			strings.Join(angles, ", "))
	case !ok:
		return spec, fmt.Errorf("prepare: %s: a circle is for a flow of couplings or autoregressive layers alone, with circular-spline and the base box for it: "+
			"take periodic without circle, then quantile: {low: 0, high: 1}", strings.Join(angles, ", "))
	}
	spec, err := spec.Resolve(d.Features.InFlow())
	if d.base != nil {
		spec.Base, spec.Bases = flow.Part{Kind: flow.TrainedBase}, nil
	}
	if len(d.Context.Sets) > 0 {
		spec.ContextNet = throughSets(spec.ContextNet, d.Context.Sets)
	}
	return spec, err
}

// throughSets is the network of a context with sets of objects: deep-sets, with the options of the card.
func throughSets(net flow.Part, sets []prep.Set) flow.Part {
	var objects, variables []int
	for _, s := range sets {
		objects, variables = append(objects, s.Most), append(variables, s.Objects.Dim())
	}
	part := flow.Part{Kind: flow.DeepSets, Options: maps.Clone(net.Options)}
	if part.Options == nil {
		part.Options = map[string]any{}
	}
	part.Options["objects"], part.Options["variables"] = objects, variables
	return part
}

// circles are the features that the card's flow can take as angles whose ends are one point.
func circles(c *card.Card) map[string]bool {
	can := map[string]bool{}
	for _, name := range c.Features {
		_, can[name] = c.Flow.Circular(name)
	}
	return can
}

// trainError marks what the user can set right.
func trainError(err error) error {
	var field *train.FieldError
	var state *train.StateError
	if errors.As(err, &field) || errors.As(err, &state) {
		return fault.Of(err)
	}
	return err
}

// weightNotices has a line when more than a tenth of the training events, or of their absolute weight, is negative.
func weightNotices(s feed.WeightSum) []string {
	if s.Negative <= 0.1*s.Events && s.Below <= 0.1*s.Absolute {
		return nil
	}
	return []string{fmt.Sprintf("%.1f %% of the events, with %.1f %% of the absolute weight, have negative weights: "+
		"they count negatively, and the fit needs correspondingly more events", 100*s.Negative/s.Events, 100*s.Below/s.Absolute)}
}
