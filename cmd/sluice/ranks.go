package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/fit"
	"github.com/sluice-hep/sluice/internal/chain"
	"github.com/sluice-hep/sluice/internal/mpi"
	"github.com/sluice-hep/sluice/internal/say"
)

// ranks are the processes that mpirun has started with this one.
type ranks struct {
	launch mpi.Launch
	world  *mpi.World // nil until a verb that trains joins them
	card   *card.Card // of the verb, where this is not the first process
	ctx    context.Context
}

// apart says whether each process does something of its own, a shard of a sample or of a density.
func apart(args []string) bool {
	return slices.ContainsFunc(args, func(arg string) bool { return arg == "--shard" || strings.HasPrefix(arg, "--shard=") })
}

// launched looks for a launcher. Only the first of its processes is heard.
func (a *app) launched(args []string) {
	if apart(args) {
		a.ranks.launch.Size = 1
		return
	}
	if a.ranks.launch = mpi.Launched(); a.ranks.launch.Rank > 0 {
		a.stdout, a.stderr, a.events = io.Discard, io.Discard, io.Discard
	}
}

// join makes one program of the processes of a launcher, before a verb.
func (a *app) join(c *cobra.Command) error {
	r := &a.ranks
	switch {
	case r.launch.Size == 1 || c.Name() == "version":
		return nil
	case c.Name() != "train" && c.Name() != "run":
		return usage("%d processes of %s were started, and %s is for one: start it without mpirun (train and run share out a training, and sample and density have --shard)", r.launch.Size, r.launch.By, c.CommandPath())
	}
	var err error
	if r.world, err = mpi.Open(r.launch); err != nil {
		return err
	}
	r.ctx = r.world.Context(c.Context())
	c.SetContext(r.ctx)
	if a.threads == 0 {
		runtime.GOMAXPROCS(r.world.Threads())
	}
	return nil
}

// follows says whether this process is to follow another in what the card asks for.
func (a *app) follows(job *card.Card) bool {
	a.ranks.card = job
	return a.ranks.launch.Rank > 0
}

// peers are the processes that train together; nil for none.
func (a *app) peers() fit.Peers {
	if a.ranks.world == nil {
		return nil
	}
	return a.ranks.world
}

// part ends what processes do together: the first lets the others go, with its exit code, and the others follow it until then.
func (a *app) part(err error) (code int) {
	w := a.ranks.world
	if w == nil {
		if code = a.report(err); code != done && a.ranks.launch.Rank > 0 {
			time.Sleep(lastWord)
		}
		return code
	}
	o := &chain.Options{Options: fit.Options{Threads: a.threads, Peers: w}.Filled()}
	if w.Rank() > 0 {
		code = chain.Follow(a.ranks.ctx, a.ranks.card, err, o)
	} else {
		code = a.report(err)
		o.End(code)
	}
	w.Close()
	return code
}

// lastWord is how long the other processes leave the first to say what is wrong: a launcher ends all when one fails.
const lastWord = time.Second

// together says who trains.
func (r *ranks) together() string {
	return fmt.Sprintf("%d processes of %s train together, on %s each", r.launch.Size, r.launch.By, say.Count(runtime.GOMAXPROCS(0), "thread"))
}
