package stats

import (
	"encoding/json"
	"fmt"
	"math"
	"runtime"

	"github.com/sluice-hep/sluice/events"
)

// Comparison says how far a generated sample is from its reference. It holds no NaN and no infinity, so it
// always marshals to JSON.
type Comparison struct {
	// Names are the columns in order, also that of the matrices.
	Names           []string `json:"-"`
	ReferenceEvents int      `json:"reference_events"`
	GeneratedEvents int      `json:"generated_events"`
	// The effective numbers of events, (sum w)^2 / sum w^2: those without weights whose means are known as well.
	ReferenceEffective float64                     `json:"reference_effective"`
	GeneratedEffective float64                     `json:"generated_effective"`
	Columns            map[string]ColumnComparison `json:"columns"`

	// The matrices are Correlation's. CorrelationMaxDiff is the largest absolute difference between them, and
	// CorrelationMaxPair the columns where it is; 0 and empty with a single column.
	CorrelationReference [][]float64 `json:"-"`
	CorrelationGenerated [][]float64 `json:"-"`
	CorrelationMaxDiff   float64     `json:"correlation_max_diff"`
	CorrelationMaxPair   []string    `json:"correlation_max_pair,omitempty"`

	// CorrelationError is the standard errors of the differences, and Linear the pair where the correlations differ least like chance; nil
	// with a single column or more than some sixty.
	CorrelationError [][]float64            `json:"-"`
	Linear           *CorrelationDifference `json:"linear_correlation,omitempty"`

	// The same of Spearman's rank correlations, which a few extreme events do not dominate.
	RankReference [][]float64            `json:"-"`
	RankGenerated [][]float64            `json:"-"`
	RankError     [][]float64            `json:"-"`
	Rank          *CorrelationDifference `json:"rank_correlation,omitempty"`
}

// ColumnComparison compares one column. Values that are NaN or infinite are left out, and counted.
type ColumnComparison struct {
	KS     float64 `json:"ks"`      // Kolmogorov-Smirnov statistic
	KSP    float64 `json:"ks_p"`    // and its probability by chance
	W1     float64 `json:"w1"`      // Wasserstein-1 distance, in the column's unit
	W1Null float64 `json:"w1_null"` // what chance makes of it, on average
	W1P    float64 `json:"w1_p"`    // its probability by chance, not below that of one draw in a thousand
	Chi2   float64 `json:"chi2"`    // over about 50 bins of equal content in the reference, joined where few events are expected
	NDF    int     `json:"ndf"`
	// Chi2NDF is Chi2/NDF, near 1 for samples of one distribution; 0, and null in JSON, where NDF is 0: all values equal, or
	// fewer than about 20 events.
	Chi2NDF float64 `json:"chi2_ndf"`
	Chi2P   float64 `json:"chi2_p"` // of at least Chi2 by chance

	// Divergences of the same bins, and what chance makes of them on average; their probability is that of Chi2, of which they are other scales. Bins whose
	// sum of weights is negative are joined with others. KL, of the reference from the generated sample, is nil where it is infinite: a bin has reference events alone.
	JSD            float64  `json:"jsd"` // Jensen-Shannon divergence in nats, at most log 2
	JSDNull        float64  `json:"jsd_null"`
	Separation     float64  `json:"separation"` // sum (a-b)^2 / (a+b) / 2 of the shares, from 0 to 1, as in TMVA
	SeparationNull float64  `json:"separation_null"`
	KL             *float64 `json:"kl,omitempty"`

	Window Window `json:"window"` // where the histograms differ most significantly

	// Outside is the share of the generated events beyond the range of the reference, and OutsideP the probability that so
	// many events of either are beyond the range of the other.
	ReferenceRange [2]float64 `json:"reference_range"`
	GeneratedRange [2]float64 `json:"generated_range"`
	Outside        float64    `json:"outside"`
	OutsideP       float64    `json:"outside_p"`

	Reference        Moments `json:"reference"`
	Generated        Moments `json:"generated"`
	ReferenceSkipped int     `json:"reference_skipped,omitempty"` // NaN or infinite
	GeneratedSkipped int     `json:"generated_skipped,omitempty"`
	SkippedP         float64 `json:"skipped_p"` // of shares of skipped events so different, by chance

	// Cannot says why probabilities are 1 that cannot be told; empty where all can.
	Cannot string `json:"cannot,omitempty"`
}

