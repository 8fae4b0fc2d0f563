// Package stages keeps the results of the stages of an analysis in its folder until all is done, so that one that was killed goes on, to the same bits.
package stages

import (
	"bytes"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/sluice-hep/sluice/internal/atomicfile"
)

// Stages are those of one analysis in one folder, of which one process is at work at a time. A nil one keeps nothing.
type Stages struct {
	Folder string // in which results are; it is there while there are any
	Kept   int    // results that were there at the beginning
	Gone   int    // results of another analysis, or of this one with another identity, that were taken away then

	prefix string
}

const suffix = ".stage"

// Open finds what is kept in a folder of results of an analysis. The identity holds all that decides these; results of another one are taken away.
func Open(folder, identity string) (*Stages, error) {
	sum := sha256.Sum256([]byte(identity))
	s := &Stages{Folder: filepath.Join(folder, "stages"), prefix: hex.EncodeToString(sum[:8]) + "."}
	names, err := s.names()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if strings.HasPrefix(name, s.prefix) {
			s.Kept++
			continue
		}
		if err := os.Remove(filepath.Join(s.Folder, name)); err != nil {
			return nil, fmt.Errorf("what another analysis left cannot be taken away: %w", err)
		}
		s.Gone++
	}
	return s, nil
}

// names are those of the files of results, whatever their identity.
func (s *Stages) names() (names []string, err error) {
	entries, err := os.ReadDir(s.Folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), suffix) || atomicfile.IsLeftover(e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// Do has a pointer to the result of a stage filled from what is kept, or, where nothing is, by work, after which it is kept. What the caller goes on with
// was read back in either case, and where nothing is kept too, so that what gob does not take (fields that are not exported; a pointer to 0 comes back nil)
// is missing always, and not after a kill alone.
func (s *Stages) Do(name string, result any, work func() error) error {
	if body := s.read(name); body != nil {
		return decode(body, result)
	}
	if err := work(); err != nil {
		return err
	}
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(result); err != nil {
		return fmt.Errorf("stages: %s: %w", name, err)
	}
	if s != nil {
		if err := s.write(name, b.Bytes()); err != nil {
			return err
		}
	}
	return decode(b.Bytes(), result)
}

func decode(body []byte, result any) error {
	reflect.ValueOf(result).Elem().SetZero()
	return gob.NewDecoder(bytes.NewReader(body)).Decode(result)
}

func (s *Stages) path(name string) string {
	return filepath.Join(s.Folder, s.prefix+url.PathEscape(name)+suffix)
}

// read is what is kept of a stage, nil for nothing. A file is the hash of what follows in it; one that is damaged counts for nothing.
func (s *Stages) read(name string) []byte {
	if s == nil {
		return nil
	}
	text, err := os.ReadFile(s.path(name))
	if err != nil || len(text) <= sha256.Size {
		return nil
	}
	sum := sha256.Sum256(text[sha256.Size:])
	if !bytes.Equal(sum[:], text[:sha256.Size]) {
		return nil
	}
	return text[sha256.Size:]
}

func (s *Stages) write(name string, body []byte) error {
	if err := os.MkdirAll(s.Folder, 0o777); err != nil {
		return fmt.Errorf("what was done cannot be kept: %w", err)
	}
	f, err := atomicfile.Create(s.path(name))
	if err != nil {
		return err
	}
	defer f.Abort()
	sum := sha256.Sum256(body)
	for _, part := range [][]byte{sum[:], body} {
		if _, err := f.Write(part); err != nil {
			return fmt.Errorf("what was done cannot be kept: %w", err)
		}
	}
	return f.Commit()
}

// Done takes the results away, and their folder if nothing else is in it.
func (s *Stages) Done() error {
	if s == nil {
		return nil
	}
	names, err := s.names()
	for _, name := range names {
		err = errors.Join(err, os.Remove(filepath.Join(s.Folder, name)))
	}
	_ = os.Remove(s.Folder) // which fails where somebody has put something there
	return err
}

// Left tells whether anything is kept, from which another call goes on.
func (s *Stages) Left() bool {
	if s == nil {
		return false
	}
	_, err := os.Stat(s.Folder)
	return err == nil
}
