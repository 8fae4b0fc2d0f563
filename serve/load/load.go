// Package load asks a server as many clients do, and says how long its answers took. It is for tests and measurements.
package load

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Request is what is asked again and again.
type Request struct {
	Method, Path string
	Header       map[string]string
	Body         []byte
	Want         int // status
	Rows         int // events in it
}

// Client asks one server.
type Client struct {
	URL  string
	HTTP *http.Client
}

// New is a client that keeps so many connections.
func New(url string, connections int) *Client {
	return &Client{url, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections, DisableCompression: true}, Timeout: 2 * time.Minute}}
}

// Do asks once, and reads the whole answer.
func (c *Client) Do(ctx context.Context, r *Request) (status int, took time.Duration, err error) {
	q, err := http.NewRequestWithContext(ctx, r.Method, c.URL+r.Path, bytes.NewReader(r.Body))
	if err != nil {
		return 0, 0, err
	}
	for k, v := range r.Header {
		q.Header.Set(k, v)
	}
	began := time.Now()
	answer, err := c.HTTP.Do(q)
	if err != nil {
		return 0, 0, err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return answer.StatusCode, 0, err
	}
	return answer.StatusCode, time.Since(began), nil
}

// Result is what came of many requests.
type Result struct {
	Took   []time.Duration // of those that were answered as wanted, sorted
	Others map[string]int  // of those that were not, by what came
	Rows   int             // in those answered as wanted
	Wall   time.Duration
}

// Quantile is the duration that a share of the answers did not exceed.
func (r *Result) Quantile(q float64) time.Duration {
	if len(r.Took) == 0 {
		return 0
	}
	return r.Took[min(int(q*float64(len(r.Took))), len(r.Took)-1)]
}

func (r *Result) String() string {
	return fmt.Sprintf("%d answers in %.1f s, p50 %s, p99 %s, p99.9 %s, longest %s; others: %v", len(r.Took), r.Wall.Seconds(),
		r.Quantile(0.5).Round(time.Microsecond), r.Quantile(0.99).Round(time.Microsecond), r.Quantile(0.999).Round(time.Microsecond), r.Quantile(1).Round(time.Microsecond), r.Others)
}

type tally struct {
	mu sync.Mutex
	Result
}

func (t *tally) add(r *Request, status int, took time.Duration, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case err != nil:
		t.Others[err.Error()]++
	case status != r.Want:
		t.Others[fmt.Sprintf("%s %s: %d", r.Method, r.Path, status)]++
	default:
		t.Took, t.Rows = append(t.Took, took), t.Rows+r.Rows
	}
}

func (t *tally) end(began time.Time) *Result {
	t.Wall = time.Since(began)
	slices.Sort(t.Took)
	return &t.Result
}

// Rate asks so many times a second, whether or not earlier requests are answered: the wait of a request for those before it is part of what it took
// (no coordinated omission). Each request asks for the next of those given.
func (c *Client) Rate(ctx context.Context, perSecond float64, all []Request) *Result {
	t := &tally{Result: Result{Others: map[string]int{}}}
	began := time.Now()
	var wait sync.WaitGroup
	for k := 0; ctx.Err() == nil; k++ {
		due := began.Add(time.Duration(float64(k) / perSecond * float64(time.Second)))
		select {
		case <-ctx.Done():
			continue
		case <-time.After(time.Until(due)):
		}
		r := &all[k%len(all)]
		wait.Go(func() {
			late := time.Since(due)
			status, took, err := c.Do(context.WithoutCancel(ctx), r)
			t.add(r, status, took+late, err)
		})
	}
	wait.Wait()
	return t.end(began)
}

// Clients ask one after the other, so many of them, until ctx ends.
func (c *Client) Clients(ctx context.Context, clients int, all []Request) *Result {
	t := &tally{Result: Result{Others: map[string]int{}}}
	began := time.Now()
	var wait sync.WaitGroup
	for w := range clients {
		wait.Go(func() {
			for k := w; ctx.Err() == nil; k++ {
				r := &all[k%len(all)]
				status, took, err := c.Do(context.WithoutCancel(ctx), r)
				t.add(r, status, took, err)
			}
		})
	}
	wait.Wait()
	return t.end(began)
}
