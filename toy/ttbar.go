package toy

import (
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
)

// ttbar makes pairs of top quarks, of which one decays to a lepton and a neutrino and the other to jets, as a detector at the LHC sees them: t -> W b
// and W -> l nu or q q', relativistically, with masses from Breit-Wigner distributions and the helicities of W bosons from top quarks; pairs have
// masses, rapidities and jets beside them that look like those of the LHC, and are no matrix element. Momenta are in GeV.
//
// Parameters are those of the neutrino. Observables are the missing transverse momentum, the lepton (log of its energy, and its number: 11 and 13 are
// the electron and the muon, negative ones their antiparticles), the numbers of jets and of b-tagged ones, two shapes of the event, up to ten jets
// in the order of transverse momentum (0 where there is none), and the solutions of NeutrinoPz for what is measured, which is no measurement.
//
// C1 and C2 are the double ratios of energy correlation functions of the jets and the lepton with beta = 1 (arXiv:1305.0007).
func ttbar() *Simulator {
	return Simulator{
		Name:        "ttbar",
		Parameters:  []events.Column{{Name: "nu_px", Unit: "GeV"}, {Name: "nu_py", Unit: "GeV"}, {Name: "nu_eta"}},
		Observables: ttbarObservables(),
	}.filled(ttbarEvent)
}

const ttbarJets = 10

func ttbarObservables() []events.Column {
	c := []events.Column{
		{Name: "met_px", Unit: "GeV"}, {Name: "met_py", Unit: "GeV"},
		{Name: "lepton_px", Unit: "GeV"}, {Name: "lepton_py", Unit: "GeV"}, {Name: "lepton_eta"}, {Name: "lepton_log_e"}, {Name: "lepton_id"},
		{Name: "n_jet"}, {Name: "n_bjet"}, {Name: "c1"}, {Name: "c2"},
	}
	for i := range ttbarJets {
		for _, v := range []struct{ name, unit string }{{"px", "GeV"}, {"py", "GeV"}, {"eta", ""}, {"log_e", ""}, {"btag", ""}} {
			c = append(c, events.Column{Name: fmt.Sprintf("jet%d_%s", i+1, v.name), Unit: v.unit})
		}
	}
	return append(c, events.Column{Name: "nu_pz_small", Unit: "GeV"}, events.Column{Name: "nu_pz_large", Unit: "GeV"}, events.Column{Name: "nu_pz_imaginary", Unit: "GeV"})
}

// MassW is the mass of the W boson that NeutrinoPz assumes, in GeV.
const MassW = 80.38

const (
	massTop, widthTop = 172.5, 1.42
	widthW            = 2.085
	massB             = 4.7
	massElectron      = 0.000511
	massMuon          = 0.1056584
)

// NeutrinoPz is what the mass of the W boson says of the neutrino's momentum along the beam, given the momentum (x, y, z) and the mass of the lepton
// and the neutrino's transverse momentum: the solutions of a quadratic equation, the one of smaller size first, with the imaginary part of
// complex ones, whose real part both then are. In units of the momenta, with massW.
func NeutrinoPz(lepton [3]float64, mass float64, met [2]float64, massW float64) (small, large, imaginary float64) {
	e2 := lepton[0]*lepton[0] + lepton[1]*lepton[1] + lepton[2]*lepton[2] + mass*mass
	half := (massW*massW-mass*mass)/2 + lepton[0]*met[0] + lepton[1]*met[1] // kappa/2
	pt2 := e2 - lepton[2]*lepton[2]                                         // -a
	met2 := met[0]*met[0] + met[1]*met[1]
	mean := half * lepton[2] / pt2
	disc := e2 * (half*half - pt2*met2) // (b^2 - 4ac)/4; the terms in pz^2 (kappa/2)^2 are taken out, where digits would be lost
	if disc < 0 {
		return mean, mean, math.Sqrt(-disc) / pt2
	}
	large = mean + math.Copysign(math.Sqrt(disc)/pt2, mean)
	if large != 0 {
		small = (e2*met2 - half*half) / pt2 / large // Vieta: c/a = (half^2 - e2 met2)/(-pt2) is their product
	}
	return small, large, 0
}

// momentum is one of four components, in GeV.
type momentum struct{ x, y, z, e float64 }

func (p momentum) plus(q momentum) momentum {
	return momentum{p.x + q.x, p.y + q.y, p.z + q.z, p.e + q.e}
}
func (p momentum) times(f float64) momentum { return momentum{p.x * f, p.y * f, p.z * f, p.e * f} }
func (p momentum) pt() float64              { return math.Hypot(p.x, p.y) }
func (p momentum) eta() float64             { return math.Asinh(p.z / p.pt()) }
func (p momentum) mass() float64            { return math.Sqrt(max(p.e*p.e-p.x*p.x-p.y*p.y-p.z*p.z, 0)) }

