//go:build !linux

package mpi

import "runtime"

// yield lets other goroutines run.
func yield() { runtime.Gosched() }
