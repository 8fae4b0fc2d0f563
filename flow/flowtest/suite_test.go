package flowtest

import "testing"

// Each property is a test of its own name, over all cases.
func TestFlows(t *testing.T) { Run(t, Cases()) }
