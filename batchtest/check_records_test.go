package batchtest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
	"pgregory.net/rapid"
)

func TestAStageThatLosesOrRepeatsRecordsIsFound(t *testing.T) {
	checkAll(t, map[string]bad{
		"it drops a value": {
			sending(func(r sent, yield func(sent) bool) bool { return has(r, 7) || yield(r) }),
			"drops rN", lawLeaves,
		},
		"it drops failures": {
			sending(func(r sent, yield func(sent) bool) bool { return r.Err() != nil || yield(r) }),
			"drops rN", lawLeaves,
		},
		"it drops a part": {
			func(s ints) ints {
				parts := batch.FlatMap(s, func(v int) []int { return []int{0, v} })
				return sending(func(r sent, yield func(sent) bool) bool { return has(r, 1) || yield(r) })(parts)
			},
			"drops a part of rN", lawLeaves,
		},
		"it sends twice": {
			sending(func(r sent, yield func(sent) bool) bool {
				if !yield(r) {
					return false
				}
				return yield(r)
			}),
			"sends rN twice", lawOnce,
		},
		"it sends two values for one part": {
			sending(func(r sent, yield func(sent) bool) bool {
				_, ready := r.Value()
				return yield(then(r, same)) && (!ready || yield(then(r, func(v int) int { return v + 1 })))
			}),
			"sends rN twice", lawOnce,
		},
		"it sends failures twice to a later stage": {
			func(s ints) ints {
				twice := sending(func(r sent, yield func(sent) bool) bool {
					return yield(r) && (!errors.Is(r.Err(), errBefore) || yield(r))
				})
				return batch.Map(twice(s), same)
			},
			"sends rN twice", lawOnce,
		},
		"it sends a try that has failed and the next one": {
			sending(func(r sent, yield func(sent) bool) bool {
				try := batch.Then(r, func(_ context.Context, v int) (int, error) { return v, errBefore })
				return yield(try) && (errors.Is(r.Err(), errBefore) || try.Err() == nil || yield(then(r, same)))
			}),
			"sends rN twice", lawOnce,
		},
		"it makes new records": {
			func(s ints) ints {
				return func(yield func(sent) bool) {
					values, _ := batch.Partition(s)
					batch.Of(values...)(yield)
				}
			},
			"sends N for a record that it did not receive", lawIdentity,
		},
		"it sends Results without a record": {
			changing(func(r sent) sent {
				if r.Err() != nil {
					return sent{}
				}
				return r
			}),
			`sends the failure "result without a record" for a record that it did not receive`, lawIdentity,
		},
	})
}

func TestAStageThatGivesARecordTheResultOfAnotherIsFound(t *testing.T) {
	checkAll(t, map[string]bad{
		"it processes only the first record": {
			knowing(func(before []sent, r sent) sent {
				if len(before) > 0 && before[0].Record().Index != r.Record().Index {
					return r
				}
				return then(r, func(v int) int { return v + 1 })
			}),
			"turns rN into N instead of N because of its neighbours", lawAlone,
		},
		"it raises each value to the previous one": {
			knowing(func(before []sent, r sent) sent {
				return then(r, func(v int) int {
					for _, b := range before {
						w, _ := b.Value()
						v = max(v, w)
					}
					return v
				})
			}),
			"turns rN into N instead of N because of its neighbours", lawAlone,
		},
		"it replaces each value with the previous one": {
			knowing(func(before []sent, r sent) sent {
				return then(r, func(v int) int {
					for _, b := range before {
						if w, ready := b.Value(); ready {
							v = w
						}
					}
					return v
				})
			}),
			"turns rN into N instead of N because of its neighbours", lawAlone,
		},
		"it numbers the parts of a record": {
			func(s ints) ints {
				return func(yield func(sent) bool) {
					parts := make(map[int]int)
					changing(func(r sent) sent {
						return then(r, func(int) int {
							time.Sleep(time.Second) // until another lane has taken the other part
							parts[r.Record().Index]++
							return parts[r.Record().Index]
						})
					})(s)(yield)
				}
			},
			"turns rN into N instead of N", lawLanes,
		},
	})
}

func TestAStageThatLosesTheLastRecordOfALargeChunkIsFound(t *testing.T) {
	is := is.New(t)
	t.Chdir(t.TempDir()) // where rapid stores the batches that fail
	drawAtLeast(t, 400)  // a tenth of the batches have 25 records
	losing := sending(func(r sent, yield func(sent) bool) bool { return r.Record().Index == 24 || yield(r) })
	complaint := complaintAbout(t, rapid.IntRange(0, 9), losing)
	is.True(strings.HasPrefix(complaint, "the stage drops r24, with the batch {r0: "))
	is.True(strings.Contains(complaint, " times: "+lawLeaves))
}
