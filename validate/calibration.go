package validate

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/stats"
)

// CalibrationOptions say how much Calibrate draws. The zero value: 1,000 events and 100 draws of each, fewer of a model that is expensive, and up to four
// times as many events where their weights make them worth fewer.
type CalibrationOptions struct {
	Events int // held-out events looked at, spread over all of them
	Draws  int // of the model, for each of them
	Seed   uint64
	Within float64 // as of model.SampleWithin
	// Local is the number of events, the first of those looked at, at whose context the density is tested alone (LocalC2ST): a hundred trainings of
	// a classifier, a minute or so for all of them. The classifiers learn from all events looked at, of which there should be thousands.
	Local   int
	Threads int // of those trainings; 0: all
}

// Calibration says whether a model gives the events that it was not trained on the probabilities that they have: of a model with a
// context, given that; of one without, among all events.
type Calibration struct {
	Events      int     `json:"events"`    // looked at, of
	HeldOut     int     `json:"held_out"`  // so many
	Effective   float64 `json:"effective"` // by their weights
	Draws       int     `json:"draws"`     // of each
	Redrawn     int     `json:"redrawn"`   // draws that lay too far beyond the trained range
	Conditional bool    `json:"conditional"`

	Coverage68 float64 `json:"coverage68"` // of the regions of highest density that claim 68 %
	Coverage95 float64 `json:"coverage95"`
	// The probabilities, by chance alone, of ranks so far from uniform: by chi2 in the column where it is least, times the number of columns; and, by
	// KS, of the log-density and of the distance from a reference point. AveragedP is that of events so far from the draws of all of them
	// together, as SBCP. They are nil where the events are too few.
	SBCP      *float64 `json:"sbc_p"`
	HPDP      *float64 `json:"hpd_p"`
	TARPP     *float64 `json:"tarp_p"`
	AveragedP *float64 `json:"averaged_p"`

	HPD     *stats.Calibration `json:"hpd"`  // of the content of the smallest region of highest density that holds the event
	TARP    *stats.Calibration `json:"tarp"` // of the share of the draws nearer to a reference point than the event is
	Columns []CalibratedColumn `json:"columns"`
	Outside *Outside           `json:"context_outside,omitempty"` // nil without a context
	Local   []stats.Test       `json:"local,omitempty"`           // at the context of each of the first events
}

// CalibratedColumn is what the draws say of a feature of their events.
type CalibratedColumn struct {
	Name string             `json:"name"`
	Unit string             `json:"unit,omitempty"`
	Text bool               `json:"text,omitempty"` // names, ranked in an arbitrary order
	PIT  *stats.Calibration `json:"pit"`            // of the share of the draws below the event: the ranks of SBC
	// Central is PIT's of the content of the smallest central interval of the draws that holds the event.
	Central  *stats.Calibration `json:"central"`
	Averaged *stats.Averaged    `json:"averaged"` // the events against the draws of all of them together
	Bins     *Oversampled       `json:"bins,omitempty"`
}

// Oversampled are the shares of the events, and of the draws of all of them together, in bins. Error is right for so many draws of each event; Naive is
// what the square root of the number of draws would give.
type Oversampled struct {
	Edges          []float64 `json:"edges"`
	Log            bool      `json:"log,omitempty"` // bins are parts of decades
	Reference      []float64 `json:"reference"`
	ReferenceError []float64 `json:"reference_error"`
	Generated      []float64 `json:"generated"`
	Error          []float64 `json:"generated_error"`
	Naive          []float64 `json:"generated_naive_error"`
}

// How much is drawn unless told otherwise, and what of a model that is expensive: the cost is that of draws by parameters.
const (
	calibratedEvents, calibratedDraws = 1000, 100
	fewEvents, fewDraws               = 250, 50
	costly                            = 5e10
	numericalCost                     = 100 // steps of a flow that is computed by numerical ones
	calibratedRows                    = 1 << 14
	oversampledBins                   = 30
)

// mostForOne events are taken where their weights make them worth one, at most.
const mostForOne = 4

// worthOne is how many events are worth one by their weights.
func worthOne(t *events.Table) (float64, error) {
	w, err := t.Weights()
	if err != nil || w == nil || t.Len() == 0 {
		return 1, err
	}
	cdf, err := stats.NewCDF(make([]float64, len(w)), w)
	if err != nil {
		return 1, err
	}
	return float64(len(w)) / cdf.Effective(), nil
}

