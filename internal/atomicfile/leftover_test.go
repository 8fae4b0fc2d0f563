package atomicfile

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
)

func names(t *testing.T, dir string) []string {
	t.Helper()
	e, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := []string{}
	for _, e := range e {
		all = append(all, e.Name())
	}
	return all
}

func needLocks(t *testing.T) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	held, err := hold(f)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("no locks on " + runtime.GOOS)
	}
	if err != nil {
		t.Fatal(err)
	}
	held.Close()
}

// TestMain is also the process that TestKilledWriterLeavesNothing kills.
func TestMain(m *testing.M) {
	if path := os.Getenv("ATOMICFILE_DIE_WRITING"); path != "" {
		f, err := Create(path)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		f.WriteString("half")
		if me, err := os.FindProcess(os.Getpid()); err == nil {
			me.Kill()
		}
		select {}
	}
	os.Exit(m.Run())
}

func TestKilledWriterLeavesNothing(t *testing.T) {
	needLocks(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "model.safetensors")
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "ATOMICFILE_DIE_WRITING="+path)
	if out, err := c.CombinedOutput(); err == nil || len(out) > 0 {
		t.Fatalf("not killed: %v %s", err, out)
	}
	if n := len(names(t, dir)); n != 1 {
		t.Fatalf("%d files after the kill, not its temporary one", n)
	}
	if err := WriteFile(path, []byte("whole")); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); !slices.Equal(got, []string{"model.safetensors"}) {
		t.Errorf("left: %q", got)
	}
}

func TestOnlyLeftoversOfTheTargetGo(t *testing.T) {
	needLocks(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "a.csv")
	live, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer live.Abort()
	kept := []string{ // hidden files of the user, temporary ones of other targets, a folder
		".a.csv.tmp", ".a.csv.notes.tmp", ".a.csv.abcdefghijkl.tmp", ".a.csv.gz.ABCDEFGHIJKL.tmp", ".b.csv.ABCDEFGHIJKL.tmp",
	}
	for _, name := range append(kept, ".a.csv.ABCDEFGHIJKL.tmp") {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	folder := ".a.csv.MNOPQRSTUVWX.tmp"
	if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(path, []byte("second")); err != nil {
		t.Fatal(err)
	}
	want := append(kept, folder, "a.csv", filepath.Base(live.Name()))
	slices.Sort(want)
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("there is\n%q\nnot\n%q", got, want)
	}
	if err := live.Commit(); err != nil {
		t.Fatalf("the first writer lost its file: %v", err)
	}
}

// Writers of one file at the same time do not take each other's work for a leftover.
func TestWritersLeaveEachOtherAlone(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state")
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 20 {
				if err := WriteFile(path, []byte("whole")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	if got := names(t, dir); !slices.Equal(got, []string{"state"}) || read(t, path) != "whole" {
		t.Errorf("left: %q", got)
	}
}

func TestSecondClaimIsRefused(t *testing.T) {
	needLocks(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "out.csv")
	release, err := Claim(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Claim(path); err == nil {
		t.Error("two claim one file")
	}
	if err := WriteFile(path, nil); err != nil {
		t.Errorf("who claims it cannot write it: %v", err)
	}
	release()
	if release, err = Claim(path); err != nil {
		t.Fatal(err)
	}
	release()
	if got := names(t, dir); !slices.Equal(got, []string{"out.csv"}) {
		t.Errorf("left: %q", got)
	}

	unlock, ok := LockFolder(dir)
	if !ok {
		t.Fatal("a folder of nobody's is locked")
	}
	if _, again := LockFolder(dir); again {
		t.Error("two lock one folder")
	}
	unlock()
	if unlock, ok = LockFolder(dir); !ok {
		t.Error("a lock outlives its release")
	}
	unlock()
}
