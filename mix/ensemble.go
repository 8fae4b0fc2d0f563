package mix

import (
	"fmt"
	"math"

	"github.com/sluice-hep/sluice/internal/floats"
	"github.com/sluice-hep/sluice/internal/rng"
)

// Density is what several are put together from: *flow.Flow is one. See model.Density.
type Density interface {
	Dims() (features, context int)
	LogProb(x, context [][]float32) ([]float64, error)
	Evaluate(x, context [][]float32) (logProb []float64, z [][]float32, err error)
	Sample(n int, context [][]float32, seed, first uint64) ([][]float32, error)
	Size() int
	UseThreads(n int)
	Keep()
	Close()
}

// Ensemble is several densities of the same columns, as flows that differ in their seeds alone: the mean of their densities. How
// far they are apart tells how much of it is chance.
type Ensemble struct{ Members []Density }

// NewEnsemble takes densities of the same dimensions.
func NewEnsemble(members ...Density) (*Ensemble, error) {
	if len(members) == 0 {
		return nil, fmt.Errorf("mix: an ensemble needs a member")
	}
	features, context := members[0].Dims()
	for _, m := range members {
		if f, c := m.Dims(); f != features || c != context {
			return nil, fmt.Errorf("mix: members of %d features and %d context columns, and of %d and %d, make no ensemble", features, context, f, c)
		}
	}
	return &Ensemble{members}, nil
}

// MemberSeed is the seed of member i, from 0 on, of an ensemble of the seed: the first has the seed itself.
func MemberSeed(seed uint64, i int) uint64 {
	if i == 0 {
		return seed
	}
	return rng.New(seed, rng.StreamMember, uint32(i)).Uint64()
}

// Dims are the numbers of features and of context columns.
func (e *Ensemble) Dims() (features, context int) { return e.Members[0].Dims() }

// LogProb is the logarithm of the mean of the members' densities, in nats.
func (e *Ensemble) LogProb(x, context [][]float32) ([]float64, error) {
	var each [][]float64
	for _, m := range e.Members {
		l, err := m.LogProb(x, context)
		if err != nil {
			return nil, err
		}
		each = append(each, l)
	}
	mean, _ := Mean(each)
	return mean, nil
}

// Evaluate is LogProb: an ensemble has no latent.
func (e *Ensemble) Evaluate(x, context [][]float32) (logProb []float64, z [][]float32, err error) {
	logProb, err = e.LogProb(x, context)
	return logProb, nil, err
}

// NoLatent says why there is no latent.
func (e *Ensemble) NoLatent() string {
	return fmt.Sprintf("an ensemble has no latent space, each of its %d members has one of its own", len(e.Members))
}

// Mean is the logarithm of the mean of densities, given the log-density that each gives to each event, and the standard deviation
// of these (over one less than their number; 0 of one; not a number where one is infinite).
func Mean(each [][]float64) (logMean, deviation []float64) {
	n := len(each[0])
	logMean, deviation = make([]float64, n), make([]float64, n)
	of := make([]float64, len(each))
	for i := range n {
		var sum, squares float64
		for k := range each {
			of[k] = each[k][i]
			sum += of[k]
		}
		mean := sum / float64(len(each))
		for _, v := range of {
			squares += (v - mean) * (v - mean)
		}
		deviation[i] = math.Sqrt(squares / float64(max(len(each)-1, 1)))
		logMean[i] = logSum(of) - math.Log(float64(len(each)))
	}
	return logMean, deviation
}

// logSum is log(sum(exp(v))), without overflow.
func logSum(v []float64) float64 {
	top := math.Inf(-1)
	for _, x := range v {
		if !(x <= top) { // NaN goes on
			top = x
		}
	}
	if math.IsInf(top, 0) {
		return top
	}
	var sum float64
	for _, x := range v {
		sum += math.Exp(x - top)
	}
	return top + math.Log(sum)
}

// Choose is the member, from 0 on, that draws each of the events of the numbers given.
func (e *Ensemble) Choose(numbers []uint64, _ [][]float32, seed uint64) ([]int, error) {
	u := make([]float64, len(numbers))
	rng.UniformAt(u, seed, rng.StreamMember, memberColumn, numbers)
	which := make([]int, len(numbers))
	for i, v := range u {
		which[i] = int(v * float64(len(e.Members)))
	}
	return which, nil
}

