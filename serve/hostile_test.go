package serve

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/internal/web"
	"github.com/sluice-hep/sluice/model"
)

// raw sends bytes, and gives the answer; half tells that no more will come.
func raw(t *testing.T, at *httptest.Server, text string, half bool) (*http.Response, web.Problem) {
	t.Helper()
	c, err := net.Dial("tcp", at.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, text)
	if half {
		c.(*net.TCPConn).CloseWrite()
	}
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var p web.Problem
	if err := json.NewDecoder(r.Body).Decode(&p); err != nil {
		t.Error(err)
	}
	return r, p
}

const head = "POST /v1/models/jets/density HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"

// A body that is shorter or longer than it says is told as such, and nobody waits for one that does not come.
func TestLyingBodies(t *testing.T) {
	at := started(t, Options{Limits: Limits{Client: 100 * time.Millisecond, Body: 1000}})
	body := `{"events": {"mass": 2, "njets": 1}}`
	for _, c := range []struct {
		text   string
		half   bool
		status int
		says   string
	}{
		{head + "Content-Length: 500\r\n\r\n" + body, true, 400, "the body ends after 35 of 500 bytes"},
		{head + "Content-Length: 500\r\n\r\n" + body, false, 408, "did not come on"},
		{head + "Content-Length: 20\r\n\r\n" + body, false, 400, "ends too early"},
		{head + "Content-Length: 2000\r\n\r\n", false, 413, "1000 bytes"},
		{head + "Transfer-Encoding: chunked\r\n\r\n400\r\n" + strings.Repeat(" ", 1024) + "\r\n0\r\n\r\n", false, 413, "1000 bytes"},
		{head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", false, 400, "cannot be read"},
		{head + "Transfer-Encoding: chunked\r\n\r\n10\r\nx", true, 400, "the body ends"},
	} {
		if r, p := raw(t, at, c.text, c.half); r.StatusCode != c.status || !strings.Contains(p.Detail, c.says) {
			t.Errorf("%q: %d %q, not %d %q", c.text[len(head):min(len(c.text), len(head)+60)], r.StatusCode, p.Detail, c.status, c.says)
		}
	}
}

// slow is a density that takes its time for each event, and tells how many it was asked for.
type slow struct {
	model.Density
	each time.Duration

	mu   sync.Mutex
	done int
}

func (s *slow) Sample(n int, context [][]float32, seed, first uint64) ([][]float32, error) {
	time.Sleep(s.each * time.Duration(n))
	s.mu.Lock()
	s.done += n
	s.mu.Unlock()
	return s.Density.Sample(n, context, seed, first)
}

func (s *slow) sampled() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done
}

// slowly is a server of one such model.
func slowly(t *testing.T, each time.Duration, o Options) (*httptest.Server, *slow) {
	t.Helper()
	m := untrained(t, false)
	s, err := New([]Named{{"jets", m}}, o)
	if err != nil {
		t.Fatal(err)
	}
	d := &slow{Density: m.Density, each: each}
	m.Density = d
	at := httptest.NewServer(s)
	t.Cleanup(func() {
		at.Client().CloseIdleConnections()
		at.Close()
		s.Close()
	})
	return at, d
}

