package anomaly

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/sluice-hep/sluice/bump"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/fit"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/stats"
)

// Options are what a search may be given beside its card. The zero value works in silence on all cores.
type Options struct {
	Threads int
	Notice  func(line string)
	Warn    func(line string)
	Stage   func(name string)
}

// filled has a function where there was none.
func (o Options) filled() Options {
	f := fit.Options{Notice: o.Notice, Warn: o.Warn, Stage: o.Stage}.Filled()
	o.Notice, o.Warn, o.Stage = f.Notice, f.Warn, f.Stage
	return o
}

// Result is what a search found. Numbers of one trial, and not of all, are those of the first seed.
type Result struct {
	Out    string `json:"out,omitempty"`
	Report string `json:"report,omitempty"`

	Events     Counts             `json:"events"`
	Methods    map[string]*Method `json:"methods"`
	Order      []string           `json:"-"` // of the methods, as in the card
	Background Estimate           `json:"background"`
	Hunt       *Hunt              `json:"hunt,omitempty"`
	Seconds    float64            `json:"seconds_per_seed"`
	Notices    []string           `json:"notices,omitempty"`
	Warnings   []string           `json:"warnings,omitempty"`

	signalRegion [2]float64
	mass, unit   string
	spectrum     *bump.Spectrum // of all data
	smooth       *bump.Smooth   // fitted to its sidebands
	selected     *bump.Spectrum // that was hunted in
}

// Hunt is a scan of the mass after a selection.
type Hunt struct {
	Method string  `json:"method"` // by whose score events are selected
	Share  float64 `json:"share"`  // of the data in the signal region that are
	bump.Hunt
}

const pseudoExperiments = 1000

// Counts are those of the data: signal that is thinned away is not in them.
type Counts struct {
	Region    int  `json:"signal_region"`
	Sidebands int  `json:"sidebands"`
	Signal    *int `json:"signal,omitempty"` // of the signal region, where labels are known
}

// Method is what a method found, where there is signal to judge it by: medians over seeds, and half the width of the middle 68 % of them, or, of
// one seed, the binomial error.
type Method struct {
	MaxSIC      *float64 `json:"max_sic,omitempty"` // the largest SIC of a selection that leaves stats.EnoughBackground background events
	MaxSICError *float64 `json:"max_sic_error,omitempty"`
	AUC         *float64 `json:"auc,omitempty"`
	AUCError    *float64 `json:"auc_error,omitempty"`
	Seconds     float64  `json:"seconds"` // a seed, without the density of the background
	Seeds       []Seed   `json:"seeds,omitempty"`

	Selections []Selection `json:"selections,omitempty"`

	curves [][]float64 // SIC at each of efficiencies, of each seed
}

// Seed is what a method reached in one trial.
type Seed struct {
	MaxSIC float64 `json:"max_sic"`
	AUC    float64 `json:"auc"`

	maxSICError, aucError float64
}

// Estimate is a number of background events in the signal region by the fit to the sidebands, and, where labels are known, the true one.
type Estimate struct {
	Estimate float64  `json:"estimate"`
	Error    float64  `json:"error"`
	Truth    *float64 `json:"truth,omitempty"`
	Chi2NDF  float64  `json:"chi2_ndf,omitempty"` // of the fit, where enough bins expect 5 events
}

// Selection is what is left where the share of the data in the signal region that has higher scores is at most Share.
type Selection struct {
	Share    float64 `json:"share"`
	Observed float64 `json:"observed"` // in the signal region
	// Estimate is nil, as is LocalP, where too few events are left in the sidebands to fit a function to.
	Estimate *Estimate `json:"background,omitempty"`
	LocalP   *float64  `json:"local_p,omitempty"`
	// Sculpting is how far the masses of background that is selected are from those of all, the Kolmogorov-Smirnov distance, and its p; where labels
	// are known and enough events are left.
	Sculpting  *float64 `json:"sculpting_ks,omitempty"`
	SculptingP *float64 `json:"sculpting_p,omitempty"`
}

// shares of the data that are selected.
var shares = []float64{0.01, 0.001, 0.0001}

// huntedShare is that of the selection that is hunted in.
const huntedShare = 0.01

// efficiencies at which SIC curves are drawn.
var efficiencies = func() (x []float64) {
	for k := 1; k <= 100; k++ {
		x = append(x, float64(k)/100)
	}
	return x
}()