// The columns of the random numbers that choose; the seeds of members have the first ones.
const (
	memberColumn = 1<<31 + iota
	componentColumn
)

// Chooses is the name of what Choose numbers.
func (e *Ensemble) Chooses() string { return "member" }

// Sample draws n events, each from one member, which depends on the seed and the number of the event.
func (e *Ensemble) Sample(n int, context [][]float32, seed, first uint64) ([][]float32, error) {
	return e.SampleAt(upFrom(first, n), context, seed)
}

// SampleAt is Sample of the events of the numbers given, in rising order.
func (e *Ensemble) SampleAt(numbers []uint64, context [][]float32, seed uint64) ([][]float32, error) {
	which, err := e.Choose(numbers, context, seed)
	if err != nil {
		return nil, err
	}
	return sampleEach(e.Members, which, numbers, context, seed)
}

func upFrom(first uint64, n int) []uint64 {
	numbers := make([]uint64, n)
	for i := range numbers {
		numbers[i] = first + uint64(i)
	}
	return numbers
}

// sampleEach draws each event from the density that which names.
func sampleEach[D Density](of []D, which []int, numbers []uint64, context [][]float32, seed uint64) ([][]float32, error) {
	features, given := of[0].Dims()
	if len(context) != given {
		return nil, fmt.Errorf("mix: %d context columns given to a density of %d", len(context), given)
	}
	x := floats.Columns(features, len(numbers))
	for k := range of {
		var rows []int
		for i, w := range which {
			if w == k {
				rows = append(rows, i)
			}
		}
		if len(rows) == 0 {
			continue
		}
		own := make([][]float32, given)
		for c := range own {
			own[c] = pick(context[c], rows)
		}
		drawn, err := sampleAt(of[k], pick(numbers, rows), own, seed)
		if err != nil {
			return nil, err
		}
		for c := range x {
			for i, r := range rows {
				x[c][r] = drawn[c][i]
			}
		}
	}
	return x, nil
}

// sampler draws the events of the numbers given, in rising order, of the endless sample of Sample.
type sampler interface {
	SampleAt(numbers []uint64, context [][]float32, seed uint64) ([][]float32, error)
}

// nearby is the most numbers of a run that a density draws to take some of them.
const nearby = 1024

// sampleAt draws events by their numbers: those wanted of a run of numbers, where the density does not take them one by one.
func sampleAt(d Density, numbers []uint64, context [][]float32, seed uint64) ([][]float32, error) {
	if s, ok := d.(sampler); ok {
		return s.SampleAt(numbers, context, seed)
	}
	features, _ := d.Dims()
	x, run := make([][]float32, features), make([][]float32, len(context))
	for lo, hi := 0, 0; lo < len(numbers); lo = hi {
		var rows []int // of the run, that of the wanted one before each
		for first := numbers[lo]; hi < len(numbers) && numbers[hi]-first < nearby && numbers[hi]-first < 16*uint64(hi-lo+1); hi++ {
			for uint64(len(rows)) < numbers[hi]-first {
				rows = append(rows, hi-1)
			}
			rows = append(rows, hi)
		}
		for c := range context {
			run[c] = pick(context[c], rows)
		}
		drawn, err := d.Sample(len(rows), run, seed, numbers[lo])
		if err != nil {
			return nil, err
		}
		for c := range x {
			for _, number := range numbers[lo:hi] {
				x[c] = append(x[c], drawn[c][number-numbers[lo]])
			}
		}
	}
	return x, nil
}

func pick[T any](x []T, rows []int) []T {
	y := make([]T, len(rows))
	for i, r := range rows {
		y[i] = x[r]
	}
	return y
}

// Size is the number of all parameters.
func (e *Ensemble) Size() (n int) {
	for _, m := range e.Members {
		n += m.Size()
	}
	return n
}

// UseThreads sets the number of threads of each member.
func (e *Ensemble) UseThreads(n int) {
	for _, m := range e.Members {
		m.UseThreads(n)
	}
}

// Keep lets the workers of each member wait until Close.
func (e *Ensemble) Keep() {
	for _, m := range e.Members {
		m.Keep()
	}
}

// Close ends the workers that wait for the next evaluation.
func (e *Ensemble) Close() {
	for _, m := range e.Members {
		m.Close()
	}
}