// MarshalJSON writes no chi2/ndf where there is none.
func (c ColumnComparison) MarshalJSON() ([]byte, error) {
	type fields ColumnComparison
	if c.NDF > 0 {
		return json.Marshal(fields(c))
	}
	return json.Marshal(struct {
		fields
		None *float64 `json:"chi2_ndf"`
	}{fields: fields(c)})
}

// mostColumns are compared with each other: sums of pairs and matrices of correlations take 64 bytes a pair, a gigabyte.
const mostColumns = 4000

// Compare compares the named columns of two tables, with the weights that each table names. Without names it
// compares every column of numbers that both tables have, weights aside. It is an error if a column is
// missing, holds text, or has no finite value, and if a table's weights are not numbers or do not sum to a
// positive one. Integers beyond 2^53 are compared to the last digit.
func Compare(ref, gen *events.Table, columns []string) (*Comparison, error) {
	return compare(ref, gen, columns, usual)
}

// compare is Compare with draws of the caller's.
func compare(ref, gen *events.Table, columns []string, o nulls) (*Comparison, error) {
	r, g, err := selectBoth(ref, gen, columns)
	if err != nil {
		return nil, err
	}
	c := &Comparison{Columns: map[string]ColumnComparison{}, ReferenceEvents: r.len, GeneratedEvents: g.len}
	for _, column := range r.columns {
		c.Names = append(c.Names, column.Name)
	}
	c.ReferenceEffective, c.GeneratedEffective = r.effective(), g.effective()
	cols, errs := make([]ColumnComparison, len(c.Names)), make([]error, len(c.Names))
	rr, gr := newRanked(r), newRanked(g)
	each(len(cols), min(runtime.GOMAXPROCS(0), mostThreads), func() func(int) {
		return func(k int) { cols[k], errs[k] = compareColumn(pair{r, rr}, pair{g, gr}, k, o) }
	})
	rm, gm := make([]Moments, len(cols)), make([]Moments, len(cols))
	for k, name := range c.Names {
		if errs[k] != nil {
			return nil, fmt.Errorf("stats: column %q: %w", name, errs[k])
		}
		col := cols[k]
		rm[k], gm[k] = col.Reference, col.Generated
		for _, v := range []*float64{&col.Reference.Mean, &col.Generated.Mean, &col.ReferenceRange[0], &col.ReferenceRange[1], &col.GeneratedRange[0], &col.GeneratedRange[1], &col.Window.From, &col.Window.To} {
			*v += r.from[k].Float()
		}
		c.Columns[name] = col.bounded()
	}
	var m [4]matrices
	each(len(m), 0, func() func(int) {
		return func(i int) {
			m[i] = []func() matrices{
				func() matrices { return r.correlation(rm, nil) },
				func() matrices { return g.correlation(gm, nil) },
				func() matrices { return rr.correlation(rr.moments, rr.cells) },
				func() matrices { return gr.correlation(gr.moments, gr.cells) },
			}[i]()
		}
	})
	c.CorrelationReference, c.CorrelationGenerated = m[0].r, m[1].r
	c.correlationDifference()
	c.Linear, c.CorrelationError = c.compareCorrelations(m[0], m[1], o)
	c.RankReference, c.RankGenerated = m[2].r, m[3].r
	c.Rank, c.RankError = c.compareCorrelations(m[2], m[3], o)
	return c, nil
}

// mostThreads compare columns at a time, each with some 100 bytes an event.
const mostThreads = 4

// pair is a sample's columns, and the same as ranks.
type pair struct {
	*selection
	ranks *ranked
}

