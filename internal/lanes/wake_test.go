package lanes_test

import (
	"testing"
	"testing/synctest"
)

// Only one of three lanes that wait may take the next item of its line. The others must still be called for the items
// after it.
func TestALaneThatIsWokenForItsLineIsNotCalledForOtherItems(t *testing.T) {
	for _, holder := range []int{0, 1, 2} {
		bubble(t, func(t *testing.T) {
			s := newIdleScene(3)
			defer s.Break()
			for i := range 3 {
				line := 0
				if i == holder {
					line = 1
				}
				s.push(s.add(line, 0, 0, 0))
				s.Next(s.lanes[i])
			}
			took := make([]*item, 3)
			for i, l := range s.lanes {
				go func() { took[i], _ = s.Next(l) }()
				synctest.Wait()
			}
			lines := []int{1, 0, 0}
			for _, line := range lines {
				s.push(s.add(line, 0, 0, 0))
				synctest.Wait()
			}
			for i, it := range took {
				if it == nil || (it.Value.line == 1) != (i == holder) {
					t.Errorf("lane %d has taken %v, and lane %d holds the line", i, it, holder)
				}
			}
		})
	}
}
