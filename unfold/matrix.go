package unfold

// migration is what the simulation tells of a pair of columns in bins: true bin by measured bin, below and above the edges included.
type migration struct {
	both         [][]float64 // sums of weights of events that pass both selections
	truth, fakes []float64
}

func (r *replica) migration(feature, context int) *migration {
	s, edges := r.sim, r.edges[feature]
	m := &migration{both: make([][]float64, len(edges)+1)}
	for i := range m.both {
		m.both[i] = make([]float64, len(edges)+1)
	}
	for _, i := range s.both {
		m.both[bin(edges, s.truth[feature][i])][bin(edges, s.reco[context][i])] += r.simWeight[i]
	}
	m.truth = fill(edges, pick(s.truth[feature], s.isTruth), pick(r.simWeight, s.isTruth))
	m.fakes = fill(edges, pick(s.reco[context], s.fakes), pick(r.simWeight, s.fakes))
	return m
}

// response is the probability of each measured bin for an event of a true bin.
func (m *migration) response() [][]float64 {
	p := make([][]float64, len(m.both))
	for i, row := range m.both {
		p[i] = make([]float64, len(row))
		for k, v := range row {
			if m.truth[i] > 0 {
				p[i][k] = v / m.truth[i]
			}
		}
	}
	return p
}

// unfold are the numbers in the true bins after each of so many iterations, by Bayes' theorem from those of the simulation on (D'Agostini). True bins that are
// never measured stay as they were.
func (m *migration) unfold(measured []float64, iterations int) (all [][]float64) {
	p, now := m.response(), m.truth
	genuine := make([]float64, len(measured))
	for k, n := range measured {
		var both float64
		for i := range m.both {
			both += m.both[i][k]
		}
		if total := both + m.fakes[k]; total > 0 {
			genuine[k] = n * both / total
		}
	}
	for range iterations {
		next := make([]float64, len(now))
		for i := range next {
			var efficiency float64
			for _, v := range p[i] {
				efficiency += v
			}
			if !(efficiency > 0) {
				next[i] = now[i]
				continue
			}
			for k, n := range genuine {
				var expected float64
				for a := range now {
					expected += p[a][k] * now[a]
				}
				if expected > 0 {
					next[i] += n * p[i][k] * now[i] / expected / efficiency
				}
			}
		}
		now = next
		all = append(all, now)
	}
	return all
}

// matrix unfolds each paired column by itself; others have nil.
func (r *replica) matrix() (all [][][]float64) {
	all = make([][][]float64, r.plan.Iterations)
	for f, c := range r.pairs {
		var each [][]float64
		if c >= 0 {
			measured := fill(r.edges[f], r.measured[c], pick(r.dataWeight, r.data.isReco))
			each = r.migration(f, c).unfold(measured, r.plan.Iterations)
		}
		for k := range all {
			if c < 0 {
				all[k] = append(all[k], nil)
				continue
			}
			all[k] = append(all[k], each[k])
		}
	}
	return all
}
