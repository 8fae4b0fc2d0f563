// Package model keeps a trained density in one file: the flow's parameters,
// the fitted preparation of its columns, the card, the units and ranges, and the
// record of the training.
//
// The file is in the safetensors format (an 8-byte little-endian length, a JSON
// header, raw tensors; https://github.com/huggingface/safetensors), so that other
// programs can open it too. It carries the SHA-256 of its content, and equal
// models are equal files.
package model
