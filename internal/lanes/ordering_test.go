package lanes

import "testing"

func TestOrderingsAreAllocatedManyAtATimeOnceThereAreManyItems(t *testing.T) {
	p := Pool[int, int, int]{pushed: 1000}
	if n := testing.AllocsPerRun(10, func() {
		for range 32 {
			p.newOrdering()
		}
	}); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

func TestAFewItemsDoNotAllocateManyOrderings(t *testing.T) {
	p := Pool[int, int, int]{pushed: 1}
	p.newOrdering()
	if n := len(p.orderings); n != 0 {
		t.Errorf("%d more than needed", n)
	}
}
