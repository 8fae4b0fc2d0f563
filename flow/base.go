package flow

import "github.com/sluice-hep/sluice/nn"

// Base is the density of the latent features, which may depend on the context. Its parameters, if any, lie among the flow's;
// one that does not start them at 0 is a Starter.
type Base interface {
	Layout(l *nn.Layout, scope string)
	// LogProb sets logProb, one value an event, to the log-density of t.X in nats.
	LogProb(t *Tile, p []float32, logProb []float64)
	// Backward sets t.DX, and puts (t.First) or adds the gradient of the parameters to g. slope is the gradient of the loss
	// with respect to -LogProb, t.N values, 0 for padding.
	Backward(t *Tile, p, g, slope []float32)
	// Draw sets t.X to events; event e of the tile depends on the seed and on first+e alone.
	Draw(t *Tile, p []float32, seed, first uint64)
}
