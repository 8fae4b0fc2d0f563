//go:build !linux && !darwin

package rntuple

func outside(int) []byte { return nil }
func giveBack([]byte)    {}
