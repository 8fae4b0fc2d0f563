package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluice-hep/sluice"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/internal/atomicfile"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/internal/web"
	"github.com/sluice-hep/sluice/serve"
)

// tokenVariable may hold the token of a server.
const tokenVariable = "SLUICE_TOKEN"

// serving is what the flags of serve say.
type serving struct {
	listen, tokenFile, urlFile string
	certificate, key           string
	hosts                      []string
	body                       string
	limits                     serve.Limits
	web                        web.Options
}

func (a *app) serveVerb() *cobra.Command {
	var f serving
	c := &cobra.Command{
		Use:   "serve [NAME=]MODEL...",
		Short: "Answer over HTTP: densities, latents, samples, posteriors",
		Long: `Answer for models over HTTP until the program is told to end (Ctrl-C, SIGTERM): then
what runs is finished, and new requests are refused. A model is called by its NAME,
or by the name of its file (or folder, of a model.safetensors).

  GET  /                            a page to try it
  GET  /v1/models                   the models, with their columns, units and ranges
  POST /v1/models/NAME/density      {"events": {"pt": [61.2], "eta": [0.4]}}
  POST /v1/models/NAME/latent       {"events": [{"pt": 61.2, "eta": 0.4}]}
  POST /v1/models/NAME/sample       {"n": 1000, "seed": 1, "context": {"mass": 3.5}}
  POST /v1/models/NAME/posterior    {"observed": {"x1": 0.2}, "draws": 10000}
  GET  /openapi.json, /metrics (Prometheus), /healthz, /readyz

Bodies are JSON or Parquet, whose options are in the address; answers are JSON, lines of
JSON, which come as they are made, or Parquet, as the client's Accept asks. Densities and
samples are those of sluice density and sluice sample with the same seed. No request
names a file.

Without --listen only programs on this machine reach the server. A token, from a file or
the variable ` + tokenVariable + `, is asked of every request for a model; --tls-cert and
--tls-key encrypt.`,
		Example: `  sluice run cards/lhco.yaml --set train.epochs=3
  sluice serve out/lhco/model.safetensors
  curl -s localhost:8080/v1/models/lhco/sample -H 'Content-Type: application/json' -d '{"n": 2}'`,
		Args: arguments(1, -1, "one or more models"),
	}
	flags := c.Flags()
	flags.StringVar(&f.listen, "listen", "127.0.0.1:8080", "HOST:PORT; 0.0.0.0:8080 for all that reach this machine, port 0 for any that is free")
	flags.StringVar(&f.urlFile, "url-file", "", "a FILE to write the address of the server to, once it listens")
	flags.StringVar(&f.tokenFile, "token-file", "", "a FILE with the token that requests have to show (or "+tokenVariable+")")
	flags.StringVar(&f.certificate, "tls-cert", "", "a FILE with the certificate, in PEM")
	flags.StringVar(&f.key, "tls-key", "", "a FILE with its key, in PEM")
	flags.StringSliceVar(&f.hosts, "host", nil, "names by which requests may call this server, besides localhost and addresses")
	flags.StringVar(&f.body, "max-body", "64MiB", "what a request may hold")
	flags.IntVar(&f.limits.Rows, "max-rows", 1_000_000, "events of a request, given or drawn")
	flags.IntVar(&f.limits.Concurrent, "max-requests", 64, "requests that are worked on at a time")
	flags.DurationVar(&f.limits.Work, "max-time", time.Minute, "that a request may take")
	flags.DurationVar(&f.limits.Client, "max-wait", 30*time.Second, "for the headers of a request (10s at most), and the next piece of it or of an answer")
	flags.DurationVar(&f.web.Grace, "grace", 10*time.Second, "that running requests have at the end")
	c.RunE = func(c *cobra.Command, args []string) error {
		o, err := a.serveOptions(&f)
		if err != nil {
			return err
		}
		l, err := web.Listen("--listen", f.listen)
		if err != nil {
			return err
		}
		defer l.Close()
		models, err := a.loadNamed(c.Context(), args)
		if err != nil {
			return err
		}
		o.Foreign = o.Token != "" || !web.Local(l)
		s, err := serve.New(models, o)
		if err != nil {
			return fault.Of(err)
		}
		defer s.Close()
		if err := a.announce(l, models, &f, o.Token); err != nil {
			return err
		}
		if os.Getenv("GOGC") == "" {
			debug.SetGCPercent(400) // bodies are most of what a server allocates: a heap of some 20 MB more costs less than to collect at each of them
		}
		f.web.Late, f.web.Log = s.Late(), o.Log
		return web.Serve(c.Context(), l, s, f.web)
	}
	return c
}