// filled puts what is not given.
func (o CalibrationOptions) filled(m *model.Model, worth float64) CalibrationOptions {
	n, l := calibratedEvents, calibratedDraws
	cost := float64(n*l) * float64(m.Density.Size())
	if d, ok := m.Density.(interface{ Numerical() []string }); ok && len(d.Numerical()) > 0 {
		cost *= numericalCost
	}
	if cost > costly {
		n, l = fewEvents, fewDraws
	}
	if o.Events == 0 {
		o.Events = int(float64(n) * min(worth, mostForOne))
	}
	if o.Draws == 0 {
		o.Draws = l
	}
	return o
}

// Calibrate draws from a model for events that it was not trained on, each given its context, and ranks the events among their draws: in each feature,
// by their log-density, and by their distance from a reference point. The ranks of a calibrated model are uniform, whatever the columns
// are: equal values, of integers and codes, are ranked in random order, and a missing cell is a value below all others. Weights of
// the events, of either sign, count. The result depends on the seed, not on the number of threads. Memory is that of some 16,000 draws.
func Calibrate(ctx context.Context, m *model.Model, heldOut *events.Table, o CalibrationOptions) (*Calibration, error) {
	worth, err := worthOne(heldOut)
	if err != nil {
		return nil, fmt.Errorf("calibration: %w", err)
	}
	o = o.filled(m, worth)
	if o.Events < 1 || o.Draws < 1 {
		return nil, fmt.Errorf("calibration by %d events and %d draws of each: there must be at least one", o.Events, o.Draws)
	}
	if heldOut.Len() == 0 {
		return nil, errors.New("calibration: there are no events that the model was not trained on")
	}
	c := &calibrating{m: m, o: o, seeds: rng.New(o.Seed, rng.StreamTest, partCalibration)}
	c.Draws, c.HeldOut, c.Events = o.Draws, heldOut.Len(), min(o.Events, heldOut.Len())
	c.Conditional = conditional(m)
	if err := c.begin(heldOut); err != nil {
		return nil, err
	}
	block := max(1, calibratedRows/o.Draws)
	for first := 0; first < c.Events; first += block {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("calibration: interrupted after %s: %w", say.Count(first, "event"), err)
		}
		if err := c.block(first, min(first+block, c.Events)); err != nil {
			return nil, fmt.Errorf("calibration: %w", err)
		}
	}
	if err := c.finish(); err != nil {
		return nil, fmt.Errorf("calibration: %w", err)
	}
	if err := c.local(ctx); err != nil {
		return nil, fmt.Errorf("calibration: %w", err)
	}
	return &c.Calibration, nil
}

// partCalibration keeps its random numbers from those of others with the same seed.
const partCalibration = 0x43414c42

// calibrating is a calibration under way.
type calibrating struct {
	Calibration
	m     *model.Model
	o     CalibrationOptions
	seeds *rng.Source

	truth      *events.Table
	weights    []float64
	logProb    []float64
	drawn      uint64      // seed of the draws
	values     [][]float64 // of the truth, a column for each feature
	references [][]float64 // points from which distances are measured, and
	scale      []float64   // their units
	hpd, tarp  []int
	columns    []calibratingColumn
	once       [][]float64   // a draw for each event, where the density is tested alone
	at         []Observation // there
}

type calibratingColumn struct {
	ranks               []int
	averaging           *stats.Averaging
	log                 bool             // the bins of the histograms are parts of decades
	truth, drawn, naive *stats.Histogram // nil where all cells are missing
}

// begin takes the events, and makes the reference points: a draw for each event given the context of another, so that it does not depend on the event.
func (c *calibrating) begin(heldOut *events.Table) (err error) {
	rows := make([]int32, c.Events)
	for i := range rows {
		rows[i] = int32(int64(i) * int64(c.HeldOut) / int64(c.Events))
	}
	c.truth = heldOut.Take(rows)
	if c.weights, err = c.truth.Weights(); err != nil {
		return err
	}
	if c.Conditional {
		if c.Outside, err = OutsideContext(c.m, heldOut); err != nil {
			return err
		}
	}
	if c.logProb, err = c.m.LogProb(c.truth, 1); err != nil {
		return err
	}
	if c.values, err = c.features(c.truth); err != nil {
		return err
	}
	for i := range rows {
		rows[i] = int32((i + c.Events/2 + 1) % c.Events)
	}
	c.drawn = c.seeds.Uint64()
	points, _, err := c.m.SampleWithin(c.Events, c.given(c.truth.Take(rows)), c.seeds.Uint64(), 0, c.o.Within)
	if err != nil {
		return err
	}
	if c.references, err = c.features(points); err != nil {
		return err
	}
	for k, x := range c.values {
		col, err := c.newColumn(x, c.references[k])
		if err != nil {
			return err
		}
		c.columns = append(c.columns, col)
		c.scale = append(c.scale, width(c.references[k]))
	}
	return nil
}

// given is a context as the model wants it: nil where it has none.
func (c *calibrating) given(t *events.Table) *events.Table {
	if !c.Conditional {
		return nil
	}
	return t
}

