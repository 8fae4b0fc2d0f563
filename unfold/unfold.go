package unfold

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/fit"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/internal/stages"
	"github.com/sluice-hep/sluice/report"
	"github.com/sluice-hep/sluice/stats"
	"github.com/sluice-hep/sluice/validate"
)

// Options are what an unfolding may be given beside its card. The zero value works in silence on all cores.
type Options = stages.Work

// Result is what was unfolded.
type Result struct {
	Out    string `json:"out,omitempty"`
	Report string `json:"report,omitempty"`

	Events   Counts             `json:"events"`
	Methods  map[string]*Method `json:"methods"`
	Order    []string           `json:"-"`
	Replicas int                `json:"replicas"`
	Seconds  float64            `json:"seconds"`
	Notices  []string           `json:"notices,omitempty"`
	Warnings []string           `json:"warnings,omitempty"`

	job         *job
	truth       *truth      // nil where nobody knows
	naive, seen [][]float64 // of each feature: what the simulation has for true, in units of the data, and what the data measure
}

// Counts are numbers of events.
type Counts struct {
	Simulation int `json:"simulation"`
	Both       int `json:"pass_both"`
	Fakes      int `json:"fakes"`
	Lost       int `json:"lost"`
	Data       int `json:"data"` // that are measured
}

// Method is what a method found: iterated, omnifold, or matrix.
type Method struct {
	File       string      `json:"file,omitempty"` // of the unfolded events
	Columns    []*Spectrum `json:"columns"`
	Iterations []Iteration `json:"iterations"`
	// Total is the number of events unfolded to, and its error.
	Total      float64 `json:"total"`
	TotalError float64 `json:"total_error"`
	Truth      float64 `json:"total_truth,omitempty"`
	Effective  float64 `json:"effective_events,omitempty"` // by the weights
	// Covariance is that of all bins of all Columns, one after the other.
	Covariance [][]float64 `json:"covariance"`
	// Coverage68 is the share of the bins whose intervals of one error hold the truth, and Pull, PullWidth are mean and standard deviation of (unfolded - truth)/error.
	Coverage68 *float64 `json:"coverage68,omitempty"`
	Pull       *float64 `json:"pull_mean,omitempty"`
	PullWidth  *float64 `json:"pull_width,omitempty"`
	// Calibration is that of the flow, with the simulation as it is and as it is weighed in the end.
	Calibration []*validate.Calibration `json:"calibration,omitempty"`
	Seconds     float64                 `json:"seconds"` // of the unfolding, without its replicas

	cloud Cloud
}

// Spectrum is an unfolded column: numbers of events.
type Spectrum struct {
	Name      string    `json:"name"`
	Edges     []float64 `json:"edges"`
	Values    []float64 `json:"values"`
	Errors    []float64 `json:"errors"` // by the scatter of replicas
	Underflow float64   `json:"underflow"`
	Overflow  float64   `json:"overflow"`
	Truth     []float64 `json:"truth,omitempty"`
	// Pulls are null of bins without an error: those that nothing is ever unfolded to.
	Pulls []*float64 `json:"pulls,omitempty"`
	// Chi2 is that of values and truth by the covariance of the bins; nil where nobody knows the truth, or replicas are too few for an inverse.
	Chi2 *float64 `json:"chi2,omitempty"`
	NDF  int      `json:"ndf"`
	P    *float64 `json:"p,omitempty"`
	// Prior is how the values change if the simulation has the other truth; nil without one.
	Prior []float64 `json:"prior,omitempty"`
	// PriorChi2 is that of the values with the other truth, as Chi2.
	PriorChi2 *float64 `json:"prior_chi2,omitempty"`
}

// Iteration says how far an unfolding has come.
type Iteration struct {
	Change float64  `json:"change"`                      // of the bins since the one before, in units of their errors: the root of the mean square
	Folded float64  `json:"measured_chi2_ndf,omitempty"` // of the weighed simulation and the data, in measured columns
	Chi2   *float64 `json:"truth_chi2_ndf,omitempty"`    // of all columns, each by its covariance
}

// truth is what is true of the data, in bins.
type truth struct {
	spectra, variance [][]float64
	total             float64
	own               bool // of the data's own events, not of many more
}

// truthTimes is how many times the events of a toy are drawn to tell what is true.
const truthTimes = 20

