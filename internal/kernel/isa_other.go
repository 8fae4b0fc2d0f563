//go:build !amd64

package kernel

func supportedISAs() []string { return []string{isaGeneric} }
