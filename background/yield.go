package background

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/sluice-hep/sluice/internal/rng"
)

// cell is the sum of the weights of a region's events, and that of their squares, its variance.
type cell struct{ Sum, Square float64 }

// grid is the regions as ABCD takes them: bin i of the first variable and j of the second are region i ny + j. The logarithm of the mean number of
// events is
//
//	a_i + b_j                      abcd: the variables are independent
//	a_i + b_j + j α_i + i β_j      extended, α where ny > 2, β where nx > 2
//
// which of 2 x 2 regions is N_B N_C / N_A, and of 2 x 3 and 3 x 3 regions is the extended ABCD of 5 and 8 control regions (arXiv:1906.10831): the mixed
// differences Δi Δj², or Δi² Δj², of log N are 0 in place of Δi Δj.
type grid struct {
	nx, ny   int
	extended bool
}

// terms are those of a region, of which the logarithm of its number of events is a sum with coefficients.
func (g grid) terms(region int) []float64 {
	i, j := region/g.ny, region%g.ny
	x := []float64{1}
	one := func(k, at int, v float64) {
		if k != at {
			v = 0
		}
		x = append(x, v)
	}
	for k := 1; k < g.nx; k++ {
		one(k, i, 1)
	}
	for k := 1; k < g.ny; k++ {
		one(k, j, 1)
	}
	if !g.extended {
		return x
	}
	for k := 1; k < g.nx && g.ny > 2; k++ {
		one(k, i, float64(j))
	}
	last := g.ny
	if g.ny > 2 {
		last-- // i j is among the α
	}
	for k := 1; k < last && g.nx > 2; k++ {
		one(k, j, float64(i))
	}
	return x
}

// fitted is the grid as some regions have it.
type fitted struct {
	grid
	theta      []float64
	covariance *mat.Dense // of theta
	chi2       float64    // Pearson's, of these regions
	ndf        int
}

var errUndetermined = errors.New("the regions left do not determine it")

// fit is the likeliest grid for the regions listed, of Poisson numbers, or, with weights, of ones in units of the mean weight.
func (g grid) fit(cells []cell, regions []int) (*fitted, error) {
	x := make([][]float64, len(regions))
	for k, r := range regions {
		x[k] = g.terms(r)
	}
	n := len(x[0])
	f := &fitted{grid: g, theta: make([]float64, n), ndf: len(regions) - n}
	if f.ndf < 0 {
		return nil, errUndetermined
	}
	var total float64
	for _, r := range regions {
		total += cells[r].Sum
	}
	f.theta[0] = math.Log(total / float64(len(regions)))
	mean := func(k int, theta []float64) float64 {
		var log float64
		for i, v := range x[k] {
			log += v * theta[i]
		}
		return math.Exp(log)
	}
	likelihood := func(theta []float64) (sum float64) {
		for k, r := range regions {
			mu := mean(k, theta)
			sum += (cells[r].Sum*math.Log(mu) - mu) / cells[r].unit()
		}
		return sum
	}
	last := likelihood(f.theta)
	for range 100 {
		information, gradient := mat.NewDense(n, n, nil), mat.NewVecDense(n, nil)
		for k, r := range regions {
			mu, unit := mean(k, f.theta), cells[r].unit()
			for i, a := range x[k] {
				gradient.SetVec(i, gradient.AtVec(i)+a*(cells[r].Sum-mu)/unit)
				for j, b := range x[k] {
					information.Set(i, j, information.At(i, j)+a*b*mu/unit)
				}
			}
		}
		f.covariance = mat.NewDense(n, n, nil)
		if err := f.covariance.Inverse(information); err != nil {
			return nil, errUndetermined
		}
		var step mat.VecDense
		step.MulVec(f.covariance, gradient)
		trial, now, scale := make([]float64, n), math.Inf(-1), 1.0
		for ; scale > 1e-9; scale /= 2 {
			for i := range trial {
				trial[i] = f.theta[i] + scale*step.AtVec(i)
			}
			if now = likelihood(trial); now >= last {
				break
			}
		}
		if !(now >= last) {
			break
		}
		f.theta = trial
		done := now-last < 1e-10*(1+math.Abs(now)) && scale == 1
		if last = now; done {
			break
		}
	}
	for k, r := range regions {
		mu := mean(k, f.theta)
		f.chi2 += (cells[r].Sum - mu) * (cells[r].Sum - mu) / (mu * cells[r].unit())
	}
	return f, nil
}

// unit is the weight of which the region has a Poisson number.
func (c cell) unit() float64 {
	if c.Sum > 0 && c.Square > 0 {
		return c.Square / c.Sum
	}
	return 1
}

// predict is what is expected in a region, and its standard error by those of the regions fitted.
func (f *fitted) predict(region int) (events, deviation float64) {
	x := f.terms(region)
	v := mat.NewVecDense(len(x), x)
	events = math.Exp(mat.Dot(v, mat.NewVecDense(len(x), f.theta)))
	return events, events * math.Sqrt(max(mat.Inner(v, f.covariance, v), 0))
}

// Yield is how many events are expected in a region.
type Yield struct {
	Region    string  `json:"region"`
	Observed  float64 `json:"observed"`
	Predicted float64 `json:"predicted"`
	Error     float64 `json:"error"` // statistical, of the prediction
	Pull      float64 `json:"pull"`  // predicted less observed, over the error of that
}

// yield predicts a region by others.
func (g grid) yield(cells []cell, regions []int, region int) (y Yield, f *fitted, err error) {
	if f, err = g.fit(cells, regions); err != nil {
		return y, nil, err
	}
	y.Observed = cells[region].Sum
	y.Predicted, y.Error = f.predict(region)
	y.Pull = (y.Predicted - y.Observed) / math.Sqrt(y.Error*y.Error+cells[region].Square)
	return y, f, nil
}

// count sums up the events of each region.
func (s *sample) count(regions int) []cell {
	cells := make([]cell, regions)
	for i, r := range s.region {
		if r >= 0 {
			cells[r].add(s.of(i), 1)
		}
	}
	return cells
}

func (c *cell) add(w, times float64) {
	c.Sum += w * times
	c.Square += w * w * times
}

// bootstrap is the standard deviation of the prediction over so many resamplings of the events, each taken a Poisson number of times.
func (s *sample) bootstrap(g grid, regions []int, region, times int, seed uint64) (float64, error) {
	r := rng.New(seed, rng.StreamRegion, 0)
	often := distuv.Poisson{Lambda: 1, Src: r}
	var sum, square float64
	for range times {
		cells := make([]cell, g.nx*g.ny)
		for i, at := range s.region {
			if at >= 0 && at != region {
				cells[at].add(s.of(i), often.Rand())
			}
		}
		f, err := g.fit(cells, regions)
		if err != nil {
			return 0, fmt.Errorf("a resampling of the events: %w", err)
		}
		v, _ := f.predict(region)
		sum += v
		square += v * v
	}
	n := float64(times)
	return math.Sqrt(max(square/n-sum*sum/(n*n), 0) * n / (n - 1)), nil
}
