package fit

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/mix"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/train"
)

const ensembleCard = `toy: {name: two-moons, events: 3000}
flow: {transforms: 2, hidden: [8]}
train: {epochs: 6, ensemble: 3, batch: 128}
`

func loadedText(t *testing.T, text string) *Data {
	t.Helper()
	c, err := card.Parse([]byte(text), "moons.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return loaded(t, c)
}

func trained(t *testing.T, d *Data, o Options) (*model.Model, *train.Result) {
	t.Helper()
	m, r, err := d.Train(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return m, r
}

func hash(t *testing.T, m *model.Model) string {
	t.Helper()
	h, err := m.Hash()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// The first member is the model that one training gives, the others differ, and what is said of them together is of their mean density.
func TestEnsemble(t *testing.T) {
	d := loadedText(t, ensembleCard)
	m, r := trained(t, d, Options{})
	e := m.Density.(*mix.Ensemble)
	if len(e.Members) != 3 || len(r.Ensemble.Members) != 3 || r.Epochs != 18 || r.Ensemble.Sample != "test" {
		t.Fatalf("%d members, %+v", len(e.Members), r)
	}
	alone, one := trained(t, loadedText(t, strings.Replace(ensembleCard, "ensemble: 3, ", "", 1)), Options{})
	x, _, err := d.Features.Apply(d.Held.Take(d.Rows.Test), nil)
	if err != nil {
		t.Fatal(err)
	}
	want, err := alone.Density.LogProb(x, nil)
	if err != nil {
		t.Fatal(err)
	}
	var differ bool
	for k, member := range e.Members {
		got, err := member.LogProb(x, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			if k == 0 && got[i] != want[i] {
				t.Fatal("the first member is not the model of the seed alone")
			}
			differ = differ || got[i] != want[i]
		}
	}
	if !differ || r.Ensemble.Members[0].TestNLL != one.TestNLL {
		t.Errorf("the members are the same, or the first one's NLL is %v, alone %v", r.Ensemble.Members[0].TestNLL, one.TestNLL)
	}
	logProb, deviation, err := m.LogProbs(d.Held.Take(d.Rows.Test), 0)
	if err != nil {
		t.Fatal(err)
	}
	var nll, spread float64
	for i := range logProb {
		nll, spread = nll-logProb[i]/float64(len(logProb)), spread+deviation[i]/float64(len(logProb))
	}
	if math.Abs(nll-float64(r.TestNLL)) > 1e-9 || math.Abs(spread-float64(r.Ensemble.Spread)) > 1e-9 {
		t.Errorf("NLL %v and spread %v, said are %v and %v", nll, spread, r.TestNLL, r.Ensemble.Spread)
	}
	if !(float64(r.TestNLL) < float64(r.Ensemble.Mean)) { // Jensen: the logarithm of a mean is above the mean of logarithms
		t.Errorf("the mean density has an NLL of %v, above the members' mean %v", r.TestNLL, r.Ensemble.Mean)
	}
	var squares float64
	for _, member := range r.Ensemble.Members {
		squares += math.Pow(float64(member.TestNLL-r.Ensemble.Mean), 2)
	}
	if got := float64(r.Ensemble.Deviation); math.Abs(got-math.Sqrt(squares/2)) > 1e-9 {
		t.Errorf("the members' NLLs deviate by %v, said is %v", math.Sqrt(squares/2), got)
	}
}

// An ensemble that is interrupted in a member goes on from there, also where the events are a stream, to the same bits; members that
// came to their end are not trained again.
func TestEnsembleGoesOn(t *testing.T) {
	stream := streamCard(moonFiles(t, "npy"))
	stream.Train.Ensemble = 3
	for _, load := range []func() *Data{func() *Data { return loadedText(t, ensembleCard) }, func() *Data { return loaded(t, stream) }} {
		whole, _ := trained(t, load(), Options{Threads: 2})
		o := Options{State: filepath.Join(t.TempDir(), "m.state"), Threads: 1}
		ctx, stop := context.WithCancel(t.Context())
		o.Progress = func(at train.Progress) {
			if at.Member == 2 && at.Epoch == 3 {
				stop()
			}
		}
		if _, _, err := load().Train(ctx, o); !errors.Is(err, context.Canceled) {
			t.Fatalf("it ends with %v", err)
		}
		if there := train.States(o.State); len(there) != 2 || !train.Done(there[0]) || train.Done(there[1]) {
			t.Errorf("kept are %v", there)
		}
		var resumed []string
		steps := map[int]int{}
		o.Resume, o.Progress = true, func(at train.Progress) { steps[at.Member]++ }
		o.Notice = func(line string) {
			if strings.Contains(line, "resumed") {
				resumed = append(resumed, line)
			}
		}
		m, _ := trained(t, load(), o)
		if hash(t, m) != hash(t, whole) {
			t.Error("gone on with, the ensemble is another")
		}
		if len(resumed) != 2 || !strings.HasPrefix(resumed[0], "member 1 of 3: ") || steps[1] > 1 {
			t.Errorf("taken up were %q; member 1 had %d reports", resumed, steps[1])
		}
		if err := train.RemoveState(o.State); err != nil || len(train.States(o.State)) > 0 {
			t.Errorf("%v: there is %v", err, train.States(o.State))
		}
	}
}

// A member that diverges is left out and told; an ensemble of none is an error.
func TestEnsembleLeavesOutWhatDiverges(t *testing.T) {
	d := loadedText(t, ensembleCard)
	kept := d.x[0]
	broken := make([]float32, len(kept))
	for i := range broken {
		broken[i] = float32(math.Inf(1))
	}
	restored := slices.Clone(kept)
	var warned []string
	breaks := func(member int) bool { return member == 2 }
	o := Options{
		Progress: func(at train.Progress) {
			if at.Notice == "" && breaks(at.Member) {
				copy(d.x[0], broken)
			}
		},
		Warn: func(line string) {
			if strings.Contains(line, "diverged") {
				warned = append(warned, line)
				copy(d.x[0], restored)
			}
		},
	}
	m, r, err := d.Train(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(m.Density.(*mix.Ensemble).Members); n != 2 || len(warned) != 1 || !strings.HasPrefix(warned[0], "member 2 of 3 ") {
		t.Errorf("%d members, and the warnings are %q", n, warned)
	}
	if f := r.Ensemble.Members[1].Failed; f == "" || !strings.Contains(r.Ensemble.String(), "diverged") || strings.Contains(r.Ensemble.String(), "NaN") {
		t.Errorf("member 2: %q; %s", f, r.Ensemble)
	}
	breaks = func(int) bool { return true }
	if _, _, err := d.Train(t.Context(), o); err == nil || !strings.HasPrefix(err.Error(), "every member of the ensemble diverged; the last: ") {
		t.Errorf("none is left: %v", err)
	}
}

// A member that learned less than the others, or to which an event is impossible, is told.
func TestStragglersAreTold(t *testing.T) {
	e := &train.Ensemble{Sample: "test"}
	for _, v := range []float64{1.2, 1.25, 2.5, math.NaN()} {
		e.Members = append(e.Members, train.Member{Result: train.Result{TestNLL: train.NLL(v)}})
	}
	lines := stragglers(e)
	if len(lines) != 2 || !strings.HasPrefix(lines[0], "member 3 of 4: its NLL of the test events is 1.3 nats above") || !strings.HasPrefix(lines[1], "member 4 of 4: the NLL of the test events is not finite") {
		t.Errorf("%q", lines)
	}
}

// A mixture, given a context, trains as one flow does: the same bits for any number of threads and after an interruption; and an
// ensemble may be made of mixtures.
func TestMixture(t *testing.T) {
	text := `toy: {name: two-moons, events: 3000}
context: [moon]
flow: {type: maf, transforms: 2, hidden: [8]}
mixture: {components: 2, gate: {hidden: [8]}}
train: {epochs: 3, ensemble: 2, batch: 128}
`
	whole, r := trained(t, loadedText(t, text), Options{Threads: 2})
	m, _ := trained(t, loadedText(t, text), Options{Threads: 1})
	if hash(t, m) != hash(t, whole) {
		t.Error("another model with one thread")
	}
	for _, d := range m.Density.(*mix.Ensemble).Members {
		if g, ok := d.(*mix.Gated); !ok || len(g.Components) != 2 {
			t.Errorf("a member is a %T", d)
		}
	}
	if !(r.TestNLL < 2) || !(r.Ensemble.Members[0].History[2].TrainNLL < r.Ensemble.Members[0].History[0].TrainNLL) {
		t.Errorf("it has not learned: %+v", r)
	}
}
