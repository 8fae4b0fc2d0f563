package cpp

import (
	"fmt"
	"math"
	"strings"

	"github.com/sluice-hep/sluice/export/plain"
)

// panel is how many outputs have their weights side by side, as in runtime/types.hpp.
const panel = 16

func padded(n int) int { return (n + panel - 1) / panel * panel }

// tables are a model as runtime/types.hpp has it.
type tables struct {
	numbers  []float32
	integers []int
	doubles  []float64
	rows     map[string][]string // of the tables of descriptions, by their names
	maps     map[string]int      // of a feature, those that are there already

	features, context, latent, members    int
	givenRows, seenRows, netRows, scratch int // of 64 floats; scratch: floats
}

// tableNames are those of the descriptions, with the type of each.
var tableNames = []struct{ name, kind string }{
	{"dense", "Dense"}, {"ops", "Op"}, {"nets", "Net"}, {"maps", "Map"}, {"layers", "Layer"}, {"bases", "Base"}, {"flows", "Flow"},
	{"steps", "Step"}, {"terms", "Term"}, {"prepared_features", "Prepared"}, {"prepared_context", "Prepared"},
}

func newTables(m *plain.Model) *tables {
	t := &tables{rows: map[string][]string{}, maps: map[string]int{}, features: len(m.Features), context: len(m.Context), members: len(m.Members)}
	t.prepared("prepared_features", m.Features)
	t.prepared("prepared_context", m.Context)
	for i := range m.Members {
		t.flow(&m.Members[i])
	}
	t.latent = m.Members[0].Features
	return t
}

// add puts a row into a table and returns its index.
func (t *tables) add(table, format string, args ...any) int {
	t.rows[table] = append(t.rows[table], fmt.Sprintf(format, args...))
	return len(t.rows[table]) - 1
}

func (t *tables) next(table string) int { return len(t.rows[table]) }

func (t *tables) ints(v ...int) (at int) {
	t.integers = append(t.integers, v...)
	return len(t.integers) - len(v)
}

func (t *tables) floats(v ...float32) (at int) {
	t.numbers = append(t.numbers, v...)
	return len(t.numbers) - len(v)
}

// wide is floats, filled up to whole panels.
func (t *tables) wide(v []float32) (at int) {
	at = t.floats(v...)
	t.floats(make([]float32, padded(len(v))-len(v))...)
	return at
}

func (t *tables) prepared(table string, columns []plain.Column) {
	for i := range columns {
		c := &columns[i]
		step, term, terms, constant := t.next("steps"), t.next("terms"), 0, c.Min
		for _, s := range c.Steps {
			t.step(s)
		}
		if r := c.Follows; r != nil {
			constant, terms = r.Constant, len(r.Columns)
			for k, of := range r.Columns {
				t.add("terms", "%d, %s", of, double(r.Factors[k]))
			}
		}
		t.add(table, "%d, %d, %s, %d, %d, %s, %s, %s, %s", step, len(c.Steps), double(constant), term, terms, bounded(c.Low), bounded(c.Least), bounded(c.High), bounded(c.Most))
	}
}

func (t *tables) step(s plain.Step) {
	add := func(kind string, values ...float64) {
		values = append(values, 0, 0, 0, 0)
		t.add("steps", "%s, %s, %s, %s, %s, 0, %d, false, false", kind, double(values[0]), double(values[1]), double(values[2]), double(values[3]), len(t.doubles))
	}
	switch s := s.(type) {
	case *plain.Linear:
		add("linear", s.Shift, s.Unit, math.Log(s.Unit))
	case *plain.Clip:
		add("clip", s.B, math.Log1p(-s.B))
	case *plain.Logit:
		add("logit")
	case *plain.Log:
		add("logarithm", s.Offset, s.Floor, math.Log(s.Floor))
	case *plain.Asinh:
		add("asinh", s.Centre, s.Scale, math.Log(s.Scale))
	case *plain.Round:
		add("rounded", s.Unit, s.Offset)
	case *plain.Periodic:
		add("periodic", s.Low, s.Turn, s.Cut, s.Filled)
		t.doubles = append(t.doubles, s.Unit, s.Start, math.Log(s.Turn*s.Unit))
	case *plain.Quantile:
		t.add("steps", "quantile, %s, %s, %s, %s, %d, %d, %t, %t", bounded(s.Lower), bounded(s.Upper), double(s.Low), double(s.High), len(s.X), len(t.doubles), s.EdgeLow, s.EdgeHigh)
		t.doubles = append(append(append(t.doubles, s.X...), s.Y...), s.Slope...)
	default:
		panic(fmt.Sprintf("cpp: a step of type %T", s))
	}
}

