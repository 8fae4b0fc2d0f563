package main

import (
	"fmt"
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

// gemmFile writes all micro-kernels and the Go function that picks one by number.
func gemmFile(s *isa) *file {
	f := newFile(s, "gemm_"+s.file)
	var pick strings.Builder
	fmt.Fprintf(&pick, "// gemm%s runs the micro-kernel of the given number: 4*(rows-1) + shape, and 4*%d more where A is transposed.\n", s.name, s.gemmRows())
	if !s.wide() {
		fmt.Fprintf(&pick, "// From %d on come those of one vector: rows-1, and %d more where A is transposed;\n// from %d on those that pack: rows-%d.\n", 8*s.gemmRows(), narrowRows, 8*s.gemmRows()+2*narrowRows, packRows)
	}
	fmt.Fprintf(&pick, "//\n//go:noinline\nfunc gemm%s(kernel int, t *gemmTile) {\n\tswitch kernel {\n", s.name)
	done := map[string]bool{}
	number := 0
	add := func(g gemmKernel, trans bool) {
		g.file, g.trans = f, trans
		if !done[g.name()] {
			g.write()
			done[g.name()] = true
		}
		fmt.Fprintf(&pick, "\tcase %d:\n\t\t%s(t)\n", number, g.name())
		number++
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
		add(gemmKernel{rows: rows, nv: 2, packs: true}, true)
	}
	pick.WriteString("\t}\n}\n")
	var widths []string
	for rows := 1; rows <= s.gemmRows(); rows++ {
		widths = append(widths, fmt.Sprint(s.gemmShapes(rows)[0].nv*s.lanes()))
	}
	f.stubs = append(f.stubs, pick.String(), fmt.Sprintf("// gemmWide%s is the number of columns of the wide kernel of so many rows.\nvar gemmWide%s = [...]int{0, %s}\n", s.name, s.name, strings.Join(widths, ", ")))
	return f
}
