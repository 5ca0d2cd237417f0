package lanes

// A gate lets the Results of its items through in the order in which the items came.
type gate[T, R any] struct {
	items  int // how many have come
	turn   int // whose turn it is
	parked map[int]*Item[T, R]
}

func (p *Pool[K, T, R]) gate(key K) *gate[T, R] {
	g := p.gates[key]
	if g == nil {
		if p.gates == nil {
			p.gates = make(map[K]*gate[T, R])
		}
		g = &gate[T, R]{parked: make(map[int]*Item[T, R])}
		p.gates[key] = g
	}
	return g
}

// pass gives the item its turn at the gate.
func (it *Item[T, R]) pass(g *gate[T, R]) {
	it.gate, it.turn = g, g.items
	g.items++
}

// deliver hands a Result on, or holds it until the turn of its item has come.
func (p *Pool[K, T, R]) deliver(it *Item[T, R], r R) {
	if it != nil && it.gate != nil && it.turn > it.gate.turn {
		it.held = append(it.held, r)
		it.gate.parked[it.turn] = it
		return
	}
	p.out = append(p.out, r)
	p.notify()
}

// open lets what comes after a finished item through the gate.
func (p *Pool[K, T, R]) open(it *Item[T, R]) {
	g := it.gate
	if g == nil {
		return
	}
	if it.turn > g.turn {
		g.parked[it.turn] = it
		return
	}
	for it.finished && it.turn == g.turn {
		g.turn++
		next := g.parked[g.turn]
		if next == nil {
			return
		}
		delete(g.parked, g.turn)
		p.out = append(p.out, next.held...)
		next.held = nil
		p.notify()
		it = next
	}
}
