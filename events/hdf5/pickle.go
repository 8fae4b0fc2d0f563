package hdf5

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// unpickle reads the lists, tuples, texts and whole numbers that pandas keeps in
// attributes in Python's pickle format, protocol 0 (pickletools.py): lines that
// work on a stack. Anything else, and so anything that could run, is refused.
func unpickle(s string) (any, error) {
	var stack []any
	memo := map[string]any{}
	for len(s) > 0 {
		op := s[0]
		s = s[1:]
		switch op {
		case '(':
			stack = append(stack, mark{})
		case 'l', 't':
			i := lastMark(stack)
			if i < 0 {
				return nil, errPickle
			}
			items := &[]any{}
			*items = append(*items, stack[i+1:]...)
			stack = append(stack[:i], items)
		case 'N':
			stack = append(stack, nil)
		case 'V', 'S', 'I', 'L', 'p', 'g':
			line, rest, ok := strings.Cut(s, "\n")
			if !ok {
				return nil, errPickle
			}
			s = rest
			var err error
			if stack, err = withLine(stack, memo, op, line); err != nil {
				return nil, err
			}
		case 'a':
			n := len(stack)
			if n < 2 {
				return nil, errPickle
			}
			items, ok := stack[n-2].(*[]any)
			if !ok || len(*items) > mostColumns {
				return nil, errPickle
			}
			*items = append(*items, stack[n-1])
			stack = stack[:n-1]
		case '.':
			if len(stack) != 1 {
				return nil, errPickle
			}
			return stack[0], nil
		default:
			return nil, fmt.Errorf("holds Python objects (%q) that are not read", op)
		}
	}
	return nil, errPickle
}

type mark struct{}

var errPickle = errors.New("is no list of names that pandas writes")

func lastMark(stack []any) int {
	for i := len(stack) - 1; i >= 0; i-- {
		if _, is := stack[i].(mark); is {
			return i
		}
	}
	return -1
}

// withLine does an operation with an argument to the end of its line.
func withLine(stack []any, memo map[string]any, op byte, line string) ([]any, error) {
	switch op {
	case 'V':
		return append(stack, unescape(line)), nil
	case 'S': // 'text' in quotes, as Python prints it
		if len(line) < 2 {
			return nil, errPickle
		}
		return append(stack, line[1:len(line)-1]), nil
	case 'I', 'L':
		v, err := strconv.ParseInt(strings.TrimSuffix(line, "L"), 10, 64)
		if err != nil {
			return nil, errPickle
		}
		return append(stack, v), nil
	case 'p':
		if len(stack) == 0 || len(memo) > 2*mostColumns {
			return nil, errPickle
		}
		memo[line] = stack[len(stack)-1]
		return stack, nil
	}
	v, ok := memo[line]
	if !ok {
		return nil, errPickle
	}
	return append(stack, v), nil
}

// unescape reads Python's raw-unicode-escape: bytes are Latin-1, \uXXXX is
// another character.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+6 <= len(s) && s[i+1] == 'u' {
			if r, err := strconv.ParseUint(s[i+2:i+6], 16, 32); err == nil {
				b.WriteRune(rune(r))
				i += 5
				continue
			}
		}
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}

// spelled gives the items of a list of texts and numbers.
func spelled(v any) ([]string, error) {
	items, ok := v.(*[]any)
	if !ok {
		return nil, errPickle
	}
	out := make([]string, len(*items))
	for i, item := range *items {
		switch item := item.(type) {
		case string:
			out[i] = item
		case int64:
			out[i] = strconv.FormatInt(item, 10)
		default:
			return nil, errPickle
		}
	}
	return out, nil
}
