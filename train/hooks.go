package train

// Measured is an Objective whose loss is not in nats.
type Measured interface{ Unit() Unit }

func unitOf(obj Objective) Unit {
	if m, ok := obj.(Measured); ok {
		return m.Unit()
	}
	return ""
}

// Judged is an Objective that is no measure of what is wanted, only a way to it. Of Judge, on the same parameters, Loss and what goes with it
// are the losses of the Result, and the choice between the parameters of the best epoch and the averaged last ones; the History has those of
// the Objective, by which the best epoch is found.
type Judged interface{ Judge() Objective }

// Finished is an Objective of a density that is not yet as it will be kept. Finish, asked once the parameters are those kept, is the Objective of
// what it becomes, whose Loss and what goes with it are the losses of the Result.
type Finished interface{ Finish() Objective }

// Stepper is an Objective with random numbers of its own, as those of dropout. SetStep comes before every Gradient with
// the number of steps before it, so that a training resumed draws the same.
type Stepper interface{ SetStep(step int) }

// Starter is an Objective some of whose parameters start from events. StartFrom comes once, before the first step, with the events
// of that step.
type Starter interface{ StartFrom(rows []int32) }

// Freezer is an Objective whose Loss, unlike its Gradient, takes statistics of the events as constants among the
// parameters, as with batch norm. Freeze sets them to those of the events in rows under the parameters as they are.
//
// Running averages over the steps would lag behind, and be wrong for averaged parameters (Config.EMA): so statistics
// are taken anew before each validation, from some of the training events, and at the end from all that are in memory.
type Freezer interface{ Freeze(rows []int32) }

// Scattering is an Objective that tells the standard error of a Loss, from the scatter of the events, in the same pass.
type Scattering interface {
	LossError(rows []int32) (loss, err float64)
}

// Watching is an Objective whose Loss and Freeze end at once, with any value, when the channel is closed.
type Watching interface{ Watch(done <-chan struct{}) }

// freezeEvents bounds what a validation costs: the mean of so many values is good to a hundredth of their width.
const freezeEvents = 10_000

func (t *trainer) setStep(rows []int32) {
	if s, ok := t.obj.(Starter); ok && t.at.Steps == 0 {
		s.StartFrom(rows)
	}
	if s, ok := t.obj.(Stepper); ok {
		s.SetStep(t.at.Steps)
	}
}

// freeze takes the statistics of at most n of the training events in rows, spread evenly.
func (t *trainer) freeze(rows []int32, n int) bool {
	f, ok := t.obj.(Freezer)
	if !ok {
		return false
	}
	if n < len(rows) {
		some := make([]int32, n)
		for i := range some {
			some[i] = rows[i*len(rows)/n]
		}
		rows = some
	}
	f.Freeze(rows)
	return true
}
