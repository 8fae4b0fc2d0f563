package prep

import (
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/events/profile"
	"github.com/sluice-hep/sluice/internal/say"
)

// fewLevels is up to how many distinct integers a column counts as a list of levels.
const fewLevels = 64

// Auto is the automatic preparation of a column: its steps, and the reason in one sentence. A constant column
// has no steps: it is dropped.
func Auto(s profile.Summary) (steps []StepSpec, why string) {
	few := s.Distinct <= fewLevels && s.Distinct*4 <= s.Count
	quantile, edges := bounded(s)
	switch {
	case s.Kind == profile.KindConstant:
		return nil, "the same value in every event: dropped"
	case s.Kind == profile.KindText:
		return []StepSpec{{Kind: "category"}}, say.Count(s.Distinct, "name") + ", each with its probability"
	case s.Kind == profile.KindDiscrete, s.Kind == profile.KindInteger && few:
		return []StepSpec{{Kind: "category"}}, fmt.Sprintf("%d different values, each with its probability", s.Distinct)
	case s.Codes:
		return []StepSpec{{Kind: "category"}},
			fmt.Sprintf("%d codes, integers that repeat with others missing between them, each with its probability", s.Distinct)
	case s.Angle && s.Step > 0:
		turn, quantile := turnOf(s)
		return []StepSpec{cells(s), turn, quantile}, gridWords(s) + fmt.Sprintf(", an angle, %.6g to %.6g: uniform noise fills the steps between them, a turn cut where the fewest events lie, then quantiles to a normal", s.Min, s.Max)
	case s.Kind == profile.KindInteger && reach(s) <= maxInteger, s.Kind == profile.KindGrid:
		return []StepSpec{cells(s), quantile}, gridWords(s) + ": uniform noise fills the steps between them, then quantiles to a normal" + edges
	case s.Kind == profile.KindAtoms:
		return append([]StepSpec{atomsSpec(s)}, asRounded(s, quantile)...),
			fmt.Sprintf("single values hold many events (%.6g: %.3g %%), each with its probability; the others: quantiles to a normal%s",
				s.Atoms[0].Value+0, 100*s.Atoms[0].Fraction, edges) // -0 + 0 is 0
	case s.Angle:
		turn, quantile := turnOf(s)
		return asRounded(s, turn, quantile),
			fmt.Sprintf("an angle, %.6g to %.6g: a turn cut where the fewest events lie, then quantiles to a normal", *s.LowEdge, *s.HighEdge)
	}
	return asRounded(s, quantile), "continuous" + decimalWords(s) + tailWords(s) + ": quantiles to a normal" + edges
}

// turnOf are the steps for an angle.
func turnOf(s profile.Summary) (turn, quantile StepSpec) {
	return StepSpec{"periodic", map[string]float64{"low": *s.LowEdge, "high": *s.HighEdge}},
		StepSpec{"quantile", map[string]float64{"low": 0, "high": 1}}
}

// bounded is a map of quantiles with the edges of a column, and what to say of them.
func bounded(s profile.Summary) (StepSpec, string) {
	step := StepSpec{Kind: "quantile"}
	var at []string
	for _, e := range []struct {
		name string
		at   *float64
	}{{"low", s.LowEdge}, {"high", s.HighEdge}} {
		if e.at == nil {
			continue
		}
		if step.Options == nil {
			step.Options = map[string]float64{}
		}
		step.Options[e.name] = *e.at
		at = append(at, fmt.Sprintf("%.6g", *e.at))
	}
	switch len(at) {
	case 0:
		return step, ", tails outside the training range"
	case 1:
		return step, fmt.Sprintf(", a hard edge at %s, a tail on the other side", at[0])
	}
	return step, fmt.Sprintf(", hard edges at %s and %s", at[0], at[1])
}

