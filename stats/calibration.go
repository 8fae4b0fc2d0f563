package stats

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/sluice-hep/sluice/internal/rng"
)

// Calibration says whether levels, one an event, are uniform over 0 to 1, as those are that a calibrated density gives the events
// that it describes: a PIT; a TARP rank, spread as a PIT is; the content of the smallest region, of highest density or central, that
// holds the event.
type Calibration struct {
	Events    int     `json:"events"`
	Effective float64 `json:"effective"` // number of events, (sum w)^2 / sum w^2

	// Coverage is the share of the weights of events below each Level, with its standard error. From Low to High it is, at a level, in 95 %
	// of all cases by chance; within Band of the level, at all levels at once, in 95 % too.
	Level    []float64 `json:"level"`
	Coverage []float64 `json:"coverage"`
	Error    []float64 `json:"error"`
	Low      []float64 `json:"low"`
	High     []float64 `json:"high"`
	Band     float64   `json:"band"`

	Coverage68 float64 `json:"coverage68"` // at level 0.68
	Error68    float64 `json:"coverage68_error"`
	Coverage95 float64 `json:"coverage95"`
	Error95    float64 `json:"coverage95_error"`

	// Shares are those of the weights in bins of equal width from 0 to 1: a rank histogram. A bin's is from ShareLow to ShareHigh in 95 % of
	// all cases by chance.
	Shares    []float64 `json:"shares"`
	ShareLow  float64   `json:"share_low"`
	ShareHigh float64   `json:"share_high"`

	KS   Test `json:"ks"`   // the largest difference between coverage and level
	Chi2 Test `json:"chi2"` // of Shares
}

// leastCalibrated is the least effective number of events that a calibration is judged by.
const leastCalibrated = 20

// mostShares is the largest number of bins of a rank histogram, each of which is expected to hold minEntries; mostWeighted and minWeighted are
// those of events with weights, whose covariance is taken from them: with more bins, or fewer effective events in each, chi2 is too large.
const (
	mostShares   = 20
	mostWeighted = 10
	minWeighted  = 100
)

// NewCalibration takes levels from 0 to 1 and weights, nil where all are 1. Where the events have weights the p-values hold also if these
// depend on the events: chi2 takes the covariance of the shares from the events, and KS the null distribution from sums in
// which each event has a random sign, by seed.
func NewCalibration(level, w []float64, seed uint64) (*Calibration, error) {
	if i := slices.IndexFunc(level, func(u float64) bool { return !(u >= 0 && u <= 1) }); i >= 0 {
		return nil, fmt.Errorf("stats: level %d is %g; it must be from 0 to 1", i, level[i])
	}
	cdf, err := NewCDF(level, w)
	if err != nil {
		return nil, err
	}
	c := &Calibration{Events: len(level), Effective: cdf.Effective()}
	for k := range 21 {
		at := float64(k) / 20
		share, e := Coverage(level, w, at)
		low, high := c.chance(level, w, at)
		c.Level, c.Coverage, c.Error = append(c.Level, at), append(c.Coverage, share), append(c.Error, e)
		c.Low, c.High = append(c.Low, low), append(c.High, high)
	}
	c.Coverage68, c.Error68 = Coverage(level, w, 0.68)
	c.Coverage95, c.Error95 = Coverage(level, w, 0.95)
	most, least := mostShares, minEntries
	if w != nil {
		most, least = mostWeighted, minWeighted
	}
	bins := max(2, min(most, int(c.Effective)/least))
	c.Shares, c.Chi2 = shares(level, w, bins)
	c.ShareLow, c.ShareHigh = c.binomial(1/float64(bins), w == nil)
	if c.KS, c.Band = uniformKS(level, w, seed); c.Effective < leastCalibrated {
		why := Test{Cannot: fmt.Sprintf("%.3g events, by their weights; at least %d are needed", c.Effective, leastCalibrated)}
		c.KS, c.Chi2, c.Band = why, why, 1
	}
	return c, nil
}

// Coverage is the share of the weights of the events whose level is below the given one, with its standard error.
func Coverage(level, w []float64, below float64) (share, err float64) {
	in := make([]float64, len(level))
	for i, u := range level {
		if u < below {
			in[i] = 1
		}
	}
	return MeanError(in, w)
}

// chance is the range of the coverage at a level, in 95 % of all cases.
func (c *Calibration) chance(level, w []float64, at float64) (low, high float64) {
	if w == nil {
		return c.binomial(at, true)
	}
	var square float64
	for i, u := range level {
		d := -at
		if u < at {
			d++
		}
		square += w[i] * w[i] * d * d
	}
	s := normal95 * math.Sqrt(square) / sum(w)
	return at - s, at + s
}

// normal95 is how many standard deviations hold 95 % of a normal distribution.
const normal95 = 1.959963984540054

// binomial is the range of the share of the events in 95 % of all cases: by the binomial distribution of their number, or, where they
// have weights, by the normal one of their effective number.
func (c *Calibration) binomial(p float64, counts bool) (low, high float64) {
	n := float64(c.Events)
	if !counts || p == 0 || p == 1 {
		s := normal95 * math.Sqrt(p*(1-p)/c.Effective)
		return p - s, p + s
	}
	d := distuv.Binomial{N: n, P: p}
	at := func(q float64) float64 {
		lo, hi := 0, c.Events // the smallest number that the distribution reaches q at is from lo to hi
		for lo < hi {
			if mid := (lo + hi) / 2; d.CDF(float64(mid)) >= q {
				hi = mid
			} else {
				lo = mid + 1
			}
		}
		return float64(lo) / n
	}
	return at(0.025), at(0.975)
}

