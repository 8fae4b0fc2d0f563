package serve

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/internal/spell"
	"github.com/sluice-hep/sluice/internal/web"
)

// route is what is answered at a path.
type route struct {
	path   string // {model} stands for the name of one
	method string
	open   bool // to those without the token too
	do     func(s *Server, x *exchange, m *served) error
}

func (s *Server) allRoutes() []route {
	return []route{
		{"/", http.MethodGet, true, (*Server).page},
		{"/healthz", http.MethodGet, true, (*Server).healthy},
		{"/readyz", http.MethodGet, true, (*Server).healthy},
		{"/openapi.json", http.MethodGet, true, (*Server).openAPI},
		{"/metrics", http.MethodGet, false, (*Server).metrics},
		{"/v1/models", http.MethodGet, false, (*Server).list},
		{"/v1/models/{model}", http.MethodGet, false, (*Server).describe},
		{"/v1/models/{model}/density", http.MethodPost, false, (*Server).density},
		{"/v1/models/{model}/latent", http.MethodPost, false, (*Server).latent},
		{"/v1/models/{model}/sample", http.MethodPost, false, (*Server).sample},
		{"/v1/models/{model}/posterior", http.MethodPost, false, (*Server).posterior},
	}
}

// match finds the name of a model in a path, if the route is of it.
func (r *route) match(path string) (model string, ok bool) {
	before, after, named := strings.Cut(r.path, "{model}")
	if !named {
		return "", path == r.path
	}
	rest, ok := strings.CutPrefix(path, before)
	if !ok {
		return "", false
	}
	model, ok = strings.CutSuffix(rest, after)
	return model, ok && model != "" && !strings.Contains(model, "/")
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	s.observe(w, r, func(x *exchange) error {
		if !s.o.Foreign && !web.Named(r, s.o.Hosts...) {
			return problem(http.StatusMisdirectedRequest, "this server answers to localhost and to addresses, not to %q", r.Host)
		}
		for i := range s.routes {
			at := &s.routes[i]
			if name, ok := at.match(r.URL.Path); ok {
				return s.at(x, at, name)
			}
		}
		return problem(http.StatusNotFound, "there is nothing at %q; /openapi.json says what there is", r.URL.Path)
	})
}

// at answers at a route, about the model of a name if it is of one.
func (s *Server) at(x *exchange, at *route, name string) (err error) {
	x.route = at.path
	if !at.open {
		err = problem(http.StatusUnauthorized, "show the token of this server: Authorization: Bearer TOKEN")
		shown := func(http.ResponseWriter, *http.Request) { err = nil }
		web.Bearer(s.o.Token, http.HandlerFunc(shown), http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(x, x.Request)
		if err != nil {
			return err
		}
	}
	allowed := []string{at.method}
	if at.method == http.MethodGet {
		allowed = append(allowed, http.MethodHead)
	}
	if !slices.Contains(allowed, x.Method) {
		x.Header().Set("Allow", strings.Join(allowed, ", "))
		return problem(http.StatusMethodNotAllowed, "%s takes %s, not %q", x.URL.Path, at.method, x.Method)
	}
	var m *served
	if strings.Contains(at.path, "{model}") {
		if m = s.find(name); m == nil {
			return s.unknown(name)
		}
	}
	return at.do(s, x, m)
}

func (s *Server) unknown(name string) error {
	var names []string
	for _, m := range s.models {
		names = append(names, m.name)
	}
	return problem(http.StatusNotFound, "there is no model %q; %s", name, spell.Remedy(name, names, "/v1/models lists them"))
}

// healthy answers while the server takes requests; at its end Late does.
func (s *Server) healthy(x *exchange, _ *served) error {
	x.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err := io.WriteString(x, say.Count(len(s.models), "model")+" ready\n")
	return gone(err)
}

func (s *Server) metrics(x *exchange, _ *served) error {
	x.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	return gone(s.tell.write(x, s.o.Version))
}

func (s *Server) list(x *exchange, _ *served) error {
	var all struct {
		Models []*about `json:"models"`
	}
	for _, m := range s.models {
		all.Models = append(all.Models, &m.about)
	}
	return x.json(all)
}

func (s *Server) describe(x *exchange, m *served) error { return x.json(&m.about) }

// json answers with a value.
func (x *exchange) json(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	x.Header().Set("Content-Type", jsonType)
	_, err = x.Write(append(text, '\n'))
	return gone(err)
}

// model has a model work on a request.
func (s *Server) model(x *exchange, m *served, do func(context.Context, *job) error) error {
	return s.work(x, func(ctx context.Context) error {
		j := &job{exchange: x, s: s, m: m}
		if err := j.accept(); err != nil {
			return err
		}
		free, err := j.read()
		defer free()
		if err != nil {
			return err
		}
		return do(ctx, j)
	})
}
