package lanes

import (
	"cmp"
	"slices"
)

// A gate hands on the Results of its items by rank: those of an item once every pushed item of a lower rank is
// finished. An item that is pushed after one of a higher rank overtakes it, unless the Results of that one have gone
// already.
type gate[T, R any] struct {
	items []*Item[T, R] // by rank; those before head are finished
	head  int
}

func (p *Pool[K, T, R]) gate(key K) *gate[T, R] {
	g := p.gates[key]
	if g == nil {
		if p.gates == nil {
			p.gates = make(map[K]*gate[T, R])
		}
		g = new(gate[T, R])
		p.gates[key] = g
	}
	return g
}

// enter inserts an item by its rank.
func (g *gate[T, R]) enter(it *Item[T, R]) {
	it.ordering.gate = g
	g.items, g.head = compact(g.items, g.head)
	at, _ := slices.BinarySearchFunc(g.items[g.head:], it, func(a, b *Item[T, R]) int {
		return cmp.Or(cmp.Compare(a.ordering.rank, b.ordering.rank), cmp.Compare(a.number, b.number))
	})
	g.items = slices.Insert(g.items, g.head+at, it)
}

// waits reports whether the Results of the item must wait for another item.
func (g *gate[T, R]) waits(it *Item[T, R]) bool {
	return g != nil && !it.ordering.passed && g.items[g.head] != it
}

// deliver hands a Result on, or holds it back until its item's turn.
func (p *Pool[K, T, R]) deliver(it *Item[T, R], r R) {
	if !p.holdsBack(it, r) {
		p.send(r)
	}
}

// holdsBack keeps a Result if it is not its item's turn, and reports whether it has kept it.
func (p *Pool[K, T, R]) holdsBack(it *Item[T, R], r R) bool {
	o := it.ordering
	if o == nil || !o.gate.waits(it) && len(o.heldBack) == 0 {
		return false
	}
	o.heldBack = append(o.heldBack, r)
	return true
}

// open hands on the Results that no longer have to wait.
func (p *Pool[K, T, R]) open(g *gate[T, R]) {
	if g == nil {
		return
	}
	for g.head < len(g.items) {
		first := g.items[g.head].ordering
		for _, r := range first.heldBack {
			p.send(r)
		}
		first.heldBack = nil
		if !g.items[g.head].finished {
			return
		}
		first.passed = true
		g.items[g.head] = nil
		g.head++
	}
}
