// Command neutrino judges what the mass of the W boson, a feed-forward network and a flow say of the neutrinos of simulated top decays
// (docs/analyses/neutrino.md), by events that the networks were not trained on and draws of their posteriors, the same number of each event:
//
//	go run ./docs/analyses/neutrino HELD.parquet FEED-FORWARD.parquet FLOW.parquet PICTURE.png
package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"text/tabwriter"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/plot"
	"github.com/sluice-hep/sluice/stats"
)

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "neutrino: give the files of the events, the draws of the feed-forward network and of the flow, and the picture to write")
		os.Exit(2)
	}
	if err := judge(os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "neutrino:", err)
		os.Exit(1)
	}
}

func judge(held, feedForward, flow, picture string, out io.Writer) error {
	h, err := read(held, "nu_px", "nu_py", "nu_eta", "met_px", "met_py", "lepton_px", "lepton_py", "lepton_eta", "nu_pz_small", "nu_pz_large", "nu_pz_imaginary")
	if err != nil {
		return err
	}
	n := len(h[0])
	all := make([]neutrino, n)
	for i := range all {
		all[i].read(h, i)
	}
	answers := []*answer{{name: "quadratic"}, {name: "feed-forward"}, {name: "flow"}}
	for i := range all {
		answers[0].point = append(answers[0].point, all[i].solutions[0])
	}
	answers[0].draws = answers[0].point
	for k, file := range []string{feedForward, flow} {
		d, err := read(file, "nu_px", "nu_py", "nu_eta", "observation")
		if err != nil {
			return err
		}
		if err := answers[k+1].fill(d, n); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	table(out, all, answers)
	ambiguous(out, all, answers)
	return draw(picture, all, answers)
}

// read reads columns of a file.
func read(file string, names ...string) ([][]float64, error) {
	t, err := events.ReadAll([]string{file}, events.Options{Columns: names})
	if err != nil {
		return nil, err
	}
	columns := make([][]float64, len(names))
	for k, name := range names {
		c, err := t.Column(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		columns[k] = make([]float64, c.Len())
		for i := range columns[k] {
			columns[k][i] = c.Float(i)
		}
	}
	return columns, nil
}

// kinematics are px and py in GeV, and eta, of a neutrino or the lepton.
type kinematics [3]float64

type neutrino struct {
	truth     kinematics
	solutions [2]kinematics // of the quadratic equation
	real      bool
	lepton    kinematics
}

func (nu *neutrino) read(h [][]float64, i int) {
	nu.truth = kinematics{h[0][i], h[1][i], h[2][i]}
	nu.lepton = kinematics{h[5][i], h[6][i], h[7][i]}
	pt := math.Hypot(h[3][i], h[4][i])
	for k := range nu.solutions {
		nu.solutions[k] = kinematics{h[3][i], h[4][i], math.Asinh(h[8+k][i] / pt)}
	}
	nu.real = h[10][i] == 0
}

// massW is that of the lepton and a neutrino, both taken for massless.
func (nu *neutrino) massW(k kinematics) float64 {
	l := nu.lepton
	ptpt := math.Hypot(l[0], l[1]) * math.Hypot(k[0], k[1])
	return math.Sqrt(max(2*(ptpt*math.Cosh(l[2]-k[2])-l[0]*k[0]-l[1]*k[1]), 0))
}

// answer is what a method says of each event: a point, which is the mean of the draws, and the draws, as many an event.
type answer struct {
	name         string
	point, draws []kinematics
	each         int // draws of an event; 0 of a method that has none
}

func (a *answer) fill(d [][]float64, n int) error {
	total := len(d[0])
	if a.each = total / n; a.each*n != total || d[3][total-1] != float64(n) {
		return errors.New("these are not as many draws of each of the events")
	}
	a.draws, a.point = make([]kinematics, total), make([]kinematics, n)
	for i := range a.draws {
		for k := range 3 {
			a.draws[i][k] = d[k][i]
			a.point[i/a.each][k] += d[k][i] / float64(a.each)
		}
	}
	return nil
}

// one is one of the draws of an event, or what there is.
func (a *answer) one(i int) kinematics { return a.draws[i*max(a.each, 1)] }

// of are the draws of an event.
func (a *answer) of(i int) []kinematics { return a.draws[i*a.each:][:a.each] }

func table(out io.Writer, all []neutrino, answers []*answer) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "method\tpx [GeV]\tpy [GeV]\teta\tW mass [GeV]\tKS of eta\tKS of W mass\tcovered by 68 %\tby 95 %")
	var truths, trueMass []float64
	for _, nu := range all {
		truths, trueMass = append(truths, nu.truth[2]), append(trueMass, nu.massW(nu.truth))
	}
	for _, a := range answers {
		fmt.Fprint(t, a.name)
		for k := range 3 {
			var off []float64
			for i, nu := range all {
				off = append(off, a.point[i][k]-nu.truth[k])
			}
			fmt.Fprintf(t, "\t%s", spread(off))
		}
		var eta, mass []float64
		for i := range all {
			eta, mass = append(eta, a.one(i)[2]), append(mass, all[i].massW(a.one(i)))
		}
		fmt.Fprintf(t, "\t%s\t%.3f\t%.3f\t%s\t%s\n", spread(mass), ks(truths, eta), ks(trueMass, mass), a.coverage(all, 0.68), a.coverage(all, 0.95))
	}
	fmt.Fprintf(t, "truth\t\t\t\t%s\n", spread(trueMass))
	t.Flush()
}

// spread is the median and half the width of the middle 68 %.
func spread(x []float64) string {
	x = slices.Sorted(slices.Values(x))
	return fmt.Sprintf("%.2f, %.2f", stats.Quantile(x, 0.5), (stats.Quantile(x, 0.84)-stats.Quantile(x, 0.16))/2)
}