// features are the values of the model's features; NaN for a missing cell.
func (c *calibrating) features(t *events.Table) ([][]float64, error) {
	return numbersOf(t, c.m.Features.Names())
}

// numbersOf are columns as numbers. Names have the number of a hash of theirs: an order that does not depend on the events, as ranks need; NaN where there is none.
func numbersOf(t *events.Table, names []string) (x [][]float64, err error) {
	for _, name := range names {
		col, err := t.Column(name)
		if err != nil {
			return nil, err
		}
		v := make([]float64, 0, t.Len())
		if col.Type != events.Text {
			if v, err = col.Floats(v); err != nil {
				return nil, err
			}
		}
		for _, s := range col.Str {
			h := fnv.New64a()
			h.Write([]byte(s))
			if v = append(v, float64(h.Sum64()>>12)); s == "" {
				v[len(v)-1] = math.NaN()
			}
		}
		x = append(x, v)
	}
	return x, nil
}

// width is half the distance of the quantiles 16 and 84 %, or, where that is 0, the standard deviation; 1 of a constant.
func width(x []float64) float64 {
	there := valued(x)
	cdf, err := stats.NewCDF(there, nil)
	if err != nil {
		return 1
	}
	if w := (cdf.Quantile(0.84) - cdf.Quantile(0.16)) / 2; w > 0 {
		return w
	}
	if w := stats.NewMoments(there, nil).Std; w > 0 {
		return w
	}
	return 1
}

// valued are the values that are numbers.
func valued(x []float64) (there []float64) {
	for _, v := range x {
		if v-v == 0 {
			there = append(there, v)
		}
	}
	return there
}

func (c *calibrating) newColumn(truth, others []float64) (col calibratingColumn, err error) {
	col.averaging = stats.NewAveraging(others)
	cdf, err := stats.NewCDF(valued(truth), nil)
	if err != nil {
		return col, nil // nothing but missing cells: no bins
	}
	bins := stats.NewBins(cdf, cdf, oversampledBins)
	edges := bins.Edges
	col.log = bins.Log
	if col.truth, err = stats.NewHistogram(edges, truth, c.weights); err != nil {
		return col, err
	}
	col.drawn, col.naive, err = stats.Oversample(edges, nil, 1, nil)
	return col, err
}

// block draws for the events from first to before last, and ranks these.
func (c *calibrating) block(first, last int) error {
	n := last - first
	rows := make([]int32, 0, n*c.Draws)
	for i := first; i < last; i++ {
		rows = append(rows, slices.Repeat([]int32{int32(i)}, c.Draws)...)
	}
	t, redrawn, err := c.m.SampleWithin(len(rows), c.given(c.truth.Take(rows)), c.drawn, uint64(first*c.Draws), c.o.Within)
	if err != nil {
		return err
	}
	c.Redrawn += redrawn
	logProb, err := c.m.LogProb(t, 1)
	if err != nil {
		return err
	}
	draws, err := c.features(t)
	if err != nil {
		return err
	}
	if c.o.Local > 0 && c.Conditional {
		c.observe(first, last, draws)
	}
	truth, references := make([][]float64, len(draws)), make([][]float64, len(draws))
	for k := range draws {
		truth[k], references[k] = c.values[k][first:last], c.references[k][first:last]
		if err := c.columns[k].add(truth[k], draws[k], c.Draws, c.part(first, last), c.seeds.Uint64()); err != nil {
			return err
		}
	}
	hpd, _, err := stats.Ranks(c.logProb[first:last], logProb, c.seeds.Uint64())
	if err != nil {
		return err
	}
	tarp, _, err := stats.TARP(truth, draws, references, c.scale, c.seeds.Uint64())
	c.hpd, c.tarp = append(c.hpd, hpd...), append(c.tarp, tarp...)
	return err
}

// observe keeps a draw of each event, and all of those at which the density is tested alone.
func (c *calibrating) observe(first, last int, draws [][]float64) {
	if c.once == nil {
		c.once = make([][]float64, len(draws))
	}
	for i := first; i < last; i++ {
		from := (i - first) * c.Draws
		a := Observation{}
		for k, x := range draws {
			c.once[k] = append(c.once[k], x[from])
			if i < c.o.Local {
				a.Drawn = append(a.Drawn, slices.Clone(x[from:from+c.Draws]))
			}
		}
		if i < c.o.Local {
			c.at = append(c.at, a)
		}
	}
}