func (j *job) known(ctx context.Context) (*truth, error) {
	if !j.plan.Known {
		return nil, nil
	}
	t, s, scale := &truth{own: true}, j.data, 1.0
	if j.plan.Toy != (card.Toy{}) {
		q, err := j.card.DataQuery(truthTimes)
		if err != nil {
			return nil, err
		}
		if s, err = j.simulation("the truth", false).read(ctx, q); err != nil {
			return nil, err
		}
		t.own, scale = false, 1.0/truthTimes
	}
	w, square := pick(s.weight, s.isTruth), make([]float64, len(s.isTruth))
	for i := range w {
		w[i] *= scale
		square[i] = w[i] * w[i]
		t.total += w[i]
	}
	for f, x := range s.truth {
		t.spectra = append(t.spectra, fill(j.edges[f], pick(x, s.isTruth), w))
		t.variance = append(t.variance, fill(j.edges[f], pick(x, s.isTruth), square))
	}
	return t, nil
}

// Run unfolds as a card says; see card.Unfold. What is wrong with the card or its events is the user's error.
func Run(ctx context.Context, c *card.Card, o Options) (*Result, error) {
	if err := c.CheckUnfold(); err != nil {
		return nil, fault.Of(err)
	}
	o = o.Filled()
	began := time.Now()
	o.Stage("read")
	j, err := load(ctx, c)
	if err != nil {
		return nil, fault.Of(err)
	}
	r := &Result{job: j, Methods: map[string]*Method{}, Order: append(slices.Clone(j.plan.Methods), "matrix"), Replicas: j.plan.Replicas}
	if r.truth, err = j.known(ctx); err != nil {
		return nil, fault.Of(err)
	}
	if !slices.ContainsFunc(j.pairs, func(c int) bool { return c >= 0 }) {
		r.Order = j.plan.Methods
	}
	r.count(o)
	if err := j.prepare(ctx, fit.Options{Threads: cmp.Or(o.Threads, c.Threads), Warn: func(line string) { r.warn(o, "the flow: "+line) }}); err != nil {
		return nil, err
	}
	for _, name := range r.Order {
		if err := r.method(ctx, name, cmp.Or(o.Threads, c.Threads), o); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	r.Seconds = time.Since(began).Seconds()
	return r, nil
}

// Analyse is Run with its page, after it has written what is to be in the folder beside that.
func Analyse(ctx context.Context, c *card.Card, o Options) (*Result, *report.Page, error) {
	r, err := Run(ctx, c, o)
	if err != nil {
		return nil, nil, err
	}
	p, err := r.Page(c)
	if err == nil && o.Folder != "" {
		err = r.Write(o.Folder, o.Version, p)
	}
	return r, p, err
}

func (r *Result) warn(o Options, line string) {
	r.Warnings = append(r.Warnings, line)
	o.Warn(line)
}

// count says what events there are.
func (r *Result) count(o Options) {
	s, d := r.job.sim, r.job.data
	r.Events = Counts{Simulation: len(s.weight), Both: len(s.both), Fakes: len(s.fakes) + d.subtracted, Lost: len(s.lost), Data: len(d.isReco) - d.subtracted}
	r.Notices = slices.Concat(s.notices, d.notices)
	if n := len(d.weight) - len(d.isReco); n > 0 {
		r.Notices = append(r.Notices, fmt.Sprintf("%s of the data %s not measured (%s is 0)", say.Count(n, "event"), say.Are(n), r.job.plan.PassReco))
	}
	if d.subtracted > 0 {
		r.Notices = append(r.Notices, fmt.Sprintf("%s of the simulation, %g events of the data, are subtracted", say.Count(d.subtracted, "fake"), -sum(d.weight, nil, d.isReco[len(d.isReco)-d.subtracted:])))
	}
	for _, line := range r.Notices {
		o.Notice(line)
	}
	for _, line := range s.beyond(d, r.job.card.Context) {
		r.warn(o, line)
	}
	r.unfoldable(o)
	scale := sum(d.weight, nil, d.isReco) / sum(s.weight, nil, s.isReco)
	for f, c := range r.job.pairs {
		naive, seen := fill(r.job.edges[f], pick(s.truth[f], s.isTruth), pick(s.weight, s.isTruth)), []float64(nil)
		for k := range naive {
			naive[k] *= scale
		}
		if c >= 0 {
			seen = fill(r.job.edges[f], r.job.measured[c], pick(d.weight, d.isReco))
		}
		r.naive, r.seen = append(r.naive, naive), append(r.seen, seen)
	}
}

// unfoldable warns of true bins from which nothing is measured.
func (r *Result) unfoldable(o Options) {
	s := r.job.sim
	one := make([]float64, len(s.weight))
	for i := range one {
		one[i] = 1
	}
	for f, name := range r.job.card.Features {
		both, truth := fill(r.job.edges[f], pick(s.truth[f], s.both), one), fill(r.job.edges[f], pick(s.truth[f], s.isTruth), one)
		n := 0
		for k := 1; k < len(both)-1; k++ {
			if truth[k] > 0 && both[k] == 0 {
				n++
			}
		}
		if n > 0 {
			r.warn(o, fmt.Sprintf("%s: no event of %s is measured in the simulation: what is unfolded there is the simulation's, or a guess", name, say.Count(n, "bin")))
		}
	}
}

// outcome is what one unfolding leaves, and what is kept of it (internal/stages): after each iteration the spectra of all columns, and in number 0 the rest.
type outcome struct {
	Spectra      [][][]float64 // by iteration and column; empty for a column that is not unfolded
	Total        []float64
	Folded       []float64
	Cloud        Cloud
	First        []float32 // parameters of the flow of the first iteration
	Calibrations [][]byte  // as JSON, in which a p of 0 is none that is missing
}

// kept is one unfolding, or what an earlier call left of it.
func (r *replica) kept(ctx context.Context, method, name string, s *stages.Stages) (*outcome, error) {
	out := &outcome{}
	err := s.Do(name, out, func() error {
		now, err := r.unfold(ctx, method)
		if err == nil {
			*out = *now
		}
		if r.number != 0 {
			out.Cloud = Cloud{}
		}
		return err
	})
	return out, err
}

// unfold is one unfolding by one method.
func (r *replica) unfold(ctx context.Context, method string) (*outcome, error) {
	if method == "matrix" {
		return &outcome{Spectra: r.matrix()}, nil
	}
	how := r.omnifold
	if method == "iterated" {
		how = r.iterated
	}
	steps, err := how(ctx)
	if err != nil {
		return nil, err
	}
	out := &outcome{Cloud: steps[len(steps)-1].Cloud, First: steps[0].Params}
	for k := range steps {
		s := &steps[k]
		var total float64
		for _, w := range s.Weight {
			total += w
		}
		out.Spectra, out.Total, out.Folded = append(out.Spectra, r.spectra(&s.Cloud)), append(out.Total, total), append(out.Folded, s.Folded)
		if s.Calibration != nil {
			text, err := json.Marshal(s.Calibration)
			if err != nil {
				return nil, err
			}
			out.Calibrations = append(out.Calibrations, text)
		}
	}
	out.Cloud.Params = nil
	return out, nil
}

// method unfolds by one: the events as they are, with the other prior, and each replica.
func (r *Result) method(ctx context.Context, name string, threads int, o Options) error {
	j := r.job
	o.Stage(name)
	began := time.Now()
	main, err := j.replica(0, threads).kept(ctx, name, name, o.Kept)
	if err != nil {
		return err
	}
	m := &Method{Seconds: time.Since(began).Seconds(), cloud: main.Cloud}
	for _, text := range main.Calibrations {
		c := &validate.Calibration{}
		if err := json.Unmarshal(text, c); err != nil {
			return err
		}
		m.Calibration = append(m.Calibration, c)
	}
	r.Methods[name] = m
	o.Stage(name + ": replicas")
	replicas, err := j.bootstrap(ctx, name, main.First, threads, o.Kept)
	if err != nil {
		return err
	}
	var other *outcome
	if p, err := j.otherPrior(ctx, threads); err != nil {
		return err
	} else if p != nil {
		o.Stage(name + ": other prior")
		if p.posterior == j.posterior {
			p.first = main.First
		}
		if other, err = p.kept(ctx, name, name+" other prior", o.Kept); err != nil {
			return err
		}
	}
	if name != "matrix" {
		m.Effective = m.cloud.effective()
	}
	if n := m.cloud.Inefficient; n > 0 {
		r.warn(o, fmt.Sprintf("%s: %s of %d %s an efficiency below %g: they count as if it were that", name, say.Count(n, "draw"), len(m.cloud.Weight), has(n), leastEfficiency))
	}
	r.judge(m, main, other, replicas)
	r.settled(name, m, o)
	return nil
}

// mostFolded is the chi2 a bin above which measured columns are not described: of 16 bins, as much comes once in a thousand times.
const mostFolded = 2.5

// settled warns of an unfolding that still moves, or that the data contradict.
func (r *Result) settled(name string, m *Method, o Options) {
	n := len(m.Iterations)
	if n > 0 && m.Iterations[n-1].Folded > mostFolded {
		r.warn(o, fmt.Sprintf("%s: what is unfolded does not give the data back: folded again it has a chi2 of %.2g a bin in the measured columns, where 1 is right; train longer (train.epochs), set more unfold.iterations, or take another method", name, m.Iterations[n-1].Folded))
	}
	if n > 1 && name != "matrix" && m.Iterations[n-1].Change > 1 {
		r.warn(o, fmt.Sprintf("%s has not settled: the last of %d iterations still changed the bins by %.2g of their errors; set more unfold.iterations", name, n, m.Iterations[n-1].Change))
	}
}

// bootstrap unfolds the replicas, each by one worker.
func (j *job) bootstrap(ctx context.Context, method string, first []float32, threads int, kept *stages.Stages) ([]*outcome, error) {
	all, errs := make([]*outcome, j.plan.Replicas), make([]error, j.plan.Replicas)
	pool := kernel.NewPool(threads)
	defer pool.Close()
	pool.Run(len(all), func(_, k int) {
		r := j.replica(k+1, 1)
		r.first = first
		all[k], errs[k] = r.kept(ctx, method, fmt.Sprintf("%s replica %d", method, k+1), kept)
	})
	for k, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("replica %d of %d: %w", k+1, len(errs), err)
		}
	}
	return all, nil
}

