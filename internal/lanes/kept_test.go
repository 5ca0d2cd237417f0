package lanes_test

import (
	"runtime"
	"testing"
	"testing/synctest"
	"weak"
)

// pushWeakly pushes items that nothing but the pool keeps.
func (s *scene) pushWeakly(n, line, gate int) (pushed []weak.Pointer[item]) {
	for i := range n {
		it := &item{Value: job{id: i, line: line, gate: gate, rank: i, left: 1}}
		pushed = append(pushed, weak.Make(it))
		s.push(it)
	}
	return pushed
}

// finishNext takes an item and emits its result. The item is finished when its lane asks for the next one.
func (s *scene) finishNext(l *lane) {
	it, _ := s.Next(l)
	s.emit(l, it, 0)
}

func kept(items []weak.Pointer[item]) (n int) {
	runtime.GC()
	for _, it := range items {
		if it.Value() != nil {
			n++
		}
	}
	return n
}

func TestFinishedItemsAreNotKeptInMemory(t *testing.T) {
	for _, ordering := range []struct{ line, gate, last int }{
		{0, 0, 1}, // the last item taken stays until the next one is
		{1, 0, 0},
		{0, 1, 0},
		{1, 1, 0},
	} {
		bubble(t, func(t *testing.T) {
			s := newIdleScene(1)
			defer s.Break()
			pushed := s.pushWeakly(5, ordering.line, ordering.gate)
			for i := range pushed {
				s.finishNext(s.lanes[0])
				if n := kept(pushed[:i]); n > ordering.last {
					t.Errorf("%d of %d items of line %d and gate %d are kept", n, i, ordering.line, ordering.gate)
				}
			}
			go s.Next(s.lanes[0])
			synctest.Wait()
			if n := kept(pushed); n != ordering.last {
				t.Errorf("%d items of line %d and gate %d are kept at the end", n, ordering.line, ordering.gate)
			}
		})
	}
}

func TestAnItemThatIsKeptDoesNotKeepLaterOnes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newIdleScene(1)
		defer s.Break()
		s.push(s.add(0, 0, 0, 0))
		s.finishNext(s.lanes[0])
		pushed := s.pushWeakly(5, 0, 0)
		for range pushed {
			s.finishNext(s.lanes[0])
		}
		if n := kept(pushed); n != 1 { // the last one
			t.Errorf("%d items are kept", n)
		}
	})
}