// local tests the density at single contexts.
func (c *calibrating) local(ctx context.Context) error {
	if c.at == nil {
		return nil
	}
	given, err := numbersOf(c.truth, c.m.Context.Names())
	if err != nil {
		return err
	}
	for i := range c.at {
		for _, x := range given {
			c.at[i].Context = append(c.at[i].Context, x[i])
		}
	}
	if why := c.notLocal(given); why != "" {
		c.Local = cannot(len(c.at), why)
		return nil
	}
	o := LocalOptions{}
	o.Seed, o.Threads = c.seeds.Uint64(), c.o.Threads
	c.Local, err = LocalC2ST(ctx, c.values, c.once, given, c.at, o)
	return err
}

// notLocal says what keeps classifiers from learning of the events.
func (c *calibrating) notLocal(given [][]float64) string {
	if c.weights != nil {
		return "the events have weights, which this test does not take"
	}
	for _, x := range slices.Concat(c.values, c.once, given) {
		if slices.ContainsFunc(x, func(v float64) bool { return v-v != 0 }) {
			return "there are missing or infinite values, which this test does not take"
		}
	}
	return ""
}

// part are the weights of some of the events; nil where all are 1.
func (c *calibrating) part(first, last int) []float64 {
	if c.weights == nil {
		return nil
	}
	return c.weights[first:last]
}

// add ranks events among their draws.
func (col *calibratingColumn) add(truth, draws []float64, perEvent int, w []float64, seed uint64) error {
	ranks, _, err := stats.Ranks(truth, draws, seed)
	if err != nil {
		return err
	}
	col.ranks = append(col.ranks, ranks...)
	if err := col.averaging.Add(truth, draws); err != nil {
		return err
	}
	if col.drawn == nil {
		return nil
	}
	right, naive, err := stats.Oversample(col.drawn.Edges, draws, perEvent, w)
	if err != nil {
		return err
	}
	col.drawn.Add(right)
	col.naive.Add(naive)
	return nil
}

// finish judges the ranks.
func (c *calibrating) finish() (err error) {
	sbc, averaged := make([]stats.Test, len(c.columns)), make([]stats.Test, len(c.columns))
	for k, name := range c.m.Features.Names() {
		col := &c.columns[k]
		out := CalibratedColumn{Name: name, Unit: c.m.Features.Columns[k].Unit}
		if at, err := c.truth.Column(name); err == nil && at.Type == events.Text {
			out.Text = true
		} else {
			out.Bins = col.bins(c.weights, c.Events)
		}
		u := stats.PIT(col.ranks, c.Draws, c.seeds.Uint64())
		if out.PIT, err = stats.NewCalibration(u, c.weights, c.seeds.Uint64()); err != nil {
			return err
		}
		if out.Central, err = stats.NewCalibration(stats.Central(u), c.weights, c.seeds.Uint64()); err != nil {
			return err
		}
		if out.Averaged, err = col.averaging.Averaged(c.weights); err != nil {
			return err
		}
		sbc[k], averaged[k] = out.PIT.Chi2, out.Averaged.Chi2
		c.Columns = append(c.Columns, out)
	}
	u := stats.PIT(c.hpd, c.Draws, c.seeds.Uint64())
	for i := range u {
		u[i] = 1 - u[i] // the draws of higher density, not of lower
	}
	if c.HPD, err = stats.NewCalibration(u, c.weights, c.seeds.Uint64()); err != nil {
		return err
	}
	u = stats.PIT(c.tarp, c.Draws, c.seeds.Uint64())
	if c.TARP, err = stats.NewCalibration(u, c.weights, c.seeds.Uint64()); err != nil {
		return err
	}
	c.SBCP, c.AveragedP, c.HPDP, c.TARPP = least(sbc...), least(averaged...), least(c.HPD.KS), least(c.TARP.KS)
	c.Effective, c.Coverage68, c.Coverage95 = c.HPD.Effective, c.HPD.Coverage68, c.HPD.Coverage95
	return nil
}

// least is the smallest p-value times the number of those there are (Bonferroni), at most 1; nil where there is none.
func least(tests ...stats.Test) *float64 {
	p, n := math.Inf(1), 0
	for _, t := range tests {
		if t.Cannot == "" {
			p, n = min(p, t.P), n+1
		}
	}
	if n == 0 {
		return nil
	}
	p = min(1, p*float64(n))
	return &p
}

// bins are the histograms as shares of all events, those without a value too.
func (col *calibratingColumn) bins(w []float64, n int) *Oversampled {
	if col.drawn == nil {
		return nil
	}
	total := float64(n)
	if w != nil {
		total = 0
		for _, e := range w {
			total += e
		}
	}
	b := &Oversampled{Edges: col.drawn.Edges, Log: col.log}
	b.Reference, b.ReferenceError = col.truth.Shares(total)
	b.Generated, b.Error = col.drawn.Shares(total)
	_, b.Naive = col.naive.Shares(total)
	return b
}
