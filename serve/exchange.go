package serve

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"time"

	"github.com/sluice-hep/sluice/internal/await"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/internal/web"
	"github.com/sluice-hep/sluice/model"
)

// exchange is a request and its answer.
type exchange struct {
	http.ResponseWriter
	*http.Request
	id     string
	route  string // as metrics call it
	status int    // 0 until the answer begins
	rows   int    // given, or drawn and answered with
	client time.Duration
	unread bool // of the request's body, some
}

// Header is that of the answer.
func (x *exchange) Header() http.Header { return x.ResponseWriter.Header() }

// WriteHeader begins the answer. For what is left of a body nobody waits.
func (x *exchange) WriteHeader(status int) {
	if x.unread {
		x.Header().Set("Connection", "close")
	}
	if x.status == 0 {
		x.status = status
	}
	x.ResponseWriter.WriteHeader(status)
}

// Write gives the client the time that it has for a piece.
func (x *exchange) Write(b []byte) (int, error) {
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
	}
	x.control().SetWriteDeadline(time.Now().Add(x.client)) // a recorder of tests has none
	return x.ResponseWriter.Write(b)
}

func (x *exchange) control() *http.ResponseController {
	return http.NewResponseController(x.ResponseWriter)
}

// wrong is an error with the status and the line that a client is told.
type wrong struct {
	status int
	detail string
}

func (e *wrong) Error() string { return e.detail }

func problem(status int, format string, args ...any) error {
	return &wrong{status, fmt.Sprintf(format, args...)}
}

var idLike = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,64}$`)

// observe answers by do, tells a client what went wrong, counts and logs.
func (s *Server) observe(w http.ResponseWriter, r *http.Request, do func(*exchange) error) {
	began := time.Now()
	x := &exchange{ResponseWriter: w, Request: r, id: r.Header.Get("X-Request-Id"), route: "other", client: s.o.Limits.Client}
	if !idLike.MatchString(x.id) {
		var b [8]byte
		rand.Read(b[:])
		x.id = hex.EncodeToString(b[:])
	}
	w.Header().Set("X-Request-Id", x.id)
	if x.unread = r.ContentLength != 0; x.unread {
		x.control().SetReadDeadline(began.Add(x.client)) // also where nothing of it is read
	}
	s.tell.begin()
	var err error
	defer func() {
		if v := recover(); v != nil {
			err = await.NewPanic(v)
		}
		broken := s.conclude(x, err)
		took := time.Since(began)
		s.tell.end(x.route, x.status, took, x.rows)
		s.o.Log(fmt.Sprintf("%s %s %d %.1f ms %s id=%s", x.Method, say.Text(x.URL.Path, ""), x.status, float64(took.Microseconds())/1000, say.Count(x.rows, "event"), x.id))
		if broken {
			panic(http.ErrAbortHandler) // the client sees that what it has is not the whole
		}
	}()
	err = do(x)
}

// conclude answers with what went wrong, if nothing was answered yet; broken tells that a part was.
func (s *Server) conclude(x *exchange, err error) (broken bool) {
	if err == nil {
		if x.status == 0 {
			x.status = http.StatusOK
		}
		return false
	}
	p := s.problemOf(x, err)
	if x.status != 0 {
		x.status = p.Status
		return true
	}
	p.Request = x.id
	p.Write(x)
	return false
}

// statusGone is that of a client who did not wait, as nginx has it; nobody reads it but logs and metrics.
const statusGone = 499

// problemOf says of an error what may be told. What nobody expected is told to the log alone.
func (s *Server) problemOf(x *exchange, err error) web.Problem {
	var w *wrong
	var far *model.FarError
	switch {
	case errors.As(err, &w):
		return web.Problem{Status: w.status, Detail: line(w.detail)}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return web.Problem{Status: http.StatusRequestTimeout, Detail: fmt.Sprintf("the request did not come on for %g s", s.o.Limits.Client.Seconds())}
	case x.Context().Err() != nil || errors.Is(err, context.Canceled) || errors.Is(err, errClient):
		return web.Problem{Status: statusGone, Title: "Client Closed Request"}
	case errors.As(err, &far) || fault.Is(err):
		return web.Problem{Status: http.StatusUnprocessableEntity, Detail: line(err.Error())}
	}
	s.o.Fail(fmt.Sprintf("request %s: %s %s: %v", x.id, x.Method, say.Text(x.URL.Path, ""), err))
	return web.Problem{Status: http.StatusInternalServerError, Detail: "something went wrong in the server, whose log says what, by the request's id"}
}

// line is a text without what a terminal would act on.
func line(text string) string { return say.Text(text, "") }
