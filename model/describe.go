package model

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/safetensors"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/mix"
	"github.com/sluice-hep/sluice/prep"
	"github.com/sluice-hep/sluice/train"
)

// Info is what there is to say about a model.
type Info struct {
	Hash          string        `json:"sha256"`
	FormatVersion int           `json:"format_version"`
	Features      []Column      `json:"features"`
	Context       []Column      `json:"context"`
	Marks         string        `json:"marks,omitempty"`      // what the hidden feature of the flow is, where it has one
	Flow          flow.Spec     `json:"flow"`                 // the composition in full
	Inverted      bool          `json:"inverted,omitempty"`   // the flow is read backwards: its layers go from the latent to the data
	On            *OnInfo       `json:"base_model,omitempty"` // what the base of the flow is, where that is a trained flow
	Table         *TableInfo    `json:"table,omitempty"`      // beside the flow, of the density of a mixed table
	Numerical     []string      `json:"numerical,omitempty"`  // layers that are computed by numerical steps, and how
	Members       int           `json:"members,omitempty"`    // of an ensemble of such flows, whose parameters are those of all
	Components    int           `json:"components,omitempty"` // of a mixture of such flows
	Gate          string        `json:"gate,omitempty"`       // of a mixture, in a line
	Parameters    int           `json:"parameters"`
	Seed          uint64        `json:"seed"`
	Train         *train.Result `json:"train,omitempty"`
	Card          string        `json:"card"`
}

// OnInfo is the trained flow whose density is the base of another, kept as it was.
type OnInfo struct {
	Flow       flow.Spec `json:"flow"` // the composition in full
	Numerical  []string  `json:"numerical,omitempty"`
	Parameters int       `json:"parameters"` // beside those of the flow on it
}

// TableInfo is what the density of a mixed table is beside its flow.
type TableInfo struct {
	Categorical []Codes  `json:"categorical"`      // in their order
	Absent      []string `json:"absent,omitempty"` // continuous features that not every event has
	Hidden      []int    `json:"hidden"`           // widths of the categorical network
	Parameters  int      `json:"parameters"`       // of that; the flow has the others
}

// Codes is a categorical feature.
type Codes struct {
	Feature string `json:"feature"`
	Codes   int    `json:"codes"`
}

// NewTableInfo takes the names of the features from their preparation.
func NewTableInfo(plan *mix.Plan, p *prep.Pipeline) *TableInfo {
	t := &TableInfo{Hidden: plan.Spec.Hidden, Parameters: plan.CodesSize()}
	t.name(p)
	return t
}

func (t *TableInfo) name(p *prep.Pipeline) {
	for _, f := range p.Layout() {
		switch {
		case f.Categories > 0:
			t.Categorical = append(t.Categorical, Codes{f.Name, f.Categories})
		case f.By >= 0:
			t.Absent = append(t.Absent, f.Name)
		}
	}
}

// Column is a feature or a context column as the model knows it.
type Column struct {
	Name  string   `json:"name"`
	Unit  string   `json:"unit,omitempty"`
	Min   float64  `json:"min"` // of the trained range
	Max   float64  `json:"max"`
	Names []string `json:"names,omitempty"` // in place of the range, those of training, the most frequent first
	Kind  string   `json:"kind"`
	Steps []string `json:"steps"` // of its preparation
	Why   string   `json:"why"`

	inFlow bool
}

// schema is what another program needs to make sense of the columns.
type schema struct {
	Features []Column `json:"features"`
	Context  []Column `json:"context"`
}

// Columns is what there is to say about those of a preparation.
func Columns(p *prep.Pipeline) []Column {
	columns := []Column{}
	if p == nil {
		return columns
	}
	for i := range p.Columns {
		c := &p.Columns[i]
		info := Column{Name: c.Name, Unit: c.Unit, Min: c.Min, Max: c.Max, Names: c.Names, Kind: string(c.Kind), Steps: []string{}, Why: c.Why, inFlow: c.InFlow()}
		if c.Share != nil {
			info.Steps = append(info.Steps, "simplex")
		}
		for _, s := range c.Steps {
			info.Steps = append(info.Steps, s.Kind())
		}
		columns = append(columns, info)
	}
	for _, s := range p.Sets {
		for i, info := range Columns(s.Objects) {
			info.Name = s.Variable(&s.Objects.Columns[i])
			info.Why = fmt.Sprintf("of each of up to %d objects, as many as %s says; %s", s.Most, s.Count, info.Why)
			columns = append(columns, info)
		}
	}
	return columns
}

