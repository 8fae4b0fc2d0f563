package train

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// WithDefaults fills in the defaults.
func (c Config) WithDefaults() Config {
	setDefault(&c.Epochs, 50)
	setDefault(&c.Batch, 256)
	setDefault(&c.Optimiser, "adamw")
	setDefault(&c.LR, 2e-3)
	if c.Optimiser == "sgd" {
		setDefault(&c.Momentum, 0.9)
	} else {
		if c.Betas == nil {
			c.Betas = []float64{0.9, 0.999}
		}
		setDefault(&c.Epsilon, 1e-8)
	}
	if c.Optimiser == "adamw" {
		setDefault(&c.WeightDecay, 0.1)
	}
	setDefault(&c.ClipNorm, 10)
	setDefault(&c.Valid, 0.1)
	setDefault(&c.Test, 0.1)
	c.Schedule = c.Schedule.withDefaults()
	return c
}

func (s Schedule) withDefaults() Schedule {
	setDefault(&s.Type, "cosine")
	switch s.Type {
	case "step":
		setDefault(&s.Per, "epoch")
		setDefault(&s.Every, 10)
		setDefault(&s.Gamma, 0.1)
	case "polynomial":
		setDefault(&s.Power, 1)
	case "cosine-restarts":
		setDefault(&s.Factor, 1)
	}
	setDefault(&s.Per, "step")
	return s
}

