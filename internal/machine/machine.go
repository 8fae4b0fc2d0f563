// Package machine knows what the system tells about the machine and this process: mostly Linux.
package machine

import (
	"bufio"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
)

// CPU is the processor's model where the system tells it.
func CPU() string {
	if name, ok := field("/proc/cpuinfo", "model name"); ok {
		return name
	}
	return runtime.GOARCH
}

// ResetPeak begins a new measurement of the highest resident memory, where the system can.
func ResetPeak() {
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
}

// Peak is the highest resident memory of this process in MB since ResetPeak; 0 where the system does not tell.
func Peak() float64 { return bytes("/proc/self/status", "VmHWM") / (1 << 20) }

// Memory is how many bytes this process can still take: of what is free, of its address space, and of what its control group
// may have; infinite where the system does not tell.
func Memory() float64 {
	least := math.Inf(1)
	if free := bytes("/proc/meminfo", "MemAvailable"); free > 0 {
		least = free + bytes("/proc/meminfo", "SwapFree")
	}
	if limit, ok := field("/proc/self/limits", "Max address space"); ok {
		least = min(least, amount(limit)-bytes("/proc/self/status", "VmSize"))
	}
	for _, path := range controlGroup("/proc/self/cgroup") {
		if text, err := os.ReadFile(path); err == nil {
			least = min(least, amount(string(text))-bytes("/proc/self/status", "VmRSS"))
		}
	}
	return max(least, 0)
}

// controlGroup are the files, of the two versions of control groups, that may hold the limit of memory.
func controlGroup(path string) []string {
	files := []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}
	text, err := os.ReadFile(path)
	if err != nil {
		return files
	}
	for line := range strings.Lines(string(text)) {
		switch part := strings.SplitN(strings.TrimSpace(line), ":", 3); {
		case len(part) < 3:
		case part[1] == "":
			files = append(files, filepath.Join("/sys/fs/cgroup", part[2], "memory.max"))
		case part[1] == "memory":
			files = append(files, filepath.Join("/sys/fs/cgroup/memory", part[2], "memory.limit_in_bytes"))
		}
	}
	return files
}

// bytes is a field in kB; 0 where there is none.
func bytes(path, key string) float64 {
	v, _ := field(path, key)
	number, _, _ := strings.Cut(v, " ")
	kb, _ := strconv.ParseFloat(number, 64)
	return 1024 * kb
}

// amount is the number that a text begins with; infinite for unlimited and max.
func amount(text string) float64 {
	words := strings.Fields(text)
	if len(words) == 0 {
		return math.Inf(1)
	}
	x, err := strconv.ParseFloat(words[0], 64)
	if err != nil {
		return math.Inf(1)
	}
	return x
}

// field is the value of a "key: value" line of a file, or of one of "key   value".
func field(path, key string) (string, bool) {
	f, err := os.Open(path)
	if err != nil {
		return "", false
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if v, ok := strings.CutPrefix(s.Text(), key); ok {
			return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(v), ":")), true
		}
	}
	return "", false
}
