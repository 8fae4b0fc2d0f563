package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/stats"
	"github.com/sluice-hep/sluice/validate"
)

// Compared is a comparison with what it comes to.
type Compared struct {
	Name string `json:"name,omitempty"` // among several
	File string `json:"file,omitempty"`
	*validate.Result
	Verdict Verdict       `json:"verdict"`
	Cuts    []ComparedCut `json:"cuts,omitempty"`

	// Reweighted is the comparison of the generated events weighted by r, where it was asked for.
	Reweighted *stats.Comparison `json:"reweighted,omitempty"`

	Scores []*validate.Score `json:"scores,omitempty"`

	// Files that were written.
	Report      string                `json:"report,omitempty"`
	ReportJSON  string                `json:"report_json,omitempty"`
	Weights     string                `json:"weights,omitempty"`
	Figures     string                `json:"figures,omitempty"`
	Calibration *validate.Calibration `json:"calibration,omitempty"` // of a model with a context, by events that were held out

	// Generated are several, of which this is the best, from best to worst by what RankedBy says.
	Generated []*Compared `json:"generated,omitempty"`
	RankedBy  string      `json:"ranked_by,omitempty"`
}

// ComparedCut is the comparison after a cut, with what it comes to; Verdict is nil where too few events pass.
type ComparedCut struct {
	validate.Cut
	Verdict *Verdict `json:"verdict,omitempty"`
}

// newCompared judges a comparison. label gives the name of a column for the reader; nil for its own.
func newCompared(r *validate.Result, label func(column string) string) *Compared {
	if label == nil {
		label = func(column string) string { return column }
	}
	c := &Compared{Result: r, Verdict: Judge(r, label)}
	for _, cut := range r.Cuts {
		one := ComparedCut{Cut: cut}
		if cut.Result != nil {
			v := judgeCut(cut, len(r.Cuts), label)
			one.Verdict = &v
		}
		c.Cuts = append(c.Cuts, one)
	}
	return c
}

// several are comparisons with the same reference.
type several struct {
	pairs []*Pair
	found []*Compared

	reweighted *events.Table

	by  string // what they are ranked by,
	far func(*Compared) float64
}

// largestKS is that of any column.
func (c *Compared) largestKS() (largest float64) {
	for _, d := range c.Columns {
		largest = max(largest, d.KS)
	}
	return largest
}

// reweigh compares the only generated sample also with its events weighted by r.
func (s *several) reweigh() (err error) {
	if len(s.pairs) != 1 {
		return fmt.Errorf("weights are for the events of one file, not of %d", len(s.pairs))
	}
	p, c := s.pairs[0], s.found[0]
	if s.reweighted, err = Reweighted(p.Generated, c.Ratio); err != nil {
		return err
	}
	p.others = append(p.others, side{name: "the same × r", events: s.reweighted})
	c.Reweighted, err = stats.Compare(p.Reference, s.reweighted, c.Names)
	return err
}

// reweighedSection has the distances before and after.
func reweighedSection(c *Compared, label func(string) string) Section {
	s := Section{Title: "Weighted by r", Head: []string{"KS", "Before", "p", "Weighted", "p"}, Numbers: [2]int{1, 5}, Text: "The generated events with the weights that were written: " + SayRatio(c.Ratio) + "."}
	for _, name := range c.Names {
		before, after := c.Columns[name], c.Reweighted.Columns[name]
		s.Rows = append(s.Rows, []string{label(name), digits(before.KS), plain(before.KSP), digits(after.KS), plain(after.KSP)})
	}
	if before, after := c.Rank, c.Reweighted.Rank; before != nil && after != nil {
		s.Rows = append(s.Rows, []string{"Largest difference of rank correlations", digits(math.Abs(before.Diff)), plain(before.P), digits(math.Abs(after.Diff)), plain(after.P)})
	}
	return s
}

// rank orders them, best first, and gives the best, with all of them where they are several.
func (s *several) rank() *Compared {
	if len(s.found) == 1 {
		return s.found[0]
	}
	s.by, s.far = "the largest Kolmogorov-Smirnov distance of a column, the smallest first", (*Compared).largestKS
	judged := !slices.ContainsFunc(s.found, func(c *Compared) bool { return c.C2ST == nil || c.C2ST.Cannot != "" })
	if judged {
		s.by, s.far = "the AUC of a classifier that sees all columns, nearest to 0.5 first", func(c *Compared) float64 { return max(c.C2ST.AUC, 0.5) }
	}
	order := make([]int, len(s.found))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(s.far(s.found[a]), s.far(s.found[b])) })
	pairs, found := make([]*Pair, len(order)), make([]*Compared, len(order))
	for to, from := range order {
		pairs[to], found[to] = s.pairs[from], s.found[from]
	}
	s.pairs, s.found = pairs, found
	if judged {
		for i, c := range found[1:] {
			a, b := found[i].C2ST, c.C2ST
			if b.AUC-a.AUC < 2*math.Hypot(a.AUCError, b.AUCError) {
				s.by += fmt.Sprintf("; %s and %s are not told apart by it", found[i].Name, c.Name)
			}
		}
	}
	best := *found[0]
	best.Generated, best.RankedBy = found, s.by
	return &best
}

