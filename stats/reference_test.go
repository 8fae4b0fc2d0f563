package stats

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/reference"
)

type histogramVector struct {
	SumWX       []float64 `json:"sum_w_x"`
	SumW2Y      []float64 `json:"sum_w2_y"`
	DensityX    []float64 `json:"density_x"`
	DensityY    []float64 `json:"density_y"`
	Homogeneity float64   `json:"chi2_homogeneity"`
	NDF         int       `json:"ndof"`
	P           float64   `json:"p_value"`
	Counts      *float64  `json:"chi2_two_sample_counts"`
	Half        float64   `json:"chi2_symmetric_half"`
	JS          *float64  `json:"js_nats"`
	KL          *float64  `json:"kl_xy_plain"`
	KLXY        *float64  `json:"kl_xy_add_half"`
	KLYX        *float64  `json:"kl_yx_add_half"`
	Hellinger   *float64  `json:"hellinger"`
	Variation   *float64  `json:"total_variation"`
}

type vectors struct {
	Inputs struct {
		X, Y       [][]float64
		WX         []float64   `json:"w_x"`
		WY         []float64   `json:"w_y"`
		WYNegative []float64   `json:"w_y_negative"`
		Edges      [][]float64 `json:"histogram_edges"`
		Directions [][]float64
		Bandwidths []float64 `json:"mmd_bandwidths"`
	}
	Outputs struct {
		KS []struct {
			Statistic         float64
			P                 float64 `json:"p_numerical_recipes"`
			Series            float64 `json:"p_kolmogorov_series"`
			WeightedStatistic float64 `json:"weighted_statistic"`
		}
		W1          []struct{ Unweighted, Weighted float64 }
		RawEnergy   []map[string]float64 `json:"energy_1d"`
		Histograms  []map[string]histogramVector
		Correlation struct {
			X         [][]float64 `json:"pearson_x"`
			Y         [][]float64 `json:"pearson_y"`
			XWeighted [][]float64 `json:"pearson_x_weighted"`
			Ranks     [][]float64 `json:"spearman_x"`
			MaxDiff   float64     `json:"max_abs_difference"`
		}
		Energy map[string]float64         `json:"energy_distance"`
		MMD    map[string]json.RawMessage `json:"mmd"`
		Sliced struct {
			Mean         float64 `json:"w1_mean"`
			WeightedMean float64 `json:"w1_weighted_mean"`
		} `json:"sliced_wasserstein"`
		Moments struct {
			Mean         []float64 `json:"mean_x"`
			Variance     []float64 `json:"var_x_population"`
			Skew         []float64 `json:"skew_x"`
			Kurtosis     []float64 `json:"kurtosis_excess_x"`
			MeanWeighted []float64 `json:"mean_x_weighted"`
			Effective    float64   `json:"n_eff_x"`
		}
	}
}

// The tolerances are the vectors' own: 1e-10 for statistics, 1e-8 for p-values.
func loadVectors(t *testing.T) (*vectors, Sample, Sample) {
	t.Helper()
	var v vectors
	reference.Read(t, "two_sample_metrics", &v.Inputs, &v.Outputs)
	return &v, Sample{Columns: transpose(v.Inputs.X)}, Sample{Columns: transpose(v.Inputs.Y)}
}

func transpose(rows [][]float64) [][]float64 {
	c := make([][]float64, len(rows[0]))
	for _, r := range rows {
		for k, a := range r {
			c[k] = append(c[k], a)
		}
	}
	return c
}