// ks is the distance of two samples, NaN where there is one that is no number.
func ks(a, b []float64) float64 {
	x, errA := stats.NewCDF(a, nil)
	y, errB := stats.NewCDF(b, nil)
	if errors.Join(errA, errB) != nil {
		return math.NaN()
	}
	d, _ := stats.KS(x, y)
	return d
}

// coverage is how often the middle share of the draws holds the truth, for each component.
func (a *answer) coverage(all []neutrino, share float64) string {
	if a.each == 0 {
		return "-"
	}
	var held [3]float64
	for i, nu := range all {
		for k := range held {
			below := 0
			for _, d := range a.of(i) {
				if d[k] < nu.truth[k] {
					below++
				}
			}
			if math.Abs(float64(below)+0.5-float64(a.each+1)/2) <= share/2*float64(a.each+1) {
				held[k]++
			}
		}
	}
	n := float64(len(all)) / 100
	return fmt.Sprintf("%.1f, %.1f, %.1f %%", held[0]/n, held[1]/n, held[2]/n)
}

const (
	apart  = 1.0 // in eta: solutions that are told from each other
	weight = 0.2 // of the draws: a solution that has a chance
)

// ambiguous looks at events with two real solutions that lie apart.
func ambiguous(out io.Writer, all []neutrino, answers []*answer) {
	n, both, between := 0, 0, 0
	right := make([]int, len(answers))
	for i, nu := range all {
		if !nu.apart() {
			continue
		}
		n++
		truth := nu.nearer(nu.truth)
		for k, a := range answers {
			guess := nu.nearer(a.point[i])
			if a.name == "flow" {
				guess = 0
				if nu.share(a.of(i)) > 0.5 {
					guess = 1
				}
			}
			if guess == truth {
				right[k]++
			}
		}
		if s := nu.share(answers[2].of(i)); min(s, 1-s) >= weight {
			both++
			if nu.within(answers[1].point[i]) {
				between++
			}
		}
	}
	fmt.Fprintf(out, "\n%d of %d events have real solutions more than %g apart in eta. The right one is picked by\n", n, len(all), apart)
	for k, a := range answers {
		p := float64(right[k]) / float64(n)
		fmt.Fprintf(out, "  %-13s %.1f +- %.1f %%\n", a.name, 100*p, 100*math.Sqrt(p*(1-p)/float64(n)))
	}
	fmt.Fprintf(out, "The flow gives both %.0f %% of its draws or more in %.1f %% of them; in %.1f %% of these the feed-forward network's answer is in the middle half between the two.\n",
		100*weight, 100*float64(both)/float64(n), 100*float64(between)/float64(max(both, 1)))
}

func (nu *neutrino) apart() bool {
	return nu.real && math.Abs(nu.solutions[0][2]-nu.solutions[1][2]) > apart
}

// nearer is the solution that is nearer in eta.
func (nu *neutrino) nearer(k kinematics) int {
	if math.Abs(k[2]-nu.solutions[1][2]) < math.Abs(k[2]-nu.solutions[0][2]) {
		return 1
	}
	return 0
}

// share is how many of the draws are nearer to the second solution.
func (nu *neutrino) share(draws []kinematics) float64 {
	second := 0
	for _, d := range draws {
		second += nu.nearer(d)
	}
	return float64(second) / float64(len(draws))
}

// within tells whether an answer is in the middle half between the solutions.
func (nu *neutrino) within(k kinematics) bool {
	a, b := nu.solutions[0][2], nu.solutions[1][2]
	return math.Abs(k[2]-(a+b)/2) < math.Abs(a-b)/4
}

// draw is a picture of eta of one event: of those whose solutions lie 2 to 3 apart, the one in which the flow gives both the most equal weight.
func draw(file string, all []neutrino, answers []*answer) error {
	best, most := -1, -1.
	for i, nu := range all {
		s := nu.share(answers[2].of(i))
		if far := math.Abs(nu.solutions[0][2] - nu.solutions[1][2]); nu.real && far > 2 && far < 3 && min(s, 1-s) > most {
			best, most = i, min(s, 1-s)
		}
	}
	if best < 0 {
		return errors.New("no event has two solutions 2 to 3 apart in eta: no picture")
	}
	v := plot.Curves{X: plot.Axis{Label: "η of the neutrino"}, Y: plot.Axis{Label: "density", Scale: plot.Linear}, Alt: "Densities of eta of the neutrino of one event"}
	top := 0.
	for _, a := range []*answer{answers[2], answers[1]} {
		c := plot.Curve{Name: a.name}
		c.X, c.Y = density(a.of(best))
		top = max(top, slices.Max(c.Y))
		v.Curves = append(v.Curves, c)
	}
	line := func(name string, x float64) {
		v.Curves = append(v.Curves, plot.Curve{Name: name, X: []float64{x, x}, Y: []float64{0, top}, Expected: name != "truth"})
	}
	line("solutions for the W mass", all[best].solutions[0][2])
	line("", all[best].solutions[1][2])
	line("truth", all[best].truth[2])
	p, err := v.Picture()
	if err != nil {
		return err
	}
	png, err := p.PNG()
	if err != nil {
		return err
	}
	return os.WriteFile(file, png, 0o666)
}

// density is a histogram of eta.
func density(draws []kinematics) (edges, y []float64) {
	const low, high, bins = -4, 4, 40
	y = make([]float64, bins)
	for k := range bins + 1 {
		edges = append(edges, low+(high-low)*float64(k)/bins)
	}
	for _, d := range draws {
		if k := int((d[2] - low) / (high - low) * bins); d[2] >= low && k < bins {
			y[k] += bins / (high - low) / float64(len(draws))
		}
	}
	return edges, y
}
