package train

import (
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

// Validate reports the first field, by its name in a card, that cannot be.
func (c Config) Validate() error {
	c = c.WithDefaults()
	for _, f := range []struct {
		name    string
		v       float64
		ok      bool
		allowed string
	}{
		{"epochs", float64(c.Epochs), within(c.Epochs, 1, 1e6), "between 1 and 1000000"},
		{"batch", float64(c.Batch), within(c.Batch, 1, 1e8), "between 1 and 100000000"},
		{"lr", c.LR, c.LR > 0 && c.LR <= 1e3, "above 0 and at most 1000"},
		{"momentum", c.Momentum, c.Momentum < 1, "below 1"},
		{"weight_decay", c.WeightDecay, c.WeightDecay <= 1e3, "at most 1000"},
		{"clip_norm", c.ClipNorm, !math.IsNaN(c.ClipNorm), "a number"},
		{"ema", c.EMA, c.EMA < 1, "below 1"},
		{"valid", c.Valid, c.Valid < 1, "below 1"},
		{"test", c.Test, c.Test < 1, "below 1"},
		{"patience", float64(c.Patience), c.Patience >= 0, "0 or more"},
		{"max_seconds", c.MaxSeconds, within(c.MaxSeconds, 0, 1e9), "between 0 and 1e9"},
	} {
		if !f.ok {
			return outside(f.name, f.v, f.allowed)
		}
	}
	if err := c.validateOptimiser(); err != nil {
		return err
	}
	if s := max(c.Valid, 0) + max(c.Test, 0); s >= 1 {
		return &FieldError{"valid", fmt.Sprintf("valid and test are %g of the events together and leave none to train on", s)}
	}
	if c.Patience > 0 && c.Valid < 0 {
		return &FieldError{"patience", "needs validation events: set train.valid above 0"}
	}
	return c.Schedule.validate(c.LR)
}

func (c Config) validateOptimiser() error {
	switch c.Optimiser {
	case "sgd":
		if c.Nesterov && c.Momentum <= 0 {
			return &FieldError{"nesterov", "needs a momentum above 0"}
		}
		return nil
	case "adam", "adamw":
		if len(c.Betas) != 2 || !within(c.Betas[0], 0, oneBelow) || !within(c.Betas[1], 0, oneBelow) {
			return &FieldError{"betas", fmt.Sprintf("%v are not two numbers in [0, 1)", c.Betas)}
		}
		if !(c.Epsilon > 0 && c.Epsilon <= 1) {
			return outside("epsilon", c.Epsilon, "above 0 and at most 1")
		}
		return nil
	}
	return notOneOf("optimiser", c.Optimiser, "adam", "adamw", "sgd")
}

// validate takes a schedule with its defaults and the learning rate that it starts from.
func (s Schedule) validate(lr float64) error {
	types := []string{"constant", "step", "polynomial", "cosine", "cosine-restarts"}
	switch {
	case !slices.Contains(types, s.Type):
		return notOneOf("schedule.type", s.Type, types...)
	case s.Per != "step" && s.Per != "epoch":
		return notOneOf("schedule.per", s.Per, "step", "epoch")
	case s.Every < 0:
		return outside("schedule.every", float64(s.Every), "1 or more")
	case !within(s.Gamma, 0, 1):
		return outside("schedule.gamma", s.Gamma, "above 0 and at most 1")
	case !within(s.End, 0, lr):
		return outside("schedule.end", s.End, fmt.Sprintf("between 0 and the learning rate, %g", lr))
	case s.Over < 0:
		return outside("schedule.over", float64(s.Over), "1 or more")
	case !within(s.Power, 0, 100):
		return outside("schedule.power", s.Power, "above 0 and at most 100")
	case s.First < 0:
		return outside("schedule.first", float64(s.First), "1 or more")
	case s.Factor != 0 && !within(s.Factor, 1, 100):
		return outside("schedule.factor", s.Factor, "between 1 and 100")
	case s.Warmup < 0:
		return outside("schedule.warmup", float64(s.Warmup), "0 or more")
	}
	return nil
}

const oneBelow = 1 - 0x1p-53 // the largest number below 1

func within[T int | float64](v, lo, hi T) bool { return v >= lo && v <= hi }

func outside(field string, v float64, allowed string) error {
	return &FieldError{field, fmt.Sprintf("%g is not %s", v, allowed)}
}

func notOneOf(field, v string, allowed ...string) error {
	return &FieldError{field, fmt.Sprintf("%q is not one of %v", v, allowed)}
}

// FieldError names a field of a Config whose value cannot be.
type FieldError struct{ Field, Reason string }

func (e *FieldError) Error() string { return "train." + e.Field + ": " + e.Reason }
