package root

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

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
	err := w.folder("", f.top+int64(f.named))
	if errors.Is(err, errUnclosed) {
		return f.scan()
	}
	return w.all, err
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
			return errUnclosed
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

var errUnclosed = errors.New("was not closed by the program that wrote it")

// scan lists the objects of a file whose folders were never written: of its records, which lie one after the other, those
// that are whole (TFile.cxx, Recover).
func (f *file) scan() (all []entry, err error) {
	folders := map[int64]string{f.top: ""}
	for at := f.top; at < f.size; {
		const most = 4096 // bytes of a key
		head, err := f.bytes(at, int(min(most, f.size-at)))
		if err != nil {
			return nil, err
		}
		c := &cursor{buf: head}
		if gap := c.i32(); gap < 0 { // where a record was deleted
			at -= int64(gap)
			continue
		}
		c.pos = 0
		k := c.key()
		if c.err != nil || k.at != at || k.length < k.head || k.length <= 0 || int64(k.length) > f.size-at {
			break
		}
		at += int64(k.length)
		path, inside := folders[k.folder]
		switch {
		case k.class == "TBasket":
			f.baskets = append(f.baskets, k)
		case k.isFolder() && inside:
			folders[k.at] = path + k.name + "/"
		case k.class == "TList" && k.name == "StreamerInfo":
			f.info, f.infoLength = k.at, k.length
		case inside && k.at > f.top:
			all = append(all, entry{path + k.name, k})
		}
	}
	f.unclosed = true
	if !slices.ContainsFunc(all, func(e entry) bool { return e.isTree() }) {
		return nil, fmt.Errorf("%w, and no tree was saved in it", errUnclosed)
	}
	return all, nil
}

// saved says of a tree in a file that was not closed what is read.
func (f *file) saved(k *key, t *tree) string {
	later := 0
	for i := range f.baskets {
		if b := &f.baskets[i]; b.at > k.at && b.title == k.name {
			later++
		}
	}
	note := fmt.Sprintf("%s: read are the %d events that were saved last", errUnclosed, t.entries)
	if later > 0 {
		note += fmt.Sprintf("; %d baskets that follow are left out", later)
	}
	return note
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
	return k.class == "ROOT::RNTuple" || k.class == earlyRNTuple
}

func (k *key) isTable() bool { return k.isTree() || k.isRNTuple() }

// find picks a tree, or an RNTuple: `tree`, `folder/tree`, `tree;2`, or "" where there is only
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
	var trees []*entry // of each path the highest cycle
	for i := range all {
		e := &all[i]
		if e.isTable() {
			trees = highest(trees, e)
		}
		if want != "" && e.path != want || want == "" && !e.isTable() || cycle > 0 && e.cycle != cycle {
			continue
		}
		if best == nil || e.cycle > best.cycle {
			best = e
		}
	}
	switch {
	case want == "" && len(trees) > 1:
		largest, list := f.bySize(trees)
		return nil, fmt.Errorf("holds %d trees; name one, as in file.root:%s; there is %s", len(trees), largest, list)
	case best != nil && best.isTable():
		return best, nil
	case best != nil:
		return nil, fmt.Errorf("%q is a %s and no TTree%s", best.path, best.class, f.others(trees))
	case want != "":
		return nil, f.absent(name, trees, all)
	}
	return nil, noTree(all)
}

func (f *file) absent(name string, trees []*entry, all []entry) error {
	if len(trees) == 0 {
		return fmt.Errorf("holds no tree %q; it %w", name, noTree(all))
	}
	var paths []string
	for _, e := range trees {
		paths = append(paths, e.path)
	}
	return fmt.Errorf("holds no tree %q%s%s", name, column.DidYouMean(name, paths), f.others(trees))
}

func (f *file) others(trees []*entry) string {
	if len(trees) == 0 {
		return ""
	}
	_, list := f.bySize(trees)
	return "; there is " + list
}

// highest adds a tree, or puts it in the place of a lower cycle of it.
func highest(trees []*entry, e *entry) []*entry {
	i := slices.IndexFunc(trees, func(t *entry) bool { return t.path == e.path })
	switch {
	case i < 0:
		return append(trees, e)
	case e.cycle > trees[i].cycle:
		trees[i] = e
	}
	return trees
}

// extent is how large a tree or RNTuple is; the zero value of one that cannot be read.
type extent struct{ bytes, events int64 }

// bySize lists trees with their events, the largest first, and names that.
func (f *file) bySize(trees []*entry) (largest, list string) {
	sizes := make(map[*entry]extent, len(trees))
	left := int64(1) << 28 // bytes of descriptions that are looked into
	for _, e := range trees {
		if left -= int64(e.size); left >= 0 {
			sizes[e] = f.extent(e)
		}
	}
	slices.SortStableFunc(trees, func(a, b *entry) int {
		x, y := sizes[a], sizes[b]
		return cmp.Or(cmp.Compare(y.bytes, x.bytes), cmp.Compare(y.events, x.events))
	})
	names := make([]string, len(trees))
	for i, e := range trees {
		if names[i] = e.path; sizes[e] != (extent{}) {
			names[i] = fmt.Sprintf("%s (%d events)", e.path, sizes[e].events)
		}
	}
	return trees[0].path, some(names)
}

func (f *file) extent(e *entry) (x extent) {
	if e.isRNTuple() {
		return f.extentOfRNTuple(e)
	}
	t, err := f.readTree(&e.key, sync.OnceValue(f.layouts))
	if err != nil {
		return x
	}
	return extent{t.bytes, t.entries}
}

// noTree says what the file holds instead.
func noTree(all []entry) error {
	var rest []string
	for i := range all {
		rest = append(rest, all[i].class+" "+all[i].path)
	}
	if len(rest) == 0 {
		return errors.New("holds no objects")
	}
	return fmt.Errorf("holds no TTree; there is %s", some(rest))
}

// some joins names to a line, not a page.
func some(names []string) string { return column.List(names, 20) }
