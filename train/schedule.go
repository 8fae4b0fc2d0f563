package train

import "math"

// clock is where a training stands, as far as a schedule cares.
type clock struct {
	step     int     // steps before this one
	perEpoch int     // steps an epoch
	epochs   int     // of the whole training
	time     float64 // the fraction of Config.MaxSeconds that is over; 0 without a limit
}

// rate is the learning rate of a step. The schedule has its defaults.
func (s Schedule) rate(base float64, at clock) float64 {
	k, whole, epoch := float64(at.step-s.Warmup), float64(at.perEpoch*at.epochs-s.Warmup), float64(at.perEpoch)
	rise := min(float64(at.step+1)/float64(max(s.Warmup, 1)), 1)
	if s.Per == "epoch" {
		k, whole, epoch = float64(at.step/at.perEpoch), float64(at.epochs), 1
	}
	return rise * s.fall(base, max(k, 0), max(whole, 1), epoch, at.time)
}

// fall is the rate after k steps or epochs of a training of whole, when an epoch counts as given.
func (s Schedule) fall(base, k, whole, epoch, time float64) float64 {
	over := whole
	if s.Over > 0 {
		over, time = float64(s.Over), 0
	}
	done := max(min(k/over, 1), min(time, 1))
	switch s.Type {
	case "step":
		return base * math.Pow(s.Gamma, math.Floor(k/float64(s.Every)))
	case "polynomial": // Keras, PolynomialDecay without cycles
		return (base-s.End)*math.Pow(1-done, s.Power) + s.End
	case "cosine": // arXiv:1608.03983, equation 5, one cycle
		return s.cosine(base, done)
	case "cosine-restarts":
		first := 10 * epoch
		if s.First > 0 {
			first = float64(s.First)
		}
		return s.cosine(base, cyclePosition(k, first, s.Factor))
	}
	return base
}

func (s Schedule) cosine(base, done float64) float64 {
	return s.End + (base-s.End)*(1+math.Cos(math.Pi*done))/2
}

// cyclePosition is how much of its cycle is over at k, when the first cycle is so long and each is factor
// times the one before.
func cyclePosition(k, first, factor float64) float64 {
	if factor == 1 {
		return math.Mod(k, first) / first
	}
	// n whole cycles take first (factor^n - 1) / (factor - 1); rounding may put n off by one.
	start := func(n float64) float64 { return first * (math.Pow(factor, n) - 1) / (factor - 1) }
	n := math.Floor(math.Log1p(k/first*(factor-1)) / math.Log(factor))
	if start(n) > k {
		n--
	} else if start(n+1) <= k {
		n++
	}
	return (k - start(n)) / (first * math.Pow(factor, n))
}
