package stages_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/sluice-hep/sluice/internal/stages"
)

type result struct {
	N    int
	X    []float64
	Zero *float64
	lost int
}

func do(t *testing.T, s *stages.Stages, name string, n int) (r result, ran bool) {
	t.Helper()
	err := s.Do(name, &r, func() error {
		ran = true
		r = result{N: n, X: []float64{0.1, 0, 1e-300}, Zero: new(float64), lost: 3}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return r, ran
}

func open(t *testing.T, folder, identity string) *stages.Stages {
	t.Helper()
	s, err := stages.Open(folder, identity)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A stage is worked once, and its result is the same after a kill, without one, and where nothing is kept.
func TestStages(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, "a")
	first, ran := do(t, s, "seed 1/x: y", 1)
	again, ranAgain := do(t, open(t, dir, "a"), "seed 1/x: y", 2)
	none, ranNone := do(t, nil, "seed 1/x: y", 1)
	if !ran || ranAgain || !ranNone {
		t.Errorf("worked %v, %v, %v", ran, ranAgain, ranNone)
	}
	want := result{N: 1, X: []float64{0.1, 0, 1e-300}}
	for _, got := range []result{first, again, none} {
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, not %+v", got, want)
		}
	}
	if _, ran := do(t, s, "another", 3); !ran {
		t.Error("a stage has the result of another")
	}
	if s = open(t, dir, "a"); s.Kept != 2 || s.Gone != 0 {
		t.Errorf("%d results are kept, %d gone", s.Kept, s.Gone)
	}
	if s = open(t, dir, "b"); s.Kept != 0 || s.Gone != 2 {
		t.Errorf("of another identity %d results are kept, %d gone", s.Kept, s.Gone)
	}
	if _, ran := do(t, s, "another", 3); !ran {
		t.Error("the result is that of another identity")
	}
	if err := s.Done(); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
}

// What fails is not kept, nor is a file that was damaged taken.
func TestFailedAndDamaged(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, "a")
	bad := errors.New("bad")
	var r result
	if err := s.Do("x", &r, func() error { return bad }); !errors.Is(err, bad) {
		t.Error(err)
	}
	if _, err := os.Stat(s.Folder); !errors.Is(err, os.ErrNotExist) {
		t.Error("a folder was made for nothing")
	}
	do(t, s, "x", 1)
	files, err := filepath.Glob(filepath.Join(s.Folder, "*"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, damaged := range [][]byte{nil, text[:20], text[:len(text)-1], append(text[:len(text)-1:len(text)-1], text[len(text)-1]+1)} {
		if err := os.WriteFile(files[0], damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, ran := do(t, s, "x", 1); !ran {
			t.Errorf("%d damaged bytes of %d are taken", len(damaged), len(text))
		}
	}
	if err := s.Do("channel", new(chan int), func() error { return nil }); err == nil {
		t.Error("what cannot be kept is no error")
	}
}