// The work for a client who is gone ends.
func TestGoneClient(t *testing.T) {
	at, d := slowly(t, 10*time.Microsecond, Options{Threads: 2})
	ctx, leave := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer leave()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, at.URL+"/v1/models/jets/sample", strings.NewReader(`{"n": 1000000}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", jsonType)
	if _, err := at.Client().Do(r); err == nil {
		t.Fatal("a million events came in 0.1 s")
	}
	var before int
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		before = d.sampled()
		time.Sleep(200 * time.Millisecond)
		if d.sampled() == before {
			break
		}
	}
	if after := d.sampled(); after != before || after >= 1_000_000 {
		t.Errorf("%d events, and then %d, are drawn for nobody", before, after)
	}
}

// breaking is a client who takes so many bytes and is gone.
type breaking struct {
	*httptest.ResponseRecorder
	left int
}

func (w *breaking) Write(b []byte) (int, error) {
	if w.left -= len(b); w.left < 0 {
		return 0, io.ErrClosedPipe
	}
	return w.ResponseRecorder.Write(b)
}

// Of an answer that is cut the log tells the events that were sent.
func TestLogOfACutAnswer(t *testing.T) {
	var logged string
	s, err := New([]Named{{"jets", untrained(t, false)}}, Options{Log: func(line string) { logged = line }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/models/jets/sample", strings.NewReader(`{"n": 200000}`))
	r.Host = "127.0.0.1"
	r.Header.Set("Content-Type", jsonType)
	r.Header.Set("Accept", linesType)
	w := &breaking{httptest.NewRecorder(), 4 << 20}
	func() {
		defer func() {
			if v := recover(); v != http.ErrAbortHandler {
				t.Error(v)
			}
		}()
		s.ServeHTTP(w, r)
	}()
	var status, n int
	var took float64
	if _, err := fmt.Sscanf(logged, "POST /v1/models/jets/sample %d %g ms %d events", &status, &took, &n); err != nil || status != statusGone {
		t.Fatalf("%q: %v", logged, err)
	}
	if taken := bytes.Count(w.Body.Bytes(), []byte("\n")); n == 0 || n > taken {
		t.Errorf("%d events are told, and %d were taken", n, taken)
	}
}

// A request that takes too long, and one too many, are told so, with the time after which another try may do.
func TestLimits(t *testing.T) {
	at, d := slowly(t, 10*time.Microsecond, Options{Threads: 1, Limits: Limits{Work: 300 * time.Millisecond, Concurrent: 1}})
	first := make(chan reply, 1)
	go func() { first <- post(t, at, "/v1/models/jets/sample", `{"n": 1000000}`) }()
	for deadline := time.Now().Add(5 * time.Second); d.sampled() == 0 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond) // until the first is at work
	}
	second := post(t, at, "/v1/models/jets/sample", `{"n": 1}`)
	if second.status != 503 || second.head.Get("Retry-After") == "" || !bytes.Contains(second.body, []byte("at work already")) {
		t.Errorf("one too many: %d %s", second.status, second.body)
	}
	if r := <-first; r.status != 503 || r.head.Get("Retry-After") == "" || !bytes.Contains(r.body, []byte("not done within 0.3 s")) {
		t.Errorf("too long: %d %s", r.status, r.body)
	}
	metrics := string(ask(t, at, http.MethodGet, "/metrics", nil).body)
	for _, line := range []string{
		`sluice_rejected_total{limit="concurrency"} 1`, `sluice_rejected_total{limit="time"} 1`, `sluice_in_flight 1`,
		`sluice_requests_total{route="/v1/models/{model}/sample",status="503"} 2`, `sluice_request_seconds_count{route="/v1/models/{model}/sample"}`,
	} {
		if !strings.Contains(metrics, "\n"+line) {
			t.Errorf("no %s in\n%s", line, metrics)
		}
	}
}

// Bodies together take no more than is allowed for them.
func TestRoomForBodies(t *testing.T) {
	at := started(t, Options{Limits: Limits{Body: 64 << 20, Client: 10 * time.Second}})
	var open []net.Conn
	for range 8 { // of a length not told, each may have as many as there may be
		c, err := net.Dial("tcp", at.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "%sTransfer-Encoding: chunked\r\n\r\n1\r\n \r\n", head)
		open = append(open, c)
	}
	held := &at.Config.Handler.(*Server).bodies
	for deadline := time.Now().Add(10 * time.Second); held.Load() < 8*64<<20 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond) // until all have theirs: a probe between would take the place of one
	}
	if r := post(t, at, "/v1/models/jets/density", `{"events": {"mass": 2, "njets": 1}}`); r.status != 503 || !bytes.Contains(r.body, []byte("no room")) {
		t.Errorf("there is always room: %d %s", r.status, r.body)
	}
	for _, c := range open {
		c.Close()
	}
	for range 200 {
		if r := post(t, at, "/v1/models/jets/density", `{"events": {"mass": 2, "njets": 1}}`); r.status == 200 {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Error("there is no room again")
}

// broken is a density that fails in a way that nobody expects.
type broken struct{ model.Density }

func (b *broken) Evaluate(x, context [][]float32) ([]float64, [][]float32, error) {
	panic("secret of the inside")
}

// A panic, of one block among many too, is an answer that tells nothing, and a line in the log that tells all; the server goes on.
func TestPanics(t *testing.T) {
	m := untrained(t, false)
	var mu sync.Mutex
	var logged []string
	s, err := New([]Named{{"jets", m}, {"good", untrained(t, false)}}, Options{Threads: 3, Fail: func(text string) {
		mu.Lock()
		defer mu.Unlock()
		logged = append(logged, text)
	}})
	if err != nil {
		t.Fatal(err)
	}
	m.Density = &broken{m.Density}
	at := httptest.NewServer(s)
	defer at.Close()
	defer s.Close()
	for _, n := range []int{1, 5000} {
		r := post(t, at, "/v1/models/jets/density", `{"events": `+jsonOf(t, table(n))+`}`, "X-Request-Id: mine-1")
		if r.status != 500 || bytes.Contains(r.body, []byte("secret")) || !bytes.Contains(r.body, []byte(`"request_id":"mine-1"`)) || r.head.Get("X-Request-Id") != "mine-1" {
			t.Errorf("%d %s", r.status, r.body)
		}
	}
	if len(logged) != 2 || !strings.Contains(logged[0], "mine-1") || !strings.Contains(logged[1], "secret of the inside") || !strings.Contains(logged[1], "hostile_test.go") {
		t.Errorf("%q", logged)
	}
	good(t, post(t, at, "/v1/models/good/density", `{"events": `+jsonOf(t, table(5000))+`}`))
}

// With a token, what is about models is for those who show it; what is about the server's life is for all.
func TestToken(t *testing.T) {
	at := started(t, Options{Token: "0123456789abcdef"})
	for _, c := range []struct {
		path, shown string
		status      int
	}{
		{"/", "", 200}, {"/healthz", "", 200}, {"/readyz", "", 200}, {"/openapi.json", "", 200},
		{"/v1/models", "", 401}, {"/metrics", "", 401}, {"/v1/models", "Bearer 0123456789abcdeg", 401}, {"/v1/models", "Bearer 0123456789abcdef", 200}, {"/metrics", "Bearer 0123456789abcdef", 200},
		{"/v1/models/none", "", 401}, // names are told to nobody else
	} {
		r := ask(t, at, http.MethodGet, c.path, nil, "Authorization: "+c.shown)
		if r.status != c.status || (r.status == 401) != (r.head.Get("WWW-Authenticate") != "") || r.head.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s with %q: %d", c.path, c.shown, r.status)
		}
	}
}

// A server of this machine does not answer to the name of another site.
func TestForeignNames(t *testing.T) {
	at := started(t, Options{Hosts: []string{"flows.example"}})
	for host, want := range map[string]int{"flows.example": 200, "localhost:1": 200, "evil.example": 421} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at.URL+"/v1/models", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		answer, err := at.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, answer.Body)
		if answer.Body.Close(); answer.StatusCode != want {
			t.Errorf("%s: %d, not %d", host, answer.StatusCode, want)
		}
	}
}

// Requests that come at the end are refused, with their ids.
func TestLate(t *testing.T) {
	s, err := New([]Named{{"jets", untrained(t, false)}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w := httptest.NewRecorder()
	s.Late().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	if w.Code != 503 || w.Header().Get("Retry-After") == "" || w.Header().Get("X-Request-Id") == "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

// A file of few bytes that claims many events is not unpacked.
func TestParquetBomb(t *testing.T) {
	at := started(t, Options{Limits: Limits{Rows: 1000}})
	tab := &events.Table{Columns: []events.Column{column.New("mass", "", events.Float64, 300_000), column.New("njets", "", events.Int64, 300_000)}}
	body := parquetOf(t, tab)
	r := ask(t, at, http.MethodPost, "/v1/models/jets/density", body, "Content-Type: "+parquetType)
	if r.status != http.StatusRequestEntityTooLarge || len(body) > 100_000 {
		t.Errorf("%d bytes: %d %s", len(body), r.status, r.body)
	}
}

// Slots go to requests of few events first, but not to them alone, and to nobody who has left.
func TestSlots(t *testing.T) {
	s := newSlots(1)
	if err := s.take(t.Context(), many); err != nil {
		t.Fatal(err)
	}
	order := make(chan int, 20)
	var wait sync.WaitGroup
	for i := range 16 {
		queue := map[bool]int{true: few, false: many}[i < 12]
		wait.Go(func() {
			if err := s.take(t.Context(), queue); err == nil {
				order <- queue
				s.give()
			}
		})
		for { // until it waits
			s.mu.Lock()
			n := len(s.queues[0]) + len(s.queues[1])
			s.mu.Unlock()
			if n == i+1 {
				break
			}
			time.Sleep(time.Millisecond)
		}
	}
	ctx, leave := context.WithCancel(t.Context())
	leave()
	if err := s.take(ctx, few); err == nil {
		t.Error("who has left is given a slot")
	}
	s.give()
	wait.Wait()
	close(order)
	var got []int
	for q := range order {
		got = append(got, q)
	}
	if fmt.Sprint(got) != "[0 0 0 1 0 0 0 1 0 0 0 1 0 0 0 1]" || s.free != 1 {
		t.Errorf("%v, %d free", got, s.free)
	}
}

// The description of the API names every route, and what it says of each body is JSON.
func TestDescription(t *testing.T) {
	at := started(t, Options{Version: `1 "x"`})
	var d struct {
		OpenAPI string
		Info    struct{ Version string }
		Paths   map[string]map[string]any
	}
	if err := json.Unmarshal(ask(t, at, http.MethodGet, "/openapi.json", nil).body, &d); err != nil {
		t.Fatal(err)
	}
	if d.OpenAPI != "3.1.0" || d.Info.Version != `1 "x"` {
		t.Errorf("%s %s", d.OpenAPI, d.Info.Version)
	}
	s := &Server{}
	for _, r := range s.allRoutes() {
		if d.Paths[r.path][strings.ToLower(r.method)] == nil {
			t.Errorf("%s %s is not described", r.method, r.path)
		}
		delete(d.Paths, r.path)
	}
	for path := range d.Paths {
		t.Errorf("%s is described, and is not there", path)
	}
}
