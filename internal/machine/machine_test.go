package machine

import (
	"math"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestMemoryOfThisProcess(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells")
	}
	if m := Memory(); !(m > 1<<20 && m < 1<<50) {
		t.Errorf("%g bytes are free", m)
	}
	ResetPeak()
	if p := Peak(); !(p > 1 && p < 1e6) {
		t.Errorf("a peak of %g MB", p)
	}
}

func TestWhatTheSystemWrites(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	limits := write("limits", "Limit                     Soft Limit           Hard Limit           Units\nMax address space         4000000000           unlimited            bytes\n")
	if v, ok := field(limits, "Max address space"); !ok || amount(v) != 4e9 {
		t.Errorf("an address space of %q", v)
	}
	if b := bytes(write("status", "Name:\tx\nVmHWM:\t    2048 kB\n"), "VmHWM"); b != 2<<20 {
		t.Errorf("%g bytes", b)
	}
	for text, want := range map[string]float64{"max\n": math.Inf(1), "unlimited  unlimited  bytes": math.Inf(1), "": math.Inf(1), "1073741824\n": 1 << 30} {
		if got := amount(text); got != want {
			t.Errorf("%q is %g", text, got)
		}
	}
	groups := controlGroup(write("cgroup", "4:memory:/a\n0::/b/c\nx\n"))[2:]
	if len(groups) != 2 || groups[0] != "/sys/fs/cgroup/memory/a/memory.limit_in_bytes" || groups[1] != "/sys/fs/cgroup/b/c/memory.max" {
		t.Errorf("%q", groups)
	}
}
