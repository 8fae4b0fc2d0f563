package main

import (
	"github.com/spf13/cobra"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/internal/await"
	"github.com/sluice-hep/sluice/internal/fault"
)

// cardFlags are those of every verb that takes a card.
type cardFlags struct {
	profiles, sets []string
	memory         string
}

func (f *cardFlags) register(c *cobra.Command) {
	f.registerProfile(c)
	c.Flags().StringArrayVar(&f.sets, "set", nil, "KEY=VALUE: change a value of the card, or of its profile (repeatable)")
	memoryFlag(c, &f.memory)
}

func (f *cardFlags) registerProfile(c *cobra.Command) {
	c.Flags().StringSliceVar(&f.profiles, "profile", nil, "NAME,...: take the values that stand under these names in the profiles of the card")
}

// card reads the card in a file, with its profile and what is set, and lets the verb's own flags, if any, change it before it is checked as a whole.
func (f *cardFlags) card(a *app, c *cobra.Command, path string, own func(*card.Card) error) (*card.Card, error) {
	job, err := await.Do(c.Context(), path, func() (*card.Card, error) { return card.Load(path) })
	if err != nil {
		return nil, fault.Of(err)
	}
	if c.Flags().Changed("profile") {
		if err := job.Use(trimmed(f.profiles)...); err != nil {
			return nil, usage("%s: %v", path, err)
		}
	}
	if own != nil {
		if err := own(job); err != nil {
			return nil, err
		}
	}
	if err := set(job, f.sets); err != nil {
		return nil, err
	}
	a.global(c, job)
	return job, allow(job, f.memory)
}
