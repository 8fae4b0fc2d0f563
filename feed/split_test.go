package feed

import (
	"io"
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/sluice-hep/sluice/events"
)

// memory reads a table in blocks of a size, from the beginning only.
type memory struct {
	*events.Table
	size, at int
}

func (m *memory) Next() (Block, error) {
	if m.at == m.Len() {
		return Block{}, io.EOF
	}
	last := min(m.at+m.size, m.Len())
	b := Block{Table: m.Slice(m.at, last)}
	for ; m.at < last; m.at++ {
		b.Rows = append(b.Rows, int64(m.at))
	}
	return b, nil
}

func (m *memory) Mark() (events.Mark, bool) { return events.Mark{}, m.at == 0 }

func (m *memory) Seek(events.Mark) error {
	m.at = 0
	return nil
}

func (m *memory) Close() error { return nil }

// whole surveys a table with room for all.
func whole(t *testing.T, table *events.Table, cfg Config) *Survey {
	t.Helper()
	cfg.Most = 1 << 40
	s, err := Take(t.Context(), &memory{Table: table, size: 1000}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The same events are held out in memory and from a stream, in blocks of any size, and as many as were asked for.
func TestMemoryHoldsOutWhatAStreamDoes(t *testing.T) {
	all, err := events.ReadAll(write(t, 5000), events.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{9, 100, 1000, 5000} {
		for _, fractions := range [][2]float64{{0.1, 0.1}, {0.25, 0}, {-1, 0.333}, {0, 0}, {0.5, 0.4}} {
			cfg := config
			cfg.Valid, cfg.Test = fractions[0], fractions[1]
			table := all.Slice(0, n)
			w := whole(t, table, cfg)
			valid, test := int(math.Round(float64(n)*max(cfg.Valid, 0))), int(math.Round(float64(n)*max(cfg.Test, 0)))
			if w.Valid.Len() != valid || w.Test.Len() != test || w.Train != n-valid-test || !w.Whole() {
				t.Errorf("%d events, fractions %v: %d validate, %d test, %d train", n, fractions, w.Valid.Len(), w.Test.Len(), w.Train)
			}
			if held := slices.Sorted(slices.Values(ids(t, w.All))); len(slices.Compact(held)) != n {
				t.Errorf("%d events, fractions %v: %d in all parts", n, fractions, len(held))
			}
			for _, held := range []int{0, 2600, 1 << 30} {
				cfg.Held = held
				s, err := Take(t.Context(), &memory{Table: table, size: 77}, cfg)
				if err != nil {
					t.Fatal(err)
				}
				if s.Whole() || !reflect.DeepEqual(s.Valid, w.Valid) || !reflect.DeepEqual(s.Test, w.Test) {
					t.Fatalf("%d events, fractions %v, room for %d: a stream holds others", n, fractions, held)
				}
				if s.Train != w.Train || s.Sample.Len() != s.Train || s.Weights != w.Weights || s.ID != w.ID {
					t.Errorf("%d events, fractions %v: %d train, %d in the sample", n, fractions, s.Train, s.Sample.Len())
				}
			}
		}
	}
}

// With less room some of the events are held out that are with more, and none besides.
func TestLessRoomHoldsSomeOfTheSame(t *testing.T) {
	paths := write(t, 4000)
	cfg := config
	more := survey(t, paths, 100, cfg)
	cfg.Held = 50
	less := survey(t, paths, 100, cfg)
	for _, c := range [][2]Numbered{{more.Valid, less.Valid}, {more.Test, less.Test}} {
		all := ids(t, c[0])
		for _, id := range ids(t, c[1]) {
			if !slices.Contains(all, id) {
				t.Errorf("event %g is held out only where there is less room", id)
			}
		}
		if c[1].Len() != 50 {
			t.Errorf("%d events held, want 50", c[1].Len())
		}
	}
}

// What tells events apart are their numbers, not how a file holds them.
func TestDigestsDoNotDependOnTypes(t *testing.T) {
	small := []float64{0, -3, 17, 1 << 20, 5}
	as := func(typ events.Type, negative bool) *events.Table {
		c := events.Column{Name: "x", Type: typ}
		for _, v := range small {
			if v < 0 && !negative {
				v = -v
			}
			c.F32, c.F64, c.I64, c.U64 = append(c.F32, float32(v)), append(c.F64, v), append(c.I64, int64(v)), append(c.U64, uint64(max(v, 0)))
		}
		switch typ {
		case events.Float32:
			c.F64, c.I64, c.U64 = nil, nil, nil
		case events.Float64:
			c.F64[0] = math.Copysign(0, -1)
			c.F32, c.I64, c.U64 = nil, nil, nil
		case events.Int64:
			c.F32, c.F64, c.U64 = nil, nil, nil
		default:
			c.F32, c.F64, c.I64 = nil, nil, nil
		}
		return &events.Table{Columns: []events.Column{c}}
	}
	number := func(table *events.Table) []uint64 {
		d := newDigest([]string{"x"}, 0)
		b, err := (&memory{Table: table, size: table.Len()}).Next()
		if err != nil {
			t.Fatal(err)
		}
		n, err := d.of(b)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, c := range []struct {
		typ      events.Type
		negative bool
	}{{events.Float64, true}, {events.Int64, true}, {events.Float64, false}, {events.Int64, false}, {events.Uint64, false}} {
		if got, want := number(as(c.typ, c.negative)), number(as(events.Float32, c.negative)); !slices.Equal(got, want) {
			t.Errorf("%v: digests %x, of float32 %x", c.typ, got, want)
		}
	}
	large := []int64{math.MaxInt64, math.MaxInt64 - 1, 1<<62 + 1, 1 << 62, 1<<53 + 1}
	signed := events.Column{Name: "x", Type: events.Int64, I64: large}
	unsigned := events.Column{Name: "x", Type: events.Uint64}
	for _, v := range large {
		unsigned.U64 = append(unsigned.U64, uint64(v))
	}
	for i := range large {
		for j := range large {
			if same := bits(&signed, i) == bits(&unsigned, j); same != (i == j) {
				t.Errorf("%d and %d: the same bits %v", large[i], large[j], same)
			}
		}
	}
	doubles := events.Column{Name: "x", Type: events.Float64, F64: []float64{1126259462.4, 1126259462.45}}
	if bits(&doubles, 0) == bits(&doubles, 1) {
		t.Error("times that one float32 holds have the same bits")
	}
}

// Integers near 2^63 pass a survey as they are, and their moments are those of the distances from one another.
func TestSurveyOfLargeIntegers(t *testing.T) {
	const n, from = 20000, math.MaxInt64 - 100_000
	table := &events.Table{Columns: []events.Column{{Name: "us", Type: events.Int64}, {Name: "id", Type: events.Uint64}}}
	for i := range int64(n) {
		table.Columns[0].I64 = append(table.Columns[0].I64, from+i%1000)
		table.Columns[1].U64 = append(table.Columns[1].U64, math.MaxUint64-uint64(i%3))
	}
	cfg := Config{Columns: table.Names(), Valid: 0.1, Test: 0.1, Seed: 1, Held: 5000, Sample: 300}
	s, err := Take(t.Context(), &memory{Table: table, size: 512}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	w := whole(t, table, cfg)
	if !reflect.DeepEqual(s.Test, w.Test) || !reflect.DeepEqual(s.Valid, w.Valid) {
		t.Error("events held out are not what they were")
	}
	us, err := s.Sample.Column("us")
	if err != nil {
		t.Fatal(err)
	}
	if us.Type != events.Int64 || slices.Min(us.I64) != from || slices.Max(us.I64) != from+999 {
		t.Errorf("the sample is %v from %d to %d", us.Type, slices.Min(us.I64), slices.Max(us.I64))
	}
	var sum, squares float64
	for _, v := range w.Sample.Columns[0].I64 {
		sum += float64(v - from)
	}
	mean := sum / float64(w.Train)
	for _, v := range w.Sample.Columns[0].I64 {
		squares += (float64(v-from) - mean) * (float64(v-from) - mean)
	}
	origin := table.Columns[0].Exact(0)
	m := s.Moments["us"]
	if got := m.From.Minus(origin) + m.Mean; math.Abs(got-mean) > 1e-9 || math.Abs(m.Std-math.Sqrt(squares/float64(w.Train))) > 1e-9 {
		t.Errorf("mean %g and deviation %g, want %g and %g", got, m.Std, mean, math.Sqrt(squares/float64(w.Train)))
	}
}

// The unit of weights changes neither moments nor the sample, also where the largest come late.
func TestSurveyWithWeightsOfAnyUnit(t *testing.T) {
	all, err := events.ReadAll(write(t, 4000), events.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var want *Survey
	for _, unit := range []float64{1, 0x1p-152, 0x1p-1000, 0x1p130, 0x1p1010} { // powers of 2 round nothing
		w := events.Column{Name: "w", Type: events.Float64, F64: make([]float64, all.Len())}
		for i := range w.F64 {
			w.F64[i] = unit * math.Ldexp(1, i/500)
		}
		table := &events.Table{Columns: append(slices.Clone(all.Columns[:3]), w)}
		cfg := config
		cfg.Weight, cfg.Sample = "w", 200
		s, err := Take(t.Context(), &memory{Table: table, size: 100}, cfg)
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = s
		}
		if !reflect.DeepEqual(s.Moments, want.Moments) || s.Weights.Relative(4*unit) != want.Weights.Relative(4) {
			t.Errorf("in units of %g: moments %v, want %v", unit, s.Moments, want.Moments)
		}
	}
}
