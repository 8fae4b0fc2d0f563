package column

// Limit is a condition that every wanted event fulfils: the value of a column
// compared with a number. A missing value fulfils none.
type Limit struct {
	Column string
	Op     string // < <= > >= ==
	Value  float64
}

// Excludes says whether no value from low to high fulfils the condition.
func (l Limit) Excludes(low, high float64) bool {
	switch l.Op {
	case "<":
		return low >= l.Value
	case "<=":
		return low > l.Value
	case ">":
		return high <= l.Value
	case ">=":
		return high < l.Value
	case "==":
		return l.Value < low || high < l.Value
	}
	return false
}

// Gap is a run of events that a reader passes over.
type Gap struct{ First, Events int64 }
