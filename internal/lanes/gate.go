package lanes

import (
	"cmp"
	"slices"
)

// A gate hands on the Results of its items by rank: those of an item once every pushed item of a lower rank is
// finished. An item that is pushed after one of a higher rank overtakes it, unless the Results of that one have gone
// already.
type gate[T, R any] struct {
	items  []*Item[T, R] // by rank; those before head are finished
	head   int
	latest turn // the last one of an item of which a Result was handed on
}

// A turn is when it is an item's turn at a gate. The zero turn is before all others.
type turn struct {
	rank   int
	number int32 // of the item, plus 1
}

func (it *Item[T, R]) turn() turn { return turn{it.ordering.rank, it.number + 1} }

func (t turn) compare(other turn) int {
	return cmp.Or(cmp.Compare(t.rank, other.rank), cmp.Compare(t.number, other.number))
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
	at, _ := slices.BinarySearchFunc(g.items[g.head:], it, func(a, b *Item[T, R]) int { return a.turn().compare(b.turn()) })
	g.items = slices.Insert(g.items, g.head+at, it)
}

// noteSent notes that a Result of the item is handed on.
func (it *Item[T, R]) noteSent() {
	if o := it.ordering; o != nil && o.gate != nil && o.gate.latest.compare(it.turn()) < 0 {
		o.gate.latest = it.turn()
	}
}

// isLate reports whether the item's lane ended while something of it was inside, and Results of later items have gone.
func (it *Item[T, R]) isLate() bool {
	return it.cut && it.ordering != nil && it.ordering.gate != nil && it.turn().compare(it.ordering.gate.latest) < 0
}

// waits reports whether the Results of the item must wait for another item.
func (g *gate[T, R]) waits(it *Item[T, R]) bool {
	return g != nil && !it.ordering.passed && g.items[g.head] != it
}

// deliver hands a Result on, or holds it back until its item's turn.
func (p *Pool[K, T, R]) deliver(it *Item[T, R], r R) {
	if !p.holdsBack(it, r) {
		it.noteSent()
		p.send(r)
	}
}

// holdsBack keeps a Result if it is not its item's turn, and reports whether it has kept it.
func (p *Pool[K, T, R]) holdsBack(it *Item[T, R], r R) bool {
	o := it.ordering
	if o == nil || !o.gate.waits(it) {
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
			g.items[g.head].noteSent()
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