// from is p, which is in the rest frame of q, in the frame in which q is given.
func (p momentum) from(q momentum) momentum {
	m := q.mass()
	e := (q.e*p.e + q.x*p.x + q.y*p.y + q.z*p.z) / m
	f := (p.e + e) / (q.e + m)
	return momentum{p.x + f*q.x, p.y + f*q.y, p.z + f*q.z, e}
}

// split is the decay of a mass at rest into two, the first in direction n.
func split(m, m1, m2 float64, n [3]float64) (a, b momentum) {
	e := (m*m + m1*m1 - m2*m2) / (2 * m)
	p := math.Sqrt(max(e*e-m1*m1, 0))
	return momentum{p * n[0], p * n[1], p * n[2], e}, momentum{-p * n[0], -p * n[1], -p * n[2], m - e}
}

// sphere is a direction at an angle to an axis, even around it.
func sphere(cos float64, axis [3]float64, random *rng.Source) [3]float64 {
	u := [3]float64{-axis[1], axis[0], 0} // across the axis
	if length := math.Hypot(u[0], u[1]); length > 1e-9 {
		u[0], u[1] = u[0]/length, u[1]/length
	} else {
		u = [3]float64{1, 0, 0}
	}
	v := [3]float64{axis[1]*u[2] - axis[2]*u[1], axis[2]*u[0] - axis[0]*u[2], axis[0]*u[1] - axis[1]*u[0]}
	sin := math.Sqrt(max(1-cos*cos, 0))
	s, c := math.Sincos(2 * math.Pi * random.Float64())
	var n [3]float64
	for k := range n {
		n[k] = cos*axis[k] + sin*(c*u[k]+s*v[k])
	}
	return n
}

func isotropic(random *rng.Source) [3]float64 {
	return sphere(2*random.Float64()-1, [3]float64{0, 0, 1}, random)
}

// helicity is the cosine of the angle between the charged lepton (or down quark), in the rest frame of a W from a top quark, and the W's flight: 0.7 of
// these are longitudinal, and the others left-handed.
func helicity(random *rng.Source) float64 {
	for {
		c := 2*random.Float64() - 1
		if 1.5*random.Float64() < 0.7*0.75*(1-c*c)+0.3*0.375*(1-c)*(1-c) {
			return c
		}
	}
}

func breitWigner(mass, width float64, random *rng.Source) float64 {
	for {
		m := mass + width/2*math.Tan(math.Pi*(random.Float64()-0.5))
		if math.Abs(m-mass) < 15*width {
			return m
		}
	}
}

// topDecay is a top quark's decay, in the frame in which it is given: the b quark, and of the W the lepton or down quark, of mass m, and the other.
func topDecay(top momentum, m float64, random *rng.Source) (b, first, second momentum) {
	n := isotropic(random)
	mW := breitWigner(MassW, widthW, random)
	w, b := split(top.mass(), mW, massB, n)
	first, second = split(mW, m, 0, sphere(helicity(random), n, random))
	return b.from(top), first.from(w).from(top), second.from(w).from(top)
}

func exponential(mean float64, random *rng.Source) float64 { return -mean * math.Log(random.Float64()) }

// jet is a parton on its way to a jet.
type jet struct {
	momentum
	tagChance float64
	tagged    bool
}

// radiated are jets beside the pair: 1.2 on average, falling in transverse momentum.
func radiated(random *rng.Source) (jets []jet) {
	for t := exponential(1, random); t < 1.2; t += exponential(1, random) {
		pt, eta := 20+exponential(35, random), 2*random.NormFloat64()
		s, c := math.Sincos(2 * math.Pi * random.Float64())
		jets = append(jets, jet{momentum: momentum{pt * c, pt * s, pt * math.Sinh(eta), pt * math.Cosh(eta)}, tagChance: 0.01})
	}
	return jets
}

// topPair are two top quarks that recoil against jets.
func topPair(jets []jet, random *rng.Source) (t1, t2 momentum) {
	m1, m2 := breitWigner(massTop, widthTop, random), breitWigner(massTop, widthTop, random)
	m := m1 + m2 + exponential(70, random) + exponential(70, random)
	pair := momentum{x: 8 * random.NormFloat64(), y: 8 * random.NormFloat64()}
	for _, j := range jets {
		pair.x, pair.y = pair.x-j.x, pair.y-j.y
	}
	mt := math.Hypot(m, pair.pt())
	y := 0.9 * random.NormFloat64()
	pair.z, pair.e = mt*math.Sinh(y), mt*math.Cosh(y)
	t1, t2 = split(m, m1, m2, isotropic(random))
	return t1.from(pair), t2.from(pair)
}