// bounded is a number that may be infinite, as the index of a straight line and the end of a column without one are.
func bounded(v float64) string { return double(max(min(v, math.MaxFloat64), -math.MaxFloat64)) }

func (t *tables) flow(f *plain.Flow) {
	seen, embedding := f.Context, -1
	if f.Embedding != nil {
		last := f.Embedding.Layers[len(f.Embedding.Layers)-1]
		seen, embedding = last.Out, t.net(f.Embedding, f.Context, nil)
	}
	t.givenRows, t.seenRows = max(t.givenRows, f.Context), max(t.seenRows, seen)
	layer, base := t.next("layers"), t.next("bases")
	for _, l := range f.Layers {
		switch l := l.(type) {
		case *plain.Map:
			t.linear(l)
		case *plain.Conditional:
			t.conditional(l)
		case *plain.Radial:
			t.radial(l)
		default:
			panic(fmt.Sprintf("cpp: a layer of type %T", l))
		}
	}
	for _, b := range f.Bases {
		t.base(b)
	}
	t.add("flows", "%d, %d, %d, %d, %d, %d, %d, %d", f.Features, f.Context, seen, embedding, layer, len(f.Layers), base, len(f.Bases))
}

const noConditional = "0, 0, 0, 0, false, 0, 0, 0, 0, -1"

func (t *tables) linear(m *plain.Map) {
	n := len(m.Bias)
	back := make([]float64, n) // -Inverse Bias
	for i := range back {
		for j, b := range m.Bias {
			back[i] -= m.Inverse[i*n+j] * b
		}
	}
	if m.Diagonal {
		at := func(matrix, bias []float64) int {
			var scale, shift []float32
			for i, b := range bias {
				scale, shift = append(scale, float32(matrix[i*n+i])), append(shift, float32(b))
			}
			return t.floats(append(scale, shift...)...)
		}
		t.add("layers", "diagonal, %d, %d, %d, %s, %s", n, at(m.Matrix, m.Bias), at(m.Inverse, back), double(m.LogDet), noConditional)
		return
	}
	t.netRows = max(t.netRows, padded(n))
	t.add("layers", "matrix, %d, %d, %d, %s, %s", n, t.dense(ofMatrix(m.Matrix, m.Bias)), t.dense(ofMatrix(m.Inverse, back)), double(m.LogDet), noConditional)
}

func (t *tables) radial(r *plain.Radial) {
	numbers := []float32{float32(r.A), float32(r.S)}
	for _, v := range append(append([]float64{}, r.Center...), r.Shift...) {
		numbers = append(numbers, float32(v))
	}
	t.netRows = max(t.netRows, padded(len(r.Center)))
	t.add("layers", "radial, %d, %d, 0, 0, %s", len(r.Center), t.floats(numbers...), noConditional)
}

func ofMatrix(matrix, bias []float64) *plain.Dense {
	n := len(bias)
	d := &plain.Dense{In: n, Out: n, Weight: make([]float32, n*n)}
	for o, b := range bias {
		d.Bias = append(d.Bias, float32(b))
		for i := range n {
			d.Weight[i*n+o] = float32(matrix[o*n+i])
		}
	}
	return d
}

func (t *tables) conditional(c *plain.Conditional) {
	var features, maps []int
	var circles []float32
	for _, s := range c.Seen {
		features, circles = append(features, s.Feature), append(circles, s.Circle)
	}
	for _, s := range c.Scales {
		maps = append(maps, t.scaler(s))
	}
	var order *groups
	if len(c.Kept) == 0 {
		order = groupsOf(c)
	}
	t.add("layers", "conditional, %d, 0, 0, 0, %d, %d, %d, %d, %t, %d, %d, %d, %d, %d",
		len(c.Moved), t.ints(c.Moved...), t.ints(features...), len(features), t.floats(circles...), len(c.Kept) == 0, t.ints(c.Ends...), len(c.Ends),
		t.ints(maps...), t.ints(c.At...), t.net(&c.Net, 0, order))
}