// shares is the rank histogram and Pearson's chi2 of it, or, with weights, Wald's.
func shares(level, w []float64, bins int) ([]float64, Test) {
	n, h, total := float64(bins), make([]float64, bins), 0.0
	at := func(u float64) int { return min(int(u*n), bins-1) }
	for i, u := range level {
		h[at(u)] += weight(w, i)
		total += weight(w, i)
	}
	for b := range h {
		h[b] /= total
	}
	if w != nil {
		return h, chi2Test(wald(level, w, bins, at))
	}
	chi2 := 0.0
	for _, share := range h {
		chi2 += (share - 1/n) * (share - 1/n) * n * total
	}
	return h, chi2Test(chi2, bins-1)
}

func chi2Test(chi2 float64, ndf int) Test {
	if ndf < 1 {
		return Test{Cannot: "all values are the same"}
	}
	return Test{Value: chi2, NullMean: float64(ndf), NullStd: math.Sqrt(2 * float64(ndf)), P: Chi2P(chi2, ndf)}
}

// wald is s' V^-1 s, chi2 with ndf degrees of freedom: s is the sum over events of z, each weight in the bin of its level less the part of it
// that falls to the bin, and V the sum of z z', its covariance by hypothesis. The last bin follows from the others.
func wald(level, w []float64, bins int, at func(level float64) int) (chi2 float64, ndf int) {
	width := bins - 1
	z, s, v := make([]float64, bins), make([]float64, width), make([]float64, width*width)
	for i, u := range level {
		for b := range z {
			z[b] = -w[i] / float64(bins)
		}
		z[at(u)] += w[i]
		for a := range width {
			s[a] += z[a]
			for b := range a + 1 {
				v[a*width+b] += z[a] * z[b]
			}
		}
	}
	return quadratic(s, v)
}

// quadratic is s' V^-1 s, and the rank of V, of which the lower half is read. Both are overwritten. A number that others make up has no part of its
// own, and is left out.
func quadratic(s, v []float64) (chi2 float64, rank int) {
	width := len(s)
	d := make([]float64, width) // V = L D L', with L over V
	for a := range width {
		own := v[a*width+a]
		d[a] = own
		for b := range a {
			l := v[a*width+b]
			for c := range b {
				l -= v[a*width+c] * v[b*width+c] * d[c]
			}
			if d[b] > 0 {
				l /= d[b]
			} else {
				l = 0
			}
			v[a*width+b] = l
			d[a] -= l * l * d[b]
			s[a] -= l * s[b]
		}
		if d[a] <= 1e-9*own {
			d[a], s[a] = 0, 0
			continue
		}
		chi2, rank = chi2+s[a]*s[a]/d[a], rank+1
	}
	return chi2, rank
}

// signedDraws is how often the signs of weighted events are drawn.
const signedDraws = 999

// Uniform is the Kolmogorov-Smirnov test of numbers against uniform ones from 0 to 1.
func Uniform(x []float64) Test {
	t, _ := uniformKS(x, nil, 0)
	return t
}

// uniformKS is the largest difference between the distribution of the levels and the uniform one, and the largest that chance makes in
// 95 % of all cases. Without weights it is Kolmogorov's, with Stephens' correction.
func uniformKS(level, w []float64, seed uint64) (t Test, band float64) {
	n := len(level)
	u, e := make([]float64, n), make([]float64, n)
	for k, i := range order(level) {
		u[k], e[k] = level[i], weight(w, int(i))
	}
	total := sum(e)
	t.Value = farthest(u, e) / total
	if w == nil {
		root := math.Sqrt(total)
		corrected := root + 0.12 + 0.11/root
		t.P, t.NullMean, t.NullStd = kolmogorov(corrected*t.Value), 0.8687311606361592/root, 0.2603328707851652/root
		return t, 1.358098695 / corrected
	}
	signs, own, d := rng.New(seed, rng.StreamTest, partSigns), make([]float64, n), make([]float64, signedDraws)
	t.Draws = signedDraws
	above := 1
	for k := range d {
		var bits uint64
		for i := range own {
			if i%64 == 0 {
				bits = signs.Uint64()
			}
			own[i] = math.Float64frombits(math.Float64bits(e[i]) ^ bits<<63)
			bits >>= 1
		}
		if d[k] = farthest(u, own) / total; d[k] >= t.Value {
			above++
		}
	}
	m := NewMoments(d, nil)
	t.P, t.NullMean, t.NullStd = float64(above)/(signedDraws+1), m.Mean, m.Std
	slices.Sort(d)
	return t, d[signedDraws*95/100]
}

// farthest is the largest |sum of the weights up to x - x times the sum of all|, over x from 0 to 1, of ascending levels.
func farthest(u, w []float64) (most float64) {
	total, below := sum(w), 0.0
	for i, x := range u {
		most = max(most, math.Abs(below-x*total))
		below += w[i]
		most = max(most, math.Abs(below-x*total))
	}
	return most
}