// ttbarEvent makes events until one has a lepton above 25 GeV within |eta| < 2.4, four jets or more, likewise, and one b tag or more.
func ttbarEvent(row []float64, random *rng.Source) {
	for {
		jets := radiated(random)
		t1, t2 := topPair(jets, random)
		id, mass := 11., massElectron
		if random.Float64() < 0.5 {
			id, mass = 13, massMuon
		}
		if random.Float64() < 0.5 {
			id = -id
		}
		b1, lepton, nu := topDecay(t1, mass, random)
		b2, q1, q2 := topDecay(t2, 0, random)
		charm := 0.01
		if random.Float64() < 0.5 {
			charm = 0.15
		}
		jets = append(jets, jet{momentum: b1, tagChance: 0.7}, jet{momentum: b2, tagChance: 0.7}, jet{momentum: q1, tagChance: 0.01}, jet{momentum: q2, tagChance: charm})
		met := nu
		jets = measured(jets, &met, random)
		resolution := 0.02
		if math.Abs(id) == 11 {
			resolution = math.Hypot(0.01, 0.1/math.Sqrt(lepton.e))
		}
		seen := lepton.times(max(1+resolution*random.NormFloat64(), 0.1))
		met.x, met.y = met.x+lepton.x-seen.x, met.y+lepton.y-seen.y
		tags := 0
		for _, j := range jets {
			if j.tagged {
				tags++
			}
		}
		if !accepted(seen) || len(jets) < 4 || tags == 0 {
			continue
		}
		record(row, nu, met, seen, id, mass, jets, tags)
		return
	}
}

func accepted(p momentum) bool { return p.pt() > 25 && math.Abs(p.eta()) < 2.4 }

// measured are the jets seen, in the order of transverse momentum. What is mismeasured is added to the missing momentum, as is noise of 12 GeV: a fifth
// of b jets lose up to 30 % to neutrinos, all a little out of the cone, and the resolution of the transverse momentum is 0.8 GeV^(1/2)/sqrt(pT) and 5 %.
func measured(jets []jet, met *momentum, random *rng.Source) (seen []jet) {
	met.x, met.y = met.x+12*random.NormFloat64(), met.y+12*random.NormFloat64()
	for _, j := range jets {
		response := 1 - min(exponential(0.04, random), 0.5)
		if j.tagChance == 0.7 && random.Float64() < 0.2 {
			response *= 1 - 0.3*random.Float64()
		}
		pt := j.pt()
		response *= max(1+math.Hypot(0.8/math.Sqrt(pt), 0.05)*random.NormFloat64(), 0.1)
		is := jet{momentum: j.times(response), tagged: random.Float64() < j.tagChance}
		met.x, met.y = met.x+j.x-is.x, met.y+j.y-is.y
		if accepted(is.momentum) {
			seen = append(seen, is)
		}
	}
	slices.SortFunc(seen, func(a, b jet) int {
		if a.pt() > b.pt() {
			return -1
		}
		return 1
	})
	return seen
}

func record(row []float64, nu, met, lepton momentum, id, mass float64, jets []jet, tags int) {
	clear(row)
	c1, c2 := correlations(lepton, jets)
	head := append(row[:0], nu.x, nu.y, nu.eta(), met.x, met.y,
		lepton.x, lepton.y, lepton.eta(), math.Log(lepton.e), id, float64(len(jets)), float64(tags), c1, c2)
	at := len(head)
	for i, j := range jets[:min(len(jets), ttbarJets)] {
		tag := 0.
		if j.tagged {
			tag = 1
		}
		copy(row[at+5*i:], []float64{j.x, j.y, j.eta(), math.Log(j.e), tag})
	}
	end := row[at+5*ttbarJets:]
	end[0], end[1], end[2] = NeutrinoPz([3]float64{lepton.x, lepton.y, lepton.z}, mass, [2]float64{met.x, met.y}, MassW)
}

// correlations are C1 = E2/E1^2 and C2 = E3 E1/E2^2, E2 and E3 being sums of products of transverse momenta and distances in eta and phi over pairs
// and triples.
func correlations(lepton momentum, jets []jet) (c1, c2 float64) {
	p := make([]momentum, 0, ttbarJets+1)
	p = append(p, lepton)
	for _, j := range jets {
		p = append(p, j.momentum)
	}
	distance := func(a, b momentum) float64 {
		phi := math.Remainder(math.Atan2(a.y, a.x)-math.Atan2(b.y, b.x), 2*math.Pi)
		return math.Hypot(a.eta()-b.eta(), phi)
	}
	var e1, e2, e3 float64
	for i := range p {
		e1 += p[i].pt()
		for j := range i {
			r := distance(p[i], p[j])
			e2 += p[i].pt() * p[j].pt() * r
			for k := range j {
				e3 += p[i].pt() * p[j].pt() * p[k].pt() * r * distance(p[i], p[k]) * distance(p[j], p[k])
			}
		}
	}
	return e2 / (e1 * e1), e3 * e1 / (e2 * e2)
}