// Run makes the search of a card; see card.Anomaly. What is wrong with the card or its events is the user's error.
func Run(ctx context.Context, c *card.Card, o Options) (*Result, error) {
	if err := c.CheckAnomaly(); err != nil {
		return nil, fault.Of(err)
	}
	o = o.filled()
	o.Stage("read")
	d, err := load(ctx, c)
	if err != nil {
		return nil, fault.Of(err)
	}
	r := &Result{
		Methods: map[string]*Method{}, Order: d.search.Methods, Notices: d.notices,
		signalRegion: [2]float64{d.search.SignalRegion.Low, d.search.SignalRegion.High}, mass: c.Context[0], unit: c.Units[c.Context[0]],
	}
	for _, m := range r.Order {
		r.Methods[m] = &Method{}
	}
	for _, line := range r.Notices {
		o.Notice(line)
	}
	began := time.Now()
	for k := range d.search.Seeds {
		if err := r.try(ctx, d.trial(c.Seed+uint64(k), cmp.Or(o.Threads, c.Threads)), k, o); err != nil {
			return nil, err
		}
	}
	r.Seconds = time.Since(began).Seconds() / float64(d.search.Seeds)
	for _, m := range r.Methods {
		m.Seconds /= float64(d.search.Seeds)
		m.summarise()
	}
	return r, nil
}

