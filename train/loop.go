package train

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	"github.com/sluice-hep/sluice/internal/kernel"
)

const (
	hugeNorm  = 1e18                   // of a gradient after clipping: its square does not fit float32
	badSteps  = 5                      // so many in a row that are not finite end the training
	reportGap = 100 * time.Millisecond // between two calls of Options.Progress within an epoch
	manyNotes = 100                    // notices kept; what comes after is only shown
)

// trainer is a training under way. What must survive an interruption is in at, params, best, average and the
// optimiser's state; the rest follows from the arguments of Run.
type trainer struct {
	obj  Objective
	data Data
	cfg  Config
	opts Options
	now  func() time.Time

	id                          identity
	at                          progress
	params, grad, best, average []float32 // average is nil where decay is 0
	decay                       float64
	opt                         optimiser
	update                      *update
	stream                      Stream
	perEpoch                    int // steps an epoch

	tick      time.Time // when the last step or epoch ended
	began     time.Time // this run, perhaps a resumption
	earlier   progress  // what was done before it
	reported  time.Time
	saved     time.Time
	saveTakes time.Duration
}

func run(ctx context.Context, obj Objective, data Data, cfg Config, opts Options, now func() time.Time) (*Result, error) {
	t, err := newTrainer(obj, data, cfg, opts, now)
	if err != nil {
		return nil, err
	}
	if w, ok := obj.(Watching); ok {
		w.Watch(ctx.Done())
	}
	if err := t.start(); err != nil {
		return nil, err
	}
	for !t.finished() {
		if err := t.epoch(ctx); err != nil {
			return t.stopped(ctx, err)
		}
	}
	r, err := t.finish(ctx)
	if err != nil {
		return t.stopped(ctx, err)
	}
	return r, nil
}

// stopped tells an interruption from a training that fails, even after one.
func (t *trainer) stopped(ctx context.Context, err error) (*Result, error) {
	if !errors.Is(err, ctx.Err()) {
		return nil, err
	}
	return t.result(true), err
}

func newTrainer(obj Objective, data Data, cfg Config, opts Options, now func() time.Time) (*trainer, error) {
	cfg = cfg.WithDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	stream := data.Stream
	if stream == nil {
		stream = &shuffled{rows: data.Train, seed: opts.Seed}
	}
	switch n := stream.Events(); {
	case n < cfg.Batch:
		return nil, &FieldError{"batch", fmt.Sprintf("a batch of %d needs as many training events, but there are only %d: "+
			"take more events, or set train.batch to %d or less", cfg.Batch, n, max(n, 1))}
	case cfg.Patience > 0 && len(data.Valid) == 0:
		return nil, &FieldError{"patience", "there are no validation events to judge by: set train.valid higher, or patience to 0"}
	case len(obj.Params()) == 0:
		return nil, fmt.Errorf("train: there are no parameters to train")
	}
	n := len(obj.Params())
	t := &trainer{
		obj: obj, data: data, cfg: cfg, opts: opts, now: now,
		params: obj.Params(), grad: kernel.Aligned(n),
		opt: cfg.optimiser(n), stream: stream,
		perEpoch: stepsPerEpoch(stream.Events(), cfg.Batch),
		at:       progress{LRFactor: 1, Valid: NLL(math.NaN()), BestValid: NLL(math.NaN())},
	}
	t.decay = cfg.decay(t.perEpoch * cfg.Epochs)
	if t.decay > 0 {
		t.average = kernel.Aligned(n)
	}
	switch {
	case len(data.Valid) > 0:
		t.best = kernel.Aligned(n)
	case t.average != nil: // without validation the last are the best
		t.best = t.average
	default:
		t.best = t.params
	}
	t.update = newUpdate(obj, t.opt, t.params, t.grad, t.average)
	return t, nil
}

