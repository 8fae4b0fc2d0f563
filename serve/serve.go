// Package serve answers for trained models over HTTP: densities, latents, samples and posteriors of events that come with a request. No request names
// a file, and none is opened for one.
package serve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"

	"github.com/sluice-hep/sluice/internal/web"
	"github.com/sluice-hep/sluice/model"
)

// Options say how a Server answers. The zero value is ready.
type Options struct {
	Limits  Limits
	Token   string // that requests under /v1 and /metrics have to show; "" for none
	Threads int    // of all evaluation together; 0: all cores
	Version string // of the program, for the description of the API
	// Foreign lets in requests that were sent to any name of this machine, and not to localhost, an address, or one of Hosts.
	Foreign bool
	Hosts   []string
	// Log is told a line a request, and Fail what nobody expected, of several lines; nil for nobody.
	Log, Fail func(text string)
}

// Named is a model with the name that requests call it by.
type Named struct {
	Name  string
	Model *model.Model
}

// Server answers for models. It is an http.Handler, and may be used concurrently.
type Server struct {
	o       Options
	models  []*served
	routes  []route
	handler http.Handler
	tell    *meters
	bodies  atomic.Int64 // bytes that bodies have, or may have
	working chan struct{}
}

// New serves models by their names.
func New(models []Named, o Options) (*Server, error) {
	if len(models) == 0 {
		return nil, errors.New("there is no model to serve")
	}
	if err := o.Limits.Validate(); err != nil {
		return nil, err
	}
	o.Limits = o.Limits.Filled()
	for _, f := range []*func(string){&o.Log, &o.Fail} {
		if *f == nil {
			*f = func(string) {}
		}
	}
	s := &Server{o: o, tell: newMeters(), working: make(chan struct{}, o.Limits.Concurrent)}
	processors := newSlots(cmp.Or(o.Threads, runtime.GOMAXPROCS(0)))
	for _, m := range models {
		if !nameable.MatchString(m.Name) {
			return nil, fmt.Errorf("a model cannot be called %q in an address: give letters, digits, - _ and . (NAME=FILE)", m.Name)
		}
		if s.find(m.Name) != nil {
			return nil, fmt.Errorf("two models are called %q: give them names (NAME=FILE)", m.Name)
		}
		served, err := newServed(m, processors)
		if err != nil {
			return nil, fmt.Errorf("model %s: %w", m.Name, err)
		}
		s.models = append(s.models, served)
	}
	s.routes = s.allRoutes()
	s.handler = web.Secure(http.HandlerFunc(s.answer))
	return s, nil
}

var nameable = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// NameOf is what a model is called after its file, out/moons/model.safetensors by its folder.
func NameOf(path string) string {
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	if folder := filepath.Base(filepath.Dir(path)); name == "model" && nameable.MatchString(folder) {
		return folder
	}
	return name
}

func (s *Server) find(name string) *served {
	for _, m := range s.models {
		if m.name == name {
			return m
		}
	}
	return nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Late answers requests that come while the server ends.
func (s *Server) Late() http.Handler {
	return web.Secure(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.observe(w, r, func(x *exchange) error { return s.refuse(x, "ending", "the server is about to end") })
	}))
}

// Close ends what waits for the next request.
func (s *Server) Close() {
	for _, m := range s.models {
		m.Density.Close()
	}
}

// refuse is the answer of a limit, which another time may not be reached.
func (s *Server) refuse(x *exchange, why, detail string) error {
	s.tell.reject(why)
	x.Header().Set("Retry-After", "1")
	return problem(http.StatusServiceUnavailable, "%s", detail)
}

// work lets a request in that works, if there is room for it.
func (s *Server) work(x *exchange, do func(context.Context) error) error {
	select {
	case s.working <- struct{}{}:
		defer func() { <-s.working }()
	default:
		return s.refuse(x, "concurrency", fmt.Sprintf("%d requests are at work already; try again", cap(s.working)))
	}
	ctx, stop := context.WithTimeout(x.Context(), s.o.Limits.Work)
	defer stop()
	err := do(ctx)
	if errors.Is(err, context.DeadlineExceeded) && x.Context().Err() == nil {
		s.tell.reject("time")
		x.Header().Set("Retry-After", "1")
		return problem(http.StatusServiceUnavailable, "not done within %g s, the limit of this server: ask for fewer events at a time", s.o.Limits.Work.Seconds())
	}
	return err
}
