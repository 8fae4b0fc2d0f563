package sluice

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/model"
)

// scattered are n events of columns of every type, of which some are missing, in an order in which a selection leaves whole shards empty.
func scattered(n int) *events.Table {
	g := rand.New(rand.NewPCG(5, 6))
	x, y, w := make([]float64, n), make([]float32, n), make([]float64, n)
	run, id, channel := make([]int64, n), make([]uint64, n), make([]string, n)
	for i := range n {
		x[i], y[i], w[i] = g.NormFloat64(), float32(g.ExpFloat64()), g.Float64()*1e-40
		run[i], id[i], channel[i] = int64(i*4/n), 1<<63+uint64(i), []string{"ee", "mumu"}[g.IntN(2)]
	}
	return &events.Table{Columns: []events.Column{
		{Name: "x", Unit: "GeV", Type: events.Float64, F64: x}, {Name: "y", F32: y}, {Name: "w", Type: events.Float64, F64: w},
		{Name: "run", Type: events.Int64, I64: run}, {Name: "id", Type: events.Uint64, U64: id}, {Name: "channel", Type: events.Text, Str: channel},
	}}
}

// The shards of a density, joined, are the file that the whole is, with its means, whatever the format of the one or the other: also where they
// begin within a block or a file, where a shard has no event, and of an ensemble.
func TestShardsOfADensity(t *testing.T) {
	files := []string{filepath.Join(t.TempDir(), "a.csv"), filepath.Join(t.TempDir(), "b.parquet")}
	writeTable(t, files[0], scattered(70_000))
	writeTable(t, files[1], scattered(1001))
	c := small("x", "channel")
	c.Files, c.Weight, c.Flow.Hidden = files[1:], "w", []int{8}
	one, err := Train(t.Context(), c, "", Options{})
	if err != nil {
		t.Fatal(err)
	}
	c.Train.Ensemble, c.Train.Epochs = 2, 1
	several, err := Train(t.Context(), c, "", Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []struct {
		m      *model.Model
		format string
		shards uint64
		e      Evaluate
	}{
		{one.Density, "csv", 3, Evaluate{Files: files}},
		{one.Density, "parquet", 3, Evaluate{Files: files, Latent: true}},
		{one.Density, "parquet", 7, Evaluate{Files: files[1:], Where: "run == 2"}},
		{one.Density, "csv", 7, Evaluate{Files: files[1:], Where: "run == 2"}},
		{one.Density, "root", 4, Evaluate{Files: files[1:], Where: "run != 1", Latent: true}},
		{several.Density, "npz", 4, Evaluate{Files: files[1:], Where: "run != 1"}},
		{several.Density, "parquet", 2, Evaluate{Files: files[1:]}},
	} {
		t.Run(fmt.Sprintf("%d of %s where %s", k.shards, k.format, k.e.Where), func(t *testing.T) {
			folder := t.TempDir()
			at := func(name string) string { return filepath.Join(folder, name+"."+k.format) }
			want, err := Density(t.Context(), k.m, k.e, at("whole"), Options{})
			if err != nil {
				t.Fatal(err)
			}
			var parts []string
			for i := range k.shards {
				k.e.Shard, k.e.Shards = k.shards-i, k.shards
				parts = append(parts, at(fmt.Sprint(i)))
				if _, err := Density(t.Context(), k.m, k.e, parts[i], Options{}); err != nil {
					t.Fatal(err)
				}
			}
			got, err := Merge(t.Context(), parts, at("merged"), Options{})
			if err != nil {
				t.Fatal(err)
			}
			r := *got.Density
			if r.Seconds, r.File = want.Seconds, want.File; fmt.Sprintf("%+v", say(r)) != fmt.Sprintf("%+v", say(*want)) {
				t.Errorf("%+v, not %+v", say(r), say(*want))
			}
			if a, b := bytesOf(t, at("whole")), bytesOf(t, at("merged")); !bytes.Equal(a, b) {
				t.Errorf("%d bytes of the whole are others than the %d of the shards", len(a), len(b))
			}
		})
	}
}

// say is a record without its pointers.
func say(r Evaluated) string {
	spread, mean := 0.0, 0.0
	if r.Spread != nil {
		spread = float64(*r.Spread)
	}
	if r.WeightedMean != nil {
		mean = *r.WeightedMean
	}
	r.Spread, r.WeightedMean = nil, nil
	return fmt.Sprintf("%+v %v %v", r, spread, mean)
}

// An interrupted shard goes on to the same bytes, and a copy of the input elsewhere, of another time, is the same input.
func TestShardGoesOnElsewhere(t *testing.T) {
	file := filepath.Join(t.TempDir(), "events.csv")
	writeTable(t, file, scattered(140_000))
	c := small("x")
	c.Files, c.Flow.Hidden, c.Train.Epochs, c.Train.Batch = []string{file}, []int{8}, 1, 4096
	trained, err := Train(t.Context(), c, "", Options{})
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	copied := filepath.Join(folder, "events.csv")
	if err := os.WriteFile(copied, bytesOf(t, file), 0o666); err != nil {
		t.Fatal(err)
	}
	e := Evaluate{Files: []string{file}, Shard: 2, Shards: 2}
	part := filepath.Join(folder, "2.parquet")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stops := func(path string) { // once a block is kept
		for {
			if f, err := os.Stat(path); err == nil && f.Size() > 100_000 || ctx.Err() != nil {
				cancel()
				return
			}
			time.Sleep(time.Millisecond)
		}
	}
	go stops(part + ".journal")
	var stopped *InterruptedError
	if _, err := Density(ctx, trained.Density, e, part, Options{}); !errors.As(err, &stopped) {
		t.Skipf("it was done before it could be interrupted: %v", err)
	}
	if _, err := Density(t.Context(), trained.Density, e, part, Options{Resume: true}); err != nil {
		t.Fatal(err)
	}
	first, whole, merged := filepath.Join(folder, "1.parquet"), filepath.Join(folder, "whole.parquet"), filepath.Join(folder, "merged.parquet")
	if _, err := Density(t.Context(), trained.Density, Evaluate{Files: []string{copied}, Shard: 1, Shards: 2}, first, Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := Density(t.Context(), trained.Density, Evaluate{Files: []string{file}}, whole, Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := Merge(t.Context(), []string{first, part}, merged, Options{}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytesOf(t, whole), bytesOf(t, merged)) {
		t.Error("the shards joined are not the whole")
	}
}
