package fit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/internal/await"
	"github.com/sluice-hep/sluice/mix"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/stats"
	"github.com/sluice-hep/sluice/train"
)

// ensemble trains one model after the other, on the same events in the same preparation, from seeds that follow from the card's: how
// they begin and in which order they see the events is what they differ in. One that diverges is left out, and told.
func (d *Data) ensemble(ctx context.Context, o Options) (model.Density, *train.Result, error) {
	n := d.card.Train.Ensemble
	r := &train.Result{Notices: weightNotices(d.survey.Weights), Ensemble: &train.Ensemble{}}
	for _, line := range r.Notices {
		o.Warn(line)
	}
	var members []mix.Density
	for i := range n {
		seed, own := mix.MemberSeed(d.card.Seed, i), o.member(i, n)
		density, one, err := d.one(ctx, own, seed, nil)
		m := train.Member{Seed: seed}
		var diverged *train.DivergedError
		switch {
		case errors.As(err, &diverged) && len(members) == 0 && i == n-1:
			return nil, nil, fmt.Errorf("every member of the ensemble diverged; the last: %w", err)
		case errors.As(err, &diverged):
			none := train.NLL(math.NaN())
			m.Failed, m.Result = diverged.Reason, train.Result{TrainNLL: none, ValidNLL: none, TestNLL: none}
			line := fmt.Sprintf("member %d of %d (seed %d) diverged and is left out: %s", i+1, n, seed, diverged.Reason)
			r.Notices = append(r.Notices, line)
			o.Warn(line)
		case err != nil:
			return nil, one, err
		default:
			for _, line := range one.Notices {
				r.Notices = append(r.Notices, memberName(i, n)+line)
			}
			one.Notices = nil
			m.Result = *one
			members = append(members, density.(mix.Density))
		}
		r.Ensemble.Members = append(r.Ensemble.Members, m)
	}
	e, err := mix.NewEnsemble(members...)
	if err != nil {
		return nil, nil, err
	}
	if err := d.judgeEnsemble(ctx, e, r); err != nil {
		return nil, nil, err
	}
	for _, line := range stragglers(r.Ensemble) {
		r.Notices = append(r.Notices, line)
		o.Warn(line)
	}
	return e, r, nil
}

func memberName(i, n int) string { return fmt.Sprintf("member %d of %d: ", i+1, n) }

// member are the options for training one of an ensemble.
func (o Options) member(i, n int) Options {
	own := o
	own.State = train.MemberState(o.State, i)
	own.Notice = func(line string) { o.Notice(memberName(i, n) + line) }
	own.Warn = func(line string) { o.Warn(memberName(i, n) + line) }
	if o.Progress != nil {
		own.Progress = func(at train.Progress) {
			at.Member, at.Members = i+1, n
			o.Progress(at)
		}
	}
	return own
}

// judgeEnsemble sets what is said of all members together.
func (d *Data) judgeEnsemble(ctx context.Context, e *mix.Ensemble, r *train.Result) (err error) {
	near := d.Rows.Train
	if d.windows != nil {
		defer d.windows.Close()
		if near, err = d.windows.Near(ctx, 0, 0); err != nil {
			return err
		}
	}
	var worked float64
	few := false
	for _, m := range r.Ensemble.Members {
		r.Epochs, r.Steps, r.Seconds, worked = r.Epochs+m.Epochs, r.Steps+m.Steps, r.Seconds+m.Seconds, worked+m.Seconds*m.EventsPerSecond
		if m.Failed == "" {
			r.Unit, few = m.Unit, m.HistoryUnit != ""
		}
	}
	if r.Seconds > 0 {
		r.EventsPerSecond = worked / r.Seconds
	}
	none := train.NLL(math.NaN())
	r.TrainNLL, r.ValidNLL, r.TestNLL = none, none, none
	for _, s := range []struct {
		name string
		rows []int32
		nll  *train.NLL
	}{{"training", near, &r.TrainNLL}, {"validation", d.Rows.Valid, &r.ValidNLL}, {"test", d.Rows.Test, &r.TestNLL}} {
		if len(s.rows) == 0 {
			continue
		}
		if few { // as the members' own are
			s.rows = evenly(s.rows, judgedEvents)
		}
		loss, deviation, spread, err := d.judge(ctx, e, s.rows)
		if err != nil {
			return err
		}
		*s.nll, r.TestError = finite(loss), float64(finite(deviation)) // that of the last, which tests if any do
		r.Ensemble.Sample, r.Ensemble.Spread = s.name, finite(spread)
	}
	if r.TestError != r.TestError || len(d.Rows.Test) == 0 {
		r.TestError = 0
	}
	compare(r.Ensemble)
	return nil
}

