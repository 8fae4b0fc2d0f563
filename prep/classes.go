package prep

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/sluice-hep/sluice/events/profile"
	"github.com/sluice-hep/sluice/internal/say"
)

// classes is for a context: a flow sees a column for each value, 1 in the events of that value and 0 in the others, so
// that a rare class is as far from the others as a frequent one. The step gives the place of the value; the pipeline makes
// the columns of it, and it is the last step. Values beyond the Most most frequent ones, of fewer than leastClass events
// or that training did not see count as the nearest that has a column.
type classes struct {
	Most  int       `json:"most"`
	Value []float64 `json:"value"` // those with a column, in order

	merged int     // distinct training values without a column, and
	share  float64 // the fraction of the events that have one
}

const (
	leastClass  = 10   // effective events from which something can be learned
	manyClasses = 256  // as many values of integers count as classes where each has,
	perClass    = 100  // on average, so many events
	mostClasses = 1024 // columns of a context
)

func (s *classes) Kind() string { return "classes" }

func (s *classes) Fit(x, w []float64) error {
	e := newEmpirical(x, w)
	if len(e.value) < 2 {
		return errConstant
	}
	order := make([]int, len(e.value))
	for k := range order {
		order[k] = k
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(e.mass[b], e.mass[a]) })
	*s = classes{Most: s.Most}
	for rank, k := range order {
		if rank >= 2 && (rank >= s.Most || e.mass[k]*e.n < leastClass) {
			s.merged++
			s.share += e.mass[k]
			continue
		}
		s.Value = append(s.Value, e.value[k])
	}
	slices.Sort(s.Value)
	return s.check()
}

func (s *classes) Apply(x, _ []float64) {
	for i, v := range x {
		k, ok := slices.BinarySearch(s.Value, v)
		if !ok {
			k = nearest(s.Value, k, v)
		}
		x[i] = float64(k)
	}
}

func (s *classes) Invert(y, _ []float64) {
	for i, v := range y {
		y[i] = s.Value[int(min(max(v+0.5, 0), float64(len(s.Value)-1)))]
	}
}

func (s *classes) has(v float64) bool {
	_, ok := slices.BinarySearch(s.Value, v)
	return ok
}

func (s *classes) taken() string { return "the nearest of which there were enough" }

func (s *classes) check() error {
	if n := len(s.Value); n < 2 || n > mostClasses || !finite(s.Value...) || !increasing(s.Value) {
		return fmt.Errorf("%d values; there must be 2 to %d, finite and increasing", n, mostClasses)
	}
	return nil
}

// indicate sets dst[k] to 1 in the events from lo on whose place x is k; the columns are zero before.
func (s *classes) indicate(dst [][]float32, lo int, x []float64) {
	for i, k := range x {
		dst[int(k)][lo+i] = 1
	}
}

// classes are those that the flow sees of a column; nil where it sees one column.
func (c *Column) classes() *classes {
	if n := len(c.Steps); n > 0 {
		s, _ := c.Steps[n-1].(*classes)
		return s
	}
	return nil
}

// width is the number of columns that the flow sees.
func (c *Column) width() int {
	if s := c.classes(); s != nil {
		return len(s.Value)
	}
	if c.Own != nil {
		return 2
	}
	if c.Constant() || c.Follows != nil || c.absorbed() || c.Share.last() {
		return 0
	}
	return 1
}

// checkClasses refuses columns of classes where they cannot be.
func (p *Pipeline) checkClasses(steps Steps) error {
	k := slices.IndexFunc(steps, func(s Step) bool { return s.Kind() == "classes" })
	switch {
	case k < 0:
		return nil
	case !p.Noiseless:
		return errors.New(`step "classes" is for a context (prepare_context); a feature of a few values takes category`)
	case k < len(steps)-1:
		return errors.New(`step "classes" must be the last`)
	}
	return nil
}

// autoContext is Auto for a column that the density is given.
func autoContext(s profile.Summary) (steps []StepSpec, why string) {
	few := s.Distinct <= fewLevels && s.Distinct*4 <= s.Count
	many := s.Kind == profile.KindInteger && s.Distinct <= manyClasses && s.Distinct*perClass <= s.Count
	what := "different value"
	if s.Kind == profile.KindText {
		few, what = true, "name"
	}
	if s.Kind == profile.KindConstant || !few && !many {
		return autoContinuous(s)
	}
	return classesSpec(), say.Count(s.Distinct, what) + ": a column of 0 and 1 for each"
}

func classesSpec() []StepSpec {
	return []StepSpec{{Kind: "classes", Options: map[string]float64{"most": manyClasses}}}
}

// mergedNotice says which values of a context have no column; "" where all have.
func (c *Column) mergedNotice() string {
	s := c.classes()
	if s == nil || s.merged == 0 {
		return ""
	}
	to := "nearest"
	if c.Names != nil {
		to = "rarest"
	}
	return fmt.Sprintf("context %q: %d of its %d values, with %.2g %% of the events, have no column of 0 and 1 of their own (fewer than %d events, "+
		"or beyond the %d most frequent): each counts as the %s that has one", c.Name, s.merged, s.merged+len(s.Value), 100*s.share, leastClass, s.Most, to)
}
