package lanes

import (
	"cmp"
	"slices"
)

// A gate lets the Results of its items through by rank: each one once every item of a lower rank that has come is
// finished. One that comes later than an item of a higher rank overtakes it if it still can.
type gate[T, R any] struct {
	items []*Item[T, R] // by rank, from the first that is not finished on
	head  int           // where that one is
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

// enter puts an item in its place at the gate.
func (g *gate[T, R]) enter(it *Item[T, R]) {
	it.standing.gate = g
	if g.head > len(g.items)/2 && len(g.items) == cap(g.items) {
		g.items = slices.Delete(g.items, 0, g.head)
		g.head = 0
	}
	at, _ := slices.BinarySearchFunc(g.items[g.head:], it, func(a, b *Item[T, R]) int {
		return cmp.Or(cmp.Compare(a.standing.rank, b.standing.rank), cmp.Compare(a.number, b.number))
	})
	g.items = slices.Insert(g.items, g.head+at, it)
}

// waits reports whether the item must wait for another one.
func (g *gate[T, R]) waits(it *Item[T, R]) bool {
	return g != nil && !it.standing.passed && g.items[g.head] != it
}

// deliver hands a Result on, or holds it until the turn of its item has come.
func (p *Pool[K, T, R]) deliver(it *Item[T, R], r R) {
	if !p.holdsBack(it, r) {
		p.send(r)
	}
}

// holdsBack holds a Result if the turn of its item has not come, and reports whether it does.
func (p *Pool[K, T, R]) holdsBack(it *Item[T, R], r R) bool {
	s := it.standing
	if s == nil || !s.gate.waits(it) && len(s.held) == 0 {
		return false
	}
	s.held = append(s.held, r)
	return true
}

// open lets what has waited for a finished item through the gate.
func (p *Pool[K, T, R]) open(g *gate[T, R]) {
	if g == nil {
		return
	}
	for g.head < len(g.items) {
		first := g.items[g.head].standing
		for _, r := range first.held {
			p.send(r)
		}
		first.held = nil
		if !g.items[g.head].finished {
			return
		}
		first.passed = true
		g.items[g.head] = nil
		g.head++
	}
}
