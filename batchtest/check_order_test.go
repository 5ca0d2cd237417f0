package batchtest

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
	"pgregory.net/rapid"
)

func TestAStageThatMixesGroupsUpIsFound(t *testing.T) {
	checkAll(t, map[string]bad{
		"it reverses the batch": {
			func(s ints) ints {
				return func(yield func(sent) bool) {
					all := slices.Collect(s)
					slices.Reverse(all)
					slices.Values(all)(yield)
				}
			},
			"sends rN after rN", lawOrder,
		},
		"it swaps neighbours": {
			func(s ints) ints {
				return func(yield func(sent) bool) {
					for pair := range slices.Chunk(slices.Collect(s), 2) {
						slices.Reverse(pair)
						for _, r := range pair {
							if !yield(r) {
								return
							}
						}
					}
				}
			},
			"sends rN after rN", lawOrder,
		},
	})
}

func TestAStageThatKeepsSomethingFromARangeThatStoppedIsFound(t *testing.T) {
	checkAll(t, map[string]bad{
		"it never sends again after a stop": {
			func(s ints) ints {
				stopped := false
				return func(yield func(sent) bool) {
					for r := range s {
						if stopped {
							return
						}
						if !yield(r) {
							stopped = true
							return
						}
					}
				}
			},
			"drops rN in the next range", lawLeaves,
		},
	})
}

// The clock of a bubble stops while a goroutine waits for a mutex.
func TestAStageThatStopsTheClockIsFound(t *testing.T) {
	is := is.New(t)
	t.Chdir(t.TempDir())
	var mu sync.Mutex
	sleeping := func(s ints) ints {
		return batch.Map(s, func(v int) int {
			mu.Lock()
			defer mu.Unlock()
			time.Sleep(time.Millisecond)
			return v
		})
	}
	impatient := func(p *checkSettings) { p.limit = 500 * time.Millisecond }
	is.True(strings.HasPrefix(complaintAbout(t, rapid.IntRange(0, 9), sleeping, impatient), stoppedClock))
}
