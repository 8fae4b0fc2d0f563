// Package profile describes columns: what kind of values they hold, their range, moments and repeated values.
package profile

import "github.com/sluice-hep/sluice/events"

// Kind is what the values of a column look like.
type Kind string

// The kinds of columns.
const (
	KindContinuous Kind = "continuous"
	KindInteger    Kind = "integer"  // whole numbers only, more than one value
	KindGrid       Kind = "grid"     // multiples of a step such as 0.1, so coarse that events share values
	KindDiscrete   Kind = "discrete" // a few values, not all whole (b-tag weights)
	KindAtoms      Kind = "atoms"    // continuous, but single values hold many events (-999 for missing, 0 for none)
	KindConstant   Kind = "constant" // one value
	KindText       Kind = "text"
	KindEmpty      Kind = "empty" // no value
)

// Atom is a single value that holds many events of a column.
type Atom struct {
	Value    float64 `json:"value"`
	Fraction float64 `json:"fraction"` // of the values that are not NaN
}

// Name is a text of a column, and how many events hold it.
type Name struct {
	Name   string `json:"name"`
	Events int    `json:"events"`
}

// Summary describes the values of one column. Moments and range leave out NaN
// and the infinities, which are counted.
type Summary struct {
	Name     string  `json:"name"`
	Unit     string  `json:"unit,omitempty"`
	Type     string  `json:"type"`
	Kind     Kind    `json:"kind"`
	Count    int     `json:"count"`               // events, missing ones included
	NaN      int     `json:"nan"`                 // missing values; for text, empty ones
	FirstNaN int     `json:"first_nan,omitempty"` // row of the first missing value, from 1
	Inf      int     `json:"inf,omitempty"`
	Min      float64 `json:"min"` // of integers beyond 2^53 the nearest float64, as is Max
	Max      float64 `json:"max"`
	Mean     float64 `json:"mean"`
	Std      float64 `json:"std"` // of the population
	// Atoms are the values that hold more than 1 % of the events of a column that is otherwise continuous, or 0.1 % and
	// dozens of events where others hold less than a tenth of that, or at least 16 at an end of the column; the fullest first, at most 8.
	Atoms []Atom `json:"atoms,omitempty"`
	// Distinct counts the different values, up to MaxDistinct; DistinctAtLeast says that there are more.
	Distinct        int  `json:"distinct"`
	DistinctAtLeast bool `json:"distinct_at_least,omitempty"`
	// LowEdge and HighEdge are where a column ends at once, as at a cut or at 0; the end of the last cell of a grid.
	LowEdge  *float64 `json:"low_edge,omitempty"`
	HighEdge *float64 `json:"high_edge,omitempty"`
	// Angle says that the edges are the ends of a full turn.
	Angle bool `json:"angle,omitempty"`
	// Values of a grid and integers are Offset plus multiples of Step, those of a column that is Rounded plus multiples of that.
	Step   float64 `json:"step,omitempty"`
	Offset float64 `json:"offset,omitempty"`
	// Rounded is the step of a column that is otherwise continuous: so fine that events rarely share a value.
	Rounded float64 `json:"rounded,omitempty"`
	// Far are the values a thousand times further from the middle than all others, the farthest first: up to 31 on either side.
	Far []Far `json:"far,omitempty"`
	// Names are the texts of a column of text that most events hold, the most frequent first, at most 8; Numbers is how many of its events hold a number,
	// and Word where the first does not, and what it holds.
	Names   []Name `json:"names,omitempty"`
	Numbers int    `json:"numbers,omitempty"`
	Word    string `json:"-"`
	// Codes says that integers repeat, and that most between them are missing.
	Codes bool `json:"codes,omitempty"`
}

// MaxDistinct is where a Summary stops counting different values.
const MaxDistinct = 1000

const (
	fewValues    = 32    // at most these many values that are not whole: discrete
	atomFraction = 0.01  // a value of a continuous column with more events is an atom
	rareFraction = 0.001 // and with more than this, if it has rareEvents and rareTimes as many as others
	rareEvents   = 64
	rareTimes    = 10
	clipEvents   = 16 // or so many at an end of the column, rareTimes as many as the clipNear values next to it hold
	clipNear     = 8
	mostAtoms    = 8
	mostNames    = 8
	leastRounded = 100 // values: of fewer, the common step may be chance
)

// Summarise describes every column of t.
func Summarise(t *events.Table) []Summary {
	var s Summariser
	_ = s.Add(t, "", nil) // the first table has the columns that it has
	if s.Unsure() {
		_ = s.Recount(t)
	}
	return s.Summaries()
}
