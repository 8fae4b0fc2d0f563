package background

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/atomicfile"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/internal/stages"
	"github.com/sluice-hep/sluice/stats"
)

// Options are what an estimate may be given beside its card. The zero value works in silence on all cores.
type Options = stages.Work

// Result is an estimate.
type Result struct {
	Out    string `json:"out,omitempty"`
	Report string `json:"report,omitempty"`

	Events     string `json:"events,omitempty"`     // weighted, of the region of interest
	Histograms string `json:"histograms,omitempty"` // templates in the schema of UHI
	Templates  string `json:"templates,omitempty"`  // the same as a ROOT file
	Workspace  string `json:"workspace,omitempty"`  // of pyhf

	Region    string   `json:"region"` // of interest
	Method    string   `json:"method"` // conditional, flow-to-flow or mmd
	Observed  float64  `json:"observed"`
	Truth     *float64 `json:"truth,omitempty"` // by the label
	Yield     float64  `json:"yield"`
	Error     float64  `json:"yield_error"`                // statistical, and by the closures
	Stat      float64  `json:"yield_statistical"`          // of that
	Bootstrap float64  `json:"yield_bootstrap"`            // the same by resampled events
	Closing   float64  `json:"yield_systematic,omitempty"` // by the closures
	// Chi2NDF is that of ABCD in the control regions; 0 where it has as many coefficients as there are regions.
	Chi2NDF float64 `json:"chi2_ndf,omitempty"`

	Closure    []*Closed   `json:"closure"`
	Systematic *Systematic `json:"systematic,omitempty"`
	Search     *Search     `json:"search,omitempty"`
	Seconds    float64     `json:"seconds"`
	Notices    []string    `json:"notices,omitempty"`
	Warnings   []string    `json:"warnings,omitempty"`

	Regions []Yield `json:"regions"` // all, as ABCD has them

	templates []*Template
	drawn     *events.Table // of the region of interest, their weights last
}

// estimate is one under way.
type estimate struct {
	Options
	grid
	card       card.Background
	names      []string
	signal     int
	control    []int
	data       *sample
	simulation *sample // nil for none
	base       string  // the file of its density; "" for none
	cells      []cell
	threads    int
	result     *Result
	said       []string // by the training under way, of what can make the result wrong
}

// Run makes the estimate of a card; see card.Background. What is wrong with the card or its events is the user's error.
func Run(ctx context.Context, c *card.Card, o Options) (*Result, error) {
	if err := c.CheckBackground(); err != nil {
		return nil, fault.Of(err)
	}
	o = o.Filled()
	began := time.Now()
	o.Stage("read")
	e, err := begin(ctx, c, o)
	if err != nil {
		return nil, fault.Of(err)
	}
	if e.Folder == "" && e.simulation != nil {
		if e.Folder, err = os.MkdirTemp("", "sluice"); err != nil {
			return nil, err
		}
		defer func() { _ = os.RemoveAll(e.Folder) }()
	}
	for _, stage := range []func(context.Context) error{e.number, e.simulated, e.shapes, e.closures, e.finish, e.search} {
		if err := stage(ctx); err != nil {
			return nil, err
		}
	}
	e.result.Seconds = time.Since(began).Seconds()
	return e.result, e.result.write(o)
}

func begin(ctx context.Context, c *card.Card, o Options) (e *estimate, err error) {
	b := c.Estimate()
	e = &estimate{Options: o, card: b, names: b.Names(), threads: cmp.Or(o.Threads, c.Threads), result: &Result{Region: b.Signal, Method: byDensity}}
	e.signal = slices.Index(e.names, b.Signal)
	for _, name := range b.Control {
		e.control = append(e.control, slices.Index(e.names, name))
	}
	slices.Sort(e.control)
	e.grid = grid{nx: len(b.Regions[0]), ny: len(b.Regions[1]), extended: b.Yield == "extended"}
	if e.extended && e.nx == 2 && e.ny == 2 {
		return nil, fmt.Errorf("background.yield: extended takes three bins or more of one of the variables, and there are 2 x 2 regions: take abcd, or more bins")
	}
	if e.data, err = load(ctx, c, false); err != nil {
		return nil, err
	}
	samples := []*sample{e.data}
	if !b.Simulation.IsZero() {
		if e.simulation, err = load(ctx, c, true); err != nil {
			return nil, err
		}
		if e.result.Method = byTransport; c.Train.Objective == byDiscrepancy {
			e.result.Method = byDiscrepancy
		}
		samples = append(samples, e.simulation)
	}
	if e.data.weight != nil && b.Search != "" {
		e.result.warn(o, "the data have weights: the search takes their sums for numbers of events, and each p is wrong where the weights are not about 1")
	}
	for _, s := range samples {
		for _, line := range s.notices {
			e.result.notice(o, line)
		}
		for _, line := range s.warnings {
			e.result.warn(o, line)
		}
	}
	return e, nil
}

func (r *Result) warn(o Options, line string) {
	r.Warnings = append(r.Warnings, line)
	o.Warn(line)
}

func (r *Result) notice(o Options, line string) {
	r.Notices = append(r.Notices, line)
	o.Notice(line)
}

