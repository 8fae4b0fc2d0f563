// Package report writes the page about a model: one HTML file with everything in
// it (pictures as SVG, a script of its own, nothing loaded from elsewhere), for
// screens light and dark and for paper. Without the script it is complete; with it
// columns can be chosen, sorted and looked at bin by bin. The same input gives the
// same bytes.
package report

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/internal/atomicfile"
	"github.com/sluice-hep/sluice/plot"
	"github.com/sluice-hep/sluice/stats"
)

// Page is what a report says, in the order of its sections. What is empty or nil is left out; only Title is
// needed.
type Page struct {
	Title   string
	Lead    string // a sentence under the title
	Date    string // left out where "", which keeps the bytes reproducible
	Version string // of the program, for the foot
	Model   string // the hash of the model that the page is about; see ModelOf

	Summary  []Fact
	Warnings []string // what the reader must know before using the events
	Notices  []string // what was decided on the reader's behalf

	Verdict   *Verdict
	Names     [2]string // of the reference and of the generated events
	Distances []Distance
	Overlays  []Overlay

	Correlations *plot.Picture
	Loss         *plot.Picture
	Density      *plot.Picture
	Colours      string        // what those of Density mean
	Steps        *plot.Picture // a flow's transforms, one panel each
	Latent       *plot.Picture
	Sections     []Section // further analyses

	Preparation []Prepared
	Flow        string // in full, a layer a line
	Card        string // the analysis card's text
	Commands    string // how to make this page again, a command a line
}

// Fact is a line of the summary: "Test NLL", "1.13 nats", "true entropy 1.12".
type Fact struct{ Name, Value, Note string }

// Distance is how far a column of generated events is from the reference.
type Distance struct {
	Column, Unit string
	Given        bool // a context, which is not generated
	stats.ColumnComparison
	Faults Faults
}

// Remark is what the numbers of a column do not show, with its grade.
type Remark struct {
	Text  string
	Level Level
}

// Remarks tell where the histogram differs most, if by more than chance, and what is missing or given.
func (d Distance) Remarks() (r []Remark) {
	if w := d.Window; d.Faults.Window > Agree {
		r = append(r, Remark{fmt.Sprintf("from %s to %s: %s %% of the events where the reference has %s %%", bound(w.From), bound(w.To), digits(100*w.Generated), digits(100*w.Reference)), d.Faults.Window})
	}
	if d.GeneratedSkipped+d.ReferenceSkipped > 0 {
		r = append(r, Remark{fmt.Sprintf("missing or infinite: %d, of the reference %d", d.GeneratedSkipped, d.ReferenceSkipped), d.Faults.Missing})
	}
	if d.Given {
		r = append(r, Remark{Text: "context: given, not generated"})
	}
	return r
}

// Prepared is how a column was prepared for the flow, and why.
type Prepared struct {
	Column, Unit string
	Min, Max     float64 // the trained range
	Steps        []string
	Why          string
}

// Section is a further analysis: text, pictures and a table, each optional.
type Section struct {
	Title, Text string
	Alone       []*plot.Picture // one below the other
	Pictures    []*plot.Picture // side by side
	Overlays    []Overlay       // of columns, side by side
	Head        []string
	Rows        [][]string
	Numbers     [2]int // the cells of a row from the first to before the second are numbers
	Bold        int    // a row, from 1; 0 for none
}

// Part is a section of the page, as its contents list it.
type Part struct{ ID, Title string }

// Contents are the parts of the page, those that have something to say, in its order.
func (p *Page) Contents() (parts []Part) {
	add := func(there bool, id, title string) {
		if there {
			parts = append(parts, Part{id, title})
		}
	}
	add(p.Verdict != nil, "verdict", "Verdict")
	add(len(p.Distances) > 0, "distances", "Distances")
	add(len(p.Overlays) > 0, "columns", "Columns")
	add(p.Correlations != nil, "correlations", "Rank correlations")
	for i, s := range p.Sections {
		add(true, sectionID(i), s.Title)
	}
	add(p.Loss != nil, "training", "Training")
	add(p.Density != nil, "density", "Density")
	add(p.Steps != nil, "steps", "Steps of the flow")
	add(p.Latent != nil, "latent", "Latent space")
	add(len(p.Preparation) > 0, "preparation", "Preparation")
	add(p.Flow != "", "flow", "Flow")
	add(len(p.Notices) > 0, "notices", "Notices")
	add(p.Card != "", "card", "Card")
	add(p.Commands != "", "reproduce", "To reproduce")
	return parts
}

// Anchor is the id of the figure of a column, by its label; "" where the page has none.
func (p *Page) Anchor(label string) string {
	i := slices.IndexFunc(p.Overlays, func(o Overlay) bool { return o.Label == label })
	if i < 0 {
		return ""
	}
	return anchor(i)
}

func anchor(i int) string { return fmt.Sprintf("column-%d", i+1) }

func sectionID(i int) string { return fmt.Sprintf("section-%d", i+1) }

// Write renders the page to a file, which appears whole or not at all.
func Write(path string, p *Page) error {
	var text bytes.Buffer
	if err := p.Render(&text); err != nil {
		return err
	}
	if err := atomicfile.WriteFile(path, text.Bytes()); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// ModelOf is the hash of the model that a page is about, as its head has it; "" where it names none.
func ModelOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, 4096))
	_, rest, _ := strings.Cut(string(head), `<meta name="sluice-model" content="`)
	hash, _, _ := strings.Cut(rest, `"`)
	return hash, err
}

// Fill adds the sections that there are, in this order; nil is none.
func (p *Page) Fill(sections ...func() (*Section, error)) error {
	for _, section := range sections {
		s, err := section()
		if err != nil {
			return err
		}
		if s != nil {
			p.Sections = append(p.Sections, *s)
		}
	}
	return nil
}

// WithoutFolders takes the folders of those paths that are absolute out of what the page says.
func (p *Page) WithoutFolders(paths ...string) {
	var folders []string
	for _, path := range paths {
		if dir := filepath.Dir(path); filepath.IsAbs(path) && dir != filepath.Dir(dir) {
			folders = append(folders, dir+string(filepath.Separator))
		}
	}
	slices.SortFunc(folders, func(a, b string) int { return len(b) - len(a) })
	var old []string
	for _, f := range folders {
		old = append(old, f, "")
	}
	r := strings.NewReplacer(old...)
	p.Commands = r.Replace(p.Commands)
	for _, lines := range [][]string{p.Notices, p.Warnings} {
		for i := range lines {
			lines[i] = r.Replace(lines[i])
		}
	}
}

// Render writes the page as HTML.
func (p *Page) Render(w io.Writer) error {
	if p.Title == "" {
		return fmt.Errorf("report: the page has no title")
	}
	if err := page.Execute(w, p); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}