// serveOptions reads limits and token.
func (a *app) serveOptions(f *serving) (o serve.Options, err error) {
	body, err := card.ParseBytes(f.body)
	if err != nil {
		return o, usage("--max-body: %v", err)
	}
	f.limits.Body = int64(body)
	if f.limits.Body < 1 || f.limits.Rows < 1 || f.limits.Concurrent < 1 || f.limits.Work <= 0 || f.limits.Client <= 0 || f.web.Grace <= 0 {
		return o, usage("--max-body, --max-rows, --max-requests, --max-time, --max-wait and --grace are above 0")
	}
	f.web.Header = min(f.limits.Client, web.Header)
	if (f.certificate == "") != (f.key == "") {
		return o, usage("--tls-cert and --tls-key go together: give both")
	}
	if f.certificate != "" {
		if f.web.Secure, err = web.TLS(f.certificate, f.key); err != nil {
			return o, fmt.Errorf("--tls-cert %s --tls-key %s: %w", f.certificate, f.key, err)
		}
	}
	say := func(text string) {
		fmt.Fprintf(a.stderr, "%s %s\n", time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), printable(text))
	}
	o = serve.Options{Limits: f.limits, Threads: a.threads, Version: sluice.Version(), Hosts: f.hosts, Log: say, Fail: say}
	if a.quiet {
		o.Log = nil
	}
	o.Token, err = token(f.tokenFile)
	return o, err
}

// token is that of a file, or of the variable; "" for none.
func token(file string) (string, error) {
	t, from := os.Getenv(tokenVariable), tokenVariable
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", fault.Of(fmt.Errorf("--token-file: %w", err))
		}
		t, from = string(text), file
	} else if t == "" {
		return "", nil
	}
	if t = strings.TrimSpace(t); len(t) < 16 || strings.ContainsAny(t, " \t\n") {
		return "", usage("%s holds no token, which is 16 characters or more without blanks: make one, as by openssl rand -hex 32", from)
	}
	return t, nil
}

// loadNamed opens models, each with its name.
func (a *app) loadNamed(ctx context.Context, args []string) (all []serve.Named, err error) {
	for _, arg := range args {
		name, path, ok := strings.Cut(arg, "=")
		if _, err := os.Stat(arg); err == nil || !ok {
			name, path = serve.NameOf(arg), arg
		}
		m, err := a.load(ctx, path)
		if err != nil {
			return nil, err
		}
		all = append(all, serve.Named{Name: name, Model: m})
	}
	return all, nil
}

// announce says where the server is, on stdout and in a file where one is asked for, and who reaches it.
func (a *app) announce(l net.Listener, models []serve.Named, f *serving, token string) error {
	scheme := "http"
	if f.certificate != "" {
		scheme = "https"
	}
	url := fmt.Sprintf("%s://%s/", scheme, l.Addr())
	var names []string
	for _, m := range models {
		names = append(names, m.Name)
	}
	_ = show(a, map[string]any{"url": url, "models": names}, nil, func(w io.Writer, _ map[string]any) {
		fmt.Fprintf(w, "%s  %s: %s\n", url, say.Count(len(names), "model"), strings.Join(names, ", "))
	})
	if f.urlFile != "" {
		if err := atomicfile.WriteFile(f.urlFile, []byte(url+"\n")); err != nil {
			return fault.Of(err)
		}
	}
	switch {
	case web.Local(l):
	case token == "":
		fmt.Fprintf(a.stderr, "warning: whoever reaches %s may use the models: a token keeps others out (--token-file)\n", l.Addr())
	case scheme == "http":
		fmt.Fprintln(a.stderr, "warning: the token is sent without encryption: give --tls-cert and --tls-key, or put a proxy that encrypts in front")
	}
	return nil
}
