package background

import (
	"cmp"
	"fmt"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/report"
)

// Page is the page about an estimate.
func (r *Result) Page(c *card.Card) (*report.Page, error) {
	text, err := c.Portable().YAML()
	if err != nil {
		return nil, err
	}
	p := &report.Page{
		Title: cmp.Or(c.Title, c.Name), Card: string(text), Notices: r.Notices, Warnings: r.Warnings,
		Lead: fmt.Sprintf("The background in %s, from events in %d control regions.", r.Region, len(r.Regions)-1),
	}
	return p, nil
}
