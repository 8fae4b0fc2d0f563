package serve

import (
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// meters are what Prometheus reads (its text format, version 0.0.4).
type meters struct {
	mu       sync.Mutex
	running  int
	requests map[[2]string]uint64 // by route and status
	took     map[string]*histogram
	rows     map[string]uint64
	rejected map[string]uint64 // by limit
	began    time.Time
}

// bounds of the durations, in seconds.
var bounds = []float64{0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60}

type histogram struct {
	below []uint64 // or at each bound
	count uint64
	sum   float64
}

func newMeters() *meters {
	m := &meters{requests: map[[2]string]uint64{}, took: map[string]*histogram{}, rows: map[string]uint64{}, rejected: map[string]uint64{}, began: time.Now()}
	for _, why := range []string{"concurrency", "ending", "memory", "time"} {
		m.rejected[why] = 0
	}
	return m
}

func (m *meters) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.running++
}

func (m *meters) end(route string, status int, took time.Duration, rows int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.running--
	m.requests[[2]string{route, strconv.Itoa(status)}]++
	if status < 400 {
		m.rows[route] += uint64(rows)
	}
	h := m.took[route]
	if h == nil {
		h = &histogram{below: make([]uint64, len(bounds))}
		m.took[route] = h
	}
	h.count++
	h.sum += took.Seconds()
	for i, b := range bounds {
		if took.Seconds() <= b {
			h.below[i]++
		}
	}
}

func (m *meters) reject(why string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rejected[why]++
}

// write writes all.
func (m *meters) write(to io.Writer, version string) error {
	m.mu.Lock()
	var b strings.Builder
	head := func(name, kind, help string) { fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind) }
	head("sluice_info", "gauge", "The program.")
	fmt.Fprintf(&b, "sluice_info{version=%q} 1\n", version)
	head("sluice_requests_total", "counter", "Requests answered, by route and status.")
	for _, k := range slices.SortedFunc(maps.Keys(m.requests), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		fmt.Fprintf(&b, "sluice_requests_total{route=%q,status=%q} %d\n", k[0], k[1], m.requests[k])
	}
	head("sluice_request_seconds", "histogram", "From the headers of a request to the end of its answer.")
	for _, route := range slices.Sorted(maps.Keys(m.took)) {
		h := m.took[route]
		for i, bound := range bounds {
			fmt.Fprintf(&b, "sluice_request_seconds_bucket{route=%q,le=\"%g\"} %d\n", route, bound, h.below[i])
		}
		fmt.Fprintf(&b, "sluice_request_seconds_bucket{route=%q,le=\"+Inf\"} %d\n", route, h.count)
		fmt.Fprintf(&b, "sluice_request_seconds_sum{route=%q} %g\nsluice_request_seconds_count{route=%q} %d\n", route, h.sum, route, h.count)
	}
	head("sluice_rows_total", "counter", "Events given or drawn in requests that were answered.")
	for _, route := range slices.Sorted(maps.Keys(m.rows)) {
		fmt.Fprintf(&b, "sluice_rows_total{route=%q} %d\n", route, m.rows[route])
	}
	head("sluice_rejected_total", "counter", "Requests that a limit refused.")
	for _, why := range slices.Sorted(maps.Keys(m.rejected)) {
		fmt.Fprintf(&b, "sluice_rejected_total{limit=%q} %d\n", why, m.rejected[why])
	}
	head("sluice_in_flight", "gauge", "Requests being answered.")
	fmt.Fprintf(&b, "sluice_in_flight %d\n", m.running)
	m.mu.Unlock()
	head("go_goroutines", "gauge", "Goroutines.")
	fmt.Fprintf(&b, "go_goroutines %d\n", runtime.NumGoroutine())
	head("process_start_time_seconds", "gauge", "Start of the server, since 1970.")
	fmt.Fprintf(&b, "process_start_time_seconds %d\n", m.began.Unix())
	if resident := resident(); resident > 0 {
		head("process_resident_memory_bytes", "gauge", "Memory that the process has.")
		fmt.Fprintf(&b, "process_resident_memory_bytes %d\n", resident)
	}
	_, err := io.WriteString(to, b.String())
	return err
}

// resident is the memory of this process, 0 where the system does not tell.
func resident() int {
	text, err := os.ReadFile("/proc/self/statm")
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 2 {
		return 0
	}
	pages, err := strconv.Atoi(fields[1])
	if err != nil {
		return 0
	}
	return pages * os.Getpagesize()
}
