package stats

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
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

	// Spearman's rank correlations, which a few extreme events do not dominate, and the pair where they differ least like chance;
	// nil with a single column.
	RankReference [][]float64     `json:"-"`
	RankGenerated [][]float64     `json:"-"`
	Rank          *RankDifference `json:"rank_correlation,omitempty"`
}

// ColumnComparison compares one column. Values that are NaN or infinite are left out, and counted.
type ColumnComparison struct {
	KS   float64 `json:"ks"`   // Kolmogorov-Smirnov statistic
	KSP  float64 `json:"ks_p"` // and its probability by chance
	W1   float64 `json:"w1"`   // Wasserstein-1 distance, in the column's unit
	Chi2 float64 `json:"chi2"` // over about 50 bins of equal content in the reference, joined where few events are expected
	NDF  int     `json:"ndf"`
	// Chi2NDF is Chi2/NDF, near 1 for samples of one distribution; 0, and null in JSON, where NDF is 0: all values equal, or
	// fewer than about 20 events.
	Chi2NDF float64 `json:"chi2_ndf"`
	Chi2P   float64 `json:"chi2_p"` // of at least Chi2 by chance
	Window  Window  `json:"window"` // where the histograms differ most significantly

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
	if len(columns) == 0 {
		if columns = commonColumns(ref, gen); len(columns) == 0 {
			return nil, fmt.Errorf("stats: the reference and the generated table have no column of numbers in common")
		}
	}
	if n := len(columns); n > mostColumns {
		return nil, fmt.Errorf("stats: the correlations of %d columns take gigabytes; name those to compare, at most %d", n, mostColumns)
	}
	r, err := selectColumns(ref, columns)
	if err != nil {
		return nil, fmt.Errorf("stats: the reference table: %w", err)
	}
	g, err := selectColumns(gen, columns)
	if err != nil {
		return nil, fmt.Errorf("stats: the generated table: %w", err)
	}
	c := &Comparison{
		Names: slices.Clone(columns), Columns: map[string]ColumnComparison{},
		ReferenceEvents: r.len, GeneratedEvents: g.len,
	}
	c.ReferenceEffective, c.GeneratedEffective = r.effective(), g.effective()
	rm, gm := make([]Moments, len(columns)), make([]Moments, len(columns))
	ra, ga := make([]*CDF, len(columns)), make([]*CDF, len(columns))
	for k, name := range columns {
		from := Origin(r.columns[k], g.columns[k])
		r.from[k], g.from[k] = from, from
		var col ColumnComparison
		if col, ra[k], ga[k], err = compareColumn(r, g, k); err != nil {
			return nil, fmt.Errorf("stats: column %q: %w", name, err)
		}
		rm[k], gm[k] = col.Reference, col.Generated
		for _, v := range []*float64{&col.Reference.Mean, &col.Generated.Mean, &col.ReferenceRange[0], &col.ReferenceRange[1], &col.GeneratedRange[0], &col.GeneratedRange[1], &col.Window.From, &col.Window.To} {
			*v += from.Float()
		}
		c.Columns[name] = col.bounded()
	}
	c.CorrelationReference, c.CorrelationGenerated = r.correlation(rm, false).r, g.correlation(gm, false).r
	c.correlationDifference()
	r, rm = r.ranks(ra)
	g, gm = g.ranks(ga)
	c.Rank = c.compareRanks(r.correlation(rm, true), g.correlation(gm, true))
	return c, nil
}

func commonColumns(ref, gen *events.Table) (names []string) {
	for i := range ref.Columns {
		c := &ref.Columns[i]
		k := column.Find(gen.Columns, c.Name, i)
		if k >= 0 && c.Type != events.Text && gen.Columns[k].Type != events.Text && c.Name != ref.Weight && c.Name != gen.Weight {
			names = append(names, c.Name)
		}
	}
	return names
}

func compareColumn(ref, gen *selection, k int) (c ColumnComparison, a, b *CDF, err error) {
	sample := func(s *selection, which string) (cdf *CDF, m Moments, skipped int) {
		x, w, skipped := s.finite(k)
		cdf, e := newCDF(x, w)
		if e != nil && err == nil {
			err = fmt.Errorf("the %s table (%d events, %d of them NaN or infinite): %w", which, s.len, skipped, e)
		}
		return cdf, NewMoments(x, w), skipped
	}
	a, c.Reference, c.ReferenceSkipped = sample(ref, "reference")
	b, c.Generated, c.GeneratedSkipped = sample(gen, "generated")
	if err != nil {
		return c, a, b, err
	}
	c.KS, c.KSP = KS(a, b)
	c.W1 = Wasserstein1(a, b)
	if c.Chi2, c.NDF, c.Window = chi2Between(a, b); c.NDF > 0 {
		c.Chi2NDF = c.Chi2 / float64(c.NDF)
	}
	c.Chi2P = Chi2P(c.Chi2, c.NDF)
	c.ReferenceRange = [2]float64{a.x[0], a.x[len(a.x)-1]}
	c.GeneratedRange = [2]float64{b.x[0], b.x[len(b.x)-1]}
	c.Outside, c.OutsideP = outside(a, b)
	c.SkippedP = sharesP(c.ReferenceSkipped, ref.len, c.GeneratedSkipped, gen.len)
	return c, a, b, nil
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
		&c.KS, &c.KSP, &c.W1, &c.Chi2, &c.Chi2NDF, &c.Chi2P,
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
