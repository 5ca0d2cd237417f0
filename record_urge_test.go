package batch

import (
	"testing"

	"github.com/matryer/is"
)

// The lane that an inner Parallel is in takes its next record in the moment in which its lanes are told to flush.
func TestInnerLanesAreCalmIfTheirLaneGoesOnWhileTheyAreUrged(t *testing.T) {
	for name, urge := range map[string]func(*level, innerLanes){
		"they are there": func(l *level, inner innerLanes) {
			l.addLanes(nil, inner)
			l.urge()
		},
		"they begin": func(l *level, inner innerLanes) {
			l.urged.Store(true)
			l.addLanes(nil, inner)
		},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			var l level
			urged := 0
			flushing := false
			urge(&l, innerLanes{
				urge: func() {
					urged++
					l.calm() // comes first
					flushing = true
				},
				calm: func() { flushing = false },
			})
			is.Equal(urged, 1)
			is.True(!flushing)
		})
	}
}
