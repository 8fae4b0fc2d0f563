package events_test

import (
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/reference"
)

// Every file of the large test data is read, to its last event, or refused for the reason that stands here; of a file of several
// tables that is that there are several, and each of them is read.
func TestEveryFileOfTheData(t *testing.T) {
	refused := map[string]string{
		"io/parquet-testing/datapage_v1-corrupt-checksum.parquet": "checksum",
		"higgs_20k.root":                "holds 2 trees; name one, as in file.root:",
		"io/cms_nano_dimuon.root":       "there is Events (40 events), Runs (56 events)",
		"io/zmumu_h5py_gzip_shuffle.h5": "holds 2 tables; name one, as in file.h5:events",
		"rntuple/rntviewer-testfile-multiple-rntuples-v1-0-0-0.root": "holds 2 trees; name one, as in file.root:",
		"rntuple/test_1jag_int_float_rntuple_v1-0-0-0.root":          `any number of values an event; name one_v_integers[0] for the first, or flatten one_v_integers`,
		"rntuple/test_emptystruct_invalidvar_rntuple_v1-0-0-0.root":  `"empty_struct" is a structure without members; column "variant" holds values of several types`,
	}
	tables := []string{
		"higgs_20k.root:sig_tree", "higgs_20k.root:bkg_tree", "io/cms_nano_dimuon.root:Events", "io/cms_nano_dimuon.root:Runs",
		"io/zmumu_h5py_gzip_shuffle.h5:events", "io/zmumu_h5py_gzip_shuffle.h5:matrix_lzf",
		"rntuple/rntviewer-testfile-multiple-rntuples-v1-0-0-0.root:A", "rntuple/rntviewer-testfile-multiple-rntuples-v1-0-0-0.root:B",
	}
	folder := reference.Data(t, "")
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if name, _ := filepath.Rel(folder, path); err == nil && !d.IsDir() && filepath.Ext(name) != ".md" {
			tables = append(tables, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range tables {
		rows, err := drain(filepath.Join(folder, name))
		why, bad := refused[name]
		delete(refused, name)
		switch {
		case bad && (err == nil || !strings.Contains(err.Error(), why) || strings.Contains(err.Error(), "\n")):
			t.Errorf("%s is refused as %v, and not as %q", name, err, why)
		case !bad && (err != nil || rows == 0):
			t.Errorf("%s: %d events, %v", name, rows, err)
		}
	}
	for name := range refused {
		t.Errorf("%s is not there", name)
	}
}

func drain(path string) (rows int, err error) {
	in, err := events.OpenAll([]string{path}, events.Options{})
	if err != nil {
		return 0, err
	}
	defer in.Close()
	for {
		block, err := in.Read(1 << 14)
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		rows += block.Len()
	}
}
