package serve

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/parquet"
	"github.com/sluice-hep/sluice/internal/spell"
)

// What bodies can be.
const (
	jsonType    = "application/json"
	linesType   = "application/x-ndjson"
	parquetType = "application/vnd.apache.parquet"
)

// job is a request that a model works on.
type job struct {
	*exchange
	s       *Server
	m       *served
	gives   string // the type of the answer
	options map[string]json.RawMessage
	table   *events.Table // of a body of Parquet
}

// accept finds the type of the answer: the first that the client asks for, of those that there are.
func (j *job) accept() error {
	asked := j.Request.Header.Values("Accept")
	if len(asked) == 0 {
		j.gives = jsonType
		return nil
	}
	for _, one := range strings.Split(strings.Join(asked, ","), ",") {
		kind, more, err := mime.ParseMediaType(one)
		if err != nil || strings.Trim(more["q"], "0.") == "" && more["q"] != "" {
			continue
		}
		switch kind {
		case "*/*", "application/*":
			kind = jsonType
		case "application/x-parquet", "application/parquet":
			kind = parquetType
		case "application/jsonl", "application/ndjson":
			kind = linesType
		}
		if slices.Contains([]string{jsonType, linesType, parquetType}, kind) {
			j.gives = kind
			return nil
		}
	}
	return problem(http.StatusNotAcceptable, "the answer can be %s, %s or %s, not %q", jsonType, linesType, parquetType, strings.Join(asked, ", "))
}

// read takes in the body: JSON with the options as its keys, or Parquet, whose options are in the query of the address. The caller calls free when
// nothing of it is needed any more.
func (j *job) read() (free func(), err error) {
	free = func() {}
	if j.Request.Header.Get("Content-Encoding") != "" {
		return free, problem(http.StatusUnsupportedMediaType, "send the body as it is, without Content-Encoding")
	}
	kind, _, err := mime.ParseMediaType(j.Request.Header.Get("Content-Type"))
	isParquet := kind == parquetType || kind == "application/x-parquet" || kind == "application/parquet"
	if err != nil || kind != jsonType && !isParquet {
		return free, problem(http.StatusUnsupportedMediaType, "the body is to be of Content-Type %s or %s, not %q", jsonType, parquetType, j.Request.Header.Get("Content-Type"))
	}
	body, free, err := j.body()
	if err != nil {
		return free, err
	}
	if isParquet {
		if err := j.query(); err != nil {
			return free, err
		}
		j.table, err = tableOfParquet(body, &j.s.o.Limits)
		return free, err
	}
	if j.URL.RawQuery != "" {
		return free, problem(http.StatusBadRequest, "the options of a body of JSON are its keys, not %q in the address", j.URL.RawQuery)
	}
	j.options, err = keys(body)
	return free, err
}

// body reads all bytes, for which there has to be room.
func (j *job) body() (body []byte, free func(), err error) {
	limit, announced := j.s.o.Limits.Body, j.ContentLength
	free = func() {}
	large := problem(http.StatusRequestEntityTooLarge, "the body has more than %d bytes, the limit of this server: send the events in parts", limit)
	if announced > limit {
		return nil, free, large
	}
	room := announced
	if announced < 0 {
		room = limit
	}
	if all := j.s.bodies.Add(room); all > j.s.o.Limits.bodies() {
		j.s.bodies.Add(-room)
		return nil, free, j.s.refuse(j.exchange, "memory", "there is no room for the body beside those of other requests; try again")
	}
	free = func() { j.s.bodies.Add(-room) }
	var b bytes.Buffer
	if announced > 0 {
		b.Grow(int(min(announced, 1<<20)) + bytes.MinRead)
	}
	in := &patient{Reader: http.MaxBytesReader(j.ResponseWriter, j.Body, limit), x: j.exchange}
	n, err := b.ReadFrom(in)
	if err == nil {
		j.unread = false
		j.control().SetReadDeadline(time.Time{}) // a client that only waits is not slow
	}
	var more *http.MaxBytesError
	switch {
	case err == nil && n == 0:
		return nil, free, problem(http.StatusBadRequest, "the body is empty")
	case err == nil:
		return b.Bytes(), free, nil
	case errors.As(err, &more):
		return nil, free, large
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, free, err
	case errors.Is(err, io.ErrUnexpectedEOF):
		if announced < 0 {
			return nil, free, problem(http.StatusBadRequest, "the body ends after %d bytes, within a chunk", n)
		}
		return nil, free, problem(http.StatusBadRequest, "the body ends after %d of %d bytes", n, announced)
	}
	return nil, free, problem(http.StatusBadRequest, "the body cannot be read after %d bytes", n)
}

// patient gives a client the time that it has for each piece.
type patient struct {
	io.Reader
	x *exchange
}

