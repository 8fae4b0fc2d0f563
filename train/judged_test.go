package train

import "testing"

// misled is a gaussian whose own loss says less and less of the events: its validation is lowest after the first epoch.
type misled struct {
	*gaussian
	epochs int
	turned float64 // 1 for a judge that finds the last parameters better, -1 for one that finds them worse
}

func (m *misled) Loss(rows []int32) float64 {
	m.epochs++
	return float64(m.epochs)
}

func (m *misled) Judge() Objective { return &judge{m} }

type judge struct{ *misled }

func (j *judge) Loss(rows []int32) float64 { return j.turned * j.gaussian.Loss(rows) }

// Where what is trained is no measure of what is wanted, that decides between the parameters of the best epoch and the last ones.
func TestJudgeDecides(t *testing.T) {
	c := Config{Epochs: 5, Batch: 100}
	for turned, best := range map[float64]int{1: 5, -1: 1} {
		m := &misled{gaussian: newGaussian(2000), turned: turned}
		r, err := Run(t.Context(), m, samples(2000, c), c, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if r.BestEpoch != best {
			t.Errorf("a judge of %v: epoch %d is kept", turned, r.BestEpoch)
		}
		if want := turned * m.loss(samples(2000, c).Valid); float64(r.ValidNLL) != want {
			t.Errorf("the parameters kept have a loss of %v, the result says %v", want, r.ValidNLL)
		}
	}
}

// noisy is a gaussian whose validations are given.
type noisy struct {
	*gaussian
	valid []float64
}

func (n *noisy) Loss([]int32) float64 {
	v := n.valid[0]
	n.valid = n.valid[1:]
	return v
}

// A mean over epochs chooses another epoch than the luckiest one.
func TestValidOver(t *testing.T) {
	for over, best := range map[int]int{0: 2, 1: 2, 3: 4} {
		c := Config{Epochs: 5, Batch: 100, ValidOver: over}
		n := &noisy{newGaussian(2000), []float64{9, 1, 9, 3, 2, 0, 0, 0, 0}}
		r, err := Run(t.Context(), n, samples(2000, c), c, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if r.BestEpoch != best {
			t.Errorf("over %d epochs: epoch %d is kept, not %d", over, r.BestEpoch, best)
		}
	}
	if err := (Config{ValidOver: -1}).Validate(); err == nil {
		t.Error("a mean over -1 epochs")
	}
}
