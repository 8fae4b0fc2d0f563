package train

import (
	"errors"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A rate outside (0, base] or NaN would stop a training or blow it up, whatever the settings.
func TestRatesStayBetweenEndAndBase(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Schedule{
			Type:   rapid.SampledFrom([]string{"constant", "step", "polynomial", "cosine", "cosine-restarts"}).Draw(t, "type"),
			Per:    rapid.SampledFrom([]string{"", "step", "epoch"}).Draw(t, "per"),
			Every:  rapid.IntRange(0, 100).Draw(t, "every"),
			End:    rapid.Float64Range(0, 1e-3).Draw(t, "end"),
			Over:   rapid.IntRange(0, 1000).Draw(t, "over"),
			Power:  rapid.Float64Range(0, 5).Draw(t, "power"),
			First:  rapid.IntRange(0, 100).Draw(t, "first"),
			Factor: rapid.SampledFrom([]float64{0, 1, 1 + 1e-9, 1.5, 2, 100}).Draw(t, "factor"),
			Warmup: rapid.IntRange(0, 1000).Draw(t, "warmup"),
		}
		var idle *FieldError
		if err := (Config{LR: 1e-3, Schedule: s}).Validate(); err != nil && !(errors.As(err, &idle) && strings.Contains(idle.Reason, "no effect")) {
			t.Fatal(err)
		}
		at := clock{
			perEpoch: rapid.IntRange(1, 1000).Draw(t, "steps an epoch"),
			epochs:   rapid.IntRange(1, 1000).Draw(t, "epochs"),
			time:     rapid.Float64Range(0, 1.5).Draw(t, "time"),
		}
		at.step = rapid.IntRange(0, at.perEpoch*at.epochs-1).Draw(t, "step")
		low := s.End * (1 - 1e-9)
		if s.Type == "constant" || s.Type == "step" {
			low = 0
		}
		if at.step < s.Warmup {
			low = 0
		}
		// Rounding may leave a cosine a few ulp above its start.
		if r := s.withDefaults().rate(1e-3, at); !(r >= low && r <= 1e-3*(1+1e-12)) {
			t.Fatalf("rate %v of %+v at %+v", r, s, at)
		}
	})
}

func TestDefaultScheduleEndsWithTheTraining(t *testing.T) {
	s := Schedule{}.withDefaults()
	at := clock{perEpoch: 10, epochs: 10}
	if r := s.rate(1, at); r != 1 {
		t.Errorf("starts at %v, not 1", r)
	}
	if at.step = 50; math.Abs(s.rate(1, at)-0.5) > 1e-15 {
		t.Errorf("%v halfway, not 0.5", s.rate(1, at))
	}
	if at.step = 99; s.rate(1, at) > 3e-4 { // (pi/200)^2 = 2.5e-4
		t.Errorf("ends at %v", s.rate(1, at))
	}
	// Halfway by steps, but at 0.9 of the time.
	if at.step, at.time = 50, 0.9; math.Abs(s.rate(1, at)-(1+math.Cos(0.9*math.Pi))/2) > 1e-15 {
		t.Errorf("%v at nine tenths of the time", s.rate(1, at))
	}
}
