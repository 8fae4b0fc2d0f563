//go:build race

package kernel

const raceEnabled = true // sync.Pool drops things at random then
