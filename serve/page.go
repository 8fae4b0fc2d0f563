package serve

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
)

//go:embed openapi.json
var description []byte

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

//go:embed page.js
var pageJS string

// page is the page by which the server is tried: one file, which loads nothing.
func (s *Server) page(x *exchange, _ *served) error {
	x.Header().Set("Content-Type", "text/html; charset=utf-8")
	x.Header().Set("Content-Security-Policy", pagePolicy)
	_, err := x.Write(wholePage)
	return gone(err)
}

var wholePage = []byte(strings.NewReplacer("{{css}}", pageCSS, "{{js}}", pageJS).Replace(pageHTML))

// pagePolicy lets the page's own script run, and ask this server alone.
var pagePolicy = func() string {
	sum := sha256.Sum256([]byte(pageJS))
	return "default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; script-src 'sha256-" +
		base64.StdEncoding.EncodeToString(sum[:]) + "'"
}()

// openAPI describes the API (OpenAPI 3.1).
func (s *Server) openAPI(x *exchange, _ *served) error {
	version, err := json.Marshal(s.o.Version)
	if err != nil {
		return err
	}
	x.Header().Set("Content-Type", jsonType)
	x.WriteHeader(http.StatusOK)
	_, err = x.Write(bytes.Replace(description, []byte(`"VERSION"`), version, 1))
	return gone(err)
}
