package card

import (
	"fmt"
	"strconv"
	"strings"
)

// Bytes is an amount of memory, written 500MB or 2 GB (powers of 1000) or 2GiB (of 1024). 0 is the default.
type Bytes int64

// DefaultMemory is what events may take where a card does not say.
const DefaultMemory = 2 * gigabyte

const (
	kilobyte Bytes = 1000
	megabyte       = 1000 * kilobyte
	gigabyte       = 1000 * megabyte
	terabyte       = 1000 * gigabyte
)

var byteUnits = []struct {
	name string
	size Bytes
}{
	{"KIB", 1 << 10}, {"MIB", 1 << 20}, {"GIB", 1 << 30}, {"TIB", 1 << 40},
	{"KB", kilobyte}, {"MB", megabyte}, {"GB", gigabyte}, {"TB", terabyte},
	{"K", kilobyte}, {"M", megabyte}, {"G", gigabyte}, {"T", terabyte}, {"B", 1},
}

// ParseBytes reads an amount of memory. One without a unit is an error: 2 could be bytes as well as gigabytes.
func ParseBytes(text string) (Bytes, error) {
	upper := strings.ToUpper(strings.TrimSpace(text))
	for _, u := range byteUnits {
		number, ok := strings.CutSuffix(upper, u.name)
		if !ok {
			continue
		}
		x, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || !(x > 0) || x*float64(u.size) > 1e18 {
			break
		}
		return Bytes(x * float64(u.size)), nil
	}
	return 0, fmt.Errorf("%q is not an amount of memory, such as 500MB or 2GB", text)
}

func (b Bytes) String() string {
	for i, size := range []Bytes{terabyte, gigabyte, megabyte, kilobyte} {
		if b >= size {
			return strconv.FormatFloat(float64(b)/float64(size), 'g', -1, 64) + "TGMk"[i:i+1] + "B"
		}
	}
	return strconv.FormatInt(int64(b), 10) + "B"
}