func setDefault[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

// The default of Patience. A cosine schedule finds its best validation near its end: a shorter share would cut trainings off that
// are on a plateau at a high learning rate, and fewer epochs those whose validation is noisy.
const (
	patienceEpochs = 10
	patienceShare  = 0.2
)

// Validate reports the first field, by its name in a card, that cannot be.
func (c Config) Validate() error {
	c = c.WithDefaults()
	if err := cmp.Or(c.fields(), c.idle()); err != nil {
		return err
	}
	sgd, set := c.Optimiser == "sgd", max(c.Valid, 0)+max(c.Test, 0)
	switch {
	case sgd && c.Nesterov && c.Momentum <= 0:
		return &FieldError{"nesterov", "needs a momentum above 0"}
	case !sgd && (len(c.Betas) != 2 || !within(c.Betas[0], 0, oneBelow) || !within(c.Betas[1], 0, oneBelow)):
		return &FieldError{"betas", fmt.Sprintf("%v are not two numbers in [0, 1)", c.Betas)}
	case set >= 1:
		return &FieldError{"valid", fmt.Sprintf("valid and test are %g of the events together and leave none to train on", set)}
	case c.Patience > 0 && c.Valid < 0:
		return &FieldError{"patience", "needs validation events: set train.valid above 0"}
	}
	return nil
}

// fields reports the first field that is out of its own bounds.
func (c Config) fields() error {
	s, sgd := c.Schedule, c.Optimiser == "sgd"
	for _, f := range []struct {
		name, v string
		allowed []string
	}{
		{"objective", cmp.Or(c.Objective, "likelihood"), []string{"likelihood", "matching", "reverse-kl", "mmd"}},
		{"optimiser", c.Optimiser, []string{"adam", "adamw", "sgd"}},
		{"schedule.type", s.Type, []string{"constant", "step", "polynomial", "cosine", "cosine-restarts"}},
		{"schedule.per", s.Per, []string{"step", "epoch"}},
	} {
		if !slices.Contains(f.allowed, f.v) {
			return &FieldError{f.name, fmt.Sprintf("%q is not one of %v", f.v, f.allowed)}
		}
	}
	for _, f := range []struct {
		name    string
		v       float64
		ok      bool
		allowed string
	}{
		{"epochs", float64(c.Epochs), within(c.Epochs, 1, 1e6), "between 1 and 1000000"},
		{"ensemble", float64(c.Ensemble), within(c.Ensemble, 0, MostMembers), fmt.Sprintf("between 1 and %d", MostMembers)},
		{"batch", float64(c.Batch), within(c.Batch, 1, 1e8), "between 1 and 100000000"},
		{"lr", c.LR, c.LR > 0 && c.LR <= 1e3, "above 0 and at most 1000"},
		{"epsilon", c.Epsilon, sgd || c.Epsilon > 0 && c.Epsilon <= 1, "above 0 and at most 1"},
		{"momentum", c.Momentum, c.Momentum < 1, "below 1"},
		{"weight_decay", c.WeightDecay, c.WeightDecay <= 1e3, "at most 1000"},
		{"clip_norm", c.ClipNorm, !math.IsNaN(c.ClipNorm), "a number"},
		{"ema", c.EMA, c.EMA < 1, "below 1"},
		{"valid", c.Valid, c.Valid < 1, "below 1"},
		{"test", c.Test, c.Test < 1, "below 1"},
		{"max_seconds", c.MaxSeconds, within(c.MaxSeconds, 0, 1e9), "between 0 and 1e9"},
		{"schedule.every", float64(s.Every), s.Every >= 0, "1 or more"},
		{"schedule.gamma", s.Gamma, within(s.Gamma, 0, 1), "above 0 and at most 1"},
		{"schedule.end", s.End, within(s.End, 0, c.LR), fmt.Sprintf("between 0 and the learning rate, %g", c.LR)},
		{"schedule.over", float64(s.Over), s.Over >= 0, "1 or more"},
		{"schedule.power", s.Power, within(s.Power, 0, 100), "above 0 and at most 100"},
		{"schedule.first", float64(s.First), s.First >= 0, "1 or more"},
		{"schedule.factor", s.Factor, s.Factor == 0 || within(s.Factor, 1, 100), "between 1 and 100"},
		{"schedule.warmup", float64(s.Warmup), s.Warmup >= 0, "0 or more"},
	} {
		if !f.ok {
			return &FieldError{f.name, fmt.Sprintf("%g is not %s", f.v, f.allowed)}
		}
	}
	return nil
}

// idle reports the first field that is set and has no effect.
func (c Config) idle() error {
	s, sgd := c.Schedule, c.Optimiser == "sgd"
	restarts := s.Type == "cosine-restarts"
	for _, f := range []struct {
		name        string
		set, counts bool
		only        string
	}{
		{"momentum", c.Momentum > 0, sgd, "optimiser sgd"},
		{"nesterov", c.Nesterov, sgd, "optimiser sgd"},
		{"betas", c.Betas != nil, !sgd, "adam and adamw"},
		{"epsilon", c.Epsilon != 0, !sgd, "adam and adamw"},
		{"schedule.every", s.Every != 0, s.Type == "step", "type step"},
		{"schedule.gamma", s.Gamma != 0, s.Type == "step", "type step"},
		{"schedule.end", s.End != 0, s.Type == "polynomial" || s.Type == "cosine" || restarts, "types polynomial, cosine and cosine-restarts"},
		{"schedule.over", s.Over != 0, s.Type == "polynomial" || s.Type == "cosine", "types polynomial and cosine"},
		{"schedule.power", s.Power != 0, s.Type == "polynomial", "type polynomial"},
		{"schedule.first", s.First != 0, restarts, "type cosine-restarts"},
		{"schedule.factor", s.Factor != 0, restarts, "type cosine-restarts"},
	} {
		if f.set && !f.counts {
			return &FieldError{f.name, "has no effect here, only with " + f.only + ": take it out, or choose that"}
		}
	}
	return nil
}

const oneBelow = 1 - 0x1p-53 // the largest number below 1

func within[T int | float64](v, lo, hi T) bool { return v >= lo && v <= hi }

// FieldError names a field of a Config whose value cannot be.
type FieldError struct{ Field, Reason string }

func (e *FieldError) Error() string { return "train." + e.Field + ": " + e.Reason }
