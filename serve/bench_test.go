package serve

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// BenchmarkOneEvent is a request for the density of one event, without the connection.
func BenchmarkOneEvent(b *testing.B) {
	s, err := New([]Named{{"jets", untrained(b, false)}}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/v1/models/jets/density", strings.NewReader(`{"events": {"mass": 2.5, "njets": 2}, "where": "1>0"}`))
		r.Header.Set("Content-Type", jsonType)
		r.Host = "localhost"
		w := httptest.NewRecorder()
		if s.ServeHTTP(w, r); w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
}
