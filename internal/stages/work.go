package stages

// Work is what an analysis is given besides its card.
type Work struct {
	Threads int     // 0: what the card says, or all cores; results do not depend on it
	Kept    *Stages // nil keeps nothing

	// Notice is called with a line on what was decided, Warn with one on what makes a result doubtful, Stage with the name of what begins. Each may be nil.
	Notice func(line string)
	Warn   func(line string)
	Stage  func(name string)

	Folder, Version string // where its files go, "" for nowhere, and of the program, which they name
}

// Filled has a function where there was none.
func (w Work) Filled() Work {
	nothing := func(string) {}
	for _, f := range []*func(string){&w.Notice, &w.Warn, &w.Stage} {
		if *f == nil {
			*f = nothing
		}
	}
	return w
}