// Info collects what there is to say about the model.
func (m *Model) Info() (Info, error) {
	hash, err := m.Hash()
	if err != nil {
		return Info{}, err
	}
	info := m.info(hash, FormatVersion, m.Density.Size())
	if k, _ := kindOf(m.Density); k != nil {
		k.tell(m.Density, &info)
	}
	info.name(m.Features)
	return info, nil
}

// name gives the features their names.
func (info *Info) name(p *prep.Pipeline) {
	info.Flow = info.Flow.Named(p.InFlow())
	if info.On != nil {
		info.On.Flow = info.On.Flow.Named(p.InFlow())
	}
	if info.Table != nil {
		info.Table.name(p)
	}
}

func (m *Model) info(hash string, version, parameters int) Info {
	return Info{
		Hash: hash, FormatVersion: version, Features: Columns(m.Features), Context: Columns(m.Context),
		Marks: m.Features.Hidden(), Parameters: parameters, Seed: m.Seed, Train: m.Train, Card: m.Card,
	}
}

// ReadInfo is the Info of the model in a file. The file's hash is checked as by Load, but the flow is only laid out: the time is that
// of reading the file.
func ReadInfo(path string, own ...flow.Kind) (Info, error) {
	f, err := safetensors.ReadHeader(path)
	if err != nil {
		return Info{}, fmt.Errorf("model: %w", err)
	}
	m, s, err := recordOf(f, own)
	if err != nil {
		return Info{}, fmt.Errorf("model: %s: %w", path, err)
	}
	l, err := s.lay()
	if err != nil {
		return Info{}, fmt.Errorf("model: %s: %s: %w", path, s.key(), err)
	}
	info := m.info(f.Metadata[safetensors.HashKey], s.version, l.size())
	l.tell(&info)
	info.name(m.Features)
	return info, nil
}

// Describe writes the model card for people. What is not known of it is left out.
func (info Info) Describe(w io.Writer) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.DiscardEmptyColumns)
	if info.Hash != "" {
		fmt.Fprintf(out, "sha256  %s (format %d, seed %d)\n", info.Hash, info.FormatVersion, info.Seed)
	}
	describeColumns(out, "features", info.Features)
	if info.Marks != "" {
		fmt.Fprintf(out, "  %s\n", clean(info.Marks))
	}
	describeColumns(out, "context", info.Context)
	describeFlow(out, info)
	describeTable(out, info)
	if info.Train != nil {
		describeTraining(out, info.Train)
	}
	if info.Card != "" {
		fmt.Fprintf(out, "\ncard\n")
		for line := range strings.Lines(info.Card) {
			fmt.Fprintf(out, "  %s\n", clean(strings.TrimSuffix(line, "\n")))
		}
	}
	return out.Flush()
}

