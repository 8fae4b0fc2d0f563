package card

import (
	"reflect"

	"github.com/goccy/go-yaml/ast"
)

// Profiles are variants of a card, by name: what each sets, as Set does.
//
//	profiles:
//	  quick: {train.epochs: 2, flow.hidden: [32]}
type Profiles []Profile

// Profile is one of them.
type Profile struct {
	Name     string
	settings []setting
	at       *keyError // its place
}

// setting is a key with the YAML text of its value.
type setting struct {
	key, value string
	at         *keyError
}

// Use makes the card that of profiles, one after the other: their values in place of the card's, and their names after the card's, so that each has
// files of its own. What is left has no profiles, and is to be checked as a whole (Validate). After an error the card is as before.
func (c *Card) Use(profiles ...string) error {
	own := c.clone()
	own.Profiles = nil
	for _, name := range profiles {
		p, err := c.profile(name)
		if err == nil {
			err = own.take(p, nil)
		}
		if err != nil {
			return err
		}
	}
	*c = *own
	return nil
}

func (c *Card) profile(name string) (*Profile, error) {
	var names []string
	for i, p := range c.Profiles {
		if names = append(names, p.Name); p.Name == name {
			return &c.Profiles[i], nil
		}
	}
	if names == nil {
		return nil, wrong("", "there is no profile %q: the card has none, which would stand under profiles", name)
	}
	return nil, wrong("", "there is no profile %q; %s", name, suggest(name, names))
}

// take sets what a profile says. Where after is not nil it checks what each setting made of the card before.
func (c *Card) take(p *Profile, after func(before *Card, s setting) error) error {
	name := c.Name
	for _, s := range p.settings {
		before := c.clone()
		if err := c.change(s.key, s.value); err != nil {
			return s.at.because(err)
		}
		if after == nil {
			continue
		}
		if err := after(before, s); err != nil {
			return err
		}
	}
	if c.Name == name {
		c.Name += "-" + p.Name
	}
	return nil
}

// because is another error at the place of this one.
func (e *keyError) because(err error) *keyError {
	own := *e
	own.reason = err.Error()
	return &own
}

func (d *decoder) profiles(key string, n ast.Node, to *Profiles) error {
	*to = nil
	return d.pairs(key, n, func(k *ast.MappingValueNode, name string) error {
		p := Profile{Name: name, at: at(k.Key, join(key, name), "")}
		if !flowName.MatchString(name) || len(name) > 60 {
			return at(k.Key, join(key, name), "%q cannot be a part of the names of files: write letters, digits, - and _", name)
		}
		err := d.pairs(p.at.key, k.Value, func(k *ast.MappingValueNode, name string) error {
			text, ok := scalar(k.Value)
			if !ok {
				text = k.Value.String()
			}
			p.settings = append(p.settings, setting{name, text, at(k.Key, join(p.at.key, name), "")})
			return nil
		})
		if err == nil && len(p.settings) == 0 {
			return at(k.Key, p.at.key, "sets nothing; write KEY: VALUE as in {train.epochs: 2}, or take it out")
		}
		*to = append(*to, p)
		return err
	})
}

// checkProfiles makes the card of each, of which every setting is to change something.
func (c *Card) checkProfiles() error {
	for i := range c.Profiles {
		p, own := &c.Profiles[i], c.clone()
		err := own.take(p, func(before *Card, s setting) error {
			if reflect.DeepEqual(before, own) {
				return s.at.because(wrong("", "changes nothing, for that is what the card has; take it out"))
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := own.Validate(); err != nil {
			return p.at.because(err)
		}
	}
	return nil
}
