package prep

import "testing"

// The preparation must be cheap beside a flow: about 1,000 ns an event and column at 10^6 events/s.
func BenchmarkQuantile(b *testing.B) {
	s := &quantile{Knots: 128}
	x := sample(4096)
	if err := s.Fit(x, nil); err != nil {
		b.Fatal(err)
	}
	v, d := make([]float64, len(x)), make([]float64, len(x))
	for _, dir := range []struct {
		name string
		f    func(x, logDet []float64)
	}{{"Apply", s.Apply}, {"Invert", func(v, d []float64) { s.Apply(v, nil); s.Invert(v, d) }}} {
		b.Run(dir.name, func(b *testing.B) {
			b.SetBytes(int64(8 * len(x)))
			for range b.N {
				copy(v, x)
				dir.f(v, d)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(x)), "ns/value")
		})
	}
}
