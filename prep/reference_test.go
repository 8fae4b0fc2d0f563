package prep

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/sluice-hep/sluice/internal/reference"
)

// near compares a value of a row, or of a column.
func near(t *testing.T, what string, row int, got, want, tol float64) {
	t.Helper()
	reference.Near(t, fmt.Sprintf("%s, row %d", what, row), got, want, tol)
}

func transpose(rows [][]float64) [][]float64 {
	cols := make([][]float64, len(rows[0]))
	for j := range cols {
		for _, r := range rows {
			cols[j] = append(cols[j], r[j])
		}
	}
	return cols
}

// fitted are steps fitted one after the other.
func fitted(t *testing.T, x []float64, steps ...Step) Steps {
	t.Helper()
	x = slices.Clone(x)
	for _, s := range steps {
		if err := s.Fit(x, nil); err != nil {
			t.Fatal(err)
		}
		s.Apply(x, nil)
	}
	return steps
}

func (s Steps) apply(x, logDet []float64) {
	for _, step := range s {
		step.Apply(x, logDet)
	}
}

func (s Steps) invert(y, logDet []float64) {
	for _, step := range slices.Backward(s) {
		step.Invert(y, logDet)
	}
}

// Tolerances of the README: 1e-9 where a row holds a column's extreme, 1e-12 elsewhere; a standard deviation
// and the like sum over all rows and inherit the former.
func TestReferencePrepChain(t *testing.T) {
	var in struct {
		Squeeze struct {
			Table   [][]float64
			Extra   [][]float64 `json:"extra_rows"`
			Latent  [][]float64 `json:"latent_for_inverse"`
			Squeeze float64     `json:"b"`
		}
	}
	var out struct {
		Squeeze struct {
			Min, Max, Mean, Std []float64
			Table               [][]float64 `json:"table_transformed"`
			LogDet              []float64   `json:"table_logdet"`
			LogProb             []float64   `json:"table_log_prob_standard_normal"`
			Extra               [][]float64 `json:"extra_transformed"`
			ExtraLogDet         []float64   `json:"extra_logdet"`
			Inverse             [][]float64 `json:"x_inverse"`
			InverseLogDet       []float64   `json:"logdet_inverse"`
		}
	}
	reference.Read(t, "prep_chain", &in, &out)
	table, want := transpose(in.Squeeze.Table), out.Squeeze
	var chains []Steps
	for j, x := range table {
		s := fitted(t, x, &minmax{}, &clip{in.Squeeze.Squeeze}, &logit{}, &standardise{})
		near(t, "min", j, s[0].(*minmax).Min, want.Min[j], 0)
		near(t, "max", j, s[0].(*minmax).Max, want.Max[j], 0)
		near(t, "mean", j, s[3].(*standardise).Mean, want.Mean[j], 1e-9)
		near(t, "std", j, s[3].(*standardise).Std, want.Std[j], 1e-9)
		chains = append(chains, s)
	}
	check := func(what string, rows, wantRows [][]float64, wantLogDet []float64, tol float64, f func(Steps, []float64, []float64)) []float64 {
		logDet := make([]float64, len(rows))
		for j, x := range transpose(rows) {
			f(chains[j], x, logDet)
			for i := range x {
				near(t, what, i, x[i], wantRows[i][j], tol)
			}
		}
		for i := range logDet {
			near(t, what+" log-det", i, logDet[i], wantLogDet[i], tol)
		}
		return logDet
	}
	logDet := check("table", in.Squeeze.Table, want.Table, want.LogDet, 1e-9, Steps.apply)
	for i, row := range want.Table {
		for _, y := range row {
			logDet[i] += logNormal(y)
		}
		near(t, "log-probability", i, logDet[i], want.LogProb[i], 1e-9)
	}
	check("other rows", in.Squeeze.Extra, want.Extra, want.ExtraLogDet, 1e-11, Steps.apply)
	check("inverse", in.Squeeze.Latent, want.Inverse, want.InverseLogDet, 1e-11, Steps.invert)
}

