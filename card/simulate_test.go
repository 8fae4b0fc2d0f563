package card

import (
	"strings"
	"testing"
)

const simulating = `files: [jets.csv]
features: [seen, r_pt]
context: [GenJet_pt]
restore: {Jet_pt: r_pt * GenJet_pt}
`

// A simulation is checked as the card is read.
func TestSimulate(t *testing.T) {
	c, err := Parse([]byte(simulating+"simulate: {exists: seen}\n"), "x.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if s := c.Simulation(); s.Order != "Jet_pt" || s.Generated != "GenJet" || s.Event[0] != "event" {
		t.Errorf("%+v", s)
	}
	for text, want := range map[string]string{
		"simulate: {exists: x}":                 `"x" is no feature`,
		"simulate: {reconstructed: Muon}":       `begins with Muon_`,
		"simulate: {order: r_pt}":               `"r_pt" is no column of reconstructed objects; there is Jet_pt`,
		"simulate: {slot: n, exists: seen}":     `"n" is not in the context`,
		"simulate: {slot: GenJet_pt}":           `exists`,
		"simulate: {generated: Jet}":            `what the reconstructed objects are called`,
		"simulate: {coverage: -1}":              `-1 is not a number of objects`,
		"simulate: {event: ['']}":               `one of the names is empty`,
		"simulate: {bins: {GenJet_pt: [3, 2]}}": `increasing edges`,
	} {
		if _, err := Parse([]byte(simulating+text), "x.yaml"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
