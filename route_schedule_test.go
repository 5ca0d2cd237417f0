package batch_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

func TestRoutesRunSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		slow := batch.Each(func(context.Context, string) error { time.Sleep(time.Second); return nil })
		start := time.Now()
		response, err := batch.Collect(batch.Route(batch.Of("a", "a", "a", "b", "b", "b", "c"), firstLetter, textRoutes{"a": slow, "b": slow, "c": slow}))
		is.NoErr(err)
		is.Equal(listed(response), []string{})
		is.Equal(time.Since(start), 3*time.Second)
	})
}

func TestAStuckRouteDelaysNoOther(t *testing.T) {
	for name, in := range map[string]func(batch.Stage[string, string]) batch.Stage[string, string]{
		"alone":    func(s batch.Stage[string, string]) batch.Stage[string, string] { return s },
		"in lanes": func(s batch.Stage[string, string]) batch.Stage[string, string] { return parallel(3, s) },
		"before lanes": func(s batch.Stage[string, string]) batch.Stage[string, string] {
			return func(in texts) texts { return inLanes(s(in), 2, succeed) }
		},
		"in a route": func(s batch.Stage[string, string]) batch.Stage[string, string] {
			return func(in texts) texts {
				return batch.Route(in, func(string) int { return 0 }, map[int]batch.Stage[string, string]{0: s})
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, reserve := deadline(t)
				var stored effects
				start := time.Now()
				kind := func(v string) bool { return v == "1" }
				stage := func(s texts) texts {
					return batch.Route(s, kind, map[bool]batch.Stage[string, string]{true: batch.Each(stuckOn(t, "1")), false: batch.Each(succeed)})
				}
				response, err := batch.Run(grouped(ctx, make([]string, 100), reserve), func(s texts) texts {
					return batch.TryEachChunk(in(stage)(s), 25, func(_ context.Context, vs []string) error { stored.note(vs...); return nil })
				})
				is.NoErr(err)
				is.Equal(listed(response), []string{"r1"})
				is.Equal(len(stored.all), 99)
				is.True(time.Since(start) <= 7*time.Second)
			})
		})
	}
}

func parallel(n int, stage batch.Stage[string, string]) batch.Stage[string, string] {
	return func(s texts) texts { return batch.Parallel(s, n, stage) }
}

// The records of a group are written in bulk and one by one, in turn.
func TestAGroupGoesThroughItsRoutesInOrder(t *testing.T) {
	bulk := func(e *effects) batch.Stage[string, string] {
		return func(s texts) texts {
			return batch.TryEachChunk(s, 10, func(_ context.Context, vs []string) error { e.note(vs...); return nil })
		}
	}
	for name, stage := range map[string]func(*effects) batch.Stage[string, string]{
		"in bulk":          bulk,
		"in bulk in lanes": func(e *effects) batch.Stage[string, string] { return parallel(2, bulk(e)) },
		"in bulk after lanes": func(e *effects) batch.Stage[string, string] {
			return func(s texts) texts { return bulk(e)(inLanes(s, 2, succeed)) }
		},
		"in bulk in lanes before lanes": func(e *effects) batch.Stage[string, string] {
			return func(s texts) texts { return inLanes(parallel(2, bulk(e))(s), 2, succeed) }
		},
		"in a stage that buffers": func(e *effects) batch.Stage[string, string] {
			return func(s texts) texts {
				return batch.TryEach(buffering(100, inOrder)(s), e.each)
			}
		},
		"in routes": func(e *effects) batch.Stage[string, string] {
			return func(s texts) texts {
				return batch.Route(s, func(string) int { return 0 }, map[int]batch.Stage[string, string]{0: bulk(e)})
			}
		},
	} {
		for _, policy := range strictPolicies {
			t.Run(name+" "+policy.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					is := is.New(t)
					var taken effects
					groups := []string{"g", "g", "h", "g", "h", "g", "g"}
					kind := func(v string) bool { return indexOf(v)%2 == 0 }
					response, err := batch.Run(grouped(t.Context(), groups, batch.WithPolicy(policy)), func(s texts) texts {
						return batch.Route(s, kind, map[bool]batch.Stage[string, string]{true: stage(&taken), false: batch.Each(taken.each)})
					})
					is.NoErr(err)
					is.Equal(listed(response), []string{})
					byGroup := make(map[string][]string)
					for _, v := range taken.all {
						byGroup[groups[indexOf(v)]] = append(byGroup[groups[indexOf(v)]], v)
					}
					is.Equal(byGroup, map[string][]string{"g": {"0", "1", "3", "5", "6"}, "h": {"2", "4"}})
				})
			})
		}
	}
}

