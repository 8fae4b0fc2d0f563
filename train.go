package sluice

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/atomicfile"
	"github.com/sluice-hep/sluice/internal/floats"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/train"
)

// Train reads the events of a card, prepares them and fits a flow. The NLL of the result are in the user's units.
// When ctx is cancelled, the state is saved to Options.State and the error wraps ctx's.
func Train(ctx context.Context, c *card.Card, o Options) (*model.Model, *train.Result, error) {
	p, err := Load(ctx, c, o)
	if err != nil {
		return nil, nil, err
	}
	for _, n := range p.Notices {
		o.notice(n)
	}
	o.stage("train")
	return p.Train(ctx, o)
}

// Train fits a flow to prepared events.
func (p *Prepared) Train(ctx context.Context, o Options) (*model.Model, *train.Result, error) {
	spec, err := p.flowSpec()
	if err != nil {
		return nil, nil, input(err)
	}
	f, err := flow.New(p.Features.Dim(), p.Context.Dim(), spec, p.card.Seed)
	if err != nil {
		return nil, nil, input(err)
	}
	f.Threads = threads(p.card, o)
	objective, err := newObjective(f, p)
	if err != nil {
		return nil, nil, input(err)
	}
	defer objective.Close()
	if p.windows != nil {
		defer p.windows.Close()
	}
	result, err := train.Run(ctx, objective, p.Rows, p.card.Train, train.Options{
		Seed: p.card.Seed, Notices: weightNotices(p.weights), State: o.State, Resume: o.Resume, DataID: p.dataID(),
		Progress: func(at train.Progress) {
			if at.Notice != "" {
				o.notice(at.Notice)
			}
			if o.Progress != nil {
				o.Progress(at)
			}
		},
	})
	if err != nil {
		return nil, result, trainError(err)
	}
	text, err := p.card.YAML()
	if err != nil {
		return nil, nil, err
	}
	m := &model.Model{Features: p.Features, Context: p.Context, Density: f, Seed: p.card.Seed, Card: string(text), Train: result}
	return m, result, nil
}

// flowSpec is the card's flow, with the features by their numbers: those that are not constant.
func (p *Prepared) flowSpec() (flow.Spec, error) {
	var names []string
	for i := range p.Features.Columns {
		if c := &p.Features.Columns[i]; !c.Constant() {
			names = append(names, c.Name)
		}
	}
	return p.card.Flow.Resolve(names)
}

// trainError marks what the user can set right.
func trainError(err error) error {
	var field *train.FieldError
	var state *train.StateError
	if errors.As(err, &field) || errors.As(err, &state) {
		return input(err)
	}
	return err
}

func threads(c *card.Card, o Options) int {
	if o.Threads > 0 {
		return o.Threads
	}
	return c.Threads
}

// StatePath is where the state of the training of a model is kept until the model is written.
func StatePath(model string) string { return model + ".state" }

// TrainFile is Train with the model written to a file. The state is kept beside it until then.
func TrainFile(ctx context.Context, c *card.Card, path string, o Options) (*Training, error) {
	if err := distinct(path, c.Paths()...); err != nil {
		return nil, err
	}
	if err := writable(path); err != nil {
		return nil, err
	}
	o.State = StatePath(path)
	if _, err := os.Stat(o.State); err == nil && !o.Resume {
		return nil, input(fmt.Errorf("%s holds an interrupted training; go on with --resume, or remove that file to start anew", o.State))
	} else if err != nil && o.Resume {
		o.notice("there is no interrupted training to go on with (" + o.State + "): it starts anew")
	}
	m, result, err := Train(ctx, c, o)
	if err != nil {
		return nil, err
	}
	if err := m.Save(path); err != nil {
		return nil, err
	}
	return newTraining(path, m, result), train.RemoveState(o.State)
}

// writable finds out before the work whether a file can be written after it.
func writable(path string) error {
	f, err := atomicfile.Create(path)
	if err != nil {
		return input(err)
	}
	f.Abort()
	return nil
}

// Training is the record of a training and where its model is.
type Training struct {
	Model      string `json:"model"`
	Parameters int    `json:"parameters"`
	*train.Result
}

func newTraining(path string, m *model.Model, result *train.Result) *Training {
	return &Training{Model: path, Parameters: m.Density.Size(), Result: result}
}

// dataID tells apart what is learned: the prepared events, how they were prepared, and the flow.
func (p *Prepared) dataID() string {
	h := sha256.New()
	spec, err := p.card.Flow.Full()
	if err != nil {
		spec = p.card.Flow // which New refuses
	}
	record, err := json.Marshal([]any{spec, p.Features, p.Context})
	if err != nil { // a preparation that cannot be written could not be saved either
		record = []byte(err.Error())
	}
	fmt.Fprintf(h, "%d %s", len(record), record)
	if p.survey != nil {
		fmt.Fprintf(h, "%s %d", p.survey.ID, p.windows.Window())
		return hex.EncodeToString(h.Sum(nil))
	}
	for _, columns := range [][][]float32{p.x, p.context, {p.weight}} {
		fmt.Fprintf(h, "columns %d\n", len(columns))
		for _, c := range columns {
			fmt.Fprintf(h, "%d\n", len(c))
			floats.Write(h, c) // a hash takes everything
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Fingerprint tells whether a trained model is the one that these events and this card would give.
func (p *Prepared) Fingerprint() string {
	cfg, err := json.Marshal(p.card.Train.WithDefaults())
	if err != nil {
		cfg = []byte(err.Error())
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %s", p.dataID(), p.card.Seed, cfg))
	return hex.EncodeToString(sum[:])
}
