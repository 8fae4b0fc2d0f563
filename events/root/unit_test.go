package root

import "testing"

func TestUnitInTitle(t *testing.T) {
	for title, want := range map[string]string{
		titled("pt/F", "GeV"): "GeV", titled("x/D", "GeV/c^2"): "GeV/c^2", titled("r/F", "1/GeV"): "1/GeV",
		titled("a/F", "°"): "°", titled("pt/F", ""): "", "transverse momentum [MeV]": "MeV",
		"x[3]/F": "", "Muon_pt[nMuon]/F": "", "range of a Double32_t [0,1,16]": "", "weight number [0]": "", "[GeV]": "",
		"quality [loose, medium]": "", "momentum [GeV] of a jet": "",
	} {
		if got := unitIn(title); got != want {
			t.Errorf("%q: %q, want %q", title, got, want)
		}
	}
}
