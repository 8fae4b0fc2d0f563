package toy

import (
	"math"
	"slices"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/internal/rng"
)

// GenJet is a jet as generated, with what a detector's answer to it depends on. It is what NanoAOD has of one (GenJet_pt, ...), and of its event.
type GenJet struct {
	Pt, Eta, Phi, Mass float64
	HadronFlavour      int // 5 b, 4 c, 0 neither
	PartonFlavour      int // 21 a gluon, else the number of a quark, with its sign
	Constituents       int
	ChHEF, MuEF        float64 // shares of the energy: charged hadrons, muons
	Lxy                float64 // cm that a heavy hadron flies
	DRNearest          float64 // to the nearest other generated jet of the event, of so much pt
	PtNearest          float64
	InEvent            int     // generated jets of the event
	Pileup             float64 // mean number of interactions beside that of the event
}

// The relative error of a response is exp of a mixture of two normals: a core, and 8 % that lose more.
var responseParts = [2]struct{ weight, mean, std float64 }{{0.92, 0, 0.9}, {0.08, -0.8, 1.7}}

// moment is E[exp(k s t)] of that mixture t.
func moment(s, k float64) (m float64) {
	for _, p := range responseParts {
		m += p.weight * math.Exp(k*s*p.mean+k*k*s*s*p.std*p.std/2)
	}
	return m
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// Efficiency is the probability that the jet is reconstructed.
func (g *GenJet) Efficiency() float64 {
	eta := math.Abs(g.Eta)
	threshold, plateau := 17+3*sigmoid((eta-2.6)/0.2)+0.04*(g.Pileup-35), 0.992-0.05*sigmoid((eta-2.8)/0.15)
	switch {
	case g.HadronFlavour == 5:
		plateau -= 0.01
	case g.PartonFlavour == 21:
		threshold++
	}
	merged := 0.35 * math.Exp(-max(g.DRNearest-0.4, 0)/0.12)
	return plateau * sigmoid((g.Pt-threshold)/(3+0.6*eta)) * (1 - merged)
}

// Response is the mean and the standard deviation of reconstructed over generated pt.
func (g *GenJet) Response() (mean, std float64) {
	mean, s := g.response()
	return mean, mean * math.Sqrt(moment(s, 2)/math.Pow(moment(s, 1), 2)-1)
}

// response is the mean of the ratio, and the width of its logarithm: noise, stochastic and constant terms.
func (g *GenJet) response() (mean, s float64) {
	eta := math.Abs(g.Eta)
	crack := math.Exp(-math.Pow((eta-1.4)/0.15, 2))
	forward := sigmoid((eta - 2.8) / 0.2)
	mean = (0.99 - 1.6/g.Pt) * (1 - 0.04*crack - 0.05*forward) * (1 - 0.35*g.MuEF) * (1 + 0.05*(g.Pileup-35)/g.Pt)
	switch {
	case g.HadronFlavour == 5:
		mean *= 0.975
	case g.PartonFlavour == 21:
		mean *= 0.985
	}
	noise, stochastic, constant := 0.07*g.Pileup/g.Pt, (0.75+0.25*crack-0.15*forward)/math.Sqrt(g.Pt), 0.035+0.02*forward
	return mean, math.Sqrt(noise*noise + stochastic*stochastic + constant*constant)
}

// BTagged is the probability that the jet, once reconstructed, has b-tag scores at all: others have -1. Beyond |eta| = 2.55 the tracker ends.
func (g *GenJet) BTagged() float64 { return g.tracks() * (1 - g.trackless()) }

func (g *GenJet) tracks() float64    { return sigmoid((2.55 - math.Abs(g.Eta)) / 0.05) }
func (g *GenJet) trackless() float64 { return 0.01 + 0.06*math.Exp(-(g.Pt-20)/15) }

// detectorEvent has the generated jets of an event.
type detectorEvent struct {
	pileup float64
	jets   []GenJet
	random *rng.Source
}

// newDetectorEvent draws event number i.
func newDetectorEvent(seed uint64, i int) *detectorEvent {
	e := &detectorEvent{random: rng.New(seed, rng.StreamToy, uint32(i))}
	for !(e.pileup > 10 && e.pileup < 65) {
		e.pileup = 35 + 9*e.random.NormFloat64()
	}
	e.jets = make([]GenJet, 2+e.poisson(2.5))
	for k := range e.jets {
		e.jets[k] = e.generate(k)
	}
	for k := range e.jets {
		e.jets[k].near(e.jets, k)
	}
	return e
}

// poisson draws a number of that mean, by counting steps of an exponential.
func (e *detectorEvent) poisson(mean float64) (n int) {
	for sum := -math.Log(e.random.Float64()); sum < mean; sum -= math.Log(e.random.Float64()) {
		n++
	}
	return n
}

func (e *detectorEvent) chance(p float64) bool { return e.random.Float64() < p }

// generate draws jet k of the event, as of a pair of top quarks: two are mostly of b quarks.
func (e *detectorEvent) generate(k int) GenJet {
	r := e.random
	g := GenJet{InEvent: len(e.jets), Pileup: e.pileup, HadronFlavour: 0}
	kind, sign := r.Float64(), 1-2*r.IntN(2)
	switch {
	case k < 2 && kind < 0.85:
		g.HadronFlavour, g.PartonFlavour = 5, 5*sign
	case kind < 0.2:
		g.HadronFlavour, g.PartonFlavour = 4, 4*sign
	case kind < 0.6:
		g.PartonFlavour = 21
	default:
		g.PartonFlavour = sign * (1 + r.IntN(3))
	}
	g.Pt = 20 + 32*math.Pow(-math.Log(r.Float64()), 1.2)
	for g.Eta = 5; math.Abs(g.Eta) > 4.7; {
		g.Eta = r.NormFloat64() * max(1.9-0.35*math.Log(g.Pt/20), 0.9)
	}
	g.Phi = math.Pi * (2*r.Float64() - 1)
	g.Mass = g.Pt * 0.12 * math.Exp(0.3*r.NormFloat64())
	mean := 6 + 5*math.Log(g.Pt/15)
	if g.PartonFlavour == 21 {
		mean *= 1.35
	}
	g.Constituents = 3 + e.poisson(mean)
	g.ChHEF = sigmoid(0.6 + 0.6*r.NormFloat64())
	if e.chance(map[int]float64{5: 0.2, 4: 0.12}[g.HadronFlavour] + 0.01) {
		g.MuEF = 0.01 + 0.5*math.Pow(r.Float64(), 2)
	}
	if g.HadronFlavour > 0 {
		g.Lxy = -math.Log(r.Float64()) * g.Pt * map[int]float64{5: 0.006, 4: 0.002}[g.HadronFlavour]
	}
	return g
}

// near fills in which other jet of the event is nearest to jet k.
func (g *GenJet) near(jets []GenJet, k int) {
	g.DRNearest = math.Inf(1)
	for j := range jets {
		if d := math.Hypot(g.Eta-jets[j].Eta, math.Remainder(g.Phi-jets[j].Phi, 2*math.Pi)); j != k && d < g.DRNearest {
			g.DRNearest, g.PtNearest = d, jets[j].Pt
		}
	}
}

// recoJet is a reconstructed jet, the last 17 columns of answer.
type recoJet [17]float64

// reconstruct draws the detector's answer to a jet that it sees.
func (e *detectorEvent) reconstruct(g GenJet) (j recoJet) {
	r := e.random
	mean, s := g.response()
	part := responseParts[0]
	if !e.chance(part.weight) {
		part = responseParts[1]
	}
	t := part.mean + part.std*r.NormFloat64()
	ratio := mean * math.Exp(s*t) / moment(s, 1)
	angle := 0.008 + 0.7/g.Pt
	j[0] = g.Pt * ratio
	j[1] = g.Eta + angle*e.tailed()
	j[2] = math.Remainder(g.Phi+1.2*angle*e.tailed(), 2*math.Pi)
	j[3] = g.Mass * math.Exp(0.7*math.Log(ratio)+(0.1+0.004*g.Pileup*20/g.Pt)*r.NormFloat64())
	j[4] = 0.5 + 0.02*r.NormFloat64() - 0.12*r.Float64()*math.Exp(-max(g.DRNearest-0.4, 0)/0.3)
	j[5] = float64(1 + e.poisson(0.8*float64(g.Constituents)+0.05*g.Pileup))
	e.identify(&g, &j, ratio)
	return j
}

// tailed is a normal number with some wider ones.
func (e *detectorEvent) tailed() float64 {
	x := e.random.NormFloat64()
	if e.chance(0.1) {
		x *= 2.5
	}
	return x
}

// identify draws what the jet consists of and seems to be.
func (e *detectorEvent) identify(g *GenJet, j *recoJet, ratio float64) {
	r := e.random
	tracked := e.chance(g.tracks())
	charged, rest := 0.0, 1.0
	if tracked {
		charged = sigmoid(math.Log(g.ChHEF/(1-g.ChHEF)) - 0.8*math.Log(ratio) + 0.35*r.NormFloat64())
		for range 2 {
			if e.chance(0.02 + 0.04*sigmoid(float64(g.HadronFlavour)-3)) {
				j[6]++
			}
		}
		if g.MuEF > 0 && e.chance(0.85) || e.chance(0.004) {
			j[7] = 1
		}
	}
	rest -= charged
	j[8] = charged
	j[9] = rest * sigmoid(-1.2+0.9*r.NormFloat64()+0.8*sigmoid((math.Abs(g.Eta)-2.9)/0.2))
	j[10] = (rest - j[9]) * sigmoid(2.5+0.7*r.NormFloat64())
	j[11], j[12], j[13] = -1, -1, -1
	if tracked {
		j[13] = sigmoid(0.9 - map[bool]float64{true: 1.6}[g.PartonFlavour == 21] - 0.04*(j[5]-18) + r.NormFloat64())
	}
	if tracked && !e.chance(g.trackless()) {
		common := r.NormFloat64()
		b := map[int]float64{5: 1.2, 4: -1.8, 0: -3.5}[g.HadronFlavour] + 1.2*math.Log1p(4*g.Lxy) + 0.3*j[7]
		c := map[int]float64{5: 0.5, 4: 0.3, 0: -1.5}[g.HadronFlavour] + 0.6*math.Log1p(6*g.Lxy)
		j[11] = sigmoid(b + 1.4*common + 0.6*r.NormFloat64())
		j[12] = sigmoid(c + 0.7*common + 0.8*r.NormFloat64())
	}
	j[14] = 7
	if pass := sigmoid(1.8 + (g.Pt-25)/8 - 0.6*math.Abs(g.Eta)/2); g.Pt < 50 && !e.chance(pass) {
		j[14] = []float64{0, 4, 6}[r.IntN(3)]
	}
	j[15] = 6
	if e.chance(0.01 + 0.02*sigmoid((math.Abs(g.Eta)-2.7)/0.2)) {
		j[15] = 2
	}
	j[16] = 1 + 0.04*r.NormFloat64() + 0.06*j[7] - 0.09*math.Log(ratio)
	if j[11] > 0.5 {
		j[16] += 0.05
	}
}

// fake draws a jet that nothing generated: soft, and more often forward.
func (e *detectorEvent) fake() recoJet {
	r := e.random
	g := GenJet{Pt: 20 - 7*math.Log(r.Float64()), Eta: 5, Phi: math.Pi * (2*r.Float64() - 1), PartonFlavour: 21, Pileup: e.pileup, DRNearest: 1,
		Constituents: 3 + e.poisson(8), ChHEF: sigmoid(0.3 + 0.6*r.NormFloat64())}
	for math.Abs(g.Eta) > 4.7 {
		g.Eta = r.NormFloat64() + 2.6*float64(1-2*r.IntN(2))
	}
	g.Mass = 0.15 * g.Pt
	return e.reconstruct(g)
}

// FakesMean is the mean of the Poisson number of fake jets in an event of so much pileup and so many generated jets.
func FakesMean(pileup float64, generated int) float64 {
	return 0.012 * pileup * (1 + 0.05*float64(generated))
}

// detectorOf is a simulator that fills a table row by row: event i, if its rows are wanted, adds them by add, until that returns false.
func detectorOf(name string, given, answer []events.Column, event func(i int, seed uint64, add func(row ...float64) bool)) *Simulator {
	return &Simulator{Name: name, Parameters: given, Observables: answer, Generate: func(n int, seed uint64) (*events.Table, error) {
		if err := countable(n); err != nil {
			return nil, err
		}
		t := &events.Table{}
		for _, c := range slices.Concat(given, answer) {
			t.Columns = append(t.Columns, column.New(c.Name, c.Unit, c.Type, n))
		}
		row := 0
		for i := 0; row < n; i++ {
			event(i, seed, func(values ...float64) bool {
				for k, v := range values {
					if c := &t.Columns[k]; c.Type == events.Int64 {
						c.I64[row] = int64(v)
					} else {
						c.F32[row] = float32(v)
					}
				}
				row++
				return row < n
			})
		}
		return t, nil
	}}
}

// detector draws generated jets of events with several each, and the answer of a detector to them: response, angles, b-tags of which some are exactly -1,
// what jets consist of. Column reconstructed is 1 for jets that it sees; of others the 17 that follow are NaN. The last event may lack jets.
var detector = detectorOf("detector", []events.Column{
	{Name: "event", Type: events.Int64}, {Name: "GenJet_pt", Unit: "GeV"}, {Name: "GenJet_eta"}, {Name: "GenJet_phi"}, {Name: "GenJet_mass", Unit: "GeV"},
	{Name: "GenJet_hadronFlavour", Type: events.Int64}, {Name: "GenJet_partonFlavour", Type: events.Int64}, {Name: "GenJet_nConstituents", Type: events.Int64},
	{Name: "GenJet_chHEF"}, {Name: "GenJet_muEF"}, {Name: "GenJet_lxy", Unit: "cm"}, {Name: "GenJet_drNearest"}, {Name: "GenJet_ptNearest", Unit: "GeV"},
	{Name: "nGenJet", Type: events.Int64}, {Name: "Pileup_nTrueInt"},
}, answer, func(i int, seed uint64, add func(row ...float64) bool) {
	e := newDetectorEvent(seed, i)
	for _, g := range e.jets {
		seen, j := e.chance(g.Efficiency()), unseen
		if seen {
			j = e.reconstruct(g)
		}
		row := []float64{float64(i), g.Pt, g.Eta, g.Phi, g.Mass, float64(g.HadronFlavour), float64(g.PartonFlavour), float64(g.Constituents),
			g.ChHEF, g.MuEF, g.Lxy, g.DRNearest, g.PtNearest, float64(g.InEvent), g.Pileup, flag(seen)}
		if !add(append(row, j[:]...)...) {
			return
		}
	}
})

// detectorFakes are the jets of that detector that nothing generated, for events of their own. An event has a row for each, with reconstructed 1 and
// slot 0, 1 and so on, and then one with reconstructed 0: a row tells whether the event has one more, and which.
var detectorFakes = detectorOf("detector-fakes", []events.Column{
	{Name: "event", Type: events.Int64}, {Name: "slot", Type: events.Int64}, {Name: "nGenJet", Type: events.Int64}, {Name: "Pileup_nTrueInt"},
}, answer, func(i int, seed uint64, add func(row ...float64) bool) {
	e := newDetectorEvent(seed, i)
	e.random = rng.New(seed, rng.StreamFakes, uint32(i))
	fakes := e.poisson(FakesMean(e.pileup, len(e.jets)))
	for slot := 0; slot <= fakes; slot++ {
		j := unseen
		if slot < fakes {
			j = e.fake()
		}
		if !add(append([]float64{float64(i), float64(slot), float64(len(e.jets)), e.pileup, flag(slot < fakes)}, j[:]...)...) {
			return
		}
	}
})

// answer are the columns of reconstructed jets, as NanoAOD has them, behind whether there is one.
var answer = []events.Column{
	{Name: "reconstructed", Type: events.Int64}, {Name: "Jet_pt", Unit: "GeV"}, {Name: "Jet_eta"}, {Name: "Jet_phi"}, {Name: "Jet_mass", Unit: "GeV"},
	{Name: "Jet_area"}, {Name: "Jet_nConstituents"}, {Name: "Jet_nElectrons"}, {Name: "Jet_nMuons"}, {Name: "Jet_chHEF"}, {Name: "Jet_neHEF"}, {Name: "Jet_neEmEF"},
	{Name: "Jet_btagDeepFlavB"}, {Name: "Jet_btagDeepFlavCvL"}, {Name: "Jet_qgl"}, {Name: "Jet_puId"}, {Name: "Jet_jetId"}, {Name: "Jet_bRegCorr"},
}

// unseen is what there is of a jet that is not reconstructed.
var unseen = func() (j recoJet) {
	for k := range j {
		j[k] = math.NaN()
	}
	return j
}()

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
