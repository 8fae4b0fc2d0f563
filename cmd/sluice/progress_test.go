package main

import (
	"math"
	"testing"
	"time"

	"github.com/sluice-hep/sluice/train"
)

// What is not known yet is not told as 0 or as none.
func TestNumbers(t *testing.T) {
	none := train.NLL(math.NaN())
	for want, at := range map[string]train.Progress{
		"epoch 1/9  loss -": {Epoch: 1, Epochs: 9, Loss: math.NaN(), Best: none},
		"epoch 2/9  loss 1.5000 nats  best valid 1.2500  2000 events/s  1m0s left": {Epoch: 2, Epochs: 9, Loss: 1.5, Best: 1.25, EventsPerSecond: 2000, Left: time.Minute},
	} {
		if got := numbers(at); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