// otherPrior is number 0 with the other truth of the simulation; nil where the card has none.
func (j *job) otherPrior(ctx context.Context, threads int) (*replica, error) {
	switch {
	case j.sim.prior != nil:
		r := j.replica(0, threads)
		r.number = -1
		r.simWeight = slices.Clone(r.simWeight)
		for i, p := range j.sim.prior {
			r.simWeight[i] *= p
		}
		return r, nil
	case len(j.plan.PriorFiles) > 0:
		own := *j
		q, err := j.card.AnalysisQuery("")
		if err != nil {
			return nil, fault.Of(err)
		}
		_, q.Files = j.card.UnfoldInputs()
		q.Table = nil
		if own.sim, err = j.simulation("unfold.prior_files", false).read(ctx, q); err != nil {
			return nil, fault.Of(err)
		}
		if err := own.sim.usable("unfold.prior_files", j.card); err != nil {
			return nil, fault.Of(err)
		}
		own.arrange()
		if err := own.prepare(ctx, fit.Options{Threads: threads}); err != nil {
			return nil, err
		}
		r := own.replica(0, threads)
		r.number = -1
		return r, nil
	}
	return nil, nil
}

// inner are the bins between the edges, of all columns that are unfolded, one after the other.
func inner(spectra [][]float64) (all []float64) {
	for _, h := range spectra {
		if len(h) > 0 {
			all = append(all, h[1:len(h)-1]...)
		}
	}
	return all
}

