package nn

// Pass says how a tile goes through a network and back.
type Pass struct {
	N      int  // events to compute, a multiple of kernel.Lanes
	Events int  // of these, how many are not padding; the gradients of padding are zero
	First  bool // the gradient of the parameters is put, not added
	SkipDX bool // nobody wants the gradient of the inputs
	// DContext are rows that the gradient of the context is added to; nil where nobody wants it.
	DContext []float32
	Noise    *Noise // of dropout; nil outside training
}
