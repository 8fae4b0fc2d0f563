package nn

import "github.com/sluice-hep/sluice/internal/kernel"

// activate applies tanh, elu (arXiv:1511.07289) or relu to rows of a tile in place.
func activate(kind string, h []float32, rows, n int) {
	if kind == "relu" {
		x := h[:rows*kernel.Tile]
		kernel.ReLUBackward(x, x)
		return
	}
	for r := range rows {
		x := h[r*kernel.Tile:][:n]
		switch kind {
		case "tanh":
			kernel.Tanh(x, x)
		case "elu":
			var e [kernel.Tile]float32
			for i, v := range x {
				e[i] = min(v, 0)
			}
			kernel.Exp(e[:n], e[:n])
			for i, v := range x {
				if v < 0 {
					x[i] = e[i] - 1
				}
			}
		}
	}
}

// gate is what the product that computes the gradient of an activation's result h is gated by: for relu that is its whole
// derivative.
func gate(kind string, h []float32) []float32 {
	if kind == "relu" {
		return h
	}
	return nil
}

// activateBackward multiplies the gradient d by the derivative of the activation, whose result was h, but for its gate.
func activateBackward(kind string, d, h []float32, rows, n int) {
	if kind == "relu" {
		return
	}
	for r := range rows {
		d, h := d[r*kernel.Tile:][:n], h[r*kernel.Tile:][:n]
		switch kind {
		case "tanh":
			kernel.TanhBackward(d, h)
		case "elu":
			for i, v := range h {
				if v < 0 {
					d[i] *= v + 1
				}
			}
		}
	}
}
