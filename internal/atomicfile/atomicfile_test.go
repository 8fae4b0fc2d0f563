package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func entries(t *testing.T, dir string) int {
	t.Helper()
	e, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(e)
}

func TestTargetIsUntouchedUntilCommit(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "events.csv")
	if err := WriteFile(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	f, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Abort()
	f.WriteString("new")
	if got := read(t, path); got != "old" {
		t.Fatalf("before Commit the target holds %q", got)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := read(t, path); got != "new" {
		t.Fatalf("after Commit the target holds %q", got)
	}
	f.Abort()
	if got := read(t, path); got != "new" || entries(t, dir) != 1 {
		t.Fatalf("Abort after Commit changed the folder: %q, %d entries", got, entries(t, dir))
	}
	if f.Commit() == nil {
		t.Fatal("a second Commit succeeded")
	}
}

func TestAbortLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	f, err := Create(filepath.Join(dir, strings.Repeat("x", 250)))
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("half")
	f.Abort()
	if n := entries(t, dir); n != 0 {
		t.Fatalf("%d entries left", n)
	}
}

func TestCreateRefusesAtOnce(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "no", "such.csv"): "folder that exists",
		dir:                                  "not a regular file",
		os.DevNull:                           "not a regular file",
	} {
		_, err := Create(path)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
		if before := Check(path); before == nil || err == nil || before.Error() != err.Error() {
			t.Errorf("%s: %v, but before %v", path, err, before)
		}
	}
	if err := Check(filepath.Join(dir, "a")); err != nil {
		t.Error(err)
	}
	if n := entries(t, dir); n != 0 {
		t.Errorf("%d entries left", n)
	}
}

func TestSymbolicLinkIsFollowed(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := WriteFile(target, []byte("old")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	if err := WriteFile(link, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if got := read(t, target); got != "new" {
		t.Fatalf("the link's target holds %q", got)
	}
	if at, _ := os.Lstat(link); at.Mode()&os.ModeSymlink == 0 {
		t.Fatal("the link was replaced by a file")
	}
}

func TestDanglingLinkIsFollowed(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("later", filepath.Join(dir, "link")); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	if err := WriteFile(filepath.Join(dir, "link"), []byte("new")); err != nil {
		t.Fatal(err)
	}
	if got := read(t, filepath.Join(dir, "later")); got != "new" {
		t.Errorf("what the link names holds %q", got)
	}
}

func TestLinksToLinksAreFollowed(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.Symlink("second", filepath.Join(dir, "first")), os.Symlink(filepath.Join(dir, "later"), filepath.Join(dir, "second"))); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	if err := WriteFile(filepath.Join(dir, "first"), []byte("new")); err != nil {
		t.Fatal(err)
	}
	if got := read(t, filepath.Join(dir, "later")); got != "new" || entries(t, dir) != 3 {
		t.Errorf("what the links name holds %q", got)
	}
	if err := os.Symlink("round", filepath.Join(dir, "round")); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(filepath.Join(dir, "round")); err == nil || !strings.Contains(err.Error(), "choose another name") {
		t.Errorf("a link that names itself: %v", err)
	}
}

func mode(t *testing.T, path string) os.FileMode {
	t.Helper()
	at, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return at.Mode()
}

// A file that is replaced keeps its mode, whatever new ones would have, and so does what becomes of it on the way.
func TestModeIsKept(t *testing.T) {
	dir := t.TempDir()
	path, other := filepath.Join(dir, "a"), filepath.Join(dir, "a.state")
	for _, want := range []os.FileMode{0o600, 0o640, 0o666} {
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, want)); err != nil {
			t.Fatal(err)
		}
		for target, create := range map[string]func() (*File, error){
			path:  func() (*File, error) { return Create(path) },
			other: func() (*File, error) { return CreateLike(other, path) },
		} {
			f, err := create()
			if err != nil {
				t.Fatal(err)
			}
			if got := mode(t, f.Name()); got != want {
				t.Errorf("the temporary file of %s has mode %v, not %v", target, got, want)
			}
			if err := f.Commit(); err != nil {
				t.Fatal(err)
			}
			if got := mode(t, target); got != want {
				t.Errorf("%s has mode %v, not %v", target, got, want)
			}
		}
	}
}

func TestBeside(t *testing.T) {
	if got := Beside("a/b.csv", ".journal"); got != "a/b.csv.journal" {
		t.Error(got)
	}
	long := strings.Repeat("é", 125)
	got, other := Beside("a/"+long, ".journal"), Beside("a/"+long+"b", ".journal")
	if base := filepath.Base(got); len(base) > longestName || filepath.Dir(got) != "a" || !strings.HasSuffix(base, ".journal") || !utf8.ValidString(base) || got == other {
		t.Errorf("%s and %s", got, other)
	}
}

func TestLongNameIsRefusedAtOnce(t *testing.T) {
	dir := t.TempDir()
	if _, err := Create(filepath.Join(dir, strings.Repeat("x", 256))); err == nil || entries(t, dir) != 0 {
		t.Errorf("a name of 256 bytes: %v, %d entries", err, entries(t, dir))
	}
}
