// Package uhi writes and reads histograms in the serialization schema of UHI, version 1, so that hist.Hist, and from there mplhep, pyhf
// and cabinetry, take them: https://uhi.readthedocs.io/en/latest/serialization.html. In Python:
//
//	data = json.load(open("report.json"), object_hook=uhi.io.json.object_hook)
//	h = hist.Hist(data["histograms"]["reference/pt"])
//
// Package pyhf makes a workspace of them, and events/root writes them as TH1D.
package uhi