// judge sets what a method found, from the events as they are, with another prior (nil for none), and of replicas.
func (r *Result) judge(m *Method, main, other *outcome, replicas []*outcome) {
	last := len(main.Spectra) - 1
	var scatter [][]float64
	for _, o := range replicas {
		scatter = append(scatter, inner(o.Spectra[last]))
	}
	m.Covariance = covariance(scatter)
	at := 0
	for f, name := range r.job.card.Features {
		h := main.Spectra[last][f]
		if len(h) == 0 {
			continue
		}
		n := len(h) - 2
		s := &Spectrum{Name: name, Edges: r.job.edges[f], Values: h[1 : n+1], Underflow: h[0], Overflow: h[n+1], NDF: n}
		for b := range n {
			s.Errors = append(s.Errors, math.Sqrt(m.Covariance[at+b][at+b]))
		}
		if other != nil {
			for b, v := range s.Values {
				s.Prior = append(s.Prior, other.Spectra[last][f][b+1]-v)
			}
		}
		if r.truth != nil {
			s.Truth = r.truth.spectra[f][1 : n+1]
			r.compare(s, f, block(m.Covariance, at, n))
		}
		at += n
		m.Columns = append(m.Columns, s)
	}
	m.total(main, replicas, r.truth)
	m.summarise()
	r.progress(m, main)
}

// block is the covariance of n bins from number at on.
func block(c [][]float64, at, n int) (own [][]float64) {
	for _, row := range c[at : at+n] {
		own = append(own, row[at:at+n])
	}
	return own
}

