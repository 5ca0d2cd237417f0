package ledger

import (
	"testing"

	"github.com/matryer/is"
)

func TestMissingSeesNumbersSplitDuringTheSearch(t *testing.T) {
	for _, n := range []uint32{1, 63, 64, 70} {
		is := is.New(t)
		var numbers Numbers
		numbers.Init(1)
		numbers.Split(0, 0, int(n))
		is.True(numbers.missing(0, func(number uint32) bool {
			if number == n {
				numbers.Split(0, n, 1) // a number that did not exist when missing was called
				return true
			}
			return number < n
		}))
	}
}
