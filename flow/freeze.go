package flow

// Freeze sets the statistics of batch norms, which are constants outside training, to those of the events in rows,
// transform after transform: a flow's as if all events were one batch, a network's put together from batches of about
// 2,048. It holds a copy of these events. Without batch norms it does nothing.
//
// Call it before Loss judges parameters that have moved, and before they are kept.
func (l *Likelihood) Freeze(rows []int32) {
	if s := l.f.Spec; !s.BatchNorm && !s.NetBatchNorm || len(rows) == 0 {
		return
	}
	l.begin(rows)
	batch := make([]*Tile, tiles(len(rows)))
	l.pool.Run(len(batch), func(_, t int) {
		tile := l.f.newTile()
		l.gather(&tile, t)
		batch[t] = &tile
	})
	per := l.f.groupTiles()
	next := 0
	for _, t := range l.f.transforms {
		if _, ok := t.(Joint); ok {
			l.joints[next].Freeze(batch, l.f.params)
			next++
			if next == len(l.joints) {
				return
			}
		}
		l.pool.Run((len(batch)+per-1)/per, func(worker, group int) {
			group *= per
			l.eval[worker].toLatent(t, batch[group:min(group+per, len(batch))], l.f.params)
		})
	}
}
