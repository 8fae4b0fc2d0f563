package onnx

import (
	"encoding/binary"
	"maps"
	"math"
	"slices"
)

// message is a message of protocol buffers as bytes: https://protobuf.dev/programming-guides/encoding. The numbers of the fields are those of
// onnx.proto (https://github.com/onnx/onnx).
type message []byte

func (m *message) key(field, wire int) {
	*m = binary.AppendUvarint(*m, uint64(field)<<3|uint64(wire))
}

func (m *message) integer(field int, v int64) {
	m.key(field, 0)
	*m = binary.AppendUvarint(*m, uint64(v))
}

func (m *message) bytes(field int, b []byte) {
	m.key(field, 2)
	*m = append(binary.AppendUvarint(*m, uint64(len(b))), b...)
}

func (m *message) text(field int, s string) { m.bytes(field, []byte(s)) }

// Types of elements, of TensorProto.
const (
	typeFloat = 1
	typeInt64 = 7
)

// tensor is a constant, of floats or of integers.
type tensor struct {
	name     string
	dims     []int
	floats   []float32
	integers []int64
}

func (t *tensor) message() (m message) {
	for _, d := range t.dims {
		m.integer(1, int64(d))
	}
	raw := make([]byte, 0, 4*len(t.floats)+8*len(t.integers))
	kind := int64(typeFloat)
	for _, v := range t.floats {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	if t.integers != nil {
		kind = typeInt64
	}
	for _, v := range t.integers {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(v))
	}
	m.integer(2, kind)
	m.text(8, t.name)
	m.bytes(9, raw)
	return m
}

// node is an operator with one output; at most one attribute is an integer.
type node struct {
	operator string
	in       []string
	out      string
	name     string // of the attribute; empty for none
	value    int64
}

func (n *node) message() (m message) {
	for _, in := range n.in {
		m.text(1, in)
	}
	m.text(2, n.out)
	m.text(3, n.out)
	m.text(4, n.operator)
	if n.name != "" {
		const integer = 2 // of AttributeProto.AttributeType
		var a message
		a.text(1, n.name)
		a.integer(3, n.value)
		a.integer(20, integer)
		m.bytes(5, a)
	}
	return m
}

func (p *Port) message() (m message) {
	var events, columns, shape, of, kind message
	events.text(2, "events") // a name in place of a number: any
	columns.integer(1, int64(p.Columns))
	shape.bytes(1, events)
	shape.bytes(1, columns)
	of.integer(1, typeFloat)
	of.bytes(2, shape)
	kind.bytes(1, of)
	m.text(1, p.Name)
	m.bytes(2, kind)
	return m
}

// Bytes is about how large the file is.
func (g *Graph) Bytes() (n int) {
	for i := range g.tensors {
		n += 4*len(g.tensors[i].floats) + 64
	}
	return n
}

// Opset is the version of the operators, and irVersion that of the file format.
const (
	Opset     = 18
	irVersion = 8
	// MostBytes is what a file can have.
	MostBytes = 1<<31 - 1<<20
)

// File is the graph as a file, the same bytes for the same model.
func (g *Graph) File() []byte {
	var of, opset, m message
	for i := range g.nodes {
		of.bytes(1, g.nodes[i].message())
	}
	of.text(2, g.Name)
	of = slices.Grow(of, g.Bytes())
	for i := range g.tensors {
		of.bytes(5, g.tensors[i].message())
	}
	for i := range g.Inputs {
		of.bytes(11, g.Inputs[i].message())
	}
	of.bytes(12, g.Output.message())
	opset.text(1, "")
	opset.integer(2, Opset)
	m.integer(1, irVersion)
	m.text(2, "sluice")
	m.bytes(7, of)
	m.bytes(8, opset)
	for _, key := range slices.Sorted(maps.Keys(g.says)) {
		var pair message
		pair.text(1, key)
		pair.text(2, g.says[key])
		m.bytes(14, pair)
	}
	return m
}
