// Package python holds the reader of models for Python: one file that needs NumPy alone.
package python

import _ "embed"

// Source is the text of sluice.py, whose documentation is at its head.
//
//go:embed sluice.py
var Source string
