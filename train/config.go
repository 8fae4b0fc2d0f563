package train

// Config says how a flow is trained. The zero value of a field means its default; where a negative number means none, a
// card may write 0.
type Config struct {
	Epochs int `yaml:"epochs,omitempty" json:"epochs,omitempty"` // passes over the training events; default 50
	Batch  int `yaml:"batch,omitempty" json:"batch,omitempty"`   // events a step; default 256
	// Objective is what is minimised: likelihood, its negative logarithm, or, of flows that it can train, matching (flow matching), or, where
	// the density is known up to a factor, reverse-kl, for which no events are needed, or mmd, which makes events
	// like others. The default, and what follows from it, are those of who makes the Objective.
	Objective string `yaml:"objective,omitempty" json:"objective,omitempty"`
	// Ensemble is how many models are trained, from seeds that follow from one: that, too, is for who makes the Objective. 0 and 1 are one.
	Ensemble int `yaml:"ensemble,omitempty" json:"ensemble,omitempty"`
	// Optimiser: adam (arXiv:1412.6980), adamw (arXiv:1711.05101) or sgd. Default adamw.
	Optimiser string    `yaml:"optimiser,omitempty" json:"optimiser,omitempty"`
	LR        float64   `yaml:"lr,omitempty" json:"lr,omitempty"`             // learning rate; default 2e-3
	Betas     []float64 `yaml:"betas,omitempty" json:"betas,omitempty"`       // Adam's; default [0.9, 0.999]
	Epsilon   float64   `yaml:"epsilon,omitempty" json:"epsilon,omitempty"`   // Adam's; default 1e-8
	Momentum  float64   `yaml:"momentum,omitempty" json:"momentum,omitempty"` // SGD's; default 0.9; negative for none
	Nesterov  bool      `yaml:"nesterov,omitempty" json:"nesterov,omitempty"` // SGD's
	// WeightDecay is L2 (adam, sgd) or decoupled (adamw). Default 0.1 for adamw, else none; negative for none.
	WeightDecay float64  `yaml:"weight_decay,omitempty" json:"weight_decay,omitempty"`
	Schedule    Schedule `yaml:"schedule,omitempty" json:"schedule,omitzero"`
	// ClipNorm bounds the global norm of the gradient. Default 10; negative for none.
	ClipNorm float64 `yaml:"clip_norm,omitempty" json:"clip_norm,omitempty"`
	// EMA is the decay a step of an average of the parameters, which is then validated and saved. Default: the
	// average goes over about a tenth of the steps, at most 1000; negative for none.
	EMA float64 `yaml:"ema,omitempty" json:"ema,omitempty"`
	// Valid and Test are the fractions of events set aside. Defaults 0.1 and 0.1; negative for none.
	Valid float64 `yaml:"valid,omitempty" json:"valid,omitempty"`
	Test  float64 `yaml:"test,omitempty" json:"test,omitempty"`
	// Patience stops the training after so many epochs without a better validation loss. Default: after 10 epochs that are
	// also a fifth of the training, by epochs or by MaxSeconds; negative for never.
	Patience int `yaml:"patience,omitempty" json:"patience,omitempty"`
	// MaxSeconds ends the training after the step in which so many seconds are over; 0 for no limit. A
	// polynomial or cosine schedule over the whole training then follows the clock wherever that is
	// further on than the steps, so the result depends on the machine's speed.
	MaxSeconds float64 `yaml:"max_seconds,omitempty" json:"max_seconds,omitempty"`
}

// Schedule is how the learning rate falls. It begins after the warm-up where it counts steps, and with the
// first epoch where it counts epochs.
type Schedule struct {
	// Type: constant, step, polynomial (Keras's formula), cosine or cosine-restarts (arXiv:1608.03983).
	// Default cosine, to End over the whole training.
	Type string `yaml:"type,omitempty" json:"type,omitempty"`
	// Per is what the schedule counts: step or epoch. Default step; epoch for type step.
	Per    string  `yaml:"per,omitempty" json:"per,omitempty"`
	Every  int     `yaml:"every,omitempty" json:"every,omitempty"`   // step: a drop every so many; default 10
	Gamma  float64 `yaml:"gamma,omitempty" json:"gamma,omitempty"`   // step: the factor of a drop; default 0.1
	End    float64 `yaml:"end,omitempty" json:"end,omitempty"`       // polynomial, cosine, cosine-restarts: the lowest learning rate; default 0
	Over   int     `yaml:"over,omitempty" json:"over,omitempty"`     // polynomial, cosine: its length; default the whole training
	Power  float64 `yaml:"power,omitempty" json:"power,omitempty"`   // polynomial; default 1
	First  int     `yaml:"first,omitempty" json:"first,omitempty"`   // cosine-restarts: the first cycle's length; default 10 epochs
	Factor float64 `yaml:"factor,omitempty" json:"factor,omitempty"` // cosine-restarts: a cycle's length over the one before; default 1
	Warmup int     `yaml:"warmup,omitempty" json:"warmup,omitempty"` // a linear rise over so many steps first
}