// stepsPerEpoch counts a last batch that is short if it is at least half a batch: the gradient of a few events
// is mostly noise. They come in another place in the next epoch.
func stepsPerEpoch(n, batch int) int {
	steps := n / batch
	if 2*(n%batch) >= batch {
		steps++
	}
	return steps
}

// start takes up the state on disk, or writes the first one: a place that cannot be written is known before
// the work, not after it.
func (t *trainer) start() error {
	t.began = t.now()
	t.tick, t.reported = t.began, t.began
	if t.opts.State != "" {
		t.id = t.identity()
	}
	switch found, err := t.takeUp(); {
	case err != nil:
		return err
	case found:
		t.earlier, t.saved = t.at, t.began
		t.show(fmt.Sprintf("resumed in epoch %d after %d steps", min(t.at.Epoch+1, t.cfg.Epochs), t.at.Steps), false)
		return nil
	}
	for _, text := range t.opts.Notices {
		t.notice(text)
	}
	return t.agree(t.save())
}

func (t *trainer) finished() bool {
	return t.at.Step == 0 && (t.at.Epoch >= t.cfg.Epochs || t.impatient() || t.timeUp() && t.at.Steps > 0)
}

// impatient tells whether there was no better validation for too long.
func (t *trainer) impatient() bool {
	at := &t.at
	if t.cfg.Patience != 0 || len(t.data.Valid) == 0 {
		return t.cfg.Patience > 0 && at.Stale >= t.cfg.Patience
	}
	share := float64(at.Stale) / float64(t.cfg.Epochs)
	if t.cfg.MaxSeconds > 0 {
		share = max(share, (t.seconds()-at.BestSeconds)/t.cfg.MaxSeconds)
	}
	return at.Stale >= patienceEpochs && share >= patienceShare
}

func (t *trainer) seconds() float64 { return t.earlier.Seconds + t.tick.Sub(t.began).Seconds() }

func (t *trainer) timeUp() bool { return t.cfg.MaxSeconds > 0 && t.seconds() >= t.cfg.MaxSeconds }

// epoch takes the steps that are left of an epoch and validates.
func (t *trainer) epoch(ctx context.Context) error {
	for t.at.Step < t.perEpoch {
		rows, err := t.stream.Rows(ctx, t.at.Epoch, t.at.Step*t.cfg.Batch, t.cfg.Batch)
		if err := t.agree(cmp.Or(ctx.Err(), err)); err != nil {
			return t.interrupted(ctx, err)
		}
		if err := t.step(rows); err != nil {
			return err
		}
		t.tick = t.time()
		if t.tick.Sub(t.reported) >= reportGap {
			t.report(false)
			t.look()
		}
		t.saveAfter(20 * time.Second)
		if t.timeUp() {
			break
		}
	}
	if err := t.validate(ctx); err != nil {
		return t.interrupted(ctx, err)
	}
	t.tick = t.time()
	t.report(true)
	t.saveAfter(time.Second)
	return nil
}

// step is one gradient and, where that is finite, one step of the optimiser.
func (t *trainer) step(rows []int32) error {
	at := &t.at
	at.LR = at.LRFactor * t.cfg.Schedule.rate(t.cfg.LR, t.clock())
	t.setStep(rows)
	loss := t.obj.Gradient(rows, t.grad)
	norm, scale := t.update.clip(t.cfg.ClipNorm)
	at.Step++
	at.Steps++
	at.Events += len(rows)
	if !finite(loss) || !(scale*norm < hugeNorm) {
		return t.skip(loss)
	}
	at.Bad = 0
	at.Applied++
	t.update.take(at.LR, scale, averageRate(t.decay, at.Applied), at.Applied)
	at.LossSum += loss * float64(len(rows))
	at.LossEvents += len(rows)
	return nil
}

func (t *trainer) clock() clock {
	c := clock{step: t.at.Steps, perEpoch: t.perEpoch, epochs: t.cfg.Epochs}
	if t.cfg.MaxSeconds > 0 {
		c.time = t.seconds() / t.cfg.MaxSeconds
	}
	return c
}

