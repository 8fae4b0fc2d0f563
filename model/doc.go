// Package model keeps a trained density in one file: the flow's parameters, the fitted preparation of its columns, the
// card, the units and ranges, and the record of the training. The file is in the safetensors format (package
// internal/safetensors), so that other programs can open it too; equal models are equal files.
//
// Each version of what the file holds (FormatVersion) has a file in testdata, which must go on being read.
package model
