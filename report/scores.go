package report

import (
	"fmt"
	"math"

	"github.com/sluice-hep/sluice/plot"
	"github.com/sluice-hep/sluice/stats"
	"github.com/sluice-hep/sluice/validate"
)

// shownPoints are those of a ROC curve in a picture.
const shownPoints = 400

// scoreSection has what a score tells of signal: a row a sample, and the curves of all.
func scoreSection(name string, scores []*validate.Score) (s Section, err error) {
	s = Section{
		Title: "The score " + name, Head: []string{"Events", "Signal", "Background", "AUC"}, Numbers: [2]int{1, 9},
		Text: fmt.Sprintf("How well signal is told from background by a cut on %s from below. 1/εB: the background rejection, one over the share of the background that passes, for a share of the signal. "+
			"SIC: by how much a cut improves the significance, εS/√εB, at its largest where at least %d background events pass. Errors are binomial, of the AUC by DeLong's method.", name, stats.EnoughBackground),
	}
	for _, r := range scores[0].Rejections {
		s.Head = append(s.Head, fmt.Sprintf("1/εB at %g %%", 100*r.Efficiency))
	}
	s.Head = append(s.Head, "Largest SIC")
	var roc, sic []plot.Curve
	for _, of := range scores {
		row := []string{of.Of, fmt.Sprint(of.Signal), fmt.Sprint(of.Background), pm(of.AUC, of.AUCError)}
		for _, r := range of.Rejections {
			cell := "> " + digits(r.MoreThan)
			if r.Rejection > 0 {
				cell = pm(r.Rejection, r.Error)
			}
			row = append(row, cell)
		}
		most := "–"
		if m := of.MaxSIC; m != nil {
			most = pm(m.SIC, m.SICError) + fmt.Sprintf(" at %s %%", digits(100*m.TPR))
		}
		s.Rows = append(s.Rows, append(row, most))
		r, i := curves(of)
		roc, sic = append(roc, r), append(sic, i)
	}
	for _, c := range []*plot.Curves{plot.ROC(roc...), plot.SIC(sic...)} {
		p, err := c.Picture()
		if err != nil {
			return s, err
		}
		s.Pictures = append(s.Pictures, p)
	}
	return s, nil
}

// curves are background rejection and significance improvement against signal efficiency, with bands of one standard error.
func curves(s *validate.Score) (roc, sic plot.Curve) {
	roc.Name, sic.Name = s.Of, s.Of
	for _, i := range s.ROC.Points(shownPoints) {
		at := s.ROC.At(i)
		if at.FPR <= 0 || at.TPR <= 0 || at.Background < 1 {
			continue
		}
		d := math.Sqrt((1-at.FPR)/at.Background) / at.FPR
		roc.X, roc.Y = append(roc.X, at.TPR), append(roc.Y, 1/at.FPR)
		roc.Low, roc.High = append(roc.Low, math.Max(1/at.FPR-d, 1/at.FPR/10)), append(roc.High, 1/at.FPR+d)
		sic.X, sic.Y = append(sic.X, at.TPR), append(sic.Y, at.SIC)
		sic.Low, sic.High = append(sic.Low, at.SIC-at.SICError), append(sic.High, at.SIC+at.SICError)
	}
	return roc, sic
}

// pm is a number with its error.
func pm(v, deviation float64) string { return digits(v) + " ± " + number(deviation, 2) }