// skip halves the learning rate in place of a step that cannot be taken.
func (t *trainer) skip(loss float64) error {
	at := &t.at
	what := "gradient"
	if !finite(loss) {
		what = "loss"
	}
	at.Bad++
	if at.Bad >= badSteps {
		if t.opts.State != "" {
			_ = os.Remove(t.opts.State) // it would only lead here again
		}
		return &DivergedError{fmt.Sprintf("epoch %d, step %d: the %s is not finite, for the %dth step in a row; %s",
			at.Epoch+1, at.Step, what, at.Bad, t.likelyCause())}
	}
	at.LRFactor /= 2
	t.notice(fmt.Sprintf("epoch %d, step %d: the %s is not finite: step undone, learning rate halved to %.3g",
		at.Epoch+1, at.Step, what, at.LR/2))
	return nil
}

// DivergedError is a training whose loss or gradient is not finite any more.
type DivergedError struct{ Reason string }

func (e *DivergedError) Error() string { return "train: " + e.Reason }

func (t *trainer) likelyCause() string {
	if t.at.Applied == 0 {
		return "no step ever succeeded, so look for infinite or very large values in the features or weights, or prepare the features (prepare: auto)"
	}
	return fmt.Sprintf("the likely cause is too high a learning rate: lower train.lr (%g) or train.clip_norm, or warm up (train.schedule.warmup)", t.cfg.LR)
}

// validate ends an epoch.
func (t *trainer) validate(ctx context.Context) error {
	at := &t.at
	near, err := t.stream.Near(ctx, at.Epoch, at.Step*t.cfg.Batch-1)
	if err := t.agree(err); err != nil {
		return err
	}
	kept := t.params
	valid := math.NaN()
	if t.average != nil {
		kept = t.average
		swap(t.params, t.average)
	}
	if len(t.data.Valid) > 0 {
		t.freeze(near, freezeEvents)
		valid = t.obj.Loss(t.data.Valid)
	}
	if t.opts.Look != nil && ctx.Err() == nil {
		t.opts.Look(func(do func()) { do() })
	}
	if t.average != nil {
		swap(t.params, t.average)
	}
	if err := t.agree(ctx.Err()); err != nil {
		return err
	}
	at.Epoch++
	at.Valid = asNLL(valid)
	at.Stale++
	// Until one is finite, and without validation, the last epoch is the best.
	mean := t.meanValid(valid)
	if never := math.IsNaN(float64(at.BestValid)); never || mean < at.BestMean {
		if finite(valid) {
			at.BestValid, at.BestMean, at.Stale, at.BestSeconds = at.Valid, mean, 0, t.seconds()
		}
		at.BestEpoch = at.Epoch
		copy(t.best, kept)
	}
	at.History = append(at.History, Epoch{at.Epoch, t.runningLoss(), at.Valid, at.LR})
	at.Step, at.LossSum, at.LossEvents = 0, 0, 0
	if len(t.data.Valid) > 0 && !finite(valid) {
		t.notice(fmt.Sprintf("epoch %d: the validation loss is not finite: an event has a density of 0 or NaN", at.Epoch))
	}
	return nil
}

// meanValid is the mean of the validation loss over the last epochs, of which this is the last one's.
func (t *trainer) meanValid(valid float64) NLL {
	n := min(max(t.cfg.ValidOver, 1), len(t.at.History)+1)
	for _, e := range t.at.History[len(t.at.History)+1-n:] {
		valid += float64(e.ValidNLL)
	}
	return asNLL(valid / float64(n))
}

func (t *trainer) runningLoss() NLL { return asNLL(t.at.LossSum / float64(t.at.LossEvents)) }

