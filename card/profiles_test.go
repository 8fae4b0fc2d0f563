package card

import (
	"strings"
	"testing"
)

const profiled = `toy: {name: banana, events: 1000}
define: {r: x1 + x2}
features: [x1, x2]
train: {epochs: 10}
profiles:
  quick:
    train.epochs: 2
    toy.events: 1e2
    flow: {type: maf, hidden: [8, 8]}
    title: "a: b"
    define.r: "x1 > 0 ? 1 : 2"
    flow.transforms: 3
  text: {train.schedule: {type: polynomial, end: 1e-4}, where: x1 > 0, name: other}
`

func TestProfile(t *testing.T) {
	c, err := Parse([]byte(profiled), "b.yaml")
	if err != nil {
		t.Fatal(err)
	}
	quick, text := c.clone(), c.clone()
	if err := quick.Use("quick"); err != nil {
		t.Fatal(err)
	}
	if err := text.Use("text"); err != nil {
		t.Fatal(err)
	}
	want := `name: b-quick
title: "a: b"
toy:
  name: banana
  events: 100
define:
  r: "x1 > 0 ? 1 : 2"
features: [x1, x2]
flow:
  type: maf
  transforms: 3
  hidden: [8, 8]
train:
  epochs: 2
seed: 1
`
	if got, err := quick.YAML(); err != nil || string(got) != want {
		t.Errorf("%v, and the card of the profile is\n%s", err, got)
	}
	if text.Name != "other" || text.Where != "x1 > 0" || text.Train.Schedule.End != 1e-4 || text.Profiles != nil {
		t.Errorf("the card of the profile is %+v", text)
	}
	if got, err := c.YAML(); err != nil || strings.Contains(string(got), "profiles") || c.Train.Epochs != 10 || c.Define[0].Expr != "x1 + x2" {
		t.Errorf("%v, and the card as recorded is\n%s", err, got)
	}
}

func TestProfileErrors(t *testing.T) {
	const card = "toy: {name: banana}\ntrain: {epochs: 5}\nprofiles:\n"
	for _, c := range []struct{ profiles, want string }{
		{"  quick: {train.epocs: 2}", `b.yaml:4:11: profiles.quick.train.epocs: train.epocs: no such key; did you mean epochs?`},
		{"  quick: {train.epochs: 5}", `b.yaml:4:11: profiles.quick.train.epochs: changes nothing, for that is what the card has; take it out`},
		{"  quick: {train.epochs: five}", `b.yaml:4:11: profiles.quick.train.epochs: train.epochs: "five" is not an integer`},
		{"  quick: {}", `b.yaml:4:3: profiles.quick: sets nothing; write KEY: VALUE as in {train.epochs: 2}, or take it out`},
		{"  quick: 3", `b.yaml:4:10: profiles.quick: "3" where a map of keys and values belongs`},
		{"  a/b: {seed: 2}", `b.yaml:4:3: profiles.a/b: "a/b" cannot be a part of the names of files: write letters, digits, - and _`},
		{"  quick: {features: [x1, x1]}", `b.yaml:4:3: profiles.quick: features: "x1" comes twice; take one out`},
		{"  quick: {profiles: {a: {seed: 2}}}", `b.yaml:4:11: profiles.quick.profiles: profiles: a profile is chosen (--profile NAME), and not set`},
		{"  quick: {seed: 2}\n  quick: {seed: 3}", `b.yaml:5:3: mapping key "quick" already defined at [4:3]`},
	} {
		_, err := Parse([]byte(card+c.profiles), "b.yaml")
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.profiles, err, c.want)
		}
	}
	c, err := Parse([]byte(profiled), "b.yaml")
	if err != nil {
		t.Fatal(err)
	}
	both := c.clone()
	if err := both.Use("text", "quick"); err != nil || both.Train.Epochs != 2 || both.Where != "x1 > 0" || both.Name != "other-quick" {
		t.Errorf("%v, and both profiles make %+v", err, both)
	}
	if err := c.Use("quik"); err == nil || err.Error() != `there is no profile "quik"; did you mean quick?` || len(c.Profiles) != 2 {
		t.Errorf("%v", err)
	}
	if err := c.Use("none"); err == nil || err.Error() != `there is no profile "none"; there is quick, text` {
		t.Errorf("%v", err)
	}
	c.Profiles = nil
	if err := c.Use("quick"); err == nil || err.Error() != `there is no profile "quick": the card has none, which would stand under profiles` {
		t.Errorf("%v", err)
	}
}
