package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// isa is a vector width, with what differs between the two.
type isa struct {
	name  string // as in the functions' names
	file  string // as in the files' names
	bytes int    // of a vector register
	regs  []reg.VecPhysical
}

var avx2 = &isa{"AVX2", "avx2", 32, []reg.VecPhysical{
	reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7,
	reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15}}

var avx512 = &isa{"AVX512", "avx512", 64, []reg.VecPhysical{
	reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7,
	reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
	reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23,
	reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31}}

func (s *isa) lanes() int { return s.bytes / 4 }
func (s *isa) wide() bool { return s.bytes == 64 }

// file is one assembly file in the making.
type file struct {
	*build.Context
	*isa
	base     string                 // of the file's name
	stubs    []string               // Go declarations of its functions
	picked   []string               // kernels by number, which are no functions of Go's: see pick
	consts   map[uint64]operand.Mem // by bits
	consts64 map[string]operand.Mem // by name
}

func newFile(s *isa, base string) *file {
	f := &file{Context: build.NewContext(), isa: s, base: base, consts: map[uint64]operand.Mem{}, consts64: map[string]operand.Mem{}}
	f.ConstraintExpr("amd64")
	return f
}

// function begins a function of the given Go parameters; pointers may be declared in the assembly's own
// terms, as *byte, where signature names a type of the package.
func (f *file) function(name, signature, asm string) {
	f.begin(name, asm)
	f.stubs = append(f.stubs, fmt.Sprintf("//go:noescape\nfunc %s%s\n", name, signature))
}

func (f *file) begin(name, asm string) {
	f.Function(name)
	f.Attributes(attr.NOSPLIT)
	f.SignatureExpr("func" + asm)
}

// constant is a vector of one float32 in memory. AVX-512 reads it as one number, which its instructions repeat in every
// lane: the linker begins no constant with a cache line, and a vector that lies in two takes twice as long.
func (f *file) constant(v float64) operand.Mem { return f.constantBits(math.Float32bits(float32(v))) }

func (f *file) constantBits(bits uint32) operand.Mem {
	if m, ok := f.consts[uint64(bits)]; ok {
		return m
	}
	m := f.StaticGlobal(fmt.Sprintf("c%08x", bits))
	f.constantAttributes()
	copies := 8
	if f.wide() {
		copies = 1
	}
	for range copies {
		f.AppendDatum(operand.U32(bits))
	}
	f.consts[uint64(bits)] = m
	return m
}

// repeats says that an operand is one number for all lanes.
func (f *file) repeats(op operand.Op) bool {
	m, ok := op.(operand.Mem)
	return ok && f.wide() && m.Symbol.Static && strings.HasPrefix(m.Symbol.Name, "c")
}

// load fills a register from memory.
func (f *file) load(m operand.Mem, to reg.Register) {
	if f.repeats(m) {
		f.VBROADCASTSS(m, to)
	} else {
		f.VMOVUPS(m, to)
	}
}

func (f *file) constantAttributes() { f.DataAttributes(attr.RODATA | attr.NOPTR) }

// lanesKey stands for the table of lane masks among the constants.
const lanesKey = 1 << 32

// flushDenormals makes denormal operands and results count as zero until the function returned by it runs:
// where they occur they cost a hundred cycles each.
func (f *file) flushDenormals() (restore func()) {
	old := f.AllocLocal(8)
	r := f.GP32()
	f.STMXCSR(old)
	f.MOVL(old, r)
	f.ORL(operand.U32(0x8040), r)
	f.MOVL(r, old.Offset(4))
	f.LDMXCSR(old.Offset(4))
	return func() { f.LDMXCSR(old) }
}

func (f *file) end() {
	f.VZEROUPPER()
	f.RET()
}