// interrupted is an error that ended an epoch; where ctx was cancelled, the state is kept.
func (t *trainer) interrupted(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	text := "no state was kept"
	if t.opts.State != "" {
		if err := t.save(); err != nil {
			return fmt.Errorf("%w: the state could not be kept: %w", ctx.Err(), err)
		}
		text = "state kept in " + t.opts.State
	}
	return fmt.Errorf("train: epoch %d, step %d: %w; %s", t.at.Epoch+1, t.at.Step, ctx.Err(), text)
}

// finish leaves the best parameters and judges them.
func (t *trainer) finish(ctx context.Context) (*Result, error) {
	t.saveOrSay()
	near, err := t.stream.Near(ctx, t.at.Epoch-1, t.perEpoch*t.cfg.Batch-1)
	if err := t.agree(err); err != nil {
		return nil, t.interrupted(ctx, err)
	}
	copy(t.params, t.best)
	r := t.result(false)
	judge, other := t.judge(near, r)
	if t.at.Epoch < t.cfg.Epochs && t.impatient() {
		line := fmt.Sprintf("ended after epoch %d: no validation was better than that of epoch %d (train.patience; 0 for none)", t.at.Epoch, t.at.BestEpoch)
		r.Notices = append(r.Notices[:len(r.Notices):len(r.Notices)], line)
		t.show(line, false)
	}
	again := t.freeze(near, len(near)) || other
	if f, ok := t.obj.(Finished); ok {
		judge, again = f.Finish(), true
	}
	r.ValidNLL = t.at.BestValid
	if again && len(t.data.Valid) > 0 {
		r.ValidNLL = asNLL(judge.Loss(t.data.Valid))
	}
	r.TrainNLL = asNLL(judge.Loss(near))
	if len(t.data.Test) > 0 {
		r.TestNLL, r.TestError = judged(judge, t.data.Test)
	}
	if err := t.agree(ctx.Err()); err != nil {
		return nil, t.interrupted(ctx, err)
	}
	return r, nil
}

// judge is the Objective that the parameters are judged by. Where that is another than the one trained, it decides between those of the
// epoch with the best validation and the last ones: the loss that is no measure of what is wanted scatters by more than the end of a
// training gains, so that its lowest value is mostly one of chance.
func (t *trainer) judge(near []int32, r *Result) (judge Objective, other bool) {
	j, ok := t.obj.(Judged)
	if !ok {
		return t.obj, false
	}
	judge = j.Judge()
	r.Unit, r.HistoryUnit = unitOf(judge), r.Unit
	last := t.average
	if len(t.data.Valid) == 0 || last == nil || t.at.BestEpoch == t.at.Epoch {
		return judge, true
	}
	t.freeze(near, len(near))
	best := judge.Loss(t.data.Valid)
	copy(t.params, last)
	t.freeze(near, len(near))
	if judge.Loss(t.data.Valid) < best {
		r.BestEpoch = t.at.Epoch
	} else {
		copy(t.params, t.best)
	}
	return judge, true
}

// judged is the loss of events and, where the objective tells it, its standard error.
func judged(obj Objective, rows []int32) (loss NLL, deviation float64) {
	s, ok := obj.(Scattering)
	if !ok {
		return asNLL(obj.Loss(rows)), 0
	}
	mean, deviation := s.LossError(rows)
	if !finite(deviation) {
		deviation = 0
	}
	return asNLL(mean), deviation
}

func (t *trainer) result(interrupted bool) *Result {
	none := NLL(math.NaN())
	r := &Result{
		Epochs: t.at.Epoch, Steps: t.at.Steps, BestEpoch: t.at.BestEpoch, Unit: unitOf(t.obj),
		TrainNLL: none, ValidNLL: t.at.BestValid, TestNLL: none,
		Seconds: t.seconds(), History: t.at.History, Notices: t.at.Notices, Interrupted: interrupted,
	}
	if r.Seconds > 0 {
		r.EventsPerSecond = float64(t.at.Events) / r.Seconds
	}
	return r
}
