package main

import (
	"io"
	"testing"
	"time"

	"github.com/sluice-hep/sluice/internal/web"
	"github.com/sluice-hep/sluice/serve"
)

// The headers of a request are waited for as long as any piece of it, where that is less than usual.
func TestServerWaitsForHeaders(t *testing.T) {
	for wait, want := range map[time.Duration]time.Duration{2 * time.Second: 2 * time.Second, time.Minute: web.Header} {
		f := serving{body: "1MB", limits: serve.Limits{Rows: 1, Concurrent: 1, Work: time.Second, Client: wait}, web: web.Options{Grace: time.Second}}
		a := &app{stderr: io.Discard}
		if _, err := a.serveOptions(&f); err != nil || f.web.Header != want {
			t.Errorf("%s: %s, %v", wait, f.web.Header, err)
		}
	}
}
