package batch

import (
	"testing"

	"github.com/matryer/is"
)

// The lanes around a lane may end first if the consumer no longer waits for them.
func TestFailuresInALaneThatHasEndedReachTheLevelsOutsideThoughOneOfThemHasEndedToo(t *testing.T) {
	is := is.New(t)
	outermost := &level{}
	outer := &level{outer: outermost}
	inner := &level{outer: outer}
	ended := &level{outer: inner}
	for _, l := range []*level{outer, ended} {
		l.close()
	}
	ended.noteLate() // a failure has begun there

	v := &visit{crossing: &crossing{outer: outer}, entry: entry{level: inner}}
	v.end()

	is.Equal(inner.lateLevels(), []*level{ended})
	is.Equal(outer.lateLevels(), []*level{ended})
	is.Equal(outermost.lateLevels(), []*level{outer})
}
