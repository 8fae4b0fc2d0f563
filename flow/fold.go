package flow

import "github.com/sluice-hep/sluice/flow/linear"

// fold finds the runs of linear maps and norms that evaluations take as one.
func (f *Flow) fold() {
	maps, spans := make([]linear.Map, len(f.layers)), make([][2]int, len(f.layers))
	for i, l := range f.layers {
		maps[i], _ = l.Transform.(linear.Map)
		spans[i] = l.span
	}
	f.folds = linear.Folds(maps, spans, f.Features)
}

// folded are the transforms with each run as one, for the parameters as they are. Absent cells go through every map by itself.
func (f *Flow) folded() (all []Transform) {
	if len(f.folds) == 0 || len(f.gaps) > 0 {
		return f.transforms
	}
	next := 0
	for _, r := range f.folds {
		if d := r.At(f.params); d != nil {
			all = append(append(all, f.transforms[next:r.First]...), d)
			next = r.End
		}
	}
	return append(all, f.transforms[next:]...)
}
