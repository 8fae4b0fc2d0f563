package card

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/sluice-hep/sluice/events/formula"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/prep"
	"github.com/sluice-hep/sluice/query"
	"github.com/sluice-hep/sluice/toy"
	"github.com/sluice-hep/sluice/train"
)

// Validate reports the first value that cannot be, by its key.
func (c *Card) Validate() error {
	for _, check := range []func() error{
		c.checkName, c.checkSource, c.checkSets, c.checkColumns, c.checkPreparation, c.checkFlows, c.checkOutput, c.checkSearch, c.checkBackground, c.checkUnfolding,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func wrong(key, format string, args ...any) error {
	return &keyError{key: key, reason: fmt.Sprintf(format, args...)}
}

func (c *Card) checkName() error {
	if strings.ContainsAny(c.Name, `/\`) || c.Name == "." || c.Name == ".." {
		return wrong("name", "%q cannot be the name of a file; leave the folders out", c.Name)
	}
	return nil
}

func (c *Card) checkSource() error {
	t := c.Toy
	switch {
	case c.Table != nil && (t != Toy{} || len(c.Files) > 0):
		return wrong("files", "the events come from a table in memory, and from no other source")
	case c.Table != nil:
		return nil
	case t == Toy{} && len(c.Files) == 0:
		return wrong("files", "missing; write files: [events.csv], or toy: {name: two-moons}")
	case t != Toy{} && len(c.Files) > 0:
		return wrong("toy", "events come from files or from a toy, not from both; take one out")
	case slices.Contains(c.Files, ""):
		return wrong("files", "one of the names is empty")
	case t != Toy{} && c.Flatten != "":
		return wrong("flatten", "a toy has nothing to flatten, only files have; take it out")
	case t == Toy{}:
		var bad *query.ReadingError
		if _, err := c.Reading.Options(); errors.As(err, &bad) {
			return wrong(bad.Key, "%s", bad.Reason)
		}
		return nil
	case t.Name == "":
		return wrong("toy.name", "missing; there is %s", strings.Join(toy.Names(), ", "))
	case !slices.Contains(toy.Names(), t.Name):
		return wrong("toy.name", "no toy %q; %s", t.Name, suggest(t.Name, toy.Names()))
	case t.Events < 0 || t.Events > 1e9:
		return wrong("toy.events", "%d is not between 1 and 1000000000", t.Events)
	}
	if err := toy.Check(t.Name, t.Options()); err != nil {
		return wrong("toy", "%s", strings.TrimPrefix(err.Error(), "toy: "))
	}
	return nil
}

func (c *Card) checkColumns() error {
	const most = 4096
	if len(c.Features) == 0 {
		return wrong("features", "missing; name the columns to model, as in features: [a, b] (sluice inspect lists what a file has)")
	}
	if n := max(len(c.Features), len(c.Given())); n > most {
		return wrong("features", "%d columns are more than the %d that a flow can take", n, most)
	}
	place := map[string]string{}
	for _, part := range []struct {
		key   string
		names []string
	}{{"features", c.Features}, {"context", c.Context}, {"context_sets", c.objects()}, {"weight", nonEmpty(c.Weight)}} {
		for _, name := range part.names {
			before, twice := place[name]
			switch {
			case name == "":
				return wrong(part.key, "one of the names is empty")
			case twice && before == part.key:
				return wrong(part.key, "%q comes twice; take one out", name)
			case twice:
				return wrong(part.key, "%q stands under %s already; a column is one or the other", name, before)
			}
			place[name] = part.key
		}
	}
	for _, s := range c.ContextSets {
		if before := place[s.Count]; before != "" && before != "context" {
			return wrong("context_sets", "%q, the count of %s, stands under %s already; a column is one or the other", s.Count, s.Name, before)
		}
	}
	if err := checkDefinitions("define", c.Define); err != nil {
		return err
	}
	return c.checkRestore()
}

func checkDefinitions(key string, all Definitions) error {
	defined := map[string]bool{}
	for _, d := range all {
		switch {
		case d.Name == "":
			return wrong(key, "one of the names is empty")
		case strings.TrimSpace(d.Expr) == "":
			return wrong(join(key, d.Name), "the expression is empty")
		case defined[d.Name]:
			return wrong(join(key, d.Name), "comes twice; take one out")
		}
		defined[d.Name] = true
	}
	return nil
}

func (c *Card) checkRestore() error {
	if err := checkDefinitions("restore", c.Restore); err != nil {
		return err
	}
	known := slices.Concat(c.Features, c.Context)
	for _, d := range c.Restore {
		key := join("restore", d.Name)
		if slices.Contains(c.Used(), d.Name) {
			return wrong(key, "a column of that name is generated, or given, already; take one out")
		}
		names, err := formula.Names(d.Expr)
		if err != nil {
			return wrong(key, "%v", err)
		}
		for _, name := range names {
			if err := oneOf(key, name, "features, context or restore before it", known); name != "pi" && err != nil {
				return err
			}
		}
		known = append(known, d.Name)
	}
	return nil
}

func nonEmpty(names ...string) []string {
	return slices.DeleteFunc(names, func(s string) bool { return s == "" })
}

func (c *Card) checkPreparation() error {
	for _, p := range []struct {
		key, list string
		spec      prep.Spec
		known     []string
	}{{"prepare", "features", c.Prepare, c.Features}, {"prepare_context", "context", c.PrepareContext, slices.Concat(c.Context, c.variables())}} {
		if err := p.spec.Validate(); err != nil {
			return wrong(p.key, "%v", err)
		}
		for name := range p.spec.Columns {
			if err := oneOf(join(p.key, name), name, p.list, p.known); err != nil {
				return err
			}
		}
	}
	if err := c.checkSimplex(); err != nil {
		return err
	}
	for name := range c.Missing.Columns {
		if err := oneOf(join("missing", name), name, "features or context", slices.Concat(c.Features, c.Context)); err != nil {
			return err
		}
	}
	for name := range c.Range {
		key, steps := join("range", name), c.Prepare.Of(name)
		if !slices.Contains(c.Features, name) {
			if err := oneOf(key, name, "features or context", slices.Concat(c.Features, c.Context)); err != nil {
				return err
			}
			steps = c.PrepareContext.Of(name)
		}
		if steps != nil {
			return wrong(key, "the column has steps of its own under prepare; give them the limits, as in {quantile: {low: 0, high: 1}}, or take one out")
		}
	}
	return nil
}

// checkSimplex refuses fractions that are no features, or that are prepared otherwise too.
func (c *Card) checkSimplex() error {
	const key = "simplex"
	seen := map[string]bool{}
	for _, of := range c.Simplex {
		if len(of) < 2 {
			return wrong(key, "%q: fractions that sum to 1 are two or more, as in [[f_p, f_He, f_Fe]]", of)
		}
		for _, name := range of {
			if err := oneOf(key, name, "features", c.Features); err != nil {
				return err
			}
			_, steps := c.Prepare.Columns[name]
			_, limits := c.Range[name]
			_, missing := c.Missing.Columns[name]
			switch {
			case seen[name]:
				return wrong(key, "%q comes twice; take one out", name)
			case steps || limits || missing:
				return wrong(key, "%q has a preparation, a range or a rule for missing values of its own: a fraction of a simplex takes none, leave it out there", name)
			}
			seen[name] = true
		}
	}
	return nil
}

// oneOf checks that a column is one of those listed under a key.
func oneOf(key, name, list string, known []string) error {
	if slices.Contains(known, name) {
		return nil
	}
	if len(known) == 0 {
		return wrong(key, "%q is not listed under %s", name, list)
	}
	return wrong(key, "%q is not listed under %s; %s", name, list, suggest(name, slices.Clone(known)))
}

func (c *Card) checkMixture() error {
	m := c.Mixture
	switch {
	case m.Components == 0 && m.Gate.IsZero():
		return nil
	case m.Components < 2 || m.Components > train.MostMembers:
		return wrong("mixture.components", "%d is not between 2 and %d", m.Components, train.MostMembers)
	case len(c.Context) == 0 && !m.Gate.IsZero():
		return wrong("mixture.gate", "has no effect without a context: take it out")
	case c.Train.Objective == "matching" || c.Train.Objective == "reverse-kl":
		return wrong("mixture", "%s trains one flow, and the flows of a mixture are trained by likelihood: take the mixture or train.objective out", c.Train.Objective)
	}
	if !c.Flow.ContextNet.IsZero() || len(c.ContextSets) > 0 {
		return wrong("mixture", "the flows of a mixture see the context as it is: take flow.context_net and context_sets out, or the mixture")
	}
	if err := m.Gate.Validate(); err != nil {
		return wrong("mixture", "%v", err)
	}
	return nil
}

// checkBaseModel refuses what has no meaning beside a base that is a trained model.
func (c *Card) checkBaseModel() error {
	const key = "base_model"
	set := func(p prep.Spec) bool { return len(p.Columns) > 0 || len(p.All) > 0 }
	objective := c.Train.Objective
	switch {
	case c.BaseModel == "":
		return nil
	case !c.Flow.Base.IsZero() || len(c.Flow.Bases) > 0:
		return wrong(key, "is the base of the flow: take flow.base and flow.bases out")
	case c.Mixture.Components > 0:
		return wrong(key, "is the base of one flow, not of the components of a mixture: take one of them out")
	case objective == "reverse-kl" || objective == "matching" || objective == "" && c.Flow.Matched():
		return wrong(key, "goes with a training by likelihood: take train.objective likelihood")
	case len(c.ContextSets) > 0:
		return wrong(key, "goes with no sets of objects in the context")
	case set(c.Prepare) || set(c.PrepareContext) || len(c.Range) > 0 || len(c.Simplex) > 0 || !c.Missing.IsZero() || c.DropDependent:
		return wrong(key, "the events are prepared as those of that model were: take prepare, prepare_context, range, simplex, missing and drop_dependent out")
	}
	return nil
}

func (c *Card) checkFlow() error {
	var inFlow *flow.FieldError
	_, err := c.Flow.Resolve(c.Features)
	if err == nil {
		err = c.Flow.Validate()
	}
	if err == nil {
		err = c.checkContextNet()
	}
	if err == nil {
		err = c.Flow.Idle(len(c.Features), len(c.Given()), c.Train.Objective != "likelihood" && c.Flow.Matched())
	}
	if errors.As(err, &inFlow) {
		return wrong(join("flow", inFlow.Field), "%s", inFlow.Reason)
	} else if err != nil {
		return wrong("flow", "%v", err)
	}
	if err := c.checkCategorical(); err != nil {
		return err
	}
	if err := c.checkMixture(); err != nil {
		return err
	}
	if err := c.checkBaseModel(); err != nil {
		return err
	}
	if err := c.checkTrain(); err != nil {
		return err
	}
	if c.Train.Objective == "matching" && !c.Flow.Matched() {
		return wrong("train.objective", "flow matching trains a flow of one continuous layer (type: cfm), not this one: take the key out")
	}
	if c.Train.Objective == "mmd" && c.Background.Simulation.IsZero() {
		return wrong("train.objective", "mmd carries simulation to data, for sluice background, and there is none: name it under background.simulation, or take another objective")
	}
	if c.Train.Objective == "reverse-kl" {
		return c.checkKnown()
	}
	return nil
}

// checkKnown refuses what is no density that is known up to a factor.
func (c *Card) checkKnown() error {
	const key = "train.objective"
	var known bool
	if d, err := toy.New(c.Toy.Name, c.Toy.Options()); err == nil {
		target, _ := d.Target()
		known = target != nil
	}
	prepared := len(c.Prepare.Columns) > 0 || len(c.Simplex) > 0 || len(c.Prepare.All) > 0
	switch {
	case !known:
		return wrong(key, "reverse-kl learns a density that is known up to a factor, of a toy %s: take another objective", strings.Join(toy.PotentialNames(), ", "))
	case !slices.Equal(c.Features, []string{"x1", "x2"}) || len(c.Context) > 0 || c.Weight != "" || c.Where != "" || len(c.Define) > 0:
		return wrong(key, "reverse-kl learns the density of x1 and x2 of the toy as it is, without context, weight, where and define")
	case prepared:
		return wrong("prepare", "reverse-kl learns the columns as they are: take it, or simplex, out")
	}
	return nil
}

func (c *Card) checkTrain() error {
	var inTrain *train.FieldError
	if err := c.Train.Validate(); errors.As(err, &inTrain) {
		return wrong(join("train", inTrain.Field), "%s", inTrain.Reason)
	} else if err != nil {
		return wrong("train", "%v", err)
	}
	return nil
}

func (c *Card) checkCategorical() error {
	for _, n := range c.Categorical.Hidden {
		if n < 1 || n > 65536 {
			return wrong("categorical.hidden", "%d units: a layer has 1 to 65536", n)
		}
	}
	if d := c.Categorical.Dropout; d > 0.999 || d < 0 && d != -1 {
		return wrong("categorical.dropout", "%g is not between 0 and 0.999", d)
	}
	return nil
}

func (c *Card) checkOutput() error {
	switch s := c.Sample; {
	case s.Events < 0:
		return wrong("sample.events", "%d is not 1 or more; write same for as many as there are", s.Events)
	case len(s.Context) > 0 && s.ContextFile != "":
		return wrong("sample.context_file", "the context comes from a file or from values, not from both; take one out")
	case s.ContextFile != "" && len(c.Given()) == 0:
		return wrong("sample.context_file", "the card has no context; name its columns under context:")
	case c.Compare.Bins < 0 || c.Compare.Bins == 1 || c.Compare.Bins > 10_000:
		return wrong("compare.bins", "%d is not between 2 and 10000", c.Compare.Bins)
	case c.Threads < 0 || c.Threads > 4096:
		return wrong("threads", "%d is not between 1 and 4096", c.Threads)
	case c.Plots.Steps && len(c.Features) != 2:
		return wrong("plots.steps", "the steps of a flow can be drawn for two features, not for %d; take it out", len(c.Features))
	case c.Plots.Density && len(c.Context) > 0:
		return wrong("plots.density", "a density that is given a context is none of two features alone; take it out")
	case c.Plots.Density && len(c.Features) != 2:
		return wrong("plots.density", "a density can be drawn for two features, not for %d; take it out", len(c.Features))
	}
	for name, v := range c.Sample.Context {
		if err := oneOf(join("sample.context", name), name, "context", c.Given()); err != nil {
			return err
		}
		switch x := v.(type) {
		case int, string:
		case float64:
			if math.IsNaN(x) || math.IsInf(x, 0) {
				return wrong(join("sample.context", name), "%g is not a finite number", x)
			}
		default:
			return wrong(join("sample.context", name), "%v is neither a number nor a name", v)
		}
	}
	return c.checkCompare()
}

func (c *Card) checkCompare() error {
	if t := c.Compare.Tests; t != "" && t != TestsOfAll && t != TestsOfColumns {
		return wrong("compare.tests", "%q is neither %s nor %s", t, TestsOfAll, TestsOfColumns)
	}
	for _, name := range c.Compare.Columns {
		if err := oneOf("compare.columns", name, "features or restore", slices.DeleteFunc(c.Generated(), func(n string) bool { return slices.Contains(c.Context, n) })); err != nil {
			return err
		}
	}
	if n := len(c.Compare.Corner); n == 1 || n > 8 {
		return wrong("compare.corner", "it takes 2 to 8 columns, not %d", n)
	}
	for _, name := range c.Compare.Corner {
		if err := oneOf("compare.corner", name, "features, context or restore", c.Generated()); err != nil {
			return err
		}
	}
	for i, cut := range c.Compare.Cuts {
		key := fmt.Sprintf("compare.cuts.%d", i)
		names, err := formula.Names(cut)
		if err != nil {
			return wrong(key, "%v", err)
		}
		for _, name := range names {
			if err := oneOf(key, name, "features, context or restore", slices.Concat(c.Generated(), c.Given())); name != "pi" && err != nil {
				return err
			}
		}
	}
	return nil
}

// place gives the error of a check the line of its key in the text, or of the group that the key belongs to.
func place(err error, root ast.Node) error {
	var k *keyError
	if !errors.As(err, &k) {
		return err
	}
	rest, n := k.key, root
	for rest != "" {
		if e, left := findElement(n, rest); e != nil {
			rest, n = left, e
			continue
		}
		pair, left := findKey(n, rest)
		if pair == nil {
			break
		}
		t := pair.Key.GetToken()
		if _, ok := scalar(pair.Value); ok {
			t = pair.Value.GetToken()
		}
		k.line, k.column = t.Position.Line, t.Position.Column
		rest, n = left, pair.Value
	}
	return k
}

// findElement is the element of a list whose number a dotted path begins with, and the rest of the path.
func findElement(n ast.Node, path string) (ast.Node, string) {
	list, ok := n.(*ast.SequenceNode)
	number, rest, _ := strings.Cut(path, ".")
	i, err := strconv.Atoi(number)
	if !ok || err != nil || i < 0 || i >= len(list.Values) {
		return nil, ""
	}
	return list.Values[i], rest
}

// findKey is the pair of a map whose key a dotted path begins with, and the rest of the path. Names of columns may
// hold dots themselves.
func findKey(n ast.Node, path string) (*ast.MappingValueNode, string) {
	m, ok := n.(ast.MapNode)
	if !ok {
		return nil, ""
	}
	for it := m.MapRange(); it.Next(); {
		name, _ := scalar(it.Key())
		if rest, ok := strings.CutPrefix(path, name); ok && (rest == "" || rest[0] == '.') {
			return it.KeyValue(), strings.TrimPrefix(rest, ".")
		}
	}
	return nil, ""
}
