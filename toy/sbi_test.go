package toy

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/reference"
	"github.com/sluice-hep/sluice/internal/rng"
)

// The first pairs do not change with their number, and each lies where prior and likelihood say it may.
func TestSimulators(t *testing.T) {
	for _, s := range simulators {
		long, short := generate(t, s.Name, 3000, Options{}), generate(t, s.Name, 50, Options{})
		if fmt.Sprint(long.Slice(0, 50).Columns) != fmt.Sprint(short.Columns) {
			t.Errorf("%s depends on how many events are drawn", s.Name)
		}
		other, err := Generate(s.Name, 50, 6, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(other.Columns) == fmt.Sprint(short.Columns) {
			t.Errorf("%s does not depend on the seed", s.Name)
		}
		if s.LogPrior == nil || s.LogLikelihood == nil {
			continue
		}
		for i, theta := range rows(t, long, s.Parameters) {
			x := rows(t, long.Slice(i, i+1), s.Observables)[0]
			if p := s.LogPrior(theta) + s.LogLikelihood(theta, x); math.IsInf(p, 0) || math.IsNaN(p) {
				t.Fatalf("%s: event %d has the log-density %v", s.Name, i, p)
			}
		}
	}
}

// rows are the values of some columns, event by event.
func rows(t *testing.T, tab *events.Table, columns []events.Column) [][]float64 {
	t.Helper()
	out := make([][]float64, tab.Len())
	for _, want := range columns {
		c, err := tab.Column(want.Name)
		if err != nil {
			t.Fatal(err)
		}
		for i := range out {
			out[i] = append(out[i], c.Float(i))
		}
	}
	return out
}

// A likelihood is a density of x: it integrates to 1 over the plane, and x follows it.
func TestLikelihoodsOfThePlane(t *testing.T) {
	for _, c := range []struct {
		name  string
		theta []float64
		reach float64
	}{{"sbi-two-moons", []float64{0.3, -0.5}, 1}, {"gaussian-mixture", []float64{1, -0.5}, 6}} {
		s := Find(c.name)
		x := []float64{0, 0}
		random := rng.New(1, rng.StreamToy, 0)
		const n = 4000
		var entropy, drawn, square float64
		for range n {
			s.Simulate(c.theta, x, random)
			l := s.LogLikelihood(c.theta, x)
			drawn, square = drawn+l/n, square+l*l/n
		}
		var sum float64
		h := c.reach / 500
		for a := -c.reach; a < c.reach; a += h {
			for b := -c.reach; b < c.reach; b += h {
				l := s.LogLikelihood(c.theta, []float64{c.theta[0] + a, c.theta[1] + b})
				if p := math.Exp(l) * h * h; p > 0 {
					sum, entropy = sum+p, entropy+p*l
				}
			}
		}
		if math.Abs(sum-1) > 5e-3 { // of a step of the density at u = 0
			t.Errorf("%s integrates to %.5f", c.name, sum)
		}
		if e := math.Sqrt((square - drawn*drawn) / n); math.Abs(drawn-entropy) > 5*e {
			t.Errorf("%s: the mean log-likelihood of its events is %.4f +- %.4f, not %.4f", c.name, drawn, e, entropy)
		}
	}
}

// The likelihood weights the prior, or for many parameters a normal distribution about the reference posterior, to the moments of the
// benchmark's reference posterior at its first observation.
func TestReferencePosteriors(t *testing.T) {
	if testing.Short() {
		t.Skip("draws some million parameters")
	}
	for _, c := range []struct {
		simulator, problem string
		draws              int
	}{{"sbi-two-moons", "two_moons", 1_000_000}, {"gaussian-mixture", "gaussian_mixture", 1_000_000}, {"bernoulli-glm", "bernoulli_glm", 20_000}, {"slcp", "slcp", 2_500_000}} {
		s := Find(c.simulator)
		read := func(what string, columns []events.Column) [][]float64 {
			tab, err := events.ReadAll([]string{reference.Data(t, "sbibm/"+c.problem+"_obs1_"+what)}, events.Options{})
			if err != nil {
				t.Fatal(err)
			}
			return rows(t, tab, columns)
		}
		x, truth, posterior := read("observation.csv", s.Observables)[0], read("true_parameters.csv", s.Parameters)[0], read("refpost.csv.bz2", s.Parameters)
		if p := s.LogPrior(truth) + s.LogLikelihood(truth, x); math.IsInf(p, 0) || math.IsNaN(p) {
			t.Errorf("%s: the true parameters have the log-density %g", c.problem, p)
		}
		even := make([]float64, len(posterior))
		for i := range even {
			even[i] = 1
		}
		want, width := moments(posterior, even)
		propose := prior(s)
		if len(truth) > 5 {
			propose = normalAbout(posterior, want)
		}
		random := rng.New(1, rng.StreamTest, 0)
		var draws [][]float64
		var l []float64
		for range c.draws {
			theta := make([]float64, len(truth))
			q := propose(theta, random)
			if v := s.LogPrior(theta) + s.LogLikelihood(theta, x) - q; !math.IsInf(v, -1) {
				draws, l = append(draws, theta), append(l, v)
			}
		}
		most, sum, squares := slices.Max(l), 0., 0.
		for i := range l {
			l[i] = math.Exp(l[i] - most)
			sum, squares = sum+l[i], squares+l[i]*l[i]
		}
		ess := sum * sum / squares
		got, gotWidth := moments(draws, l)
		for k := range got {
			if d := (got[k] - want[k]) / width[k] * math.Sqrt(1/(1/ess+1/float64(len(posterior)))); math.Abs(d) > 4.5 {
				t.Errorf("%s: parameter %d has the mean %.4f, not %.4f: %.1f standard errors of %.0f effective draws", c.problem, k+1, got[k], want[k], d, ess)
			}
			if r := gotWidth[k] / width[k]; math.Abs(r-1) > 5/math.Sqrt(ess) {
				t.Errorf("%s: parameter %d has the width %.4f, not %.4f (%.0f effective draws)", c.problem, k+1, gotWidth[k], width[k], ess)
			}
		}
		t.Logf("%s: %.0f effective draws", c.problem, ess)
	}
}

// prior draws from the prior of a simulator, and gives the log-density of the draw.
func prior(s *Simulator) func([]float64, *rng.Source) float64 {
	half := map[string]box{"sbi-two-moons": 1, "gaussian-mixture": 10, "slcp": 3}[s.Name]
	return func(theta []float64, random *rng.Source) float64 {
		half.draw(theta, random)
		return half.logDensity(theta)
	}
}

// normalAbout draws from a normal distribution of the mean and the covariance of points.
func normalAbout(points [][]float64, mean []float64) func([]float64, *rng.Source) float64 {
	d := len(mean)
	root := make([][]float64, d) // lower triangle (Cholesky)
	logDet := 0.
	for i := range root {
		root[i] = make([]float64, d)
		for j := 0; j <= i; j++ {
			v := 0.
			for _, p := range points {
				v += (p[i] - mean[i]) * (p[j] - mean[j]) / float64(len(points))
			}
			for k := range j {
				v -= root[i][k] * root[j][k]
			}
			if i == j {
				root[i][i] = math.Sqrt(v)
				logDet += math.Log(root[i][i])
			} else {
				root[i][j] = v / root[j][j]
			}
		}
	}
	return func(theta []float64, random *rng.Source) (logDensity float64) {
		copy(theta, mean)
		for j := range d {
			z := random.NormFloat64()
			logDensity += logNormal(z, 1)
			for i := j; i < d; i++ {
				theta[i] += root[i][j] * z
			}
		}
		return logDensity - logDet
	}
}

// moments are means and standard deviations of weighted points.
func moments(points [][]float64, w []float64) (mean, width []float64) {
	d := len(points[0])
	mean, width = make([]float64, d), make([]float64, d)
	sum := 0.
	for i, p := range points {
		sum += w[i]
		for k, v := range p {
			mean[k] += w[i] * v
			width[k] += w[i] * v * v
		}
	}
	for k := range mean {
		mean[k] /= sum
		width[k] = math.Sqrt(width[k]/sum - mean[k]*mean[k])
	}
	return mean, width
}
