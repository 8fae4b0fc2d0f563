package groottest

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go-hep.org/x/hep/groot/rhist"
	"go-hep.org/x/hep/groot/riofs"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/root"
	"github.com/sluice-hep/sluice/uhi"
)

// histograms are one of even bins with all that can be said of it, and one of other bins, of counts, without bins beyond them.
func histograms() map[string]*uhi.Histogram {
	return map[string]*uhi.Histogram{
		"background": {
			Axes:      []uhi.Axis{{Edges: []float64{0, 50, 100, 150}, Underflow: true, Overflow: true, Metadata: uhi.Metadata{"name": "pt", "label": "leading pT", "unit": "GeV"}}},
			Values:    []float64{1.5, 12, 7.5, 3, -0.25},
			Variances: []float64{2.25, 6, 5.5, 1, 0.0625}, Metadata: uhi.Metadata{"title": "what is expected", "events": 30},
		},
		"counts": {Axes: []uhi.Axis{{Edges: []float64{-1, 0, 3, 7.5}}}, Values: []float64{4, 0, 9}},
	}
}

// agreeHistogram compares a TH1D as groot reads it.
func agreeHistogram(t *testing.T, path, name string, h *uhi.Histogram) *rhist.H1D {
	t.Helper()
	o, err := riofs.Dir(open(t, path)).Get(name)
	if err != nil {
		t.Fatal(err)
	}
	got := o.(*rhist.H1D)
	edges, first := h.Axes[0].Edges, 1
	if h.Axes[0].Underflow {
		first = 0
	}
	n := len(edges) - 1
	if got.NbinsX() != n {
		t.Fatalf("%s: groot reads %d bins of %d", name, got.NbinsX(), n)
	}
	for i := range n + 2 {
		value, variance := 0., 0.
		if k := i - first; k >= 0 && k < len(h.Values) {
			value, variance = h.Values[k], h.Variance(k)
		}
		if s := got.SumW2s()[i]; got.XBinContent(i) != value || s != variance {
			t.Errorf("%s, bin %d: groot reads %g and %g, not %g and %g", name, i, got.XBinContent(i), s, value, variance)
		}
		if i > 0 && i <= n && (math.Abs(got.XBinLowEdge(i)-edges[i-1]) > 1e-9 || math.Abs(got.XBinWidth(i)-edges[i]+edges[i-1]) > 1e-9) {
			t.Errorf("%s, bin %d: groot reads an edge at %g", name, i, got.XBinLowEdge(i))
		}
	}
	return got
}

// groot reads histograms of a file of them, with the sums that ROOT takes a mean from.
func TestHistograms(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.root")
	if err := root.WriteHistograms(path, histograms()); err != nil {
		t.Fatal(err)
	}
	if keys := open(t, path).Keys(); len(keys) != 2 || keys[0].Name() != "background" || keys[0].ClassName() != "TH1D" {
		t.Errorf("keys %v", keys)
	}
	b := agreeHistogram(t, path, "background", histograms()["background"])
	if b.Title() != "what is expected" || b.XAxis().(interface{ Title() string }).Title() != "leading pT [GeV]" || b.Entries() != 30 {
		t.Errorf("title %q, axis %q, %g entries", b.Title(), b.XAxis().(interface{ Title() string }).Title(), b.Entries())
	}
	mean := (12*25 + 7.5*75 + 3*125) / 22.5
	if got := b.SumWX() / b.SumW(); math.Abs(got-mean) > 1e-12 || b.SumW2() != 12.5 {
		t.Errorf("a mean of %g, not %g", got, mean)
	}
	agreeHistogram(t, path, "counts", histograms()["counts"])
	infos := make(map[string]int)
	for _, s := range open(t, path).StreamerInfos() {
		infos[s.Name()] = s.ClassVersion()
	}
	for class, version := range map[string]int{"TH1D": 3, "TH1": 8, "TAxis": 10, "TAttAxis": 4, "TList": 5} {
		if infos[class] != version {
			t.Errorf("%s is described in version %d, not %d", class, infos[class], version)
		}
	}
}

// Histograms stand beside a tree, which is read as if they were not there.
func TestHistogramsBesideEvents(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.root")
	w, err := events.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	if err := w.Write(made(0, 100)); err != nil {
		t.Fatal(err)
	}
	if err := w.Histograms(histograms()); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, h := range histograms() {
		agreeHistogram(t, path, name, h)
	}
	if n := openTree(t, path, "events").Entries(); n != 100 {
		t.Errorf("groot reads %d events", n)
	}
	if got := read(t, path, "events", events.Options{}); got.Len() != 100 || got.Columns[2].I64[99] != made(99, 1).Columns[2].I64[0] {
		t.Errorf("%d events are read", got.Len())
	}
}

// What no TH1D can hold, or no file take, is told, and leaves no file.
func TestNoHistograms(t *testing.T) {
	axis := uhi.Axis{Edges: []float64{0, 1}}
	for want, named := range map[string]map[string]*uhi.Histogram{
		"cannot be looked up":          {"reference/pt": histograms()["counts"]},
		"one axis of edges":            {"h": {Axes: []uhi.Axis{axis, axis}, Values: []float64{1}}},
		"2 values and 0 variances for": {"h": {Axes: []uhi.Axis{axis}, Values: []float64{1, 2}}},
		"bin 0 is not finite":          {"h": {Axes: []uhi.Axis{axis}, Values: []float64{math.Inf(1)}}},
	} {
		path := filepath.Join(t.TempDir(), "h.root")
		if err := root.WriteHistograms(path, named); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v is not %q", err, want)
		}
		if _, err := os.Stat(path); err == nil {
			t.Error("a file was left")
		}
	}
	w, err := events.Create(filepath.Join(t.TempDir(), "x.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	if err := w.Histograms(histograms()); err == nil || !strings.Contains(err.Error(), "only ROOT files") {
		t.Errorf("%v", err)
	}
	w, err = events.Create(filepath.Join(t.TempDir(), "x.root"))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	w.Write(made(0, 1))
	if err := w.Histograms(map[string]*uhi.Histogram{"events": histograms()["counts"]}); err == nil || !strings.Contains(err.Error(), "has something of that name") {
		t.Errorf("%v", err)
	}
}
