package events

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/sluice-hep/sluice/events/column"
)

// Files lists the files that names stand for, as they are named wherever files are read: a pattern is replaced by the
// files that it matches, at least one, and the key of a table is left out.
func Files(paths []string) ([]string, error) {
	files, err := expand(paths)
	for i, path := range files {
		files[i], _ = splitKey(path)
	}
	return files, err
}

// Base is a name of files without its folder, with its key.
func Base(name string) string {
	file, key := splitKey(name)
	if file = filepath.Base(file); key != "" {
		file += ":" + key
	}
	return file
}

// expand replaces patterns by the files they match, in the order of their names.
func expand(paths []string) ([]string, error) {
	var files []string
	for _, path := range paths {
		file, key := splitKey(path)
		if _, err := os.Stat(file); err == nil || !strings.ContainsAny(file, "*?[") {
			files = append(files, path)
			continue
		}
		found, err := filepath.Glob(file)
		if err != nil {
			return nil, inFile(path, err)
		}
		if len(found) == 0 {
			return nil, inFile(path, errors.New("no file matches"))
		}
		for _, f := range found {
			if key != "" {
				f += ":" + key
			}
			files = append(files, f)
		}
	}
	if len(files) == 0 {
		return nil, errors.New("events: no file given")
	}
	return files, nil
}

// ReadableAgain is false for a pipe, and for what is not there. The path may name a table in the file.
func ReadableAgain(path string) bool {
	file, _ := splitKey(path)
	at, err := os.Stat(file)
	return err == nil && at.Mode().IsRegular()
}

// sameColumns shows how the columns of two files differ, in names or in units.
func sameColumns(a, b []Column, first, path string) error {
	without := func(x, y []Column) (only []string) {
		for i, c := range x {
			if column.Find(y, c.Name, i) < 0 {
				only = append(only, c.Name)
			}
		}
		return only
	}
	var difference []string
	if lacks := without(a, b); len(lacks) > 0 {
		difference = append(difference, "lacks "+strings.Join(lacks, ", "))
	}
	if extra := without(b, a); len(extra) > 0 {
		difference = append(difference, "has besides "+strings.Join(extra, ", "))
	}
	if len(difference) > 0 {
		return inFile(path, fmt.Errorf("the columns differ from those of %s: it %s; read only the columns that both hold", first, strings.Join(difference, " and ")))
	}
	for i, c := range a {
		if d := b[column.Find(b, c.Name, i)]; c.Unit != d.Unit && c.Unit != "" && d.Unit != "" {
			return inFile(path, fmt.Errorf("column %q is in %s, but in %s in %s; convert one of them", c.Name, d.Unit, c.Unit, first))
		}
	}
	return nil
}