// scaler is the map of a feature, one of a kind.
func (t *tables) scaler(s plain.Scaler) int {
	text, bins := "", 0
	switch s := s.(type) {
	case *plain.Affine:
		text = fmt.Sprintf("affine, 2, scale_%s, %t, 0, 0, false", s.LogScale, s.ScaleFirst)
	case *plain.Spline:
		bins = s.Bins
		text = fmt.Sprintf("spline, %d, scale_none, false, %d, %s, %t", s.Parameters(), s.Bins, float(s.Bound), s.Circular)
	default:
		panic(fmt.Sprintf("cpp: a map of type %T", s))
	}
	t.scratch = max(t.scratch, (2*bins+s.Parameters())*panel)
	if _, ok := t.maps[text]; !ok {
		t.maps[text] = t.add("maps", "%s", text)
	}
	return t.maps[text]
}

var logRoot = 0.5 * math.Log(2*math.Pi)

func (t *tables) base(b plain.Base) {
	order, n := t.ints(b.Of()...), len(b.Of())
	add := func(kind string, components int, constant float64, net int, values ...float32) {
		t.add("bases", "%s, %d, %d, %d, %d, %d, %s", kind, order, n, components, t.floats(values...), net, double(constant))
	}
	var values []float32
	switch b := b.(type) {
	case *plain.Normal:
		add("normal", 0, -float64(n)*logRoot, -1)
	case *plain.StudentT:
		norm := 0.0
		for _, nu := range b.Nu {
			up, _ := math.Lgamma((nu + 1) / 2)
			down, _ := math.Lgamma(nu / 2)
			norm += up - down - 0.5*math.Log(nu*math.Pi)
			values = append(values, float32(1/nu), float32((nu+1)/2))
		}
		add("student_t", 0, norm, -1, values...)
	case *plain.Box:
		kind := "box"
		for _, bound := range b.Bound {
			values = append(values, bound*(1+1e-6))
			if b.Width > 0 {
				kind, values = "truncated", append(values, float32(1/(2*b.Width*b.Width)))
			}
		}
		add(kind, 0, b.LogNorm, -1, values...)
	case *plain.Mixture:
		for k, log := range b.LogWeight {
			mean, width := b.Mean[k*n:(k+1)*n], b.Width[k*n:(k+1)*n]
			var centres, inverse []float32
			for i, w := range width {
				log -= math.Log(w) + logRoot
				centres, inverse = append(centres, float32(mean[i])), append(inverse, float32(1/w))
			}
			values = append(append(append(values, float32(log)), centres...), inverse...)
		}
		add("mixture", len(b.LogWeight), 0, -1, values...)
	case *plain.ConditionalNormal:
		add("conditional_normal", 0, -float64(n)*logRoot, t.net(&b.Net, 0, nil))
	default:
		panic(fmt.Sprintf("cpp: a base of type %T", b))
	}
}

func (t *tables) write(w *writer) {
	w.line("\n// The model.\n")
	w.line("inline constexpr int features = %d, context = %d, latent = %d, members = %d;", t.features, t.context, t.latent, t.members)
	w.line("inline constexpr int x_rows = %d, given_rows = %d, seen_rows = %d, net_rows = %d;", padded(t.latent), padded(t.givenRows), padded(t.seenRows), t.netRows)
	w.line("inline constexpr int floats = (2 + x_rows + given_rows + seen_rows + net_rows) * tile + %d;\n", t.scratch)
	list(w, "alignas(64) inline const float numbers", t.numbers, float)
	list(w, "inline const std::int32_t integers", t.integers, func(i int) string { return fmt.Sprint(i) })
	list(w, "inline const double doubles", t.doubles, double)
	names := []string{"numbers", "integers", "doubles"}
	for _, table := range tableNames {
		rows := t.rows[table.name]
		if len(rows) == 0 {
			rows = []string{""} // C++ has no empty arrays
		}
		w.line("inline const %s %s[] = {\n  {%s},\n};", table.kind, table.name, strings.Join(rows, "},\n  {"))
		names = append(names, table.name)
	}
	w.line("inline const Tables tables = {%s};", strings.Join(names, ", "))
}

// list writes an array, a few numbers a line.
func list[T any](w *writer, head string, values []T, text func(T) string) {
	w.line("%s[] = {", head)
	for len(values) > 16 {
		for _, v := range values[:16] {
			w.WriteString(text(v) + ",")
		}
		w.WriteString("\n")
		values = values[16:]
	}
	for _, v := range values {
		w.WriteString(text(v) + ",")
	}
	w.line("0};")
}
