package atomicfile

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
)

const randomLetters = 12

// temporaryPrefix is how the temporary names of a target begin. File systems allow 255 bytes a name.
func temporaryPrefix(base string) string { return "." + base[:min(len(base), 200)] + "." }

func temporaryName(base string) string {
	return temporaryPrefix(base) + rand.Text()[:randomLetters] + ".tmp"
}

func isTemporary(name, base string) bool {
	rest, ours := strings.CutPrefix(name, temporaryPrefix(base))
	random, ends := strings.CutSuffix(rest, ".tmp")
	return ours && ends && len(random) == randomLetters && strings.Trim(random, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// IsLeftover tells whether a name is that of a temporary file, of whatever target.
func IsLeftover(name string) bool {
	rest, tmp := strings.CutSuffix(name, ".tmp")
	at := strings.LastIndexByte(rest, '.')
	return tmp && at > 0 && isTemporary(name, rest[1:at])
}

// removeLeftovers removes the temporary files of a target that killed runs left. Whoever writes one holds its lock, so
// one whose lock can be had is nobody's; live says that others, besides own, are being written.
func removeLeftovers(dir, base, own string) (live bool) {
	entries, err := os.ReadDir(filepath.Clean(dir))
	if err != nil {
		return false
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !isTemporary(e.Name(), base) || e.Name() == own {
			continue
		}
		f, err := os.OpenFile(filepath.Join(dir, e.Name()), os.O_RDWR, 0)
		if err != nil {
			continue
		}
		held, err := hold(f)
		if err == nil {
			os.Remove(f.Name())
			held.Close()
		}
		live = live || heldByAnother(err)
		f.Close()
	}
	return live
}
