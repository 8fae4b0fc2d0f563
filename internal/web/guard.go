package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"net"
	"net/http"
	"strings"
)

// Problem is a document that says what is wrong with a request, as RFC 9457 has it. Its type is about:blank, so that the title is that of the status.
type Problem struct {
	Status  int    `json:"status"`
	Title   string `json:"title"`            // "": that of the status
	Detail  string `json:"detail,omitempty"` // one line, for people
	Request string `json:"request_id,omitempty"`
}

// Write answers with the problem.
func (p Problem) Write(w http.ResponseWriter) {
	if p.Title == "" {
		p.Title = http.StatusText(p.Status)
	}
	text, err := json.Marshal(p)
	if err != nil { // which strings and numbers cannot cause
		text = nil
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Del("Content-Length")
	w.WriteHeader(p.Status)
	w.Write(append(text, '\n'))
}

// Secure sets the headers by which a browser trusts what is served with no more than it needs: by default nothing may be loaded or run (a page
// sets a Content-Security-Policy of its own), framed, guessed, kept, or read by other sites.
func Secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// Bearer lets those in who show the token (RFC 6750), compared in a time that tells nothing of it; anyone where it is "". others are told by
// refuse, which is called once the header that asks for a token is set.
func Bearer(token string, next, refuse http.Handler) http.Handler {
	if token == "" {
		return next
	}
	want := sha256.Sum256([]byte(token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, shown, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		got := sha256.Sum256([]byte(strings.TrimSpace(shown)))
		if subtle.ConstantTimeCompare(got[:], want[:]) != 1 || !strings.EqualFold(scheme, "Bearer") {
			w.Header().Set("WWW-Authenticate", "Bearer")
			refuse.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Named tells whether a request was sent to a name of this machine as it calls itself, an address, or one of the names given. Of a server that only this
// machine reaches, others come from pages of foreign sites whose name was made to stand for this machine (DNS rebinding).
func Named(r *http.Request, names ...string) bool {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if net.ParseIP(host) != nil || strings.EqualFold(host, "localhost") {
		return true
	}
	for _, name := range names {
		if strings.EqualFold(host, name) {
			return true
		}
	}
	return false
}