// number expects so many events in the region of interest.
func (e *estimate) number(context.Context) error {
	r := e.result
	e.cells = e.data.count(len(e.names))
	y, f, err := e.yield(e.cells, e.control, e.signal)
	if err != nil {
		other := ""
		if e.extended {
			other = ", or abcd"
		}
		return fault.Of(fmt.Errorf("background.yield: %s of the %d control regions expects no number in the region of interest: %w; take more of them%s", e.card.Yield, len(e.control), err, other))
	}
	r.Observed, r.Yield, r.Stat, r.Error = y.Observed, y.Predicted, y.Error, y.Error
	for region, name := range e.names {
		own := Yield{Region: name, Observed: e.cells[region].Sum}
		own.Predicted, own.Error = f.predict(region)
		own.Pull = (own.Predicted - own.Observed) / math.Sqrt(e.cells[region].Square)
		if region == e.signal {
			own.Pull = y.Pull
		}
		r.Regions = append(r.Regions, own)
	}
	if f.ndf > 0 {
		r.Chi2NDF = f.chi2 / float64(f.ndf)
		if p := stats.Chi2P(f.chi2, f.ndf); p < 1e-3 {
			r.warn(e.Options, fmt.Sprintf("%s does not describe the numbers of the control regions (chi2/ndf %.3g, p %.2g): the control variables depend on each other, and the number expected is wrong by more than its statistical error; "+
				"take background.yield extended, or other variables", e.card.Yield, r.Chi2NDF, p))
		}
	}
	if r.Bootstrap, err = e.data.bootstrap(e.grid, e.control, e.signal, e.card.Bootstrap, e.data.card.Seed); err != nil {
		return fault.Of(fmt.Errorf("background.bootstrap: %w", err))
	}
	if e.data.other != nil {
		var truth float64
		for _, i := range e.data.in(e.signal) {
			if !e.data.other[i] {
				truth += e.data.of(int(i))
			}
		}
		r.Truth = &truth
	}
	return nil
}

// simulated learns the density of the simulation, where one is needed.
func (e *estimate) simulated(ctx context.Context) error {
	if e.result.Method != byTransport {
		return nil
	}
	e.Stage("simulation")
	folder, err := filepath.Abs(e.Folder) // or it would count from the card's
	if err != nil {
		return err
	}
	e.base = filepath.Join(folder, "simulation.safetensors")
	var did struct {
		Model []byte
		Said  []string
	}
	err = e.Kept.Do("simulation", &did, func() (err error) {
		if err = e.learnSimulation(ctx); err != nil {
			return err
		}
		did.Said = e.told()
		did.Model, err = os.ReadFile(e.base)
		return err
	})
	if err != nil {
		return err
	}
	e.warnAll(did.Said)
	return atomicfile.WriteFile(e.base, did.Model)
}

// told are the warnings of the training that ended.
func (e *estimate) told() (said []string) {
	said, e.said = e.said, nil
	return said
}

func (e *estimate) warnAll(said []string) {
	for _, line := range said {
		e.result.warn(e.Options, line)
	}
}

// shapes carries what is learned in all control regions to the region of interest.
func (e *estimate) shapes(ctx context.Context) error {
	r := e.result
	e.Stage("transport")
	var did struct {
		Events  *events.Table
		Weights []float64
		Said    []string
	}
	err := e.Kept.Do("transport", &did, func() error {
		l, err := e.learn(ctx, -1)
		if err != nil {
			return err
		}
		defer l.close()
		did.Said = e.told()
		did.Events, did.Weights, err = l.carried(e.signal)
		return err
	})
	if err != nil {
		return err
	}
	e.warnAll(did.Said)
	like, w := did.Events, did.Weights
	var sum float64
	for _, v := range w {
		sum += v
	}
	for _, name := range e.data.card.Features {
		b, ok := e.card.Templates[name]
		if !ok {
			continue
		}
		t, err := e.newTemplate(name, b, like, w)
		if err != nil {
			return fault.Of(err)
		}
		if t.filled > 0 {
			r.notice(e.Options, fmt.Sprintf("%d of %s of %s have no event of the estimate, and get the weight of one", t.filled, say.Count(b.Bins, "bin"), name))
		}
		r.templates = append(r.templates, t)
	}
	weight := events.Column{Name: "weight", Type: events.Float64, F64: make([]float64, len(w))}
	for i, v := range w {
		weight.F64[i] = v * r.Yield / sum
	}
	like.Set(weight)
	like.Weight = weight.Name
	r.drawn = like
	return nil
}

// closures predicts each control region without itself.
func (e *estimate) closures(ctx context.Context) error {
	for k, name := range e.card.Closure {
		e.Stage(fmt.Sprintf("closure %d of %d: %s", k+1, len(e.card.Closure), name))
		c := &Closed{}
		err := e.Kept.Do("closure "+name, c, func() error {
			own, err := e.close(ctx, slices.Index(e.names, name))
			if err == nil {
				*c = *own
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("closure of %s: %w", name, err)
		}
		e.result.Closure = append(e.result.Closure, c)
	}
	return nil
}

// finish is the systematic error.
func (e *estimate) finish(context.Context) error {
	r := e.result
	r.Systematic = systematic(r.Closure)
	if r.Systematic == nil {
		return nil
	}
	r.Closing = r.Systematic.Yield * r.Yield
	r.Error = math.Hypot(r.Stat, r.Closing)
	for _, t := range r.templates {
		t.vary(r.Closure)
	}
	return nil
}
