package root

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-hep/sluice/events/column"
)

// entry is an object of the file, by its path through the folders.
type entry struct {
	path string
	key
}

// entries lists what the file holds, folder after folder.
func (f *file) entries() ([]entry, error) {
	w := &walk{file: f, seen: make(map[int64]bool)}
	if err := w.folder("", f.top+int64(f.named)); err != nil {
		return nil, err
	}
	return w.all, nil
}

type walk struct {
	*file
	all  []entry
	seen map[int64]bool
	keys int64
}

// folder lists the folder (TDirectoryFile) whose description lies at a place.
func (w *walk) folder(path string, at int64) error {
	where := "its top folder"
	if path != "" {
		where = fmt.Sprintf("folder %q", path)
	}
	if w.seen[at] {
		return fmt.Errorf("%s lies inside itself", where)
	}
	w.seen[at] = true
	const most = 64 // bytes of the description that matter, and more
	head, err := w.bytes(at, int(max(0, min(most, w.size-at))))
	if err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	c := &cursor{buf: head}
	big := c.u16() > 1000
	c.take(8) // dates
	length := c.i32()
	c.take(4)
	c.place(big) // itself
	c.place(big) // its folder
	keys := c.place(big)
	if c.err != nil {
		return fmt.Errorf("%s %w", where, c.err)
	}
	if keys == 0 {
		if path == "" {
			return errors.New("was not closed by the program that wrote it; open it once in ROOT, which recovers it")
		}
		return nil
	}
	list, err := w.bytes(keys, length)
	if err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	if err := w.list(path, list); err != nil {
		return fmt.Errorf("%s: its list of objects: %w", where, err)
	}
	return nil
}

func (w *walk) list(path string, list []byte) error {
	c := &cursor{buf: list}
	if k := c.key(); c.err == nil && k.head <= len(list) {
		c.pos = k.head
	}
	for n := c.i32(); n > 0; n-- {
		k := c.key()
		if c.err != nil {
			return c.err
		}
		const shortest = 29 // bytes of a key
		if w.keys++; w.keys > w.size/shortest {
			return errors.New("more objects than fit in the file")
		}
		e := entry{path: path + k.name, key: k}
		if !k.isFolder() {
			w.all = append(w.all, e)
			continue
		}
		if strings.Count(path, "/") > 50 {
			return errors.New("folders are nested more than 50 deep")
		}
		if err := w.folder(e.path+"/", k.at+int64(k.head)); err != nil {
			return err
		}
	}
	return c.err
}

func (k *key) isFolder() bool { return k.class == "TDirectory" || k.class == "TDirectoryFile" }

func (k *key) isTree() bool {
	return slices.Contains([]string{"TTree", "TNtuple", "TNtupleD"}, k.class)
}

func (k *key) isRNTuple() bool {
	return k.class == "ROOT::RNTuple" || k.class == "ROOT::Experimental::RNTuple"
}

// find picks a tree: `tree`, `folder/tree`, `tree;2`, or "" where there is only
// one. Of several cycles of a tree the highest holds all its events.
func (f *file) find(name string) (*entry, error) {
	all, err := f.entries()
	if err != nil {
		return nil, err
	}
	want, cycle := strings.Trim(name, "/"), 0
	if i := strings.LastIndexByte(want, ';'); i >= 0 {
		if n, err := strconv.Atoi(want[i+1:]); err == nil && n > 0 {
			want, cycle = want[:i], n
		}
	}
	var best *entry
	var trees []string
	for i := range all {
		e := &all[i]
		if e.isTree() && !slices.Contains(trees, e.path) {
			trees = append(trees, e.path)
		}
		if want != "" && e.path != want || want == "" && !e.isTree() || cycle > 0 && e.cycle != cycle {
			continue
		}
		if best == nil || e.cycle > best.cycle {
			best = e
		}
	}
	switch {
	case want == "" && len(trees) > 1:
		return nil, fmt.Errorf("holds %d trees; name one, as in file.root:%s; there is %s", len(trees), trees[0], some(trees))
	case best != nil && best.isTree():
		return best, nil
	case best != nil && best.isRNTuple():
		return nil, fmt.Errorf("%q is an RNTuple, which cannot be read; write it as a TTree", best.path)
	case best != nil:
		return nil, fmt.Errorf("%q is a %s and no TTree%s", best.path, best.class, others(trees))
	case want != "":
		return nil, absent(name, trees, all)
	}
	return nil, noTree(all)
}

func absent(name string, trees []string, all []entry) error {
	if len(trees) == 0 {
		return fmt.Errorf("holds no tree %q; it %w", name, noTree(all))
	}
	return fmt.Errorf("holds no tree %q%s%s", name, column.DidYouMean(name, trees), others(trees))
}

func others(trees []string) string {
	if len(trees) == 0 {
		return ""
	}
	return "; there is " + some(trees)
}

// noTree says what the file holds instead.
func noTree(all []entry) error {
	var rest []string
	for i := range all {
		if all[i].isRNTuple() {
			return fmt.Errorf("holds the RNTuple %q, which cannot be read; write it as a TTree", all[i].path)
		}
		rest = append(rest, all[i].class+" "+all[i].path)
	}
	if len(rest) == 0 {
		return errors.New("holds no objects")
	}
	return fmt.Errorf("holds no TTree; there is %s", some(rest))
}

// some joins names to a line, not a page.
func some(names []string) string { return column.List(names, 20) }