func (p *patient) Read(b []byte) (int, error) {
	p.x.control().SetReadDeadline(time.Now().Add(p.x.client)) // a recorder of tests has none
	return p.Reader.Read(b)
}

// query takes the options of the address: what is no number or word of JSON is text.
func (j *job) query() error {
	j.options = map[string]json.RawMessage{}
	for name, values := range j.URL.Query() {
		if len(values) != 1 {
			return problem(http.StatusBadRequest, "the address has %q twice", name)
		}
		raw := json.RawMessage(values[0])
		if !json.Valid(raw) {
			raw, _ = json.Marshal(values[0])
		}
		j.options[name] = raw
	}
	return nil
}

// keys are those of a body of JSON.
func keys(body []byte) (map[string]json.RawMessage, error) {
	in := json.NewDecoder(bytes.NewReader(body))
	if t, err := in.Token(); err != nil || t != json.Delim('{') {
		if err == nil {
			err = errors.New("it is no object")
		}
		return nil, notJSON(err)
	}
	all := map[string]json.RawMessage{}
	for in.More() {
		name, err := in.Token()
		if err != nil {
			return nil, notJSON(err)
		}
		var value json.RawMessage
		if err := in.Decode(&value); err != nil {
			return nil, notJSON(err)
		}
		if _, twice := all[name.(string)]; twice {
			return nil, problem(http.StatusBadRequest, "the body has the key %q twice", name)
		}
		all[name.(string)] = value
	}
	if _, err := in.Token(); err != nil {
		return nil, notJSON(err)
	}
	if _, err := in.Token(); err != io.EOF {
		return nil, notJSON(errors.New("there is more after its end"))
	}
	return all, nil
}

func notJSON(err error) error {
	var at *json.SyntaxError
	switch {
	case errors.As(err, &at):
		return problem(http.StatusBadRequest, "the body is not JSON: %s after %d bytes", at, at.Offset)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return problem(http.StatusBadRequest, "the body is not JSON: it ends too early")
	}
	return problem(http.StatusBadRequest, "the body is not JSON: %s", err)
}

// take sets what the options say; of others it says so. The table, of a body of JSON, is the option called like that.
func (j *job) take(table string, to map[string]any) error {
	known := slices.Sorted(maps.Keys(to))
	if j.table == nil && table != "" {
		known = append(known, table)
	}
	for name, raw := range j.options {
		if name == table && j.table == nil {
			t, err := tableOf(raw, &j.s.o.Limits)
			if errors.Is(err, errTooMany) {
				return problem(http.StatusRequestEntityTooLarge, "%s", j.s.o.Limits.tooMany())
			}
			if err != nil {
				return problem(http.StatusUnprocessableEntity, "%s %s", table, err)
			}
			j.table = t
			continue
		}
		v, ok := to[name]
		if !ok {
			return problem(http.StatusUnprocessableEntity, "there is no option %q; %s", name, spell.Remedy(name, known, "there are "+strings.Join(known, ", ")))
		}
		if err := json.Unmarshal(raw, v); err != nil || string(raw) == "null" {
			return problem(http.StatusUnprocessableEntity, "%s is to be %s, not %s", name, takes(v), brief(raw))
		}
	}
	if j.table != nil {
		j.rows = j.table.Len()
	}
	return nil
}

// takes says what an option is.
func takes(v any) string {
	switch v.(type) {
	case *bool:
		return "true or false"
	case *string:
		return "text"
	case *int, *uint64:
		return "a whole number from 0 on"
	case *within:
		return `a number from 0 on, or "none"`
	}
	return "a number"
}

// brief is the beginning of a value.
func brief(raw json.RawMessage) string {
	const most = 40
	if len(raw) > most {
		return fmt.Sprintf("%s...", strings.ToValidUTF8(string(raw[:most]), ""))
	}
	return string(raw)
}

// tableOfParquet reads the flat columns of a body.
func tableOfParquet(body []byte, l *Limits) (*events.Table, error) {
	bad := func(err error) (*events.Table, error) {
		return nil, problem(http.StatusBadRequest, "the body is not Parquet that can be read: %s", err)
	}
	in, err := parquet.New(bytes.NewReader(body), int64(len(body)), parquet.Options{MostPage: mostPage})
	if err != nil {
		return bad(err)
	}
	rows := in.Rows()
	if rows > int64(l.Rows) || rows*int64(len(in.Columns())) > int64(l.values()) {
		return nil, problem(http.StatusRequestEntityTooLarge, "%s", l.tooMany())
	}
	var all *events.Table
	for {
		columns, err := in.Read(max(int(rows), 1))
		if err == io.EOF {
			break
		}
		if err != nil {
			return bad(err)
		}
		all = events.Joined(all, &events.Table{Columns: columns})
	}
	if all == nil || all.Len() == 0 {
		return nil, problem(http.StatusUnprocessableEntity, "the body has no events")
	}
	return all, nil
}
