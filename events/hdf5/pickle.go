package hdf5

import (
	"slices"
	"strconv"
	"strings"
)

// unpickle reads the lists, tuples, texts and whole numbers that pandas keeps in
// attributes in Python's pickle format, protocol 0 (pickletools.py): operations on a
// stack, some with an argument to the end of a line. Anything else, and so anything that
// could run, gives nil. Lists and tuples are *[]any.
func unpickle(s string) any {
	var stack []any
	memo := map[string]any{}
	for s != "" {
		op, line := s[0], ""
		if s = s[1:]; strings.IndexByte("VSILpg", op) >= 0 {
			line, s, _ = strings.Cut(s, "\n")
		}
		n := len(stack)
		switch {
		case op == '.' && n == 1:
			return stack[0]
		case op == '(':
			stack = append(stack, mark{})
		case op == 'N':
			stack = append(stack, nil)
		case op == 'V':
			stack = append(stack, unescape(line))
		case op == 'S' && len(line) >= 2: // 'text' in quotes, as Python prints it
			stack = append(stack, line[1:len(line)-1])
		case op == 'I' || op == 'L':
			v, err := strconv.ParseInt(strings.TrimSuffix(line, "L"), 10, 64)
			if err != nil {
				return nil
			}
			stack = append(stack, v)
		case op == 'p' && n > 0 && len(memo) <= 2*mostColumns:
			memo[line] = stack[n-1]
		case op == 'g' && memo[line] != nil:
			stack = append(stack, memo[line])
		case op == 'a' && n > 1:
			items, _ := stack[n-2].(*[]any)
			if items == nil || len(*items) > mostColumns {
				return nil
			}
			*items = append(*items, stack[n-1])
			stack = stack[:n-1]
		case (op == 'l' || op == 't') && slices.Contains(stack, any(mark{})):
			for n--; stack[n] != any(mark{}); n-- {
			}
			items := slices.Clone(stack[n+1:])
			stack = append(stack[:n], &items)
		default:
			return nil
		}
	}
	return nil
}

// mark is where a list begins on the stack.
type mark struct{}

// unescape reads Python's raw-unicode-escape: bytes are Latin-1, \uXXXX is
// another character.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		r := rune(s[i])
		if strings.HasPrefix(s[i:], `\u`) && i+6 <= len(s) {
			if other, err := strconv.ParseUint(s[i+2:i+6], 16, 32); err == nil {
				r, i = rune(other), i+5
			}
		}
		b.WriteRune(r)
	}
	return b.String()
}

// items are those of a list or tuple; nil of another value.
func items(v any) []any {
	if list, ok := v.(*[]any); ok {
		return *list
	}
	return nil
}

// spelled gives the items of a list of texts and numbers; nil of another value.
func spelled(v any) []string {
	var out []string
	for _, item := range items(v) {
		switch item := item.(type) {
		case string:
			out = append(out, item)
		case int64:
			out = append(out, strconv.FormatInt(item, 10))
		default:
			return nil
		}
	}
	return out
}
