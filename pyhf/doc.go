// Package pyhf makes a HistFactory workspace of histograms, in pyhf's JSON of schema 1.0.0
// (https://pyhf.readthedocs.io/en/latest/likelihood.html; HistFactory: CERN-OPEN-2012-016). In Python:
//
//	model = pyhf.Workspace(json.load(open("workspace.json"))).model()
//
// or `pyhf cls workspace.json`. Regions say what was observed, and of which templates the expectation is made; Build makes the
// workspace, and says what it raised and left out.
package pyhf
