// Package web is what every verb that serves HTTP has in common: an address to listen on, headers that keep a page's secrets, a
// token, a document that says what is wrong, and an end at which running requests are finished.
package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/sluice-hep/sluice/internal/fault"
)

// Listen opens an address, HOST:PORT. Without a host it is this machine alone; 0.0.0.0 or [::] is everyone that reaches it. Port 0 is
// any that is free: the listener's address tells which. What is wrong with the address is the user's error, which names flag.
func Listen(flag, address string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if number, wrong := strconv.Atoi(port); err != nil || wrong != nil || number < 0 || number > 65535 {
		return nil, fault.Of(fmt.Errorf("%s %q is not HOST:PORT, as in 127.0.0.1:8080", flag, address))
	}
	if host == "" {
		host = "127.0.0.1"
	}
	address = net.JoinHostPort(host, port)
	l, err := net.Listen("tcp", address)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		err = errors.New("another program listens there; choose another port, or 0 for any that is free")
	case errors.Is(err, os.ErrPermission):
		err = errors.New("permission denied; choose a port from 1024 on")
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		err = errors.New("this machine has no such address; 127.0.0.1 is itself, 0.0.0.0 all that it has")
	default:
		var at *net.OpError
		if errors.As(err, &at) {
			err = at.Err
		}
	}
	return nil, fault.Of(fmt.Errorf("%s: cannot listen on %s: %w", flag, address, err))
}

// Local tells whether only programs on this machine reach a listener.
func Local(l net.Listener) bool {
	at, ok := l.Addr().(*net.TCPAddr)
	return ok && at.IP.IsLoopback()
}

// Header is how long is waited for the headers of a request.
const Header = 10 * time.Second

// Options say how long is waited for whom. The zero value is ready.
type Options struct {
	Secure *tls.Config   // as TLS makes it; nil for plain HTTP
	Header time.Duration // for the headers of a request; 0: Header
	Idle   time.Duration // between requests; 0: 2 min
	Grace  time.Duration // that running requests have at the end; 0: 10 s
	// Late answers requests that come while the server ends; nil: a problem of status 503.
	Late http.Handler
	// Log is told, a line each, what goes wrong with connections; nil for nobody.
	Log func(line string)
}

// Serve answers requests until ctx ends. Then those that run go on for the grace that there is, new ones are refused, and at its end the context
// of what is left ends too. It returns when all is over, nil after an end by ctx.
func Serve(ctx context.Context, l net.Listener, h http.Handler, o Options) error {
	base, abandon := context.WithCancel(context.WithoutCancel(ctx))
	defer abandon()
	g := newGate(h, o.Late)
	s := &http.Server{
		Handler: g, TLSConfig: o.Secure, ReadHeaderTimeout: or(o.Header, Header), IdleTimeout: or(o.Idle, 2*time.Minute), MaxHeaderBytes: 64 << 10,
		ErrorLog: log.New(lines(o.Log), "", 0), BaseContext: func(net.Listener) context.Context { return base },
	}
	ended := make(chan error, 1)
	go func() {
		if o.Secure != nil {
			ended <- s.ServeTLS(l, "", "")
		} else {
			ended <- s.Serve(l)
		}
	}()
	select {
	case err := <-ended:
		abandon()
		return fmt.Errorf("the server at %s ended: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	grace := time.NewTimer(or(o.Grace, 10*time.Second))
	defer grace.Stop()
	select {
	case <-g.end():
	case <-grace.C:
		abandon()
	}
	soon, stop := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer stop()
	if s.Shutdown(soon) != nil { // of whoever does not heed the end of its context
		s.Close()
	}
	<-ended
	return nil
}

// TLS reads a certificate and its key, files in PEM. What is wrong with them is the user's error.
func TLS(certificate, key string) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return nil, fault.Of(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

func or(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

// lines tells a function each line that is written.
func lines(tell func(string)) io.Writer {
	if tell == nil {
		return io.Discard
	}
	return told(tell)
}

type told func(string)

func (t told) Write(text []byte) (int, error) {
	t(strings.TrimRight(string(text), "\n"))
	return len(text), nil
}

// gate counts the requests that run, and lets no more in at the end.
type gate struct {
	in, late http.Handler

	mu      sync.Mutex
	running int
	ending  bool
	empty   chan struct{} // closed at the end, when none runs
}

func newGate(in, late http.Handler) *gate {
	if late == nil {
		late = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			Problem{Status: http.StatusServiceUnavailable, Detail: "the server is about to end"}.Write(w)
		})
	}
	return &gate{in: in, late: late, empty: make(chan struct{})}
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !g.enter() {
		w.Header().Set("Connection", "close")
		g.late.ServeHTTP(w, r)
		return
	}
	defer g.leave()
	g.in.ServeHTTP(w, r)
}

func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.ending {
		g.running++
	}
	return !g.ending
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running--; g.running == 0 && g.ending {
		close(g.empty)
	}
}

// end lets no more in; the channel is closed when all are out.
func (g *gate) end() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ending = true; g.running == 0 {
		close(g.empty)
	}
	return g.empty
}
