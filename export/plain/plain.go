// Package plain is a trained model as lists of numbers: what a program in another language needs to evaluate it, and nothing of how it
// was trained. Of reads it from a model; what has no closed form is an error that says which part it is, and what to do.
package plain

// Model is a density of columns in the user's units.
type Model struct {
	Hash              string   // of the model, SHA-256 in hex
	Features, Context []Column // in the order of the model; a log-density is per unit of the features
	Members           []Flow   // the density is the mean of theirs: one, unless the model is an ensemble, which has no latent
}

// Column is a column of the user, and its way to a column of the flow, in float64. The flow sees the columns that have Steps, in order.
type Column struct {
	Name, Unit string
	Type       string    // how the trained tables held it
	Min, Max   float64   // of the training events
	Steps      []Step    // none: it is constant, Min, or follows from others
	Follows    *Relation // of a feature: from others, which do not follow; nil for none
	// What comes back and is Low or less becomes Least, High or more Most; infinite where nothing ends.
	Low, Least, High, Most float64
}

// Relation is Constant plus the sum of Factors times columns of the same list.
type Relation struct {
	Constant float64
	Columns  []int
	Factors  []float64
}

// Step is an increasing map of the values of a column: *Linear, *Clip, *Logit, *Log, *Asinh, *Round, *Periodic or *Quantile.
type Step interface{ step() }

type (
	// Linear is y = (x - Shift)/Unit.
	Linear struct{ Shift, Unit float64 }
	// Clip is y = x(1-B) + B/2 of x held within [0, 1], and back within [0, 1].
	Clip struct{ B float64 }
	// Logit is y = log(x) - log(1-x) of x held within [2^-53, 1-2^-53].
	Logit struct{}
	// Log is y = log(x + Offset), which goes on straight where that is below Floor. Back, y counts as MostExp at most.
	Log struct{ Offset, Floor float64 }
	// Asinh is y = asinh((x - Centre)/Scale). Back, y is held within MostExp.
	Asinh struct{ Centre, Scale float64 }
	// Round is y = x, and back the nearest Offset + k Unit.
	Round struct{ Unit, Offset float64 }
	// Periodic is y = (t - Start)/Unit with t = (x - Cut)/Turn modulo 1: within [0, 1), or, where Filled is not 0, within [-(1-Filled)/2, (1+Filled)/2). Back,
	// x is within [Low, Low+Turn].
	Periodic struct{ Low, Turn, Cut, Filled, Unit, Start float64 }
	// Quantile is a rational-quadratic spline between the knots (X, Y) of slopes dy/dx Slope, and beyond them, at a distance t = Slope |x-X|,
	// |y| = sqrt(Y^2 + 2 Index log(1 + t |Y|/Index)), with the index Lower or Upper. Back, where there is an edge, what lies beyond is
	// Low or High.
	Quantile struct {
		X, Y, Slope       []float64
		Lower, Upper      float64
		EdgeLow, EdgeHigh bool
		Low, High         float64
	}
)

// MostExp is the largest argument of an exponential on the way back.
const MostExp = 88

func (*Linear) step()   {}
func (*Clip) step()     {}
func (*Logit) step()    {}
func (*Log) step()      {}
func (*Asinh) step()    {}
func (*Round) step()    {}
func (*Periodic) step() {}
func (*Quantile) step() {}

// Flow takes the columns of the flow to the latent, of which the bases are the density.
type Flow struct {
	Features, Context int     // columns
	Embedding         *Net    // of the context: what networks see in its place; nil for none
	Layers            []Layer // from data to latent
	Bases             []Base  // each of some of the features
}

// Layer is a *Map, a *Conditional or a *Radial.
type Layer interface{ layer() }

// Map is z = Matrix x + Bias of all features, row-major, and x = Inverse (z - Bias). Diagonal says that nothing but the diagonal is not 0.
type Map struct {
	Matrix, Inverse []float64
	Bias            []float64
	LogDet          float64
	Diagonal        bool
}

// Radial is z = x + (S-A)/(A+r) d with d = x - Center - Shift (context) and r = |d|, of all features. The radius of z is R = r (r+S)/(A+r), and back,
// r is the positive root of r^2 + (S-R) r - A R = 0. log|det dz/dx| = (D-1) log((r+S)/(A+r)) + log((r^2 + 2 A r + A S)/(A+r)^2). Shift has a row a
// feature, and is empty without a context.
type Radial struct {
	Center []float64
	Shift  []float64
	A, S   float64
}

