package stats

import "github.com/sluice-hep/sluice/internal/rng"

// Surprise says how far out an observation is by its log-density among those of simulated events: p is the chance that one of these has
// as low a log-density, at least 1/(n+1). A small p says that the density, and what the simulation makes, does not hold such events: what a posterior
// given this observation says then rests on an extrapolation. w are the weights of the simulated events, nil where all are 1.
func Surprise(observed float64, simulated, w []float64) Test {
	c, err := NewCDF(simulated, w)
	switch {
	case err != nil:
		return Test{Cannot: "simulated log-densities: " + err.Error()}
	case observed != observed:
		return Test{Cannot: "the observation has no log-density"}
	}
	n, m := c.Effective(), NewMoments(simulated, w)
	p := (1 + n*min(1, max(0, c.share(c.upTo(observed))))) / (1 + n)
	return Test{Value: observed, NullMean: m.Mean, NullStd: m.Std, P: p, Draws: len(simulated)}
}

// mostSimulated events, and as many observed ones, are compared by all their pairs.
const mostSimulated = 1000

// Misspecified tests whether several observations, two or more, are of the distribution of simulated events (Schmitt et al., arXiv:2112.08866): the
// square of the maximum mean discrepancy of normal scores, as in Joint, with an exact p by permutations: few observations are
// enough. Events of either sample must weigh the same: observations do, and simulated ones may be drawn so.
func Misspecified(observed, simulated Sample, seed uint64) (Test, error) {
	if err := check(observed, simulated); err != nil {
		return Test{}, err
	}
	switch {
	case observed.len() < 2:
		return Test{Cannot: "there is one observation; its log-density says how surprising it is"}, nil
	case !observed.even() || !simulated.even():
		return Test{Cannot: "the events have different weights"}, nil
	}
	x, y := observed.pick(mostSimulated, rng.New(seed, rng.StreamTest, pickFirst)), simulated.pick(mostSimulated, rng.New(seed, rng.StreamTest, pickSecond))
	a, b := inScores(x, y)
	if a.Columns == nil {
		return Test{Cannot: "every column has one value only"}, nil
	}
	_, t, _ := pairwiseTests(a, b, 0, JointOptions{Seed: seed, Draws: 999})
	return t.of(a, b, observed, simulated), nil
}
