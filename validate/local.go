package validate

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/classify"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/stats"
)

// Observation is where a conditional density is looked at: a context, and draws of the density there, a slice a parameter.
type Observation struct {
	Context []float64
	Drawn   [][]float64
}

// LocalOptions are those of LocalC2ST. The zero value of a field means its default.
type LocalOptions struct {
	classify.Options     // Hidden is 32, 32 by default, and Most 10,000 pairs, negative for all
	Draws            int // trainings with exchanged labels; default 100
}

// LocalC2ST asks whether a conditional density q(theta|x) is the posterior at single observations, of which no true theta is known (Linhart et al.,
// arXiv:2306.03580): classifiers learn to tell pairs of theta that belongs to x from pairs of theta drawn from q(theta|x), in all of events, and the
// statistic at an observation is the mean of (d-1/2)^2, d the probability that they give draws there. Column by column, truth and drawn have the same
// parameters, one draw an event, and given are those of its context. The null distribution is that of classifiers of the same pairs, with truth and draw of an event
// exchanged at random.
func LocalC2ST(ctx context.Context, truth, drawn, given [][]float64, at []Observation, o LocalOptions) ([]stats.Test, error) {
	if o.Hidden == nil {
		o.Hidden = []int{32, 32}
	}
	if o.Most == 0 {
		o.Most = 10_000
	}
	if o.Draws <= 0 {
		o.Draws = 100
	}
	e, err := labelled(stats.Sample{Columns: slices.Concat(truth, given)}, stats.Sample{Columns: slices.Concat(drawn, given)})
	if err != nil {
		return nil, err
	}
	for i, a := range at {
		if len(a.Context) != len(given) || len(a.Drawn) != len(truth) || len(a.Drawn) > 0 && len(a.Drawn[0]) == 0 {
			return nil, fmt.Errorf("validate: observation %d has %d context columns and draws of %d parameters; there are %d and %d", i+1, len(a.Context), len(a.Drawn), len(given), len(truth))
		}
	}
	n := len(e.Label) / 2
	if n < leastForTest {
		return cannot(len(at), fmt.Sprintf("there are %d pairs; this test takes at least %d", n, leastForTest)), nil
	}
	if o.Most > 0 && n > o.Most { // pairs stay together
		e = pairsOf(e, rng.New(o.Seed, rng.StreamTest, 4).Perm(n)[:o.Most])
	}
	t, err := localDraws(ctx, e, at, o)
	if err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		return cannot(len(at), err.Error()), nil
	}
	tests := make([]stats.Test, len(at))
	for i := range tests {
		var null []float64
		for _, draw := range t[1:] {
			null = append(null, draw[i])
		}
		tests[i] = fromDraws(t[0][i], null)
	}
	return tests, nil
}

func cannot(n int, why string) []stats.Test { return slices.Repeat([]stats.Test{{Cannot: why}}, n) }

// pairsOf are the events of the pairs in rows: true ones, and then drawn ones.
func pairsOf(e classify.Events, rows []int32) (out classify.Events) {
	n := len(e.Label) / 2
	for _, c := range e.Columns {
		x := make([]float64, 0, 2*len(rows))
		for half := range 2 {
			for _, r := range rows {
				x = append(x, c[half*n+int(r)])
			}
		}
		out.Columns = append(out.Columns, x)
	}
	out.Label = append(make([]int, len(rows)), slices.Repeat([]int{1}, len(rows))...)
	return out
}

// localDraws are the statistics at the observations: of the labels as they are, and then of each draw.
func localDraws(ctx context.Context, e classify.Events, at []Observation, o LocalOptions) ([][]float64, error) {
	t, errs := make([][]float64, o.Draws+1), make([]error, o.Draws+1)
	pool := kernel.NewPool(o.Threads)
	defer pool.Close()
	pool.Run(len(t), func(_, d int) { t[d], errs[d] = localStatistics(ctx, e, at, o, d) })
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return t, nil
}

func localStatistics(ctx context.Context, e classify.Events, at []Observation, o LocalOptions, draw int) (t []float64, err error) {
	if draw > 0 {
		e.Label = exchanged(e.Label, o.Seed, draw)
	}
	own := o.Options
	own.Threads, own.Seed = 1, rng.New(o.Seed, rng.StreamTest, 5+uint32(draw)<<8).Uint64()
	c, err := classify.Train(ctx, e, nil, own)
	if err != nil {
		return nil, err
	}
	for _, a := range at {
		x := slices.Clone(a.Drawn)
		for _, v := range a.Context {
			x = append(x, slices.Repeat([]float64{v}, len(a.Drawn[0])))
		}
		p, err := c.LogProb(ctx, x, nil)
		if err != nil {
			return nil, err
		}
		var sum float64
		for i := 1; i < len(p); i += 2 {
			d := math.Exp(p[i]) - 0.5
			sum += d * d
		}
		t = append(t, 2*sum/float64(len(p)))
	}
	return t, nil
}

// exchanged labels differ from those given for a random half of the pairs.
func exchanged(label []int, seed uint64, draw int) []int {
	r, n := rng.New(seed, rng.StreamTest, 6+uint32(draw)<<8), len(label)/2
	label = slices.Clone(label)
	for i := range n {
		if r.Float64() < 0.5 {
			label[i], label[n+i] = label[n+i], label[i]
		}
	}
	return label
}