// Conditional moves features given others, by parameters from a network: a coupling, where it keeps those in Kept, or else an
// autoregressive transform, whose network has weights of 0 where a parameter must not depend on an input, so that whatever stands for the
// features that are not known yet changes nothing. On the way back the groups of Moved come one after another, each once those before are known.
type Conditional struct {
	Kept, Moved []int    // features
	Seen        []Seen   // inputs of the network: those kept, or, where none are, those moved
	Ends        []int    // of the groups of Moved
	Scales      []Scaler // of each of Moved
	At          []int    // where the parameters of each begin in the outputs of the network; the last entry is their number
	Net         Net
}

// Seen is a feature as the input of a network: as it is, or, of an angle, cos and sin of pi x/Circle, 0 for none.
type Seen struct {
	Feature int
	Circle  float32
}

// Scaler is a monotone map of one feature: *Affine or *Spline.
type Scaler interface{ Parameters() int }

// Affine is z = (x - h0) exp(-s) with s the LogScale of h1, or, ScaleFirst, z = x exp(s) + h0.
//
//	tanh     s = tanh(h1)
//	soft     s = h1/(1 + |h1|/5)
//	clamp    s = 1.9 (2/pi) atan(h1/1.9)
//	sigmoid  exp(s) = sigmoid(h1 + 2) + 1e-3
//	none     s = h1
type Affine struct {
	LogScale   string
	ScaleFirst bool
}

// Parameters of it.
func (*Affine) Parameters() int { return 2 }

// Spline is the rational-quadratic one of arXiv:1906.04032 on [-Bound, Bound], and the identity outside. Its parameters are raw widths,
// heights (softmax with a least share of LeastBin, times 2 Bound) and inner slopes (softplus + LeastSlope; 1 at both ends). Circular
// (arXiv:2002.02428), another raw slope is that of both ends, and the last parameter a phase: z = f(x + phase), with x, phase and their sum
// taken into the circle.
type Spline struct {
	Bins     int
	Bound    float32
	Circular bool
}

// The least width and height of a bin as a share of the interval, and the least slope of a spline.
const (
	LeastBin   = 1e-3
	LeastSlope = 1e-3
)

// Parameters of it.
func (s *Spline) Parameters() int {
	if s.Circular {
		return 3*s.Bins + 1
	}
	return 3*s.Bins - 1
}

func (*Map) layer()         {}
func (*Conditional) layer() {}
func (*Radial) layer()      {}

// Net is a network of [context; inputs]: an MLP of Layers, an activation after each but the last; or, with Blocks, residual: Layers are
// then the first and the last, without activations, and in between
//
//	h = h + Linears[1](act(Norms[1](Linears[0](act(Norms[0](h)))))) sigmoid(Gate(context))
type Net struct {
	Activation string // relu, tanh or elu
	Layers     []Dense
	Blocks     []Block
}

// Dense is out = [context; in] Weight + Bias, of which the first Context inputs are the context. Weight[i*Out+o] is that of input i to
// output o.
type Dense struct {
	Context, In, Out int // In counts the context
	Weight, Bias     []float32
}

// Block of a residual network. Norms and Gate may be nil.
type Block struct {
	Norms   [2]*Norm
	Linears [2]Dense
	Gate    *Dense // of the context alone
}

// Norm is y = Scale x + Shift of each unit.
type Norm struct{ Scale, Shift []float32 }

// Base is a density of some features of the latent: *Normal, *StudentT, *Box, *Mixture or *ConditionalNormal.
type Base interface{ Of() []int }

// Features are those that a base is the density of.
type Features []int

// Of implements Base.
func (f Features) Of() []int { return f }

type (
	// Normal is the standard normal density of each feature.
	Normal struct{ Features }
	// StudentT is that of Nu degrees of freedom of each feature.
	StudentT struct {
		Features
		Nu []float64
	}
	// Box is a density within +-Bound of each feature, 1e-6 of it more for rounding: uniform, or, where Width is not 0, normal of that width.
	// LogNorm is added to the log-density, -(z/Width)^2/2 or 0.
	Box struct {
		Features
		Bound   []float32
		Width   float64
		LogNorm float64
	}
	// Mixture is sum_k exp(LogWeight_k) prod_f N(z_f; Mean, Width), a row a component.
	Mixture struct {
		Features
		LogWeight   []float64
		Mean, Width []float64
	}
	// ConditionalNormal is N(mean, exp(s)) of each feature, means and raw s from a network of the context, s = raw/(1 + |raw|/5).
	ConditionalNormal struct {
		Features
		Net Net
	}
)
