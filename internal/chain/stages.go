package chain

import (
	"fmt"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/internal/journal"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/internal/stages"
)

// Stages are those of the analysis of a card in a folder, which an earlier call of the same version, with the same card and the same files (by size and time),
// may have left; nil, which keeps nothing, without a folder, and where files can be read only once.
func (o *Options) Stages(folder string, c *card.Card) (*stages.Stages, error) {
	facts, ok := journal.Files("file", c.Inputs()...)
	if folder == "" || !ok {
		return nil, nil
	}
	if c.Table != nil {
		facts = append(facts, journal.Table("events", c.Table)...)
	}
	own := *c
	own.Threads = 0 // on which nothing depends
	text, err := own.YAML()
	if err != nil {
		return nil, err
	}
	s, err := stages.Open(folder, fmt.Sprint(o.Version, facts, string(text)))
	switch {
	case err != nil:
		return nil, fault.Of(err)
	case s.Kept > 0:
		o.Notice(fmt.Sprintf("goes on after %s that an earlier call left in %s", say.Count(s.Kept, "stage"), s.Folder))
	case s.Gone > 0:
		o.Notice(fmt.Sprintf("%s of another card, version or files were taken out of %s: all begins anew", say.Count(s.Gone, "stage"), s.Folder))
	}
	return s, nil
}