func describeColumns(w io.Writer, title string, columns []Column) {
	if len(columns) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", title)
	for _, c := range columns {
		unit := ""
		if c.Unit != "" {
			unit = "[" + c.Unit + "]"
		}
		steps := strings.Join(c.Steps, ", ")
		switch {
		case steps != "":
		case c.inFlow:
			steps = "as it is"
		default:
			steps = "not seen by the flow"
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\t%s\n", clean(c.Name), clean(unit), clean(c.values()), clean(c.Kind), steps, clean(c.Why))
	}
}

// values are the range, or some of the names.
func (c *Column) values() string {
	const most = 6
	switch n := len(c.Names); {
	case n == 0:
		return fmt.Sprintf("%.6g to %.6g", c.Min, c.Max)
	case n > most:
		return fmt.Sprintf("%s and %d more", strings.Join(c.Names[:most], ", "), n-most)
	}
	return strings.Join(c.Names, ", ")
}

// Layers is the flow in full, a line a part.
func (info *Info) Layers() []string {
	lines := info.Flow.Lines()
	if info.Inverted {
		lines = append(lines, "read backwards, as reverse KL trains it: the layers go from the latent to the data, and the way back is that to the latent")
	}
	lines = append(lines, info.Numerical...)
	if on := info.On; on != nil {
		lines = append(lines, fmt.Sprintf("the base is the density of a trained model, kept as it was, of %d parameters:", on.Parameters))
		for _, line := range slices.Concat(on.Flow.Lines(), on.Numerical) {
			lines = append(lines, "  "+line)
		}
	}
	return lines
}

func describeFlow(w io.Writer, info Info) {
	if info.Flow.Repeat == 0 {
		return // a density that is no flow
	}
	parameters := info.Parameters
	if info.Table != nil {
		parameters -= info.Table.Parameters
	}
	fmt.Fprintf(w, "\nflow\n  %s, %d parameters\n", info.Named(), parameters)
	if info.Gate != "" {
		fmt.Fprintf(w, "  %s\n", clean(info.Gate))
	}
	for _, line := range info.Layers() {
		fmt.Fprintf(w, "  %s\n", clean(line))
	}
}

func describeTable(w io.Writer, info Info) {
	for i, line := range info.Table.Lines() {
		if i == 0 {
			fmt.Fprintf(w, "\ncategorical\n")
		}
		fmt.Fprintf(w, "  %s\n", clean(line))
	}
}

// Lines say what the density is beside its flow; nil for nothing.
func (t *TableInfo) Lines() []string {
	if t == nil {
		return nil
	}
	var features []string
	for _, f := range t.Categorical {
		features = append(features, fmt.Sprintf("%s (%d)", f.Feature, f.Codes))
	}
	lines := []string{
		"probabilities of codes, one after the other: " + strings.Join(features, ", "),
		fmt.Sprintf("network of %d hidden units, %d parameters", t.Hidden, t.Parameters),
	}
	if len(t.Absent) > 0 {
		lines = append(lines, "without a value where a code says so: "+strings.Join(t.Absent, ", "))
	}
	return lines
}

// Named is the density in a few words.
func (info Info) Named() string {
	name := info.Flow.String()
	if info.On != nil {
		name += " on the flow of a trained model"
	}
	if t := info.Table; t != nil {
		probabilities := "probabilities of " + say.Count(len(t.Categorical), "categorical feature")
		if name += ", beside " + probabilities; info.Flow.Repeat == 0 {
			name = probabilities
		}
	}
	if info.Components > 0 {
		name = fmt.Sprintf("mixture of %d: %s", info.Components, name)
	}
	if info.Members > 0 {
		name = fmt.Sprintf("ensemble of %d: %s", info.Members, name)
	}
	return name
}

func describeTraining(w io.Writer, r *train.Result) {
	kept := fmt.Sprintf("the parameters are those of epoch %d", r.BestEpoch)
	if r.Ensemble != nil {
		kept = r.Kept()
	}
	fmt.Fprintf(w, "\ntraining\n  %s, %s; %s\n", say.Count(r.Epochs, "epoch"), say.Count(r.Steps, "step"), kept)
	for _, part := range []struct {
		name string
		nll  train.NLL
	}{{"training", r.TrainNLL}, {"validation", r.ValidNLL}, {"test", r.TestNLL}} {
		if part.nll == part.nll {
			fmt.Fprintf(w, "  NLL of the %s events\t%.4f %s per event\n", part.name, float64(part.nll), r.Unit)
		}
	}
	if r.Ensemble != nil {
		fmt.Fprintf(w, "  members: %s\n", r.Ensemble)
	}
	for _, n := range r.Notices {
		fmt.Fprintf(w, "  %s\n", clean(n))
	}
}

// clean keeps text from a file from steering the terminal or the table.
func clean(s string) string { return say.Text(s, "") }
