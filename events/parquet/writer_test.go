package parquet

import (
	"bytes"
	"regexp"
	"testing"

	pq "github.com/parquet-go/parquet-go"
)

// parquet-mr's VersionParser takes the name of the writer apart: application, version and build, none of them empty.
func TestCreatedBy(t *testing.T) {
	b := written(t)
	f, err := pq.OpenFile(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if by := f.Metadata().CreatedBy; !regexp.MustCompile(`^sluice version \d+\.\d+\.\d+ \(build [^) ]+\)$`).MatchString(by) {
		t.Errorf("created by %q", by)
	}
}
