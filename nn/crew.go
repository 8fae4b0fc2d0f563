package nn

import "github.com/sluice-hep/sluice/internal/kernel"

// Crew is a pool of workers and working memory that passes over a whole batch use in turn: so much a worker, and so
// much a tile of the batch.
type Crew struct {
	*kernel.Pool
	workers, tiles [][]float32
}

// NewCrew lends the pool; whoever made it closes it.
func NewCrew(pool *kernel.Pool) *Crew {
	return &Crew{Pool: pool, workers: make([][]float32, pool.Threads())}
}

// Reserve makes room, in rows of a tile, before a pass. What was there may be lost.
func (c *Crew) Reserve(workerRows, tiles, tileRows int) {
	for i := range c.workers {
		grow(&c.workers[i], workerRows)
	}
	for len(c.tiles) < tiles {
		c.tiles = append(c.tiles, nil)
	}
	for i := range tiles {
		grow(&c.tiles[i], tileRows)
	}
}

func grow(m *[]float32, rows int) {
	if len(*m) < rows*kernel.Tile {
		*m = kernel.Aligned(rows * kernel.Tile)
	}
}

// take cuts n rows off the front of m.
func take(m *[]float32, rows int) []float32 {
	n := rows * kernel.Tile
	head := (*m)[:n:n]
	*m = (*m)[n:]
	return head
}

// Worker is the memory of one worker.
func (c *Crew) Worker(i int) []float32 { return c.workers[i] }
