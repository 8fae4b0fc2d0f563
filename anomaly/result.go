package anomaly

import (
	"slices"

	"github.com/sluice-hep/sluice/bump"
	"github.com/sluice-hep/sluice/stats"
)

// Result is what a search found. Numbers of one trial, and not of all, are those of the first seed with the first number of signal events.
type Result struct {
	Out    string `json:"out,omitempty"`
	Report string `json:"report,omitempty"`

	Events     Counts             `json:"events"`
	Methods    map[string]*Method `json:"methods"`
	Order      []string           `json:"-"` // of the methods, as in the card
	Background Estimate           `json:"background"`
	Hunt       *Hunt              `json:"hunt,omitempty"` // by the first method that is safe to hunt with; those of others are theirs
	Injections []Injection        `json:"injections,omitempty"`
	Slide      *Slide             `json:"slide,omitempty"`
	Closure    *Closure           `json:"closure,omitempty"`
	Seconds    float64            `json:"seconds_per_seed"`
	Notices    []string           `json:"notices,omitempty"`
	Warnings   []string           `json:"warnings,omitempty"`

	signalRegion [2]float64
	mass, unit   string
	experiments  int            // of a hunt
	spectrum     *bump.Spectrum // of all data
	smooth       *bump.Smooth   // fitted to its sidebands
}

// Counts are those of the data: signal that is thinned away is not in them.
type Counts struct {
	Region    int  `json:"signal_region"`
	Sidebands int  `json:"sidebands"`
	Signal    *int `json:"signal,omitempty"` // of the signal region, where labels are known
}

// Method is what a method found, where there is signal to judge it by: medians over seeds, and half the width of the middle 68 % of them, or, of
// one seed, the error of the one.
type Method struct {
	MaxSIC      *float64 `json:"max_sic,omitempty"` // the largest SIC of a selection that leaves stats.EnoughBackground background events
	MaxSICError *float64 `json:"max_sic_error,omitempty"`
	AUC         *float64 `json:"auc,omitempty"`
	AUCError    *float64 `json:"auc_error,omitempty"`
	Seconds     float64  `json:"seconds"` // a seed, without the density of the background
	Seeds       []Seed   `json:"seeds,omitempty"`
	Share       *Share   `json:"signal_share,omitempty"` // of r-anode

	Selections []Selection `json:"selections,omitempty"`
	Hunt       *Hunt       `json:"hunt,omitempty"`

	curves [][]float64 // SIC at each of efficiencies, of each seed
	hunted []float64   // the counts of the spectrum of Hunt
}

// Seed is what a method reached in one trial.
type Seed struct {
	MaxSIC float64 `json:"max_sic"`
	AUC    float64 `json:"auc"`
}

// Share is the share w of signal in the signal region as R-ANODE has it.
type Share struct {
	Trained float64  `json:"trained"` // by its trainings, the mean of all folds
	Fitted  float64  `json:"fitted"`  // the likeliest for the events that each training had not seen
	Error   float64  `json:"error"`   // of that
	Truth   *float64 `json:"truth,omitempty"`
}

// Injection is what was found with one of several numbers of signal events.
type Injection struct {
	Signal  int                `json:"signal"`  // events in the signal region
	Ratio   float64            `json:"s_to_b"`  // to the background events there
	Methods map[string]*Method `json:"methods"` // without selections and hunts but for the first
}

// Slide are searches in other signal regions.
type Slide struct {
	Method  string   `json:"method"`
	Windows []Window `json:"windows"`
	// GlobalP is the probability of as small a local p in any of the regions, without signal, these being independent: 1 - (1-p)^n.
	GlobalP     float64 `json:"global_p"`
	GlobalSigma float64 `json:"global_sigma"`
}

// Window is a signal region with what is left of its events after a selection of 1 %.
type Window struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	Selection
}

