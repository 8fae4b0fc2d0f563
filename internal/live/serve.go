package live

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/sluice-hep/sluice/internal/web"
	"github.com/sluice-hep/sluice/report"
)

var (
	//go:embed page.html
	page string
	//go:embed page.css
	style string
	//go:embed page.js
	script string
)

// policy lets the page run its own script, and ask its own server alone.
var policy = func() string {
	sum := sha256.Sum256([]byte(script))
	return "default-src 'none'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
}()

// whole is the page: nothing else is loaded.
var whole = []byte(strings.NewReplacer("{{css}}", report.Style()+style, "{{script}}", script).Replace(page))

const (
	mostListeners = 32
	patience      = 10 * time.Second // for one who does not take what is sent
	aliveEvery    = 15 * time.Second
)

// Handler serves the page at /, its events at /events and, once it is there, the page of the run at /report. When ctx ends, what is known then is told, and
// the streams of events end. Pages on foreign sites do not get anything: of a server on this machine alone (local), only its own names are answered.
func Handler(ctx context.Context, s Source, local bool) http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write(whole)
	})
	places := make(chan struct{}, mostListeners)
	m.HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) {
		select {
		case places <- struct{}{}:
			defer func() { <-places }()
			stream(ctx, s, w, r)
		default:
			web.Problem{Status: http.StatusServiceUnavailable, Detail: fmt.Sprintf("%d pages follow the training, and no more may", mostListeners)}.Write(w)
		}
	})
	m.HandleFunc("GET /report", func(w http.ResponseWriter, r *http.Request) {
		f, err := os.Open(s.report())
		if err != nil {
			web.Problem{Status: http.StatusNotFound, Detail: "there is no report yet"}.Write(w)
			return
		}
		defer f.Close()
		// The page has a policy of its own, which names its script.
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'unsafe-inline'; frame-ancestors 'none'")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		http.ServeContent(w, r, "", time.Time{}, f)
	})
	m.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		web.Problem{Status: http.StatusNotFound, Detail: "there is /, /events and /report"}.Write(w)
	})
	return web.Secure(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if local && !web.Named(r) {
			web.Problem{Status: http.StatusForbidden, Detail: "this server answers at localhost and at addresses alone"}.Write(w)
			return
		}
		m.ServeHTTP(w, r)
	}))
}

// stream sends events (server-sent events, WHATWG HTML 9.2) until the listener goes, or ctx ends.
func stream(ctx context.Context, s Source, w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	out := &sender{w: w, to: http.NewResponseController(w)}
	if out.send("retry: 2000\n\n") != nil {
		return
	}
	both, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(r.Context(), stop)()
	var beats sync.WaitGroup
	beats.Go(func() { // which finds out, too, that nobody is there any more
		tick := time.NewTicker(aliveEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if out.send(": alive\n\n") != nil {
					stop()
				}
			case <-both.Done():
				return
			}
		}
	})
	err := s.Follow(both, out.event)
	stop()
	beats.Wait()
	if err == nil && r.Context().Err() == nil {
		_ = out.event(Event{Name: "bye", Data: []byte("{}")})
	}
}

// sender sends to one listener, who has some time to take it.
type sender struct {
	mu sync.Mutex
	w  http.ResponseWriter
	to *http.ResponseController
}

func (s *sender) send(text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.to.SetWriteDeadline(time.Now().Add(patience))
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.to.Flush()
}

func (s *sender) event(e Event) error {
	name := ""
	if e.Name != "" {
		name = "event: " + e.Name + "\n"
	}
	return s.send(name + "data: " + string(e.Data) + "\n\n")
}