func cdf(t *testing.T, x, w []float64) *CDF {
	t.Helper()
	c, err := NewCDF(x, w)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestReferenceOneColumn(t *testing.T) {
	v, x, y := loadVectors(t)
	n, m := float64(len(v.Inputs.X)), float64(len(v.Inputs.Y))
	for k := range x.Columns {
		a, b := cdf(t, x.Columns[k], nil), cdf(t, y.Columns[k], nil)
		wa, wb := cdf(t, x.Columns[k], v.Inputs.WX), cdf(t, y.Columns[k], v.Inputs.WY)
		want := v.Outputs.KS[k]
		d, p := KS(a, b)
		reference.Near(t, "KS", d, want.Statistic, 1e-10)
		reference.Near(t, "KS p", p, want.P, 1e-8)
		reference.Near(t, "Kolmogorov's series", kolmogorov(math.Sqrt(n*m/(n+m))*d), want.Series, 1e-8)
		d, _ = KS(wa, wb)
		reference.Near(t, "weighted KS", d, want.WeightedStatistic, 1e-10)
		reference.Near(t, "W1", Wasserstein1(a, b), v.Outputs.W1[k].Unweighted, 1e-10)
		reference.Near(t, "weighted W1", Wasserstein1(wa, wb), v.Outputs.W1[k].Weighted, 1e-10)
		reference.Near(t, "energy", Energy1D(a, b), v.Outputs.RawEnergy[k]["squared"], 1e-10)
		reference.Near(t, "weighted energy", math.Sqrt(Energy1D(wa, wb)), v.Outputs.RawEnergy[k]["sqrt_weighted"], 1e-10)
		reference.Near(t, "effective events", wa.Effective(), v.Outputs.Moments.Effective, 1e-10)
	}
}

func TestReferenceHistograms(t *testing.T) {
	v, x, y := loadVectors(t)
	for k, cases := range v.Outputs.Histograms {
		if len(cases) == 0 {
			t.Fatalf("column %d: no cases", k)
		}
		for name, want := range cases {
			t.Run(fmt.Sprintf("%d/%s", k, name), func(t *testing.T) {
				var wx, wy []float64
				switch name {
				default:
					t.Fatal("the vectors' inputs do not say what weights this case has")
				case "unweighted":
				case "weighted":
					wx, wy = v.Inputs.WX, v.Inputs.WY
				case "negative_weights_in_y":
					wx, wy = v.Inputs.WX, v.Inputs.WYNegative
				}
				checkHistograms(t, v.Inputs.Edges[k], x.Columns[k], wx, y.Columns[k], wy, want)
			})
		}
	}
}

func checkHistograms(t *testing.T, edges, x, wx, y, wy []float64, want histogramVector) {
	a, err := NewHistogram(edges, x, wx)
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewHistogram(edges, y, wy)
	if err != nil {
		t.Fatal(err)
	}
	da, _ := a.Density()
	db, _ := b.Density()
	sorted := cdf(t, x, wx).histogram(edges)
	for i := range want.SumWX {
		reference.Near(t, "sum of weights", a.SumW[i], want.SumWX[i], 1e-10)
		reference.Near(t, "sum of weights, from the sorted values", sorted.SumW[i], want.SumWX[i], 1e-10)
		reference.Near(t, "sum of squared weights", b.SumW2[i], want.SumW2Y[i], 1e-10)
		reference.Near(t, "density", da[i], want.DensityX[i], 1e-10)
		reference.Near(t, "density", db[i], want.DensityY[i], 1e-10)
	}
	chi2, ndf, err := Chi2(a, b)
	if err != nil {
		t.Fatal(err)
	}
	if want.Counts != nil {
		reference.Near(t, "chi2 of counts", chi2, *want.Counts, 1e-10)
	} else {
		reference.Near(t, "chi2", chi2, want.Homogeneity, 1e-10)
		reference.Near(t, "chi2 p", Chi2P(chi2, ndf), want.P, 1e-8)
	}
	if ndf != want.NDF {
		t.Errorf("ndf is %d, want %d", ndf, want.NDF)
	}
	plain, err := Diverge(a, b, 0)
	if err != nil {
		t.Fatal(err)
	}
	half, err := Diverge(a, b, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	reference.Near(t, "symmetric chi2", plain.Chi2, want.Half, 1e-10)
	for what, p := range map[string]struct {
		got  float64
		want *float64
	}{
		"JS": {plain.JS, want.JS}, "KL": {plain.KL, want.KL}, "KL + 1/2": {half.KL, want.KLXY},
		"reverse KL + 1/2": {half.KLReverse, want.KLYX}, "Hellinger": {plain.Hellinger, want.Hellinger},
		"total variation": {plain.TotalVariation, want.Variation},
	} {
		if p.want != nil {
			reference.Near(t, what, p.got, *p.want, 1e-10)
		}
	}
}

func TestReferenceSeveralColumns(t *testing.T) {
	v, x, y := loadVectors(t)
	wx, wy := Sample{x.Columns, v.Inputs.WX}, Sample{y.Columns, v.Inputs.WY}
	e := v.Outputs.Energy
	got, u, err := Energy(x, y)
	if err != nil {
		t.Fatal(err)
	}
	reference.Near(t, "energy", got, e["v_statistic"], 1e-10)
	reference.Near(t, "unbiased energy", u, e["u_statistic"], 1e-10)
	got, _, _ = Energy(wx, wy)
	reference.Near(t, "weighted energy", got, e["v_statistic_weighted"], 1e-10)
	for _, h := range v.Inputs.Bandwidths {
		want := v.mmd(t, h)
		got, u, _ := MMD(x, y, h)
		reference.Near(t, "MMD", got, want.Biased, 1e-10)
		reference.Near(t, "unbiased MMD", u, want.Unbiased, 1e-10)
		got, _, _ = MMD(wx, wy, h)
		reference.Near(t, "weighted MMD", got, want.Weighted, 1e-10)
	}
	got, err = SlicedWasserstein(x, y, v.Inputs.Directions)
	if err != nil {
		t.Fatal(err)
	}
	reference.Near(t, "sliced Wasserstein", got, v.Outputs.Sliced.Mean, 1e-10)
	got, _ = SlicedWasserstein(wx, wy, v.Inputs.Directions)
	reference.Near(t, "weighted sliced Wasserstein", got, v.Outputs.Sliced.WeightedMean, 1e-10)
}

// The joint tests compute the same numbers from one measure of both samples.
func TestReferenceJoint(t *testing.T) {
	v, x, y := loadVectors(t)
	e := v.Outputs.Energy
	o := JointOptions{Draws: 19}
	for _, c := range []struct {
		name   string
		x, y   Sample
		sliced float64
		energy float64
		mmd    func(mmdVector) float64
	}{
		{"", x, y, v.Outputs.Sliced.Mean, e["v_statistic"], func(m mmdVector) float64 { return m.Biased }},
		{"weighted ", Sample{x.Columns, v.Inputs.WX}, Sample{y.Columns, v.Inputs.WY}, v.Outputs.Sliced.WeightedMean, e["v_statistic_weighted"], func(m mmdVector) float64 { return m.Weighted }},
	} {
		reference.Near(t, c.name+"sliced Wasserstein", slicedTests(c.x, c.y, v.Inputs.Directions, o)[0].Value, c.sliced, 1e-10)
		for _, h := range v.Inputs.Bandwidths {
			energy, mmd, _ := pairwiseTests(c.x, c.y, h, o)
			reference.Near(t, c.name+"energy", energy.Value, c.energy, 1e-10)
			reference.Near(t, c.name+"MMD", mmd.Value, c.mmd(v.mmd(t, h)), 1e-10)
		}
	}
	var median float64
	if err := json.Unmarshal(v.Outputs.MMD["median_pairwise_distance_pooled"], &median); err != nil {
		t.Fatal(err)
	}
	reference.Near(t, "median distance", newPairs(x, y, 0).median(), median, 1e-10)
}

type mmdVector struct {
	Biased, Unbiased float64
	Weighted         float64 `json:"biased_weighted"`
}

// mmd is the output whose name ends in a bandwidth, as in bandwidth_0.5.
func (v *vectors) mmd(t *testing.T, bandwidth float64) (want mmdVector) {
	t.Helper()
	for name, raw := range v.Outputs.MMD {
		if h, err := strconv.ParseFloat(strings.TrimPrefix(name, "bandwidth_"), 64); err != nil || h != bandwidth {
			continue
		}
		if err := json.Unmarshal(raw, &want); err != nil {
			t.Fatal(err)
		}
		return want
	}
	t.Fatalf("no MMD of bandwidth %v", bandwidth)
	return want
}

func TestReferenceMoments(t *testing.T) {
	v, x, _ := loadVectors(t)
	want := v.Outputs.Moments
	for k, c := range x.Columns {
		m := NewMoments(c, nil)
		reference.Near(t, "mean", m.Mean, want.Mean[k], 1e-10)
		reference.Near(t, "variance", m.Std*m.Std, want.Variance[k], 1e-10)
		reference.Near(t, "skew", m.Skew, want.Skew[k], 1e-10)
		reference.Near(t, "kurtosis", m.Kurtosis, want.Kurtosis[k], 1e-10)
		reference.Near(t, "weighted mean", NewMoments(c, v.Inputs.WX).Mean, want.MeanWeighted[k], 1e-10)
	}
}

// table makes a float64 table with columns a, b, c, ... and, with weights, a weight column w.
func table(columns [][]float64, w []float64) *events.Table {
	t := &events.Table{}
	for k, c := range columns {
		t.Columns = append(t.Columns, events.Column{Name: string(rune('a' + k)), Type: events.Float64, F64: c})
	}
	if w != nil {
		t.Weight = "w"
		t.Columns = append(t.Columns, events.Column{Name: "w", Type: events.Float64, F64: w})
	}
	return t
}

func TestReferenceCompare(t *testing.T) {
	v, x, y := loadVectors(t)
	c, err := Compare(table(x.Columns, nil), table(y.Columns, nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := v.Outputs.Correlation
	matrix(t, c.CorrelationReference, want.X)
	matrix(t, c.CorrelationGenerated, want.Y)
	matrix(t, c.RankReference, want.Ranks)
	reference.Near(t, "largest difference of correlations", c.CorrelationMaxDiff, want.MaxDiff, 1e-10)
	if len(c.Names) != len(x.Columns) || c.ReferenceEvents != len(v.Inputs.X) || c.GeneratedEvents != len(v.Inputs.Y) {
		t.Errorf("columns %v, %d and %d events", c.Names, c.ReferenceEvents, c.GeneratedEvents)
	}
	for k, name := range c.Names {
		reference.Near(t, "KS", c.Columns[name].KS, v.Outputs.KS[k].Statistic, 1e-10)
		reference.Near(t, "KS p", c.Columns[name].KSP, v.Outputs.KS[k].P, 1e-8)
		reference.Near(t, "W1", c.Columns[name].W1, v.Outputs.W1[k].Unweighted, 1e-10)
	}

	// Columns in another order give the same figures in that order.
	names, n := c.Names, len(c.Names)
	rotated := append([]string{names[n-1]}, names[:n-1]...)
	c, err = Compare(table(x.Columns, v.Inputs.WX), table(y.Columns, v.Inputs.WY), rotated)
	if err != nil {
		t.Fatal(err)
	}
	weighted := make([][]float64, n)
	for i := range weighted {
		for j := range n {
			weighted[i] = append(weighted[i], want.XWeighted[(i+n-1)%n][(j+n-1)%n])
		}
	}
	matrix(t, c.CorrelationReference, weighted)
	for k, name := range names {
		reference.Near(t, "weighted KS", c.Columns[name].KS, v.Outputs.KS[k].WeightedStatistic, 1e-10)
		reference.Near(t, "weighted W1", c.Columns[name].W1, v.Outputs.W1[k].Weighted, 1e-10)
	}
}

func matrix(t *testing.T, got, want [][]float64) {
	t.Helper()
	for i := range want {
		for j := range want[i] {
			reference.Near(t, fmt.Sprintf("correlation %d, %d", i, j), got[i][j], want[i][j], 1e-10)
		}
	}
}