// Closure are searches in events without signal.
type Closure struct {
	Method  string    `json:"method"`
	GlobalP []float64 `json:"global_p"` // of each hunt
	KSP     float64   `json:"ks_p"`     // the probability that uniform numbers are as far from being so (Kolmogorov-Smirnov)
	LocalP  []float64 `json:"local_p"`  // of what is left in the signal region after a selection of 1 %
	LocalKS float64   `json:"local_ks_p"`
	None    int       `json:"no_hunt,omitempty"` // of which too few events were left to hunt in
}

// Estimate is a number of background events in the signal region by the fit to the sidebands, and, where labels are known, the true one.
type Estimate struct {
	Estimate float64 `json:"estimate"`
	Error    float64 `json:"error"`
	*Truth
	Chi2NDF float64 `json:"chi2_ndf,omitempty"` // of the fit, where enough bins expect 5 events
}

// Truth is the number of background events by labels.
type Truth struct {
	Events float64 `json:"truth"`
}

// Selection is what is left where the share of the data in the signal region that has higher scores is at most Share.
type Selection struct {
	Share    float64 `json:"share"`
	Observed float64 `json:"observed"` // in the signal region
	// Estimate is nil, and LocalP 0, where too few events are left in the sidebands to fit a function to.
	Estimate *Estimate `json:"background,omitempty"`
	LocalP   float64   `json:"local_p,omitempty"`
	// Sculpting is how far the masses of background that is selected are from those of the rest, the Kolmogorov-Smirnov distance, and its p; both 0 where
	// labels are not known, or too few events left.
	Sculpting  float64 `json:"sculpting_ks,omitempty"`
	SculptingP float64 `json:"sculpting_p,omitempty"`
}

// Hunt is a scan of the mass after a selection.
type Hunt struct {
	Method string  `json:"method"` // by whose score events are selected
	Share  float64 `json:"share"`  // of the data in the signal region that are
	bump.Hunt
}

// shares of the data that are selected.
var shares = []float64{0.01, 0.001, 0.0001}

// huntedShare is that of the selection that is hunted in.
const huntedShare = 0.01

// closureExperiments are the most pseudo-experiments of each of many hunts without signal.
const closureExperiments = 200

// efficiencies at which SIC curves are drawn.
var efficiencies = func() (x []float64) {
	for k := 1; k <= 100; k++ {
		x = append(x, float64(k)/100)
	}
	return x
}()

// summary is a method over seeds; truth is the share of signal, nil where nobody knows.
func summary(seeds []*scored, truth *float64) *Method {
	m := &Method{Selections: seeds[0].Selections, Hunt: seeds[0].Hunt, hunted: seeds[0].Hunted}
	var sic, auc, trained, fitted []float64
	for _, s := range seeds {
		m.Seconds += s.Seconds / float64(len(seeds))
		if s.FittedError > 0 {
			trained, fitted = append(trained, s.Trained), append(fitted, s.Fitted)
		}
		if s.Judged {
			sic, auc = append(sic, s.MaxSIC), append(auc, s.AUC)
			m.Seeds = append(m.Seeds, Seed{s.MaxSIC, s.AUC})
			m.curves = append(m.curves, s.Curve)
		}
	}
	first := seeds[0]
	if len(sic) > 0 {
		m.MaxSIC, m.MaxSICError = middle(sic, first.MaxSICError)
		m.AUC, m.AUCError = middle(auc, first.AUCError)
	}
	if len(fitted) > 0 {
		w, spread := middle(fitted, first.FittedError)
		learned, _ := middle(trained, 0)
		m.Share = &Share{*learned, *w, *spread, truth}
	}
	return m
}

// middle is the median of values, and half the width of their middle 68 %, or, of one value, the error that it has.
func middle(x []float64, own float64) (median, half *float64) {
	low, high := ends(x)
	x = slices.Sorted(slices.Values(x))
	m, h := stats.Quantile(x, 0.5), (high-low)/2
	if len(x) == 1 {
		h = own
	}
	return &m, &h
}

// ends are those of the middle 68 % of values.
func ends(x []float64) (low, high float64) {
	x = slices.Sorted(slices.Values(x))
	return stats.Quantile(x, 0.16), stats.Quantile(x, 0.84)
}
