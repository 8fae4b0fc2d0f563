package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/internal/live"
	"github.com/sluice-hep/sluice/internal/web"
)

func (a *app) watchVerb() *cobra.Command {
	var listen string
	c := &cobra.Command{
		Use:   "watch OUT",
		Short: "Show a training as it goes on, on a page",
		Long: `Show a training as it goes on, on a page in a browser: loss, learning rate, events/s,
what the model draws over the events held out, and notices. OUT is the folder that
sluice run writes to, or the model that sluice train is to write; of one that has ended
the page shows what its record holds. The training, in a process of its own, is the
same whether somebody looks or not; while somebody does, it waits for pictures for one
part in 50 of its time at most. The page is for this machine alone, unless --listen
names another address: whoever reaches that sees all. Ctrl-C ends the page, and nothing
else.`,
		Example: "  sluice watch out/lhco\n  sluice watch out/lhco --listen :9000",
		Args:    arguments(1, 1, "the folder of a run, or a model"),
	}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:8080", "HOST:PORT of the page; without a host this machine alone, port 0 is any that is free")
	c.RunE = func(c *cobra.Command, args []string) error {
		s, err := source(args[0])
		if err != nil {
			return err
		}
		l, err := web.Listen("--listen", listen)
		if err != nil {
			return err
		}
		a.tellPage(l)
		return a.servePage(c.Context(), l, s)
	}
	return c
}

// source is what OUT names: a folder, or a model that is there or on its way.
func source(out string) (live.Source, error) {
	switch at, err := os.Stat(out); {
	case err == nil && at.IsDir():
		return live.Source{Out: out}, nil
	case err == nil && at.Mode().IsRegular():
		return live.Source{Model: out}, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return live.Source{}, fault.Of(err)
	}
	if _, err := os.Stat(live.Beside(out)); err == nil {
		return live.Source{Model: out}, nil
	}
	return live.Source{}, fault.Of(fmt.Errorf("%s is neither the folder of a run nor a model that is trained: begin with sluice run or sluice train, or look at one from its beginning with their --live :8080", out))
}

// tellPage says where the page is, also when quiet: the port may be any.
func (a *app) tellPage(l net.Listener) {
	fmt.Fprintf(a.stderr, "the page is at http://%s/\n", l.Addr())
	if !web.Local(l) {
		fmt.Fprintln(a.stderr, "warning: whoever reaches this address sees the training, and histograms of the events")
	}
}

func (a *app) servePage(ctx context.Context, l net.Listener, s live.Source) error {
	return web.Serve(ctx, l, live.Handler(ctx, s, web.Local(l)), web.Options{Grace: 500 * time.Millisecond})
}

func liveFlag(c *cobra.Command, to *string) {
	c.Flags().StringVar(to, "live", "", "HOST:PORT, as :8080, of a page that follows the training; without a host for this machine alone (see\nsluice watch)")
}

// live shows a training of this process on a page, if that is wanted, until end.
func (a *app) live(ctx context.Context, address string, s live.Source) (end func(), err error) {
	if address == "" {
		return func() {}, nil
	}
	l, err := web.Listen("--live", address)
	if err != nil {
		return nil, err
	}
	a.tellPage(l)
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := a.servePage(ctx, l, s); err != nil {
			fmt.Fprintf(a.stderr, "warning: %s\n", printable(err.Error()))
		}
	}()
	return func() { stop(); <-ended }, nil
}