// compare holds a spectrum against the truth.
func (r *Result) compare(s *Spectrum, feature int, c [][]float64) {
	variance := r.more(feature)
	for b, v := range s.Values {
		s.Pulls = append(s.Pulls, nil)
		if square := c[b][b] + variance[b]; square > 0 {
			pull := (v - s.Truth[b]) / math.Sqrt(square)
			s.Pulls[b] = &pull
		}
	}
	if v, ok := chi2(minus(s.Values, s.Truth), c, variance, r.Replicas); ok {
		p := stats.Chi2P(v, s.NDF)
		s.Chi2, s.P = &v, &p
	}
	if s.Prior != nil {
		d := minus(s.Values, s.Truth)
		for b := range d {
			d[b] += s.Prior[b]
		}
		if v, ok := chi2(d, c, variance, r.Replicas); ok {
			s.PriorChi2 = &v
		}
	}
}

// more is the variance of the truth in the bins of a feature, where it is of other events than the data's own.
func (r *Result) more(feature int) []float64 {
	v := r.truth.variance[feature]
	if r.truth.own {
		return make([]float64, len(v)-2)
	}
	return v[1 : len(v)-1]
}

// pulls are those of the bins that have an error.
func (s *Spectrum) pulls() (all []float64) {
	for _, p := range s.Pulls {
		if p != nil {
			all = append(all, *p)
		}
	}
	return all
}

func minus(a, b []float64) []float64 {
	d := slices.Clone(a)
	for i := range d {
		d[i] -= b[i]
	}
	return d
}

// total is the number of events unfolded to.
func (m *Method) total(main *outcome, replicas []*outcome, t *truth) {
	of := func(o *outcome) (n float64) {
		if o.Total != nil {
			return o.Total[len(o.Total)-1]
		}
		for _, h := range o.Spectra[len(o.Spectra)-1] { // of the first column
			for _, v := range h {
				n += v
			}
			if len(h) > 0 {
				return n
			}
		}
		return n
	}
	var all [][]float64
	for _, o := range replicas {
		all = append(all, []float64{of(o)})
	}
	m.Total, m.TotalError = of(main), math.Sqrt(covariance(all)[0][0])
	if t != nil {
		m.Truth = t.total
	}
}

// summarise sets what the pulls of all bins say.
func (m *Method) summarise() {
	var all []float64
	for _, s := range m.Columns {
		all = append(all, s.pulls()...)
	}
	if all == nil {
		return
	}
	var within, mean, square float64
	n := float64(len(all))
	for _, p := range all {
		if math.Abs(p) <= 1 {
			within += 1 / n
		}
		mean += p / n
		square += p * p / n
	}
	width := math.Sqrt(max(square-mean*mean, 0))
	m.Coverage68, m.Pull, m.PullWidth = &within, &mean, &width
}

// progress tells how the unfolding came to its end.
func (r *Result) progress(m *Method, main *outcome) {
	before := inner(r.started(main))
	for k, spectra := range main.Spectra {
		now := inner(spectra)
		it := Iteration{Change: moved(before, now, m.Covariance)}
		if main.Folded != nil {
			it.Folded = main.Folded[k]
		}
		if r.truth != nil {
			it.Chi2 = r.off(m, spectra)
		}
		m.Iterations = append(m.Iterations, it)
		before = now
	}
}

// started is what an unfolding begins with: the truth of the simulation.
func (r *Result) started(o *outcome) (spectra [][]float64) {
	for f, h := range o.Spectra[0] {
		if len(h) == 0 {
			spectra = append(spectra, nil)
			continue
		}
		spectra = append(spectra, r.naive[f])
	}
	return spectra
}

func moved(a, b []float64, c [][]float64) (v float64) {
	for k := range a {
		if c[k][k] > 0 {
			v += (a[k] - b[k]) * (a[k] - b[k]) / c[k][k] / float64(len(a))
		}
	}
	return math.Sqrt(v)
}

// off is chi2/ndf of spectra and truth, each column by its covariance; nil where replicas are too few.
func (r *Result) off(m *Method, spectra [][]float64) *float64 {
	var total float64
	at, ndf := 0, 0
	for f, h := range spectra {
		if len(h) == 0 {
			continue
		}
		n := len(h) - 2
		v, ok := chi2(minus(h[1:n+1], r.truth.spectra[f][1:n+1]), block(m.Covariance, at, n), r.more(f), r.Replicas)
		if !ok {
			return nil
		}
		total, ndf, at = total+v, ndf+n, at+n
	}
	total /= float64(ndf)
	return &total
}

// PriorShift is the mean change of the bins with the other prior, in parts of their contents, of those that hold something.
func (s *Spectrum) PriorShift() (mean float64) {
	for b, d := range s.Prior {
		if s.Values[b] != 0 {
			mean += math.Abs(d/s.Values[b]) / float64(len(s.Prior))
		}
	}
	return mean
}
