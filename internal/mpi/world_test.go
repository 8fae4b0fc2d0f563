package mpi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-hep/sluice/internal/fault"
)

// The variables of launchers say which library belongs to a process, and that of a process started alone is none.
func TestLaunched(t *testing.T) {
	for _, c := range []struct {
		env   map[string]string
		want  Launch
		first string
	}{
		{nil, Launch{Size: 1}, ""},
		{map[string]string{"SLURM_PROCID": "3", "SLURM_NTASKS": "4"}, Launch{Size: 1}, ""}, // an array of srun, without MPI
		{map[string]string{"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "4", "PMIX_RANK": "1"}, Launch{Rank: 1, Size: 4, By: "Open MPI"}, "libmpi.so.40"},
		{map[string]string{"PMI_RANK": "0", "PMI_SIZE": "2"}, Launch{Rank: 0, Size: 2, By: "MPICH"}, "libmpich.so.12"},
		{map[string]string{"PMI_RANK": "5", "PMI_SIZE": "2"}, Launch{Size: 1}, ""},
		{map[string]string{"PMIX_RANK": "2", "SLURM_STEP_NUM_TASKS": "3"}, Launch{Rank: 2, Size: 3, By: "PMIx"}, "libmpi.so.40"},
		{map[string]string{"PMI_RANK": "0", "PMI_SIZE": "2", "SLUICE_MPI": "/opt/libmpi.so"}, Launch{Rank: 0, Size: 2, By: "MPICH"}, "/opt/libmpi.so"},
	} {
		got := launched(func(name string) string { return c.env[name] })
		if got.Rank != c.want.Rank || got.Size != c.want.Size || got.By != c.want.By || c.first != "" && got.libraries[0] != c.first {
			t.Errorf("%v: %+v", c.env, got)
		}
	}
}

// A library that is not there is the user's error, with the way out of it.
func TestNoLibrary(t *testing.T) {
	_, err := Open(Launch{Size: 2, By: "Open MPI", libraries: []string{"/nowhere/libmpi.so"}})
	if !fault.Is(err) || !strings.Contains(err.Error(), "SLUICE_MPI=") {
		t.Error(err)
	}
}

// exercise is what each rank of a world does in a test; it returns what should be the same on all.
func exercise(w *World) (string, error) {
	to, from := make([][][]byte, w.Size()), make([][][]byte, w.Size())
	for r := range to {
		if r == w.Rank() {
			continue
		}
		long := bytes.Repeat([]byte{byte(w.Rank()), byte(r)}, 300_000) // beyond what is sent at once
		to[r] = [][]byte{{byte(10*w.Rank() + r)}, {}, long}
		from[r] = [][]byte{make([]byte, 1), {}, make([]byte, len(long))}
	}
	w.Exchange(to, from)
	for r, all := range from {
		if r != w.Rank() && (all[0][0] != byte(10*r+w.Rank()) || !bytes.Equal(all[2], bytes.Repeat([]byte{byte(r), byte(w.Rank())}, 300_000))) {
			return "", fmt.Errorf("rank %d has %d of rank %d", w.Rank(), all[0][0], r)
		}
	}
	text := make([]byte, 5)
	if w.Rank() == 0 {
		copy(text, "hello")
	}
	w.Broadcast(text)
	var order int
	if w.Rank() == 0 {
		order = -7
		w.Order(order)
	} else {
		order = w.Await()
	}
	var own error
	if w.Rank() == w.Size()-1 {
		own = fault.Of(errors.New("no such file"))
	}
	none, one := w.Agree(nil), w.Agree(own)
	if own == nil {
		own = one
	}
	if one == nil || one.Error() != own.Error() || !fault.Is(one) || !strings.HasSuffix(one.Error(), "no such file") {
		return "", fmt.Errorf("rank %d: %v", w.Rank(), one)
	}
	return fmt.Sprintf("%s %d %v", text, order, none), nil
}

// An end that one rank sees is seen by all.
func interruption(w *World) error {
	ctx := w.Context(context.Background())
	if w.Rank() == w.Size()-1 {
		w.interrupt()
	}
	if err := w.Agree(ctx.Err()); !errors.Is(err, context.Canceled) || ctx.Err() == nil {
		return fmt.Errorf("rank %d: %v, and its context %v", w.Rank(), err, ctx.Err())
	}
	return nil
}

func TestGoroutines(t *testing.T) {
	for _, n := range []int{1, 2, 5} {
		var all sync.WaitGroup
		for _, w := range Goroutines(n) {
			all.Go(func() {
				if got, err := exercise(w); err != nil || got != "hello -7 <nil>" {
					t.Errorf("%d ranks: %q, %v", n, got, err)
				}
				if err := interruption(w); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
}

// TestRank is a rank, started by TestLibraries.
func TestRank(t *testing.T) {
	if os.Getenv("SLUICE_TEST_RANK") == "" {
		t.Skip("it is started by TestLibraries")
	}
	w, err := Open(Launched())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	got, err := exercise(w)
	if err == nil {
		err = interruption(w)
	}
	if err != nil {
		t.Fatal(err)
	}
	line, _ := json.Marshal(map[string]any{"got": got, "rank": w.Rank(), "threads": w.Threads()})
	os.Stdout.WriteString("RANK " + string(line) + "\n") // in one piece
}

// Both libraries do what goroutines do, and count the cores.
func TestLibraries(t *testing.T) {
	for _, launcher := range [][]string{
		{"mpirun.openmpi", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none"},
		{"mpirun.mpich"},
	} {
		t.Run(launcher[0], func(t *testing.T) {
			if _, err := exec.LookPath(launcher[0]); err != nil {
				if os.Getenv("CI") == "true" {
					t.Fatal(err)
				}
				t.Skipf("there is no %s: install openmpi-bin and mpich", launcher[0])
			}
			for _, n := range []int{2, 4} {
				args := slices.Concat(launcher[1:], []string{"-n", strconv.Itoa(n), os.Args[0], "-test.run", "^TestRank$"})
				c := exec.Command(launcher[0], args...)
				c.Env = append(os.Environ(), "SLUICE_TEST_RANK=1")
				out, err := c.CombinedOutput()
				if err != nil {
					t.Fatalf("%v: %v\n%s", args, err, out)
				}
				if ranks := strings.Count(string(out), `{"got":"hello -7 \u003cnil\u003e"`); ranks != n {
					t.Errorf("%d of %d ranks:\n%s", ranks, n, out)
				}
			}
		})
	}
}