// compare sets the mean and the standard deviation of the members' losses.
func compare(e *train.Ensemble) {
	var nll []float64
	for _, m := range e.Members {
		if m.Failed == "" {
			nll = append(nll, float64(m.NLL(e.Sample)))
		}
	}
	mean, ofMean := stats.MeanError(nll, nil)
	e.Mean = finite(mean)
	if n := float64(len(nll)); n > 1 {
		e.Deviation = finite(ofMean * n / math.Sqrt(n-1))
	}
}

// astray is how far, in nats, a member's loss is above the lowest where something is wrong with it.
const astray = 1

// stragglers says which members have not learned what the others have.
func stragglers(e *train.Ensemble) (lines []string) {
	lowest := math.Inf(1)
	for _, m := range e.Members {
		if v := float64(m.NLL(e.Sample)); m.Failed == "" && v < lowest {
			lowest = v
		}
	}
	for i, m := range e.Members {
		v := float64(m.NLL(e.Sample))
		switch {
		case m.Failed != "":
		case v != v:
			lines = append(lines, memberName(i, len(e.Members))+fmt.Sprintf("the NLL of the %s events is not finite: an event has a density of 0 or NaN", e.Sample))
		case v > lowest+astray:
			lines = append(lines, memberName(i, len(e.Members))+fmt.Sprintf("its NLL of the %s events is %.3g nats above the best member's: it has not learned what that has (another seed, or more epochs)", e.Sample, v-lowest))
		}
	}
	return lines
}

// judge is the weighted mean NLL of the events in rows, its standard error, and the mean spread of the members' log-densities.
func (d *Data) judge(ctx context.Context, e *mix.Ensemble, rows []int32) (loss, deviation, spread float64, err error) {
	const block = 1 << 14
	nll, weights := make([]float64, 0, len(rows)), []float64(nil)
	for some := range slices.Chunk(rows, block) {
		x, given := take(d.x, some), take(d.context, some)
		each, err := await.Do(ctx, "the ensemble", func() (each [][]float64, err error) {
			for _, m := range e.Members {
				l, err := m.LogProb(x, given)
				if err != nil {
					return nil, err
				}
				each = append(each, l)
			}
			return each, nil
		})
		if err != nil {
			return 0, 0, 0, err
		}
		mean, apart := mix.Mean(each)
		for i, r := range some {
			nll = append(nll, -mean[i]-d.logDet[r])
			spread += apart[i] / float64(len(rows))
			if d.weight != nil {
				weights = append(weights, float64(d.weight[r]))
			}
		}
	}
	loss, deviation = stats.MeanError(nll, weights)
	return loss, deviation, spread, nil
}

// take is the events in rows.
func take(columns [][]float32, rows []int32) (some [][]float32) {
	for _, c := range columns {
		col := make([]float32, len(rows))
		for i, r := range rows {
			col[i] = c[r]
		}
		some = append(some, col)
	}
	return some
}

// finite is a loss, none where it is not finite.
func finite(x float64) train.NLL {
	if x-x != 0 {
		return train.NLL(math.NaN())
	}
	return train.NLL(x)
}