// Without the squeeze, rows at an extreme are left out instead.
func TestReferencePrepChainMasked(t *testing.T) {
	type table struct{ Table json.RawMessage }
	var in struct{ Squeeze, Mask table }
	var out struct {
		Mask struct {
			Mask        []int
			Mean, Std   []float64
			Transformed [][]float64
			LogDet      []float64
		}
	}
	reference.Read(t, "prep_chain", &in, &out)
	var rows [][]float64
	if json.Unmarshal(in.Mask.Table, &rows) != nil { // "same as squeeze"
		if err := json.Unmarshal(in.Squeeze.Table, &rows); err != nil {
			t.Fatal(err)
		}
	}
	want, columns := out.Mask, transpose(rows)
	inside := make([]int, len(rows))
	for i, row := range rows {
		inside[i] = 1
		for j, x := range columns {
			if row[j] == slices.Min(x) || row[j] == slices.Max(x) {
				inside[i] = 0
			}
		}
	}
	if !slices.Equal(inside, want.Mask) {
		t.Fatalf("rows %v lie inside, want %v", inside, want.Mask)
	}
	logDet := make([]float64, len(want.LogDet))
	for j, x := range columns {
		scale := fitted(t, x, &minmax{})
		var kept []float64
		for i, v := range x {
			if inside[i] == 1 {
				kept = append(kept, v)
			}
		}
		scale.apply(kept, logDet)
		s := fitted(t, kept, &logit{}, &standardise{})
		near(t, "mean", j, s[1].(*standardise).Mean, want.Mean[j], 1e-12)
		near(t, "std", j, s[1].(*standardise).Std, want.Std[j], 1e-12)
		s.apply(kept, logDet)
		for i, v := range kept {
			near(t, "masked", i, v, want.Transformed[i][j], 1e-12)
		}
	}
	for i, d := range logDet {
		near(t, "masked log-det", i, d, want.LogDet[i], 1e-12)
	}
}

func TestReferenceDequantisation(t *testing.T) {
	var in struct {
		X, U     [][]float64
		Max      []float64
		B, Alpha float64
	}
	var out struct {
		V              [][]float64
		LogDet         []float64   `json:"logdet_dequant"`
		Squeeze        [][]float64 `json:"y_squeeze"`
		SqueezeLogDet  []float64   `json:"logdet_total_squeeze"`
		RealNVP        [][]float64 `json:"y_realnvp"`
		RealNVPLogDet  []float64   `json:"logdet_total_realnvp"`
		IgnoredCellSet any         `json:"cells"`
	}
	reference.Read(t, "dequantisation", &in, &out)
	n := len(in.X)
	logDet, squeezed, realnvp := make([]float64, n), make([]float64, n), make([]float64, n)
	u := transpose(in.U)
	for j, x := range transpose(in.X) {
		s := &dequantise{Scaled: true}
		if err := s.Fit([]float64{0, in.Max[j]}, nil); err != nil {
			t.Fatal(err)
		}
		v := slices.Clone(x)
		s.ApplyNoise(v, u[j], logDet)
		back := slices.Clone(v)
		s.Invert(back, nil)
		// alpha + (1-2 alpha) v is a clip with b = 2 alpha.
		for _, c := range []struct {
			b     float64
			want  [][]float64
			total []float64
		}{{in.B, out.Squeeze, squeezed}, {2 * in.Alpha, out.RealNVP, realnvp}} {
			y := slices.Clone(v)
			Steps{&clip{c.b}, &logit{}}.apply(y, c.total)
			for i := range y {
				near(t, "logit", i, y[i], c.want[i][j], 1e-9)
			}
		}
		for i := range v {
			near(t, "v", i, v[i], out.V[i][j], 1e-9)
			near(t, "integer", i, back[i], x[i], 0)
		}
	}
	for i := range logDet {
		near(t, "log-det", i, logDet[i], out.LogDet[i], 1e-9)
		near(t, "log-det with squeeze", i, logDet[i]+squeezed[i], out.SqueezeLogDet[i], 1e-9)
		near(t, "log-det with alpha", i, logDet[i]+realnvp[i], out.RealNVPLogDet[i], 1e-9)
	}
}

// A density that is constant in every cell gives each value exactly its probability.
func TestReferenceDequantisationCells(t *testing.T) {
	var in struct {
		Cells struct {
			NumValues     int `json:"num_values"`
			Probabilities []float64
			Cell          []int
			U             []float64
		}
	}
	var out struct {
		Cells struct {
			LogDensity     []float64 `json:"log_density_v"`
			LogProbability []float64 `json:"log_probability"`
		}
	}
	reference.Read(t, "dequantisation", &in, &out)
	n := in.Cells.NumValues
	s := &dequantise{Scaled: true}
	if err := s.Fit([]float64{0, float64(n - 1)}, nil); err != nil {
		t.Fatal(err)
	}
	for i, k := range in.Cells.Cell {
		v, d := []float64{float64(k)}, []float64{0}
		s.ApplyNoise(v, in.Cells.U[i:i+1], d)
		if got := int(v[0] * float64(n)); got != k {
			t.Errorf("row %d: place %v is in cell %d, not %d", i, v[0], got, k)
		}
		density := math.Log(in.Cells.Probabilities[k] * float64(n))
		near(t, "log-density", i, density, out.Cells.LogDensity[i], 1e-9)
		near(t, "log-probability", i, density+d[0], out.Cells.LogProbability[i], 1e-9)
	}
}
