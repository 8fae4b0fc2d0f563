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

// Use makes the card that of a profile: its values in place of the card's, and its name after the card's, so that each has files of its own. What is
// left has no profiles.
func (c *Card) Use(profile string) error {
	var names []string
	for _, p := range c.Profiles {
		if names = append(names, p.Name); p.Name == profile {
			own, err := c.of(p)
			if err == nil {
				*c = *own
			}
			return err
		}
	}
	if names == nil {
		return wrong("", "there is no profile %q: the card has none, which would stand under profiles", profile)
	}
	return wrong("", "there is no profile %q; %s", profile, suggest(profile, names))
}

func (c *Card) of(p Profile) (*Card, error) {
	own := c.clone()
	own.Profiles = nil
	for _, s := range p.settings {
		before := own.clone()
		if err := own.change(s.key, s.value); err != nil {
			return nil, s.at.because(err)
		}
		if reflect.DeepEqual(before, own) {
			return nil, s.at.because(wrong("", "changes nothing, for that is what the card has; take it out"))
		}
	}
	if own.Name == c.Name {
		own.Name += "-" + p.Name
	}
	if err := own.Validate(); err != nil {
		return nil, p.at.because(err)
	}
	return own, nil
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

// checkProfiles makes the card of each.
func (c *Card) checkProfiles() error {
	for _, p := range c.Profiles {
		if _, err := c.of(p); err != nil {
			return err
		}
	}
	return nil
}
