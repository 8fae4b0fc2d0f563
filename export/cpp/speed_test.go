//go:build linux

package cpp_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/export/exporttest"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/model"
)

// BenchmarkHeader compares the header with this program: density and events of a latent, of one event and of 10,000, on one thread. Both run in turn,
// and of each the fastest call counts, in processor time: others use the machine too. SLUICE_ISA chooses the kernels of both.
func BenchmarkHeader(b *testing.B) {
	compiler := compilers(b)[0]
	vectors := map[string]int{"": 64, "avx512": 64, "avx2": 32, "generic": 0}[os.Getenv("SLUICE_ISA")]
	for _, m := range []struct {
		name string
		spec flow.Spec
	}{
		{"nsf", flow.Spec{Type: "nsf", Transforms: 5, Hidden: []int{128, 128}}},
		{"nsf-ar", flow.Spec{Type: "nsf-ar", Transforms: 5, Hidden: []int{64, 64}}},
		{"maf", flow.Spec{Type: "maf", Transforms: 8, Hidden: []int{64, 64}}},
		{"lhco", flow.Spec{Type: "maf", Transforms: 10, Hidden: []int{128, 128}}}, // as cards/lhco.yaml
	} {
		b.Run(m.name, func(b *testing.B) {
			ours := exporttest.Model(b, exporttest.Flow(b, m.spec, 0), "")
			ours.Density.UseThreads(1)
			p, data := numbers(b, ours), exporttest.Events(10_000)
			theirs := start(b, build(b, compiler, "testdata/speed.cpp", "speed", p, fmt.Sprintf("-DSLUICE_VECTORS=%d", vectors)), values(b, p.Features, data), data.Len())
			for b.Loop() {
				for _, verb := range []string{"log_prob", "to_data"} {
					for _, n := range []int{1, 10_000} {
						versus(b, ours, data.Slice(0, n), theirs, verb, n)
					}
				}
			}
		})
	}
}

// versus reports the time of this program, and that of the header in units of it.
func versus(b *testing.B, m *model.Model, data *events.Table, theirs func(verb string, n int) time.Duration, verb string, n int) {
	z, err := m.ToLatent(data, nil)
	if err != nil {
		b.Fatal(err)
	}
	calls := 1 // of one event: several, as the clock takes time too
	if n == 1 {
		calls = 50
	}
	best, header := time.Hour, time.Hour
	for range 5 {
		header = min(header, theirs(verb, n))
		for begin, last := processor(b), time.Duration(0); last < 60*time.Millisecond; {
			for range calls {
				if verb == "log_prob" {
					_, err = m.LogProb(data, 1)
				} else {
					exporttest.ToData(b, m, z, nil)
				}
			}
			now := processor(b) - begin
			best, last = min(best, (now-last)/time.Duration(calls)), now
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(best.Nanoseconds())/float64(n), fmt.Sprintf("ns/%s-%d", verb, n))
	b.ReportMetric(float64(header)/float64(best), fmt.Sprintf("ratio-%s-%d", verb, n))
}

// processor is the processor time of this process.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		b.Fatal(err)
	}
	return time.Duration(t.Nano())
}

// start starts the program of speed.cpp, to be asked for times.
func start(b *testing.B, program string, columns []float64, n int) func(verb string, n int) time.Duration {
	var in bytes.Buffer
	for _, v := range []any{uint64(n), columns} {
		if err := binary.Write(&in, binary.LittleEndian, v); err != nil {
			b.Fatal(err)
		}
	}
	path := filepath.Join(b.TempDir(), "in")
	if err := os.WriteFile(path, in.Bytes(), 0o644); err != nil {
		b.Fatal(err)
	}
	command := exec.Command(program, path)
	ask, err := command.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	answers, err := command.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		ask.Close()
		if err := command.Wait(); err != nil {
			b.Error(err)
		}
	})
	lines := bufio.NewReader(answers)
	return func(verb string, n int) (took time.Duration) {
		var ns float64
		if _, err := io.WriteString(ask, fmt.Sprintln(verb, n)); err != nil {
			b.Fatal(err)
		}
		if _, err := fmt.Fscanln(lines, &ns); err != nil {
			b.Fatal(err)
		}
		return time.Duration(ns)
	}
}
