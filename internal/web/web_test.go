package web

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sluice-hep/sluice/internal/fault"
)

func TestListen(t *testing.T) {
	l, err := Listen("--listen", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if !Local(l) {
		t.Errorf("without a host it is %s", l.Addr())
	}
	for address, want := range map[string]string{
		l.Addr().String():  "another program listens there",
		"127.0.0.1":        "is not HOST:PORT",
		"127.0.0.1:http":   "is not HOST:PORT",
		"127.0.0.1:70000":  "is not HOST:PORT",
		"192.0.2.1:0":      "no such address", // of RFC 5737, which nobody has
		"nowhere.invalid:": "is not HOST:PORT",
	} {
		_, err := Listen("--listen", address)
		if err == nil || !fault.Is(err) || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "--listen") {
			t.Errorf("%s: %v, not %s", address, err, want)
		}
	}
}

// serve starts a server; stop ends it and gives what Serve returned.
func serve(t *testing.T, h http.Handler, o Options) (url string, stop func() error) {
	t.Helper()
	l, err := Listen("--listen", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, l, h, o) }()
	return "http://" + l.Addr().String(), func() error {
		cancel()
		return <-ended
	}
}

func get(client *http.Client, url string) (status int, body string, err error) {
	r, err := client.Get(url)
	if err != nil {
		return 0, "", err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	return r.StatusCode, string(text), err
}

// At the end a running request is answered, and one that comes then is refused.
func TestEnd(t *testing.T) {
	begun, goOn := make(chan struct{}), make(chan struct{})
	url, stop := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/late" { // before the end is known
			return
		}
		close(begun)
		<-goOn
		io.WriteString(w, "whole")
	}), Options{})
	client := &http.Client{Transport: &http.Transport{}}
	answer, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		status, body, err := get(client, url)
		answer <- fmt.Sprint(status, body, err)
	}()
	<-begun
	go func() { ended <- stop() }()
	refused := 0
	for range 100 {
		if status, body, err := get(client, url+"/late"); err == nil && status == http.StatusServiceUnavailable {
			refused++
			var p Problem
			if err := json.Unmarshal([]byte(body), &p); err != nil || p.Status != status || p.Title != "Service Unavailable" {
				t.Errorf("%s: %v", body, err)
			}
			break
		}
		time.Sleep(time.Millisecond)
	}
	close(goOn)
	if got := <-answer; got != "200whole<nil>" {
		t.Errorf("the running request: %s", got)
	}
	if err := <-ended; err != nil || refused == 0 {
		t.Errorf("%v, %d refused", err, refused)
	}
	if _, _, err := get(client, url); err == nil {
		t.Error("it answers after its end")
	}
	client.CloseIdleConnections()
}

// What goes on beyond the grace sees its context end.
func TestGrace(t *testing.T) {
	seen := make(chan struct{})
	begun := make(chan struct{})
	url, stop := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
		close(seen)
	}), Options{Grace: 10 * time.Millisecond})
	go get(http.DefaultClient, url)
	<-begun
	at := time.Now()
	if err := stop(); err != nil {
		t.Error(err)
	}
	<-seen
	if took := time.Since(at); took > 5*time.Second {
		t.Errorf("the end took %s", took)
	}
}

// Connections without a request, and with half of one, do not keep a server from ending.
func TestSlowConnections(t *testing.T) {
	url, stop := serve(t, http.NotFoundHandler(), Options{Header: 50 * time.Millisecond})
	address := strings.TrimPrefix(url, "http://")
	slow, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	io.WriteString(slow, "GET / HTTP/1.1\r\nHost: x\r\nX-Half")
	slow.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadAll(slow); err != nil {
		t.Errorf("half a header is waited for: %v", err)
	}
	silent, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	at := time.Now()
	if err := stop(); err != nil || time.Since(at) > 5*time.Second {
		t.Errorf("%v after %s", err, time.Since(at))
	}
}

func TestCertificate(t *testing.T) {
	if _, err := TLS("none.pem", "none.key"); !fault.Is(err) || !strings.Contains(err.Error(), "none.pem") {
		t.Errorf("%v", err)
	}
}

func TestBearer(t *testing.T) {
	status := func(n int) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(n) })
	}
	for _, c := range []struct {
		token, shown string
		want         int
	}{
		{"", "", 200}, {"s3cret", "", 401}, {"s3cret", "Bearer s3cret", 200}, {"s3cret", "bearer  s3cret", 200}, {"s3cret", "Bearer s3cre", 401},
		{"s3cret", "Bearer s3cret2", 401}, {"s3cret", "Basic s3cret", 401}, {"s3cret", "Bearer", 401}, {"s3cret", "s3cret", 401},
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
		if c.shown != "" {
			r.Header.Set("Authorization", c.shown)
		}
		Bearer(c.token, status(200), status(401)).ServeHTTP(w, r)
		if w.Code != c.want || (w.Code == 401) != (w.Header().Get("WWW-Authenticate") == "Bearer") {
			t.Errorf("%q shown for %q: %d, not %d", c.shown, c.token, w.Code, c.want)
		}
	}
}

func TestNamed(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST:80": true, "127.0.0.1:8080": true, "[::1]:8080": true, "10.0.0.3": true, "flows.example": true,
		"evil.example": false, "localhost.evil.example:8080": false, "": false,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		if r.Host = host; Named(r, "Flows.example") != want {
			t.Errorf("%q: %v", host, !want)
		}
	}
}
