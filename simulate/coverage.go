package simulate

import (
	"math"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
)

// Covered says how often the values of the full simulation lie in the central intervals of what the model draws for the same generated objects.
type Covered struct {
	Level  float64 `json:"level"`  // what an interval claims
	Inside float64 `json:"inside"` // what it holds, of all objects
	Error  float64 `json:"error"`
	Bins   Worst   `json:"bins"` // Inside less Level, by bin
	bins   []held
}

// held is what the intervals of a bin hold, with its error; NaN of none.
type held struct{ share, err float64 }

// intervalLevels are those of the intervals.
var intervalLevels = []float64{0.68, 0.95}

// intervalDraws is of how many draws an object has its intervals.
const intervalDraws = 39

// coverage ranks the full simulation's values among draws of the model for the same object, of the first objects of each bin that both reconstruct. The rank among
// draws, with chance in place of what lies between two of them, is uniform where the model is right, for any number of draws.
func (r *run) coverage(j *Judged, place []int) error {
	full := r.sides()[0]
	taken := make([]int, len(j.bins))
	var rows []int32
	for i, p := range place {
		if p >= 0 && full.has(i) && taken[p] < r.plan.Coverage {
			taken[p]++
			rows = append(rows, int32(i))
		}
	}
	ranks := map[string][][]float64{} // by bin
	for _, name := range j.quantities {
		ranks[name] = make([][]float64, len(j.bins))
	}
	random := rng.New(r.Seed, rng.StreamPredict, 0)
	seed := random.Uint64()
	for at := 0; at < len(rows); {
		some := rows[at:min(at+drawnAtOnce/intervalDraws, len(rows))]
		drawn, err := r.again(some, seed, uint64(at*intervalDraws))
		if err != nil {
			return err
		}
		for _, name := range j.quantities {
			truth, _ := full.Column(name)
			c, _ := drawn.Column(name)
			for k, i := range some {
				v := truth.Float(int(i))
				if u := rank(v, c, drawn, k, random); !math.IsNaN(v) && !math.IsNaN(u) {
					ranks[name][place[i]] = append(ranks[name][place[i]], u)
				}
			}
		}
		at += len(some)
	}
	j.Coverage = map[string][]Covered{}
	for _, name := range j.quantities {
		for _, level := range intervalLevels {
			j.Coverage[name] = append(j.Coverage[name], j.covered(level, ranks[name]))
		}
	}
	return nil
}

// again draws objects intervalDraws times, all draws of an object one after the other.
func (r *run) again(rows []int32, seed, first uint64) (*source, error) {
	var repeated []int32
	for _, i := range rows {
		for range intervalDraws {
			repeated = append(repeated, i)
		}
	}
	t, _, err := r.m.SampleWithin(len(repeated), r.events.table.Take(repeated), seed, first, r.Within)
	if err != nil {
		return nil, err
	}
	s := &source{Table: t}
	s.exists, _ = t.Column(r.plan.Exists)
	return s, nil
}

// rank is the share of the draws of object k that lie below v, between 0 and 1; NaN where it has no draws.
func rank(v float64, c *events.Column, drawn *source, k int, random *rng.Source) float64 {
	var below, equal, n float64
	for i := k * intervalDraws; i < (k+1)*intervalDraws; i++ {
		x := c.Float(i)
		if !drawn.has(i) || math.IsNaN(x) {
			continue
		}
		n++
		switch {
		case x < v:
			below++
		case x == v:
			equal++
		}
	}
	u := random.Float64()
	if n == 0 {
		return math.NaN()
	}
	return (below + u*(equal+1)) / (n + 1)
}

// covered sums up the ranks in bins: each bin has the weight of all its objects in the full simulation.
func (j *Judged) covered(level float64, ranks [][]float64) Covered {
	c, total, variance := Covered{Level: level}, 0.0, 0.0
	for p, all := range ranks {
		b, inside := &j.bins[p], 0.0
		for _, u := range all {
			if math.Abs(u-0.5) < level/2 {
				inside++
			}
		}
		h := held{inside / float64(len(all)), math.Sqrt(level * (1 - level) / float64(len(all)))}
		c.bins = append(c.bins, h)
		if len(all) == 0 {
			continue
		}
		w := float64(b.has[0])
		total += w
		c.Inside += w * h.share
		variance += w * w * h.err * h.err
		if b.of > Enough {
			c.Bins.add(j.name(p), h.share-level, h.err, toleranceOfCoverage)
		}
	}
	if total > 0 {
		c.Inside, c.Error = c.Inside/total, math.Sqrt(variance)/total
	}
	return c
}
