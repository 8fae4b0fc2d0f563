package serve

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-hep/sluice/apply"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/serve/load"
)

// With -load a server that runs elsewhere is measured, or one in this process:
//
//	sluice serve lhco=out/lhco/model.safetensors --quiet &
//	go test ./serve -run Load -v -load 1m -url http://127.0.0.1:8080 -model out/lhco/model.safetensors
//
// The model is that of -model, by which events are drawn to ask for; the server calls it lhco.
var (
	loadFor   = flag.Duration("load", 0, "how long each measurement of a server takes")
	loadURL   = flag.String("url", "", "the server, which calls the model lhco")
	loadModel = flag.String("model", "", "the file of the model")
	loadMixed = flag.Duration("mixed", 0, "how long the mixed load takes; default as -load")
)

type bench struct {
	url string
	m   *model.Model
}

// measured is a server, and events of its model.
func measured(t *testing.T) (*bench, *events.Table) {
	t.Helper()
	b := &bench{url: *loadURL, m: untrained(t, false)}
	path := "/v1/models/jets/"
	if b.url != "" {
		m, err := model.Load(*loadModel)
		if err != nil {
			t.Fatal(err)
		}
		b.m, path = m, "/v1/models/lhco/"
	} else {
		b.url = started(t, Options{}).URL
	}
	tab, err := b.m.Sample(10_000, nil, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	b.url += path
	return b, tab
}

func average() string {
	text, _ := os.ReadFile("/proc/loadavg")
	return strings.TrimSpace(string(text))
}

// duration is that of one measurement: without -load short, for whether it works at all.
func duration() time.Duration {
	if *loadFor > 0 {
		return *loadFor
	}
	return 200 * time.Millisecond
}

// One event, 500 times a second.
func TestLoadOfOneEvent(t *testing.T) {
	b, tab := measured(t)
	var all []load.Request
	for i := range 100 {
		body := fmt.Sprintf(`{"events": %s}`, floatsOf(t, tab.Slice(i, i+1)))
		all = append(all, load.Request{Method: http.MethodPost, Path: "density", Header: map[string]string{"Content-Type": jsonType}, Body: []byte(body), Want: 200, Rows: 1})
	}
	c := load.New(b.url, 32)
	defer c.HTTP.CloseIdleConnections()
	warm, stop := context.WithTimeout(t.Context(), duration()/5)
	c.Rate(warm, 500, all)
	stop()
	ctx, stop := context.WithTimeout(t.Context(), duration())
	defer stop()
	r := c.Rate(ctx, 500, all)
	t.Logf("one event, 500 a second: %s; load average %s", r, average())
	if len(r.Others) > 0 || len(r.Took) == 0 {
		t.Errorf("%v", r.Others)
	}
}

// floatsOf is a table as columns of JSON, null where there is no value.
func floatsOf(t *testing.T, tab *events.Table) string {
	t.Helper()
	var b bytes.Buffer
	w := &lineWriter{x: &exchange{ResponseWriter: &plain{&b, http.Header{}}}}
	if err := w.Write(tab); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}

type plain struct {
	*bytes.Buffer
	h http.Header
}

func (p *plain) Header() http.Header { return p.h }
func (p *plain) WriteHeader(int)     {}

// Batches of 10,000 events in Parquet, in turns with what the verb density does with a file of many such.
func TestLoadOfBatches(t *testing.T) {
	b, tab := measured(t)
	batch := parquetOf(t, tab)
	many := &events.Table{Columns: tab.Slice(0, 0).Columns}
	for range 1 + int(min(duration()/time.Second, 19)) {
		many.Append(tab)
	}
	file := t.TempDir() + "/many.parquet"
	if err := os.WriteFile(file, parquetOf(t, many), 0o644); err != nil {
		t.Fatal(err)
	}
	one := load.Request{Method: http.MethodPost, Path: "density", Header: map[string]string{"Content-Type": parquetType, "Accept": parquetType}, Body: batch, Want: 200, Rows: tab.Len()}
	c := load.New(b.url, 8)
	defer c.HTTP.CloseIdleConnections()
	rates := map[string][]float64{}
	for round, began := 0, time.Now(); round == 0 || time.Since(began) < *loadFor; round++ {
		began := time.Now()
		e := apply.Density{Files: []string{file}}
		if _, err := e.ToFile(t.Context(), b.m, t.TempDir()+"/out.parquet", apply.Options{}); err != nil {
			t.Fatal(err)
		}
		took := time.Since(began)
		rates["verb"] = append(rates["verb"], float64(many.Len())/took.Seconds())
		for _, clients := range []int{1, 2, 4} {
			ctx, stop := context.WithTimeout(t.Context(), took)
			r := c.Clients(ctx, clients, []load.Request{one})
			stop()
			if len(r.Others) > 0 {
				t.Errorf("%v", r.Others)
			}
			name := fmt.Sprintf("%d clients", clients)
			rates[name] = append(rates[name], float64(r.Rows)/r.Wall.Seconds())
		}
	}
	verb := median(rates["verb"])
	for _, clients := range []int{1, 2, 4} {
		rate := median(rates[fmt.Sprintf("%d clients", clients)])
		t.Logf("batches of 10,000 events of %d clients: %.0f events/s, the verb %.0f, %.2f of it (median of %d)", clients, rate, verb, rate/verb, len(rates["verb"]))
	}
	t.Logf("load average %s", average())
}

func median(x []float64) float64 {
	y := slices.Sorted(slices.Values(x))
	return y[len(y)/2]
}

// All kinds of requests together, among them wrong ones and clients that leave: memory stays, and no status is above 500.
func TestLoadOfAllKinds(t *testing.T) {
	b, tab := measured(t)
	if *loadMixed > 0 {
		*loadFor = *loadMixed
	}
	json, pq := map[string]string{"Content-Type": jsonType}, map[string]string{"Content-Type": parquetType, "Accept": parquetType}
	lines := map[string]string{"Content-Type": jsonType, "Accept": linesType}
	one := func(path string, h map[string]string, body string, want int) load.Request {
		return load.Request{Method: http.MethodPost, Path: path, Header: h, Body: []byte(body), Want: want, Rows: 1}
	}
	row := floatsOf(t, tab.Slice(0, 1))
	all := []load.Request{
		one("density", json, `{"events": `+row+`}`, 200), one("latent", json, `{"events": `+row+`}`, 200), one("sample", json, `{"n": 100}`, 200),
		one("sample", lines, `{"n": 20000, "seed": 3}`, 200), one("sample", map[string]string{"Content-Type": jsonType, "Accept": parquetType}, `{"n": 10000}`, 200),
		one("density", pq, string(parquetOf(t, tab)), 200), one("density", pq, string(parquetOf(t, tab)[:5000]), 400),
		one("density", json, `{"events": {"x": NaN}}`, 400), one("density", json, `{"events": {"nothing": [1, 2]}}`, 422), one("density", json, strings.Repeat("[", 100_000), 400),
		one("sample", json, `{"n": 1000000000}`, 422), one("posterior", json, `{"observed": {"q": 1}}`, 422), one("nothing", json, `{}`, 404), one("density", map[string]string{"Content-Type": "text/html"}, `{}`, 415),
		{Method: http.MethodDelete, Path: "density", Want: 405},
	}
	ctx, stop := context.WithTimeout(t.Context(), duration())
	defer stop()
	var left atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			leave(b.url)
			left.Add(1)
			time.Sleep(20 * time.Millisecond)
		}
	}()
	c := load.New(b.url, 8)
	defer c.HTTP.CloseIdleConnections()
	server := load.New(b.url[:strings.Index(b.url, "/v1/")], 1)
	defer server.HTTP.CloseIdleConnections()
	watched := make(chan []int)
	go func() { watched <- watch(ctx, server, duration()/40) }()
	r := c.Clients(ctx, 4, all)
	<-done
	memory := <-watched
	t.Logf("all kinds: %s; %d clients left; memory in MB %v; load average %s", r, left.Load(), memory, average())
	if len(r.Others) > 0 {
		t.Errorf("%v", r.Others)
	}
	if n := len(memory); duration() >= 5*time.Minute { // the first quarter warms up
		before, after := mean(memory[n/4:n/2]), mean(memory[3*n/4:])
		if after > 1.05*before {
			t.Errorf("memory grows: %.0f MB in the second quarter, %.0f in the last", before, after)
		}
	}
}

func mean(x []int) (m float64) {
	for _, v := range x {
		m += float64(v) / float64(len(x))
	}
	return m
}

// leave asks for much, or half of it, and goes.
func leave(url string) {
	host, path, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	c, err := net.Dial("tcp", host)
	if err != nil {
		return
	}
	defer c.Close()
	body := `{"n": 200000}`
	fmt.Fprintf(c, "POST /%ssample HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nAccept: application/x-ndjson\r\nContent-Length: %d\r\n\r\n%s", path, host, len(body), body)
	time.Sleep(10 * time.Millisecond)
}

// watch reads the memory of the server now and then.
func watch(ctx context.Context, c *load.Client, every time.Duration) (megabytes []int) {
	for ctx.Err() == nil {
		answer, err := c.HTTP.Get(c.URL + "/metrics")
		if err == nil {
			var b bytes.Buffer
			b.ReadFrom(answer.Body)
			answer.Body.Close()
			_, after, _ := strings.Cut(b.String(), "\nprocess_resident_memory_bytes ")
			var bytes int
			fmt.Sscan(after, &bytes)
			megabytes = append(megabytes, bytes>>20)
		}
		select {
		case <-ctx.Done():
		case <-time.After(every):
		}
	}
	return megabytes
}
