package train

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestFieldsWithoutEffect(t *testing.T) {
	for field, c := range map[string]Config{
		"momentum":       {Momentum: 0.5},
		"nesterov":       {Optimiser: "adam", Nesterov: true},
		"betas":          {Optimiser: "sgd", Betas: []float64{0.9, 0.99}},
		"schedule.every": {Schedule: Schedule{Every: 3}},
		"schedule.end":   {Schedule: Schedule{Type: "step", End: 1e-4}},
	} {
		var at *FieldError
		if err := c.Validate(); !errors.As(err, &at) || at.Field != field || !strings.Contains(at.Reason, "no effect") {
			t.Errorf("%s: %v", field, err)
		}
		if err := (Config{}).WithDefaults().Validate(); err != nil {
			t.Error(err)
		}
	}
}

func TestValidateNamesTheField(t *testing.T) {
	nan := math.NaN()
	for field, cfgs := range map[string][]Config{
		"epochs":          {{Epochs: -1}, {Epochs: 1 << 30}},
		"batch":           {{Batch: -1}},
		"optimiser":       {{Optimiser: "Adam"}},
		"lr":              {{LR: -1e-3}, {LR: nan}, {LR: math.Inf(1)}},
		"betas":           {{Betas: []float64{0.9}}, {Betas: []float64{0.9, 1}}, {Betas: []float64{nan, 0.9}}},
		"epsilon":         {{Epsilon: -1}},
		"momentum":        {{Optimiser: "sgd", Momentum: 1}},
		"nesterov":        {{Optimiser: "sgd", Momentum: -1, Nesterov: true}},
		"weight_decay":    {{WeightDecay: 1e4}, {WeightDecay: nan}},
		"clip_norm":       {{ClipNorm: nan}},
		"ema":             {{EMA: 1}, {EMA: nan}},
		"valid":           {{Valid: 1}, {Valid: 0.5, Test: 0.5}, {Valid: nan}},
		"test":            {{Test: 1.5}},
		"patience":        {{Patience: 1, Valid: -1}},
		"max_seconds":     {{MaxSeconds: -1}, {MaxSeconds: nan}},
		"schedule.type":   {{Schedule: Schedule{Type: "plateau"}}},
		"schedule.per":    {{Schedule: Schedule{Per: "batch"}}},
		"schedule.every":  {{Schedule: Schedule{Type: "step", Every: -1}}},
		"schedule.gamma":  {{Schedule: Schedule{Type: "step", Gamma: -1}}, {Schedule: Schedule{Type: "step", Gamma: 2}}},
		"schedule.end":    {{Schedule: Schedule{End: 1}}, {Schedule: Schedule{End: -1}}},
		"schedule.over":   {{Schedule: Schedule{Over: -1}}},
		"schedule.power":  {{Schedule: Schedule{Power: nan}}},
		"schedule.first":  {{Schedule: Schedule{First: -1}}},
		"schedule.factor": {{Schedule: Schedule{Type: "cosine-restarts", Factor: 0.5}}},
		"schedule.warmup": {{Schedule: Schedule{Warmup: -1}}},
	} {
		for _, c := range cfgs {
			var at *FieldError
			if err := c.Validate(); !errors.As(err, &at) || at.Field != field {
				t.Errorf("%s: %v", field, err)
			}
		}
	}
}

func TestDefaultsAreValidAndSettled(t *testing.T) {
	for _, optimiser := range []string{"", "adamw", "sgd"} {
		for _, schedule := range []string{"", "constant", "step", "polynomial", "cosine", "cosine-restarts"} {
			c := Config{Optimiser: optimiser, Schedule: Schedule{Type: schedule}}
			if err := c.Validate(); err != nil {
				t.Errorf("%q, %q: %v", optimiser, schedule, err)
			}
			once := c.WithDefaults()
			if twice := once.WithDefaults(); !reflect.DeepEqual(once, twice) {
				t.Errorf("%q, %q: defaults of defaults are %+v, not %+v", optimiser, schedule, twice, once)
			}
		}
	}
}
