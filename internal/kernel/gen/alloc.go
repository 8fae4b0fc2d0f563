package main

import (
	"slices"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// allocator deals out the registers of one straight piece of code. Where none is free, the value whose next
// use is furthest away goes to the stack (Belady's rule).
type allocator struct {
	*prog
	uses   [][]int // of each node's result, ascending
	now    int
	where  map[int]reg.Register
	spill  map[int]operand.Mem
	locked []int // values of the current instruction
	temp   []reg.Register
	masks  map[int]reg.Register // AVX-512 only
	freed  []operand.Mem        // slots to use again from the next instruction on
}

// flush writes the instructions of what was recorded, and forgets it.
func (p *prog) flush() {
	a := &allocator{prog: p, uses: make([][]int, len(p.nodes)), where: map[int]reg.Register{}, spill: map[int]operand.Mem{}, masks: map[int]reg.Register{}}
	for i, n := range p.nodes {
		for _, arg := range n.args {
			a.uses[arg] = append(a.uses[arg], i)
		}
	}
	for i := range p.nodes {
		n := &p.nodes[i]
		if n.emit == nil {
			continue
		}
		a.now, a.locked, a.temp = i, n.args, nil
		a.slots, a.freed = append(a.slots, a.freed...), nil
		n.emit(a, n, i)
		a.release(n, i)
		if len(a.uses[i]) == 0 {
			a.drop(i)
		}
	}
	p.nodes = nil
	p.slots = append(p.slots, a.freed...)
}

func (a *allocator) isConst(v int) bool { return a.nodes[v].konst != nil }

// inMemory says that v would be an operand in memory.
func (a *allocator) inMemory(v int) bool {
	_, ok := a.operand(v).(operand.Mem)
	return ok
}

// dies says that v is in a register of its own that nobody needs after this instruction.
func (a *allocator) dies(v, at int) bool {
	return !a.isConst(v) && a.uses[v][len(a.uses[v])-1] == at
}

// operand is v where it is: in a register or in memory.
func (a *allocator) operand(v int) operand.Op {
	if r, ok := a.masks[v]; ok {
		return r
	}
	if r, ok := a.where[v]; ok {
		return r
	}
	if r, ok := a.nodes[v].konst.(reg.VecPhysical); ok {
		return r
	}
	return a.home(v)
}

// home is the place of v in memory.
func (a *allocator) home(v int) operand.Mem {
	if m, ok := a.nodes[v].konst.(operand.Mem); ok {
		return m
	}
	m, ok := a.spill[v]
	if !ok {
		panic("a value is lost")
	}
	return m
}

// reg is v in a register.
func (a *allocator) reg(v int) reg.Register {
	if r, ok := a.operand(v).(reg.Register); ok {
		return r
	}
	r := a.find()
	a.file.load(a.home(v), r)
	a.where[v] = r
	return r
}

// define gives the result of node at its register.
func (a *allocator) define(at int) reg.Register {
	if a.nodes[at].mask && a.wide() {
		for _, k := range []reg.Register{reg.K2, reg.K3, reg.K4, reg.K5, reg.K6, reg.K7} {
			if !a.maskTaken(k) {
				a.masks[at] = k
				return k
			}
		}
		panic("no mask register is left")
	}
	r := a.find()
	a.where[at] = r
	return r
}

func (a *allocator) maskTaken(k reg.Register) bool {
	for _, r := range a.masks {
		if r == k {
			return true
		}
	}
	return false
}

// scratch is a register for this instruction, which adopt may keep.
func (a *allocator) scratch() reg.Register {
	r := a.find()
	a.temp = append(a.temp, r)
	return r
}

func (a *allocator) adopt(at int, r reg.Register) {
	a.where[at] = r
	a.temp = nil
}

// become hands the register of v, which dies, to the result of node at.
func (a *allocator) become(v, at int) {
	r := a.where[v]
	a.drop(v)
	a.where[at] = r
}

// release frees the operands that are not used after node at.
func (a *allocator) release(n *node, at int) {
	for _, v := range n.args {
		if u := a.uses[v]; u[len(u)-1] == at {
			a.drop(v)
		}
	}
}

func (a *allocator) drop(v int) {
	delete(a.where, v)
	delete(a.masks, v)
	if m, ok := a.spill[v]; ok {
		a.freed = append(a.freed, m)
		delete(a.spill, v)
	}
}

// find returns a free register, or makes one free.
func (a *allocator) find() reg.Register {
	taken := slices.Clone(a.temp)
	for _, r := range a.vars {
		taken = append(taken, r)
	}
	for _, r := range a.where {
		taken = append(taken, r)
	}
	for _, r := range a.regs {
		if !slices.Contains(taken, reg.Register(r)) {
			return r
		}
	}
	return a.evict()
}

func (a *allocator) evict() reg.Register {
	victim, furthest := -1, -1
	for v := range a.nodes { // in order, so that the outcome does not depend on a map's
		_, held := a.where[v]
		if !held || slices.Contains(a.locked, v) {
			continue
		}
		next := slices.IndexFunc(a.uses[v], func(u int) bool { return u >= a.now })
		if at := a.uses[v][next]; at > furthest {
			victim, furthest = v, at
		}
	}
	if victim < 0 {
		panic("an instruction needs more registers than there are")
	}
	r := a.where[victim]
	if _, ok := a.spill[victim]; !ok && !a.isConst(victim) {
		a.spill[victim] = a.slot()
		a.VMOVUPS(r, a.spill[victim])
	}
	delete(a.where, victim)
	return r
}

func (a *allocator) slot() operand.Mem {
	if n := len(a.slots); n > 0 {
		m := a.slots[n-1]
		a.slots = a.slots[:n-1]
		return m
	}
	return a.AllocLocal(a.bytes)
}