// page is about one, or about several, in their order.
func (s *several) page(reference string) (*Page, error) {
	best, c := s.pairs[0], s.found[0]
	page := &Page{
		Title: fmt.Sprintf("%s against %s", best.GeneratedName, best.ReferenceName),
		Summary: []Fact{
			{Name: "Reference", Value: say.Count(best.Reference.Len(), "event"), Note: events.Base(reference)},
			{Name: "Generated", Value: say.Count(best.Generated.Len(), "event"), Note: best.GeneratedName},
			{Name: "Columns", Value: fmt.Sprint(len(c.Names)), Note: column.List(c.Names, 10)},
		},
	}
	if len(s.found) > 1 {
		s.summarise(page)
		for _, other := range s.pairs[1:] {
			best.others = append(best.others, side{name: other.GeneratedName, events: other.Generated})
		}
	}
	if err := best.addTo(page, c.Result); err != nil {
		return nil, err
	}
	if c.Reweighted != nil {
		page.Sections = append(page.Sections, reweighedSection(c, best.label))
	}
	if len(s.found) > 1 { // of which one table and one verdict are shown
		page.Verdict.Headline = c.Name + ": " + page.Verdict.Headline
		for _, other := range s.found[1:] {
			page.Verdict.Sentences = append(page.Verdict.Sentences, other.Name+": "+other.Verdict.Headline+".")
		}
	}
	return page, nil
}

// cutSection has a row a cut.
func cutSection(c *Compared, label func(string) string) Section {
	s := Section{
		Title: "After cuts", Numbers: [2]int{1, 7},
		Head: []string{"Cut", "Passes, reference", "generated", "p", "Events, reference", "generated", "Largest KS", "in", "Verdict"},
	}
	for _, cut := range c.Cuts {
		row := []string{cut.Cut.Cut, share(cut.Reference), share(cut.Generated), plain(cut.P)}
		if cut.Verdict == nil {
			s.Rows = append(s.Rows, append(row, "", "", "", "", cut.Cannot))
			continue
		}
		j := judge{cut.Result, label, 1}
		worst := j.most(func(d stats.ColumnComparison) float64 { return d.KS })
		s.Rows = append(s.Rows, append(row, fmt.Sprint(cut.ReferenceEvents), fmt.Sprint(cut.GeneratedEvents),
			digits(j.column(worst).KS), label(cut.Names[worst]), cut.Verdict.Level.String()))
	}
	return s
}

// summarise names all of them on the page, in their order.
func (s *several) summarise(page *Page) {
	var names []string
	page.Summary = page.Summary[:1]
	for i, c := range s.found {
		names = append(names, c.Name)
		page.Summary = append(page.Summary, Fact{
			Name: fmt.Sprintf("%d. %s", i+1, c.Name), Value: c.Verdict.Level.String(),
			Note: fmt.Sprintf("%s; largest KS %s", say.Count(c.GeneratedEvents, "event"), digits(c.largestKS())),
		})
	}
	page.Title = fmt.Sprintf("%s against %s", column.List(names, 4), s.pairs[0].ReferenceName)
	page.Sections = append(page.Sections, s.table())
}

// table has the KS distance of each column, a column of numbers a sample.
func (s *several) table() Section {
	t := Section{Title: "All of them", Head: []string{"KS"}, Numbers: [2]int{1, 1 + len(s.found)}}
	t.Text = "In their rank, by " + s.by + ". Tables of one sample are those of the first, " + s.found[0].Name + "; pictures show all."
	for _, c := range s.found {
		t.Head = append(t.Head, c.Name)
	}
	for _, name := range s.found[0].Names {
		row := []string{s.pairs[0].label(name)}
		for _, c := range s.found {
			row = append(row, digits(c.Columns[name].KS))
		}
		t.Rows = append(t.Rows, row)
	}
	auc, verdict := []string{"AUC of a classifier"}, []string{"Verdict"}
	for _, c := range s.found {
		text := "–"
		if c.C2ST != nil && c.C2ST.Cannot == "" {
			text = pm(c.C2ST.AUC, c.C2ST.AUCError)
		}
		auc, verdict = append(auc, text), append(verdict, c.Verdict.Level.String())
	}
	t.Rows = append(t.Rows, auc, verdict)
	return t
}
