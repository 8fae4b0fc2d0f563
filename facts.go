package sluice

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/model"
)

// fact is something that must be the same for a run to go on.
type fact struct{ Name, Value string }

// factsOf begins the facts of a run with those that every run has.
func factsOf(command string, m *model.Model) ([]fact, error) {
	hash, err := m.Hash()
	return []fact{{"command", command}, {"version", Version()}, {"model", hash}}, err
}

// fileFacts are the size and time of files to read, named as events.Files has it. It fails for what is not there, or
// can be read only once.
func fileFacts(what string, names ...string) (facts []fact, ok bool) {
	for _, name := range names {
		found, err := events.Files([]string{name})
		if err != nil {
			return nil, false
		}
		for _, path := range found {
			at, err := os.Stat(path)
			if err != nil || !at.Mode().IsRegular() {
				return nil, false
			}
			facts = append(facts, fact{
				fmt.Sprintf("%s %d", what, len(facts)+1),
				fmt.Sprintf("%s, %d bytes of %s", name, at.Size(), at.ModTime().UTC().Format(time.RFC3339Nano)),
			})
		}
	}
	return facts, true
}

// facts are nil where the sample cannot go on.
func (d *Draw) facts(m *model.Model, o Options) ([]fact, error) {
	if o.State == "" {
		return nil, nil
	}
	given, ok := d.Given.facts()
	if !ok {
		return nil, nil
	}
	run, err := factsOf("sample", m)
	return append(append(run,
		fact{"seed", fmt.Sprint(d.Seed)},
		fact{"number of events", fmt.Sprint(d.Events)},
		fact{"shard", fmt.Sprintf("%d/%d", max(d.Shard.I, 1), max(d.Shard.N, 1))},
	), given...), err
}

func (g *Given) facts() (facts []fact, ok bool) {
	for _, name := range slices.Sorted(maps.Keys(g.Values)) {
		facts = append(facts, fact{"context " + name, fmt.Sprint(g.Values[name])})
	}
	if g.Table != nil {
		sum := sha256.Sum256(appendBlock(nil, nil, g.Table))
		facts = append(facts, fact{"context", hex.EncodeToString(sum[:])})
	}
	if g.File == "" {
		return facts, true
	}
	return fileFacts("context", g.File)
}

// facts are nil where the evaluation cannot go on.
func (e *Evaluate) facts(m *model.Model, files []string, o Options) ([]fact, error) {
	if o.State == "" {
		return nil, nil
	}
	inputs, ok := fileFacts("input", files...)
	if !ok {
		return nil, nil
	}
	run, err := factsOf("density", m)
	return append(append(run,
		fact{"--latent", fmt.Sprint(e.Latent)},
		fact{"--drop-nan", fmt.Sprint(e.DropNaN)},
		fact{"--flatten", fmt.Sprintf("%q", e.Flatten)},
	), inputs...), err
}
