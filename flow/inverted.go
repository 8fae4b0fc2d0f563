package flow

import "github.com/sluice-hep/sluice/internal/floats"

// Inverted is a flow read backwards: an event is x = ToLatent(z) for z of the base, so that
// log q(x) = log base(ToData(x)) + log|det dz/dx|. What a flow does fast in one direction it does in the other one here: a
// transform without an inverse gives samples and no densities, and the log-density of a sample can be trained on by the
// backward pass that there is (ReverseKL).
type Inverted struct{ f *Flow }

// Invert reads f backwards; both share their parameters.
func Invert(f *Flow) *Inverted { return &Inverted{f} }

// Dims are the numbers of features and of context columns.
func (i *Inverted) Dims() (features, context int) { return i.f.Dims() }

// Flow is the flow that is read backwards.
func (i *Inverted) Flow() *Flow { return i.f }

// Size is the number of parameters.
func (i *Inverted) Size() int { return i.f.Size() }

// UseThreads sets the number of threads.
func (i *Inverted) UseThreads(n int) { i.f.UseThreads(n) }

// Keep is that of Flow.
func (i *Inverted) Keep() { i.f.Keep() }

// Close ends the workers that wait for the next evaluation.
func (i *Inverted) Close() { i.f.Close() }

// LogProb is that of Flow, of the density read backwards.
func (i *Inverted) LogProb(x, context [][]float32) ([]float64, error) {
	logProb, _, err := i.density(x, context, false)
	return logProb, err
}

// Evaluate is LogProb with z, in one pass.
func (i *Inverted) Evaluate(x, context [][]float32) (logProb []float64, z [][]float32, err error) {
	return i.density(x, context, true)
}

func (i *Inverted) density(x, context [][]float32, latent bool) ([]float64, [][]float32, error) {
	if err := i.f.twoWay("no densities can be given"); err != nil {
		return nil, nil, err
	}
	return i.f.density(x, context, i.f.toData, latent)
}

// Sample is that of Flow.
func (i *Inverted) Sample(n int, context [][]float32, seed, first uint64) ([][]float32, error) {
	x := floats.Columns(i.f.Features, n)
	return x, i.f.draw(x, n, context, seed, first, i.f.toLatent)
}

// Latent is that of Flow.
func (i *Inverted) Latent(n int, context [][]float32, seed, first uint64) ([][]float32, error) {
	return i.f.Latent(n, context, seed, first)
}

// Steps is that of Flow.
func (i *Inverted) Steps(z, context [][]float32) ([][][]float32, error) {
	return i.f.steps(z, context, false)
}

// ToLatent maps events to z and returns log|det dz/dx| for each.
func (i *Inverted) ToLatent(x, context [][]float32) (z [][]float32, logDet []float32, err error) {
	return i.f.ToData(x, context)
}

// ToData maps z to events and returns log|det dx/dz| for each.
func (i *Inverted) ToData(z, context [][]float32) (x [][]float32, logDet []float32, err error) {
	return i.f.ToLatent(z, context)
}