// bound makes the limits, counted from an origin, the edges of a column of values x. The last cell of a grid begins at the
// upper one.
func (l Limits) bound(s *profile.Summary, from float64, x []float64) error {
	low, high := l.Low-from, l.High-from
	atom := func(v float64) bool {
		return s.Kind == profile.KindAtoms && slices.ContainsFunc(s.Atoms, func(a profile.Atom) bool { return a.Value == v })
	}
	if err := inside("the range stated", slices.DeleteFunc(slices.Clone(x), atom), low, high); err != nil {
		return err
	}
	high += s.Step
	turn := s.Angle && low == *s.LowEdge && high == *s.HighEdge
	for _, e := range []struct {
		at, sign float64
		to       **float64
	}{{low, 1, &s.LowEdge}, {high, -1, &s.HighEdge}} {
		beyond := slices.ContainsFunc(s.Atoms, func(a profile.Atom) bool { // itself or its window: what comes back from there snaps
			return s.Kind == profile.KindAtoms && e.sign*(a.Value-e.at) <= maxWindow*(s.Max-s.Min)
		})
		if beyond {
			*e.to = nil
		} else if !math.IsInf(e.at, 0) {
			*e.to = &e.at
		}
	}
	s.Angle = turn
	return nil
}

// cells is the step for integers, or for the grid of a column.
func cells(s profile.Summary) StepSpec {
	if s.Step > 0 && s.Step != 1 {
		return onto("dequantise", s.Step, s.Offset)
	}
	return StepSpec{Kind: "dequantise"}
}

// onto is a step whose inverse gives the values of a grid.
func onto(kind string, step, offset float64) StepSpec {
	s := StepSpec{kind, map[string]float64{"step": step}}
	if offset != 0 {
		s.Options["offset"] = offset
	}
	return s
}

// asRounded are steps for a column, of which what comes back is rounded as that is.
func asRounded(s profile.Summary, steps ...StepSpec) []StepSpec {
	if s.Rounded == 0 {
		return steps
	}
	return append([]StepSpec{onto("round", s.Rounded, s.Offset)}, steps...)
}

func gridWords(s profile.Summary) string {
	if s.Step == 0 || s.Step == 1 {
		return "integers"
	}
	return fmt.Sprintf("multiples of %.6g", s.Step)
}

func decimalWords(s profile.Summary) string {
	if s.Rounded == 0 {
		return ""
	}
	return fmt.Sprintf(" in steps of %.6g", s.Rounded)
}

// atomsSpec is the step for the single values of a column.
func atomsSpec(s profile.Summary) StepSpec {
	step := StepSpec{Kind: "atoms"}
	if slices.ContainsFunc(s.Atoms, func(a profile.Atom) bool { return a.Fraction < 0.01 }) {
		step.Options = map[string]float64{"above": 0.001}
	}
	return step
}

// tailWords says how far the longer tail reaches, if that is far.
func tailWords(s profile.Summary) string {
	up, down := (s.Max-s.Mean)/s.Std, (s.Mean-s.Min)/s.Std
	switch {
	case max(up, down) < 10:
		return ""
	case up > down:
		return fmt.Sprintf(" with a long upper tail (to %.3g, %.0f standard deviations)", s.Max, up)
	}
	return fmt.Sprintf(" with a long lower tail (to %.3g, %.0f standard deviations)", s.Min, down)
}

// Plan is what Auto does with the finite values of any column, and why: no steps where a flow would not see the column.
func Plan(s profile.Summary) (steps []StepSpec, why string) {
	switch {
	case s.Kind == profile.KindText:
		if why = noNames(s); why != "" {
			return steps, "text, no feature: " + why
		}
		if s.Distinct == 1 && s.NaN == 0 {
			return steps, "the same name in every event: dropped, and put back in what is generated"
		}
		return Auto(s)
	case s.Count == s.NaN+s.Inf:
		return steps, "no finite value: not a feature"
	case s.Kind == profile.KindConstant: // nothing to model by itself
		return steps, "the same value in every event: dropped, and put back in what is generated"
	}
	s.Count -= s.NaN + s.Inf
	return Auto(s)
}
