package sluice

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/sluice-hep/sluice/prep"
)

// tally is what an evaluation adds up, block by block.
type tally struct {
	Seen, Events, Outside int
	Sum                   total // of log_prob
	Features, Context     *rangeWatch
}

// total is a sum that keeps all its bits in JSON, infinite or not a number as it may be.
type total float64

func (x total) MarshalText() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(x), 'g', -1, 64), nil
}

func (x *total) UnmarshalText(text []byte) error {
	v, err := strconv.ParseFloat(string(text), 64)
	*x = total(v)
	return err
}

// watched is what a rangeWatch has counted.
type watched struct {
	Events int
	Ranges []prep.Range
}

// MarshalJSON writes the counts of w.
func (w *rangeWatch) MarshalJSON() ([]byte, error) { return json.Marshal(watched{w.events, w.ranges}) }

// UnmarshalJSON takes up counts of the same columns.
func (w *rangeWatch) UnmarshalJSON(text []byte) error {
	var in watched
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	if len(in.Ranges) != len(w.ranges) {
		return fmt.Errorf("ranges of %d columns, not of %d", len(in.Ranges), len(w.ranges))
	}
	w.events, w.ranges = in.Events, in.Ranges
	return nil
}
