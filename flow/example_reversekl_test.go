package flow_test

import (
	"context"
	"fmt"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/toy"
	"github.com/sluice-hep/sluice/train"
)

// A flow of planar layers, read backwards, learns a ring with two modes from its potential alone, without events; then it draws
// from it.
func Example_reverseKL() {
	u, err := toy.NewPotential("U1")
	if err != nil {
		panic(err)
	}
	f, err := flow.New(2, 0, flow.Spec{Repeat: 16, Layers: []flow.Part{{Kind: "planar"}}}, 1)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	k, err := flow.NewReverseKL(f, flow.EventTarget(u.LogProb), nil)
	if err != nil {
		panic(err)
	}
	defer k.Close()
	draws := make([]int32, 1500*256)
	if _, err := train.Run(context.Background(), k, train.Data{Train: draws}, train.Config{Epochs: 1, Batch: 256, LR: 5e-3}, train.Options{}); err != nil {
		panic(err)
	}
	kl := k.Loss(draws[:20_000]) + u.LogIntegral()
	x, err := flow.Invert(f).Sample(3, nil, 1, 0)
	if err != nil {
		panic(err)
	}
	fmt.Printf("within 0.1 nats: %t; events drawn: %d\n", kl < 0.1, len(x[0]))
	// Output: within 0.1 nats: true; events drawn: 3
}
