package main

import (
	"fmt"
	"slices"
	"strings"
)

// gemmShapes lists the kernels of a number of rows: a wide panel, a pair of vectors, and masked edges of
// two and one vectors. At least 8 accumulators hide the latency of FMA where the rows allow it. AVX-512 has
// its masks for nothing, so there the edge serves as the pair.
func (s *isa) gemmShapes(rows int) [4]gemmKernel {
	pair := gemmKernel{rows: rows, nv: 2, masked: s.wide()}
	wide := pair
	switch {
	case s.wide() && rows <= 6:
		wide = gemmKernel{rows: rows, nv: 4}
	case rows == 1:
		wide.nv = 8
	case rows <= 3:
		wide.nv = 4
	}
	return [4]gemmKernel{
		wide, pair,
		{rows: rows, nv: 2, masked: true}, {rows: rows, nv: 1, masked: true},
	}
}

// narrowRows is the number of rows of a product of one AVX2 vector: with fewer, it would wait for its own results.
const narrowRows = 12

func (s *isa) gemmRows() int {
	if s.wide() {
		return 12
	}
	return 6
}

func (g *gemmKernel) name() string {
	form, edge := "N", ""
	switch {
	case g.packs:
		form = "P"
	case g.trans:
		form = "T"
	}
	if g.masked {
		edge = "Edge"
	}
	return fmt.Sprintf("gemm%s%s%dx%d%s", g.isa.name, form, g.rows, g.nv*g.lanes(), edge)
}

// gemmFile writes all micro-kernels. Those of a number are, from 0, 4*(rows-1) + shape, and 4*gemmRows more where A is
// transposed; then of AVX2 those of one vector: rows-1, and narrowRows more where A is transposed.
func gemmFile(s *isa) *file {
	f := newFile(s, "gemm_"+s.file)
	add := func(g gemmKernel, trans bool) {
		g.file, g.trans = f, trans
		if !slices.Contains(f.picked, g.name()) {
			g.write()
		}
		f.picked = append(f.picked, g.name())
	}
	for form := range 2 {
		for rows := 1; rows <= s.gemmRows(); rows++ {
			for _, g := range s.gemmShapes(rows) {
				add(g, form == 1)
			}
		}
	}
	for form := range 2 {
		for rows := 1; rows <= narrowRows && !s.wide(); rows++ {
			add(gemmKernel{rows: rows, nv: 1, masked: true}, form == 1)
		}
	}
	for rows := packRows; rows <= s.gemmRows() && !s.wide(); rows++ {
		g := gemmKernel{file: f, trans: true, rows: rows, nv: 2, packs: true}
		g.write()
	}
	var widths []string
	for rows := 1; rows <= s.gemmRows(); rows++ {
		widths = append(widths, fmt.Sprint(s.gemmShapes(rows)[0].nv*s.lanes()))
	}
	f.stubs = append(f.stubs,
		fmt.Sprintf("// gemm%s runs the micro-kernel of the given number.\n//\n//go:noescape\nfunc gemm%s(t *gemmTile, kernel int)\n", s.name, s.name),
		fmt.Sprintf("// gemmWide%s is the number of columns of the wide kernel of so many rows.\nvar gemmWide%s = [...]int{0, %s}\n", s.name, s.name, strings.Join(widths, ", ")))
	return f
}

// pick makes the kernels names of the file's own and writes the function that jumps to one by its number. They
// take its argument and return to its caller.
func (f *file) pick(asm string) string {
	if len(f.picked) == 0 {
		return asm
	}
	pick := "gemm" + f.name
	var table strings.Builder
	for i, name := range f.picked {
		fmt.Fprintf(&table, "DATA %sKernels<>+%d(SB)/8, $%s<>(SB)\n", pick, 8*i, name)
		asm = strings.ReplaceAll(asm, "TEXT ·"+name+"(SB)", "TEXT "+name+"<>(SB)")
	}
	return asm + fmt.Sprintf(`
%sGLOBL %[2]sKernels<>(SB), RODATA, $%[3]d

// func %[2]s(t *gemmTile, kernel int)
TEXT ·%[2]s(SB), NOSPLIT, $0-16
	MOVQ kernel+8(FP), AX
	LEAQ %[2]sKernels<>(SB), CX
	JMP  (CX)(AX*8)
`, table.String(), pick, 8*len(f.picked))
}
