package live

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sluice-hep/sluice/fit"
	"github.com/sluice-hep/sluice/train"
)

// begun is a log of a training that has taken some steps.
func begun(t *testing.T) (l *Log, o fit.Options, out string) {
	t.Helper()
	out = t.TempDir()
	l = New(Folder(out), "jets")
	o = l.Follow(fit.Options{})
	o.Stage("train")
	o.Progress(train.Progress{Epoch: 1, Epochs: 3, Step: 5, Steps: 10, Loss: 2.5, LR: 1e-3, EventsPerSecond: 1e5})
	o.Warn("a <b>warning</b>")
	return l, o, out
}

// The page's stream tells what was, what comes and the end; the log goes with the training, and so do all goroutines with the listeners.
func TestStream(t *testing.T) {
	before := runtime.NumGoroutine()
	l, o, out := begun(t)
	ctx, end := context.WithCancel(t.Context())
	s := httptest.NewServer(Handler(ctx, Source{Out: out}, true))
	gone, err := http.Get(s.URL + "/events") // one who closes
	if err != nil {
		t.Fatal(err)
	}
	gone.Body.Close()
	r, err := http.Get(s.URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(r.Body)
	next := func(want string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), want) {
				return
			}
		}
		t.Fatalf("the stream does not tell %s (%v)", want, lines.Err())
	}
	next("event: reset")
	next(`"kind":"begin"`)
	next(`"loss":2.5`)
	next(`"kind":"warning"`)
	o.Progress(train.Progress{Epoch: 1, Epochs: 3, Step: 10, Steps: 10, Loss: 2, Valid: 1.5, Best: 1.5, EpochEnd: true})
	next(`"valid":1.5`)
	if _, err := os.Stat(filepath.Join(Folder(out), watchedFile)); err != nil {
		t.Error("the training is not told that somebody looks")
	}
	l.End(nil, false)
	next(`"how":"done"`)
	if _, err := os.Stat(Folder(out)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the log of a training that has ended is still there (%v)", err)
	}
	end()
	next("event: bye")
	r.Body.Close()
	s.Close()
	http.DefaultClient.CloseIdleConnections()
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

// An interrupted training keeps its log, and goes on with it.
func TestLogOfAnInterruptedTraining(t *testing.T) {
	l, _, out := begun(t)
	l.End(context.Canceled, true)
	l = New(Folder(out), "jets")
	l.Follow(fit.Options{}).Progress(train.Progress{Epoch: 2, Epochs: 3, Loss: 2})
	text, err := os.ReadFile(filepath.Join(Folder(out), logFile))
	if err != nil || strings.Count(string(text), `"begin"`) != 2 || !strings.Contains(string(text), `"how":"interrupted"`) {
		t.Errorf("%s (%v)", text, err)
	}
	l.End(nil, false)
}

// What an interrupted training left goes with a run that had nothing left to train, and stays where that failed.
func TestLogWithoutATraining(t *testing.T) {
	l, _, out := begun(t)
	l.End(context.Canceled, true)
	for _, err := range []error{errors.New("no events"), nil} {
		New(Folder(out), "jets").End(err, false)
		if _, there := os.Stat(Folder(out)); (there == nil) != (err != nil) {
			t.Errorf("after %v: the log is there: %v", err, there == nil)
		}
	}
}

// Others than the page's own are not answered, and the page loads nothing.
func TestPage(t *testing.T) {
	h := Handler(t.Context(), Source{Out: t.TempDir()}, true)
	for _, c := range []struct {
		host, path string
		status     int
	}{{"localhost:8080", "/", 200}, {"127.0.0.1:8080", "/", 200}, {"evil.example", "/", 403}, {"localhost", "/else", 404}, {"localhost", "/report", 404}} {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", c.path, nil)
		r.Host = c.host
		if h.ServeHTTP(w, r); w.Code != c.status {
			t.Errorf("%s%s: status %d, not %d", c.host, c.path, w.Code, c.status)
		}
	}
	for _, outside := range []string{"src=", "url(h", "http://", "https://", "{{"} {
		if strings.Contains(strings.ReplaceAll(string(whole), "http://www.w3.org/2000/svg", ""), outside) {
			t.Errorf("the page has %s", outside)
		}
	}
}

// A training waits for pictures for one part in 50 of its time, and draws none where nobody looks.
func TestPicturesAreBounded(t *testing.T) {
	l, _, _ := begun(t)
	l.began = time.Now().Add(-time.Minute)
	if l.due() {
		t.Error("pictures are drawn for nobody")
	}
	f := follower{Source: Source{Out: filepath.Dir(l.folder)}}
	f.touch()
	l.asked = time.Time{}
	if !l.due() {
		t.Error("nobody looks, it seems")
	}
	l.drawing = drawing{ended: time.Now().Add(-4 * time.Second), took: 100 * time.Millisecond}
	if l.due() {
		t.Error("pictures that took 0.1 s come again after 4 s")
	}
	l.drawing.ended = time.Now().Add(-6 * time.Second)
	if !l.due() {
		t.Error("pictures that took 0.1 s do not come again after 6 s")
	}
	l.End(nil, false)
}