// try adds what is found with one seed.
func (r *Result) try(ctx context.Context, t *trial, k int, o Options) error {
	of := ""
	if t.search.Seeds > 1 {
		of = fmt.Sprintf("seed %d of %d: ", k+1, t.search.Seeds)
	}
	if k == 0 {
		r.count(t)
		o.Notice(fmt.Sprintf("%s in the signal region, %d in the sidebands", say.Count(r.Events.Region, "event"), r.Events.Sidebands))
		if err := r.estimate(t); err != nil {
			return fault.Of(err)
		}
		if f := r.smooth; f.NDF > 0 && stats.Chi2P(f.Chi2, f.NDF) < 1e-3 {
			r.warn(o, fmt.Sprintf("the smooth function does not describe the sidebands (chi2/ndf %.3g): the background that it expects, and each p, are wrong by more than they say; narrow anomaly.sidebands", f.Chi2/float64(f.NDF)))
		}
	}
	o.Stage(of + "background")
	own := fit.Options{Threads: t.threads}
	if k == 0 { // or all seeds would say the same
		own.Warn = func(line string) { r.warn(o, "background: "+line) }
	}
	b, err := t.learnBackground(ctx, own)
	if err != nil {
		return err
	}
	defer b.Density.Close()
	for _, name := range r.Order {
		o.Stage(of + name)
		began := time.Now()
		score, err := t.scores(ctx, name, b)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		s, err := t.judge(score)
		if err != nil {
			return err
		}
		s.seconds = time.Since(began).Seconds()
		r.Methods[name].add(s)
		if k > 0 {
			continue
		}
		if r.Methods[name].Selections, err = r.selections(t, s); err != nil {
			return err
		}
		if name == r.hunter() {
			o.Stage("hunt")
			if err := r.search(ctx, t, s, name, o); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *Result) warn(o Options, line string) {
	r.Warnings = append(r.Warnings, line)
	o.Warn(line)
}

// hunter is the method by whose score the mass is scanned: the first of the card that scores the sidebands as well, and needs no labels; "" for none.
func (r *Result) hunter() string {
	for _, name := range r.Order {
		if slices.Contains([]string{"cathode", "lacathode", "cwola"}, name) {
			return name
		}
	}
	return ""
}

func (r *Result) count(t *trial) {
	var signal int
	for k, i := range t.rows {
		switch {
		case !t.kept[i]:
		case k >= t.region:
			r.Events.Sidebands++
		default:
			r.Events.Region++
			if t.signal != nil && t.signal[i] {
				signal++
			}
		}
	}
	if t.signal != nil {
		r.Events.Signal = &signal
	}
}

// masses are those of the data that a condition holds for, by their place in the rows.
func (t *trial) masses(holds func(k int) bool) (mass []float64) {
	for k, i := range t.rows {
		if t.kept[i] && holds(k) {
			mass = append(mass, t.mass[i])
		}
	}
	return mass
}

func all(int) bool { return true }

// newSpectrum has bins of an eighth of the signal region, as many as fit between the ends of the sidebands.
func (t *trial) newSpectrum() (*bump.Spectrum, error) {
	low, high := t.mass[t.rows[0]], t.mass[t.rows[0]]
	for _, i := range t.rows {
		low, high = min(low, t.mass[i]), max(high, t.mass[i])
	}
	if s := t.search.Sidebands; s.Low < s.High {
		low, high = max(low, s.Low), min(high, s.High)
	}
	r := t.search.SignalRegion
	width := (r.High - r.Low) / bump.Widest
	below, above := int((r.Low-low)/width+1e-6), int((high-r.High)/width+1e-6)
	var edges []float64
	for k := range below + bump.Widest + above + 1 {
		edges = append(edges, math.Round((r.Low+float64(k-below)*width)*1e9)/1e9)
	}
	return bump.New(edges)
}

// estimate fits the sidebands of all data.
func (r *Result) estimate(t *trial) error {
	bins, err := t.newSpectrum()
	if err != nil {
		return err
	}
	r.spectrum = bins.Of(t.masses(all))
	if r.smooth, err = r.beside(r.spectrum); err != nil {
		return err
	}
	r.Background = r.estimated(t, r.smooth, all)
	return nil
}

// beside is the function fitted to the sidebands of a spectrum.
func (r *Result) beside(s *bump.Spectrum) (*bump.Smooth, error) {
	null, err := s.Smoothed()
	if err != nil {
		return nil, err
	}
	return null.Without(s.Bins(r.signalRegion[0], r.signalRegion[1]))
}

// estimated is what a fit expects in the signal region, beside the true background of the data that a condition holds for.
func (r *Result) estimated(t *trial, f *bump.Smooth, holds func(k int) bool) Estimate {
	e := Estimate{}
	if f.NDF > 0 {
		e.Chi2NDF = f.Chi2 / float64(f.NDF)
	}
	e.Estimate, e.Error = f.Within(r.spectrum.Bins(r.signalRegion[0], r.signalRegion[1]))
	if t.signal == nil {
		return e
	}
	var truth float64
	for k, i := range t.rows[:t.region] {
		if t.kept[i] && !t.signal[i] && holds(k) {
			truth++
		}
	}
	e.Truth = &truth
	return e
}

// selections counts what is left at each of shares, and estimates its background from the sidebands where a method scores these.
func (r *Result) selections(t *trial, s *scored) (list []Selection, err error) {
	from, to := r.spectrum.Bins(r.signalRegion[0], r.signalRegion[1])
	for _, share := range shares {
		holds := func(k int) bool { return s.surprise[k] >= -math.Log10(share) }
		own := r.spectrum.Of(t.masses(holds))
		sel := Selection{Share: share, Observed: own.Sum(from, to)}
		if s.sidebands {
			if f, err := r.beside(own); err == nil { // else too few are left
				e := r.estimated(t, f, holds)
				p := bump.P(sel.Observed, e.Estimate, e.Error)
				sel.Estimate, sel.LocalP = &e, &p
			}
			if err := t.sculpting(&sel, holds); err != nil {
				return nil, err
			}
		}
		list = append(list, sel)
	}
	return list, nil
}

// leastSculpted is how few events of background tell nothing of their masses.
const leastSculpted = 20

// sculpting compares the masses of true background that is selected with those of the rest.
func (t *trial) sculpting(s *Selection, holds func(k int) bool) error {
	if t.signal == nil {
		return nil
	}
	background := func(k int) bool { return !t.signal[t.rows[k]] }
	chosen := t.masses(func(k int) bool { return background(k) && holds(k) })
	if len(chosen) < leastSculpted {
		return nil
	}
	a, err := stats.NewCDF(chosen, nil)
	if err != nil {
		return err
	}
	b, err := stats.NewCDF(t.masses(func(k int) bool { return background(k) && !holds(k) }), nil)
	if err != nil {
		return err
	}
	d, p := stats.KS(a, b)
	s.Sculpting, s.SculptingP = &d, &p
	return nil
}

// search hunts in what a method selects.
func (r *Result) search(ctx context.Context, t *trial, s *scored, method string, o Options) (err error) {
	r.selected = r.spectrum.Of(t.masses(func(k int) bool { return s.surprise[k] >= -math.Log10(huntedShare) }))
	h := &bump.Hunt{}
	null, err := r.selected.Smoothed()
	if err == nil {
		h, err = r.selected.Hunt(ctx, null, t.seed, pseudoExperiments)
	}
	switch {
	case ctx.Err() != nil:
		return err
	case err != nil:
		r.warn(o, fmt.Sprintf("no hunt in what %s selects: %v", method, err))
		return nil
	}
	r.Hunt = &Hunt{method, huntedShare, *h}
	return nil
}

// add takes up one seed.
func (m *Method) add(s *scored) {
	m.Seconds += s.seconds
	if s.roc == nil {
		return
	}
	most, ok := s.roc.MaxSIC(stats.EnoughBackground)
	if !ok {
		return
	}
	one := Seed{MaxSIC: most.SIC, maxSICError: most.SICError}
	one.AUC, one.aucError = s.roc.AUC()
	m.Seeds = append(m.Seeds, one)
	m.curves = append(m.curves, sic(s.roc, efficiencies))
}

func (m *Method) summarise() {
	n := len(m.Seeds)
	if n == 0 {
		return
	}
	var sic, auc []float64
	for _, s := range m.Seeds {
		sic, auc = append(sic, s.MaxSIC), append(auc, s.AUC)
	}
	most, spread := middle(sic)
	area, areaSpread := middle(auc)
	if n == 1 {
		spread, areaSpread = m.Seeds[0].maxSICError, m.Seeds[0].aucError
	}
	m.MaxSIC, m.MaxSICError, m.AUC, m.AUCError = &most, &spread, &area, &areaSpread
}
