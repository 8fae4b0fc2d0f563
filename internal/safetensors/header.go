package safetensors

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"unicode/utf8"
)

// entry is one tensor as the header describes it; its data are bytes [begin, end) after the header.
type entry struct {
	name       string
	shape      []int
	begin, end int64
}

// headerParser reads the header token by token: the format is two levels deep, so nothing recurses, and every
// repeated or unknown key is seen.
type headerParser struct{ d *json.Decoder }

func parseHeader(text []byte) (map[string]string, []entry, error) {
	if !utf8.Valid(text) {
		return nil, nil, errors.New("not UTF-8 text")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	p := &headerParser{d}
	var metadata map[string]string
	var entries []entry
	err := p.object(func(key string) (err error) {
		if key == metadataKey {
			metadata = map[string]string{}
			return p.object(func(key string) error {
				if metadata[key], err = p.text(); err != nil {
					return fmt.Errorf("metadata %q: %w", key, err)
				}
				return nil
			})
		}
		e, err := p.entry(key)
		entries = append(entries, e)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, nil, fmt.Errorf("byte %d: text after the end of the header", d.InputOffset())
	}
	return metadata, entries, nil
}

// object reads { key: value, ... }; value reads each value.
func (p *headerParser) object(value func(key string) error) error {
	if err := p.delim('{'); err != nil {
		return err
	}
	seen := map[string]bool{}
	for p.d.More() {
		key, err := p.text()
		if err != nil {
			return err
		}
		if seen[key] {
			return fmt.Errorf("byte %d: the name %q comes twice", p.d.InputOffset(), key)
		}
		seen[key] = true
		if err := value(key); err != nil {
			return err
		}
	}
	return p.delim('}')
}

func (p *headerParser) entry(name string) (entry, error) {
	e := entry{name: name}
	var kind string
	var offsets []int
	err := p.object(func(key string) (err error) {
		switch key {
		case "dtype":
			kind, err = p.text()
		case "shape":
			e.shape, err = p.integers(maxRank)
		case "data_offsets":
			offsets, err = p.integers(2)
		default:
			err = fmt.Errorf("unknown key %q", key)
		}
		return err
	})
	n, ok := count(e.shape)
	switch {
	case err != nil:
	case kind != "F32":
		err = fmt.Errorf("its numbers are %q; there is F32 only", kind)
	case e.shape == nil:
		err = errors.New("it has no shape")
	case len(offsets) != 2:
		err = errors.New("data_offsets are not two numbers")
	case !ok || offsets[1] < offsets[0] || offsets[1]-offsets[0] != 4*n:
		err = fmt.Errorf("the shape %v does not fill bytes %d to %d", e.shape, offsets[0], offsets[1])
	default:
		e.begin, e.end = int64(offsets[0]), int64(offsets[1])
	}
	if err != nil {
		return e, fmt.Errorf("tensor %q: %w", name, err)
	}
	return e, nil
}

// integers reads [n, ...]: whole numbers from 0 on, at most limit of them.
func (p *headerParser) integers(limit int) ([]int, error) {
	if err := p.delim('['); err != nil {
		return nil, err
	}
	x := []int{}
	for p.d.More() {
		t, err := p.d.Token()
		if err != nil {
			return nil, p.syntax(err)
		}
		s, _ := t.(json.Number)
		n, err := strconv.ParseUint(string(s), 10, 63)
		if err != nil {
			return nil, fmt.Errorf("byte %d: %.20v is not a whole number from 0 to 2^63-1", p.d.InputOffset(), t)
		}
		if len(x) == limit {
			return nil, fmt.Errorf("byte %d: more than %d numbers", p.d.InputOffset(), limit)
		}
		x = append(x, int(n))
	}
	return x, p.delim(']')
}

func (p *headerParser) text() (string, error) {
	t, err := p.d.Token()
	if err != nil {
		return "", p.syntax(err)
	}
	s, ok := t.(string)
	if !ok {
		return "", fmt.Errorf("byte %d: %.20v is not a string", p.d.InputOffset(), t)
	}
	return s, nil
}

func (p *headerParser) delim(want json.Delim) error {
	t, err := p.d.Token()
	if err != nil {
		return p.syntax(err)
	}
	if t != want {
		return fmt.Errorf("byte %d: %.20v where %q belongs", p.d.InputOffset(), t, want.String())
	}
	return nil
}

func (p *headerParser) syntax(err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("byte %d: %w", p.d.InputOffset(), err)
}

// checkLayout puts the entries into the order of their data and checks that these fill the size bytes after
// the header without a gap or an overlap.
func checkLayout(entries []entry, size int64) error {
	slices.SortStableFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	at := int64(0)
	for _, e := range entries {
		if e.end > size {
			return fmt.Errorf("tensor %q: its data end at byte %d of %d: the file is truncated or damaged", e.name, e.end, size)
		}
		if e.begin != at {
			return fmt.Errorf("tensor %q: its data begin at byte %d, those before end at %d", e.name, e.begin, at)
		}
		at = e.end
	}
	if at != size {
		return fmt.Errorf("%d bytes after the last tensor", size-at)
	}
	return nil
}
