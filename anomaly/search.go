package anomaly

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/bump"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/internal/stages"
	"github.com/sluice-hep/sluice/stats"
)

// Options are what a search may be given beside its card. The zero value works in silence on all cores, and keeps nothing of a search that is killed.
type Options = stages.Work

// search is a Result on its way.
type search struct {
	*data
	Options
	*Result
}

// Run makes the search of a card; see card.Anomaly. What is wrong with the card or its events is the user's error.
func Run(ctx context.Context, c *card.Card, o Options) (*Result, error) {
	if err := c.CheckAnomaly(); err != nil {
		return nil, fault.Of(err)
	}
	o = o.Filled()
	o.Threads = cmp.Or(o.Threads, c.Threads)
	o.Stage("read")
	d, err := load(ctx, c)
	if err != nil {
		return nil, fault.Of(err)
	}
	r := &Result{
		Order: d.search.Methods, Notices: d.notices,
		signalRegion: [2]float64{d.region.Low, d.region.High}, mass: c.Context[0], unit: c.Units[c.Context[0]], experiments: d.search.Experiments,
	}
	s := &search{d, o, r}
	for _, line := range r.Notices {
		o.Notice(line)
	}
	if err := s.begin(); err != nil {
		return nil, fault.Of(err)
	}
	for i, n := range d.search.SignalEvents {
		if err := s.inject(ctx, n, i == 0); err != nil {
			return nil, err
		}
	}
	s.chooseHunt()
	if err := s.slide(ctx); err != nil {
		return nil, err
	}
	return r, s.closure(ctx)
}

// begin looks at the data of the first trial, before anything is trained.
func (s *search) begin() error {
	t, err := s.data.trial(s.card.Seed, s.data.search.SignalEvents[0], s.Threads)
	if err != nil {
		return err
	}
	s.Events = t.count()
	s.Notice(fmt.Sprintf("%s in the signal region, %d in the sidebands", say.Count(s.Events.Region, "event"), s.Events.Sidebands))
	f, err := t.null.Without(t.spectrum.Bins(t.region.Low, t.region.High))
	if err != nil {
		return err
	}
	s.spectrum, s.smooth, s.Background = t.spectrum, f, t.estimated(f, all)
	if f.NDF > 0 && stats.Chi2P(f.Chi2, f.NDF) < 1e-3 {
		s.warn(fmt.Sprintf("the smooth function does not describe the sidebands (chi2/ndf %.3g): the background that it expects, and each p, are wrong by more than they say; narrow anomaly.sidebands", f.Chi2/float64(f.NDF)))
	}
	return nil
}

// inject makes the trials of all seeds with so many signal events.
func (s *search) inject(ctx context.Context, signal card.Count, first bool) error {
	seeds := make(map[string][]*scored)
	var counts Counts
	for k := range s.data.search.Seeds {
		name := ""
		if len(s.data.search.SignalEvents) > 1 {
			name = fmt.Sprintf("signal %d, ", signal)
		}
		if s.data.search.Seeds > 1 {
			name += fmt.Sprintf("seed %d of %d: ", k+1, s.data.search.Seeds)
		}
		t, err := s.data.trial(s.card.Seed+uint64(k), signal, s.Threads)
		if err != nil {
			return fault.Of(err)
		}
		counts = t.count()
		how := detail{}
		if first && k == 0 {
			how = detail{selections: true, experiments: s.data.search.Experiments}
		}
		f, err := s.trial(ctx, t, name, s.Order, how)
		if err != nil {
			return err
		}
		if first {
			s.Seconds += f.Seconds / float64(s.data.search.Seeds)
		}
		for m, scored := range f.Methods {
			seeds[m] = append(seeds[m], scored)
		}
		if first && k == 0 { // or all seeds would say the same
			for _, line := range f.Warnings {
				s.warn(line)
			}
		}
	}
	in := Injection{Methods: map[string]*Method{}}
	var truth *float64
	if counts.Signal != nil {
		share := float64(*counts.Signal) / float64(counts.Region)
		truth, in.Signal, in.Ratio = &share, *counts.Signal, share/(1-share)
	}
	for m, list := range seeds {
		in.Methods[m] = summary(list, truth)
	}
	if first {
		s.Methods = in.Methods
	}
	if len(s.data.search.SignalEvents) > 1 {
		s.Injections = append(s.Injections, in)
	}
	return nil
}

// trial finds, or takes up what was found before.
func (s *search) trial(ctx context.Context, t *trial, name string, methods []string, how detail) (*found, error) {
	f := &found{}
	err := s.Kept.Do("trial "+name, f, func() error {
		now, err := t.find(ctx, methods, how, func(part string) { s.Stage(name + part) })
		if err == nil {
			*f = *now
		}
		return err
	})
	return f, err
}

func (s *search) warn(line string) {
	s.Warnings = append(s.Warnings, line)
	s.Warn(line)
}

func named(what string, err error) error { return fmt.Errorf("%s: %w", what, err) }

// hunter is the method whose hunt is the search's: cathode, or else the first that needs no labels, lacathode last, which makes excesses of nothing. "" for none.
func hunter(methods []string) string {
	for _, name := range append([]string{"cathode"}, methods...) {
		if slices.Contains(methods, name) && !card.NeedsLabels(name) && name != "lacathode" {
			return name
		}
	}
	if slices.Contains(methods, "lacathode") {
		return "lacathode"
	}
	return ""
}

// chooseHunt takes one of the hunts of the methods.
func (s *search) chooseHunt() {
	name := hunter(s.Order)
	if name == "" {
		return
	}
	if s.Hunt = s.Methods[name].Hunt; s.Hunt == nil {
		s.warn(fmt.Sprintf("no hunt in what %s selects: too few events, or bins, are left to fit a smooth function to", name))
	}
	if name == "lacathode" {
		s.warn("lacathode selects more background in the signal region than beside it, where its density was trained: do not take its excess for signal; hunt with another method beside it")
	}
}

// slide searches in each of the other signal regions.
func (s *search) slide(ctx context.Context) error {
	windows, method := s.data.search.Slide.Windows(), hunter(s.Order)
	if len(windows) == 0 || method == "" {
		return nil
	}
	out := &Slide{Method: method}
	least, looked := 1.0, 0
	for _, region := range windows {
		t, err := s.data.in(region).trial(s.card.Seed, s.data.search.SignalEvents[0], s.Threads)
		if err != nil {
			return fault.Of(err)
		}
		f, err := s.trial(ctx, t, fmt.Sprintf("region %g to %g: ", region.Low, region.High), []string{method}, detail{selections: true})
		if err != nil {
			return err
		}
		w := Window{region.Low, region.High, f.Methods[method].Selections[0]}
		if w.LocalP > 0 {
			least, looked = min(least, w.LocalP), looked+1
		}
		out.Windows = append(out.Windows, w)
	}
	out.GlobalP = -math.Expm1(float64(looked) * math.Log1p(-least))
	out.GlobalSigma = bump.Sigma(out.GlobalP)
	s.Slide = out
	return nil
}
