package unfold

import "context"

// weighing is a simulation with weights of its own, w, and factors on them, the nu of OmniFold: those that make it look like the data.
type weighing struct {
	*replica
	factor []float64 // of all events of the simulation
}

func (r *replica) newWeighing() *weighing {
	w := &weighing{replica: r, factor: make([]float64, len(r.sim.weight))}
	for i := range w.factor {
		w.factor[i] = 1
	}
	return w
}

// weights are those of rows, times the factors or not.
func (w *weighing) weights(rows []int32, factors bool) []float64 {
	x := pick(w.simWeight, rows)
	if factors {
		for k, i := range rows {
			x[k] *= w.factor[i]
		}
	}
	return x
}

// carry sets the factors of the truth to those that a has over the simulation as it is, in x, and the factors of fakes to the mean of those given y.
func (w *weighing) carry(ctx context.Context, a points) error {
	s := w.sim
	f, err := w.ratio(ctx, a, points{"the simulated events that pass both selections", w.bothTruth, w.weights(s.both, false)}, w.allTruth)
	if err != nil {
		return err
	}
	for k, i := range s.isTruth {
		w.factor[i] = f[k]
	}
	if len(s.fakes) == 0 {
		return nil
	}
	f, err = w.ratio(ctx, points{"the weighed simulation", w.bothReco, w.weights(s.both, true)},
		points{"the simulated events that pass both selections", w.bothReco, w.weights(s.both, false)}, pickAll(s.reco, s.fakes))
	for k, i := range s.fakes {
		if err == nil {
			w.factor[i] = f[k]
		}
	}
	return err
}

// omnifold is arXiv:1911.09107 with the acceptance of arXiv:2105.04448. After each iteration the events unfolded are those of the simulation.
func (r *replica) omnifold(ctx context.Context) (all []step, err error) {
	w, s := r.newWeighing(), r.sim
	measured := points{"the data", r.measured, pick(r.dataWeight, r.data.isReco)}
	for range r.plan.Iterations {
		simulated := points{"the measured events of the simulation", r.allReco, w.weights(s.isReco, true)}
		pull, err := r.ratio(ctx, measured, simulated, r.bothReco)
		if err != nil {
			return nil, err
		}
		a := points{"the weighed simulation", r.bothTruth, w.weights(s.both, true)}
		for k := range a.weight {
			a.weight[k] *= pull[k]
		}
		if err := w.carry(ctx, a); err != nil {
			return nil, err
		}
		all = append(all, w.step(Cloud{Columns: r.allTruth, Weight: w.weights(s.isTruth, true)}))
	}
	return all, nil
}