// The failure of an earlier record holds back the one without a route, as it would any other.
func TestARecordWithoutARouteIsHeldBackByAnEarlierFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		s := batch.Route(grouped(t.Context(), []string{"g", "g"}, batch.WithPolicy(batch.StopGroup)), firstLetter, textRoutes{
			"0": batch.Each(func(context.Context, string) error { time.Sleep(time.Second); return errBoom }),
		})
		_, failures := batch.Partition(s)
		is.Equal(len(failures), 2)
		is.Equal(failures[0].Err, errBoom)
		is.True(errors.Is(failures[1].Err, batch.ErrBlocked))
	})
}

func TestARouteThatPanicsFailsOnlyItsOwnRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		slow := func(v string) string { time.Sleep(time.Second); return firstLetter(v) }
		values, failures := batch.Partition(batch.Route(batch.Of("a0", "b1", "a2", "b3", "a4"), slow, textRoutes{"a": crashing, "b": suffixed("!")}))
		is.Equal(values, []string{"b1!", "b3!"})
		is.Equal(len(failures), 3)
		for _, f := range failures {
			is.True(errors.Is(f.Err, errBoom))
		}
	})
}

// Records 1 and 3 take a route that hangs, the others one that crashes.
func TestThePanicOfARouteDoesNotFailRecordsOfAnotherRoute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		var report batch.Report
		reporting := reportInto(&report)
		stuck := batch.Each(stuckOn(t, "1"))
		_, err := batch.Run(grouped(ctx, make([]string, 4), reserve, reporting), func(s texts) texts {
			return batch.Route(s, func(v string) int { return indexOf(v) % 2 }, map[int]batch.Stage[string, string]{0: crashing, 1: stuck})
		})
		is.True(err != nil)
		is.True(errors.Is(report.Failures[0].Err, errBoom))
		is.True(errors.Is(report.Failures[1].Err, batch.ErrRunning))
		is.True(errors.Is(report.Failures[2].Err, errBoom))
		is.True(errors.Is(report.Failures[3].Err, batch.ErrNotStarted))
	})
}

func TestARouteThatReturnsEarlyGetsNoMore(t *testing.T) {
	is := is.New(t)
	response, err := batch.Run(grouped(t.Context(), make([]string, 20)), func(s texts) texts {
		return batch.Route(s, func(v string) int { return indexOf(v) % 2 }, map[int]batch.Stage[string, string]{
			0: func(s texts) texts {
				return func(yield func(batch.Result[string]) bool) {
					n := 0
					for r := range s {
						if n++; !yield(r) || n == 2 {
							return
						}
					}
				}
			},
			1: suffixed(""),
		})
	})
	is.NoErr(err)
	is.Equal(listed(response), strings.Fields("r4 r6 r8 r10 r12 r14 r16 r18"))
}

func TestBreakingOutOfRoutesEndsThemAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		var ended atomic.Int32
		waiting := batch.Each(func(ctx context.Context, v string) error {
			if v == "b" {
				time.Sleep(time.Second) // until the others have begun
				return nil
			}
			<-ctx.Done()
			ended.Add(1)
			return ctx.Err()
		})
		for r := range batch.Route(batch.Of("a", "c", "b"), firstLetter, textRoutes{"a": waiting, "b": waiting, "c": waiting}) {
			is.Equal(r.Record().Index, 2)
			break
		}
		is.Equal(ended.Load(), int32(2))
	})
}