// compareColumn compares column k, and fills it in of the ranks.
func compareColumn(ref, gen pair, k int, o nulls) (c ColumnComparison, err error) {
	sample := func(s pair, which string) (cdf *CDF, m Moments, skipped int) {
		x, w, skipped := s.finite(k)
		cdf, order, e := newCDF(x, w)
		if e != nil {
			if err == nil {
				err = fmt.Errorf("the %s table (%d events, %d of them NaN or infinite): %w", which, s.len, skipped, e)
			}
			return cdf, m, skipped
		}
		s.ranks.set(k, s.columns[k], cdf, order)
		return cdf, NewMoments(x, w), skipped
	}
	var a, b *CDF
	a, c.Reference, c.ReferenceSkipped = sample(ref, "reference")
	b, c.Generated, c.GeneratedSkipped = sample(gen, "generated")
	if err != nil {
		return c, err
	}
	if na, nb := a.Effective(), b.Effective(); min(na, nb) < fewest {
		c.Cannot = fmt.Sprintf("%.3g effective events of the reference and %.3g generated ones: fewer than %d tell nothing of chance", na, nb, fewest)
	}
	ks, w1 := distances(a, b, o)
	c.KS, c.KSP = ks.Value, ks.P
	c.W1, c.W1Null, c.W1P = w1.Value, w1.NullMean, w1.P
	c.binned(a, b, o)
	c.ReferenceRange = [2]float64{a.x[0], a.x[len(a.x)-1]}
	c.GeneratedRange = [2]float64{b.x[0], b.x[len(b.x)-1]}
	c.Outside, c.OutsideP = outside(a, b)
	c.SkippedP = sharesP(c.ReferenceSkipped, ref.len, c.GeneratedSkipped, gen.len)
	return c, nil
}

// binned fills what is computed of histograms.
func (c *ColumnComparison) binned(a, b *CDF, o nulls) {
	ma, mb := join(a, b)
	if c.Chi2, c.NDF, _ = Chi2(ma, mb); c.NDF > 0 { // the edges are the same
		c.Chi2NDF = c.Chi2 / float64(c.NDF)
	}
	c.Chi2P = Chi2P(c.Chi2, c.NDF)
	c.Window = window(ma, mb, o)
	c.Window.From, c.Window.To = max(c.Window.From, min(a.x[0], b.x[0])), min(c.Window.To, max(a.x[len(a.x)-1], b.x[len(b.x)-1]))

	ma, mb = positive(ma, mb)
	d, _ := Diverge(ma, mb, 0)
	c.JSD, c.Separation = d.JS, d.Chi2
	if finite(d.KL) {
		c.KL = &d.KL
	}
	s := stepsOf(ma, mb)
	for i, common := range s.share {
		if common > 0 {
			v := s.deviation(i, i+1)
			c.SeparationNull += v * v / common / 4
		}
	}
	c.JSDNull = c.SeparationNull / 2 // to the second order in the differences
}

// sharesP is the probability that the shares k/n and l/m of two samples differ by so much by chance, to the normal approximation.
func sharesP(k, n, l, m int) float64 {
	p := float64(k+l) / float64(n+m)
	diff := math.Abs(float64(k)/float64(n) - float64(l)/float64(m))
	if diff == 0 {
		return 1
	}
	return math.Erfc(diff / math.Sqrt(2*p*(1-p)*(1/float64(n)+1/float64(m))))
}

// bounded replaces what overflowed, at values beyond 1e75 or so, by the largest number.
func (c ColumnComparison) bounded() ColumnComparison {
	for _, p := range []*float64{
		&c.KS, &c.KSP, &c.W1, &c.W1Null, &c.W1P, &c.Chi2, &c.Chi2NDF, &c.Chi2P,
		&c.Reference.Mean, &c.Reference.Std, &c.Reference.Skew, &c.Reference.Kurtosis,
		&c.Generated.Mean, &c.Generated.Std, &c.Generated.Skew, &c.Generated.Kurtosis,
	} {
		if !finite(*p) {
			*p = math.Copysign(math.MaxFloat64, *p)
		}
	}
	return c
}

func (c *Comparison) correlationDifference() {
	for i := range c.Names {
		for j := range i {
			if d := math.Abs(c.CorrelationReference[i][j] - c.CorrelationGenerated[i][j]); d > c.CorrelationMaxDiff {
				c.CorrelationMaxDiff, c.CorrelationMaxPair = d, []string{c.Names[j], c.Names[i]}
			}
		}
	}
}
