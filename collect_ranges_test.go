package batch_test

// Stages that range over the batch more than once, and work on what they have kept from an earlier range.

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// keptForLast ranges twice. It sends all of the second range, and then what it has kept from the first.
func keptForLast(keep func(texts) []batch.Result[string]) func(texts) texts {
	return func(s texts) texts {
		return func(yield func(batch.Result[string]) bool) {
			kept := keep(s)
			for r := range s {
				if !yield(r.Ack()) {
					return
				}
			}
			slices.Values(kept)(yield)
		}
	}
}

// wholeRange and rangeLeftAtTheEnd return the results of a range.
func wholeRange(s texts) []batch.Result[string] { return slices.Collect(s) }

func rangeLeftAtTheEnd(s texts) (kept []batch.Result[string]) {
	for r := range s {
		if kept = append(kept, r); len(kept) == 3 {
			break
		}
	}
	return kept
}

// merging sends the results of several streams, each of which it ranges over on a goroutine of its own.
func merging(all ...texts) texts {
	return func(yield func(batch.Result[string]) bool) {
		out := make(chan batch.Result[string])
		var running sync.WaitGroup
		for _, s := range all {
			running.Go(func() {
				for r := range s {
					out <- r
				}
			})
		}
		go func() { running.Wait(); close(out) }()
		stopped := false
		for r := range out {
			stopped = stopped || !yield(r)
		}
	}
}

// fetchingAll fetches the whole batch ahead.
func fetchingAll(s texts) texts {
	return func(yield func(batch.Result[string]) bool) { slices.Values(slices.Collect(s))(yield) }
}

func exiting(context.Context, string) error { runtime.Goexit(); return nil }

func TestRecordsThatAStageHasKeptFromAnEarlierRangeAreReportedIfItIsCutShort(t *testing.T) {
	type stage = func(texts, func(context.Context, string) error) texts
	each := func(s texts, f func(context.Context, string) error) texts { return batch.TryEach(s, f) }
	inChunk := func(size int) stage {
		return func(s texts, f func(context.Context, string) error) texts {
			return batch.TryEachChunk(s, size, func(ctx context.Context, vs []string) error { return f(ctx, vs[0]) })
		}
	}
	after := func(keep func(texts) []batch.Result[string], work stage) stage {
		return func(s texts, f func(context.Context, string) error) texts { return work(keptForLast(keep)(s), f) }
	}
	merged := func(work stage) stage {
		return func(s texts, f func(context.Context, string) error) texts {
			return merging(work(s, f), batch.TryEach(s, succeed))
		}
	}
	for name, pipeline := range map[string]stage{
		"kept":        after(wholeRange, each),
		"kept, left":  after(rangeLeftAtTheEnd, each),
		"kept, chunk": after(wholeRange, inChunk(10)),
		"kept, lanes": after(wholeRange, func(s texts, f func(context.Context, string) error) texts { return inLanes(s, 1, f) }),
		"merged":      merged(each),
		"merged, catch": merged(func(s texts, f func(context.Context, string) error) texts {
			failing := batch.TryEach(fetchingAll(s), func(context.Context, string) error { return errBoom })
			return batch.Catch(failing, func(ctx context.Context, _ error) error { return f(ctx, "0") })
		}),
		"merged, chunk":           merged(inChunk(10)),
		"merged, lanes":           merged(func(s texts, f func(context.Context, string) error) texts { return inLanes(s, 1, f) }),
		"merged, ahead":           merged(func(s texts, f func(context.Context, string) error) texts { return each(fetchingAll(s), f) }),
		"merged, ahead, chunk":    merged(func(s texts, f func(context.Context, string) error) texts { return inChunk(2)(fetchingAll(s), f) }),
		"merged, ahead, in lanes": merged(func(s texts, f func(context.Context, string) error) texts { return inLanes(fetchingAll(s), 1, f) }),
	} {
		for how, end := range map[string]func(*testing.T) func(context.Context, string) error{
			"stuck":   func(t *testing.T) func(context.Context, string) error { return stuckOn(t, "0", "1", "2") },
			"exiting": func(*testing.T) func(context.Context, string) error { return exiting },
		} {
			t.Run(name+"/"+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					is := is.New(t)
					ctx, reserve := deadline(t)
					source := grouped(ctx, make([]string, 3), reserve, batch.WithoutAllFailedError())
					response, err := batch.Run(source, func(s texts) texts { return pipeline(s, end(t)) })
					is.NoErr(err)
					is.Equal(listed(response), []string{"r0", "r1", "r2"})
				})
			})
		}
	}
}

func TestRecordsOfAnEarlierBatchThatAStageHasKeptAreReportedIfItIsCutShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		one := batch.From(ctx, []string{"a", "b"}, byID, reserve, batch.WithoutAllFailedError())
		other := batch.From(ctx, []string{"x"}, byID, reserve)
		both := func(yield func(batch.Result[string]) bool) { one(yield); other(yield) }
		response, err := batch.Run(both, func(s texts) texts {
			return batch.TryEach(keptForLast(wholeRange)(s), stuckOn(t, "a")) // before a function is called for x
		})
		is.NoErr(err)
		is.Equal(listed(response)[:2], []string{"a", "b"})
	})
}

// The first result that the stage has kept waits in a chunk when the stage ends its goroutine.
func TestAResultThatWaitsInAChunkIsReportedIfTheStageEndsItsGoroutine(t *testing.T) {
	is := is.New(t)
	response, err := batch.Run(grouped(t.Context(), make([]string, 3), batch.WithoutAllFailedError()), func(s texts) texts {
		ending := func(yield func(batch.Result[string]) bool) {
			kept := slices.Collect(s)
			for r := range s {
				yield(r.Ack())
			}
			yield(kept[0])
			runtime.Goexit()
		}
		return batch.TryEachChunk(ending, 10, func(context.Context, []string) error { return nil })
	})
	is.NoErr(err)
	is.Equal(listed(response), []string{"r0", "r1", "r2"})
}

// Of two goroutines of the stage, one ends in the middle of its range.
func TestRecordsOfARangeInWhichAGoroutineOfTheStageEndsAreReported(t *testing.T) {
	is := is.New(t)
	response, err := batch.Run(grouped(t.Context(), make([]string, 3), batch.WithoutAllFailedError()), func(s texts) texts {
		ending := func(func(batch.Result[string]) bool) {
			for range s {
				runtime.Goexit()
			}
		}
		return merging(ending, batch.TryEach(s, succeed))
	})
	is.NoErr(err)
	is.Equal(listed(response), []string{"r0", "r1", "r2"})
}

// The stage looks at one result after a function, and then ranges over all.
func TestOfALookAheadOnlyWhatTheStageHasGotIsReportedIfItIsCutShort(t *testing.T) {
	for name, test := range map[string]struct {
		look func(texts) texts
		want []string
	}{
		"after a function": {func(s texts) texts { return batch.TryEach(s, succeed) }, []string{"r0", "r2"}},
		"at once":          {unchanged, []string{"r2"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, reserve := deadline(t)
				response, err := batch.Run(grouped(ctx, make([]string, 3), reserve), func(s texts) texts {
					for range test.look(s) {
						break
					}
					return batch.TryEach(s, stuckOn(t, "2"))
				})
				is.NoErr(err)
				is.Equal(listed(response), test.want)
			})
		})
	}
}

// The first range only audits the records. Nothing is cut short.
func TestAnAuditBeforeTheWorkReportsNothing(t *testing.T) {
	is := is.New(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var audited effects
	response, err := batch.Run(grouped(ctx, make([]string, 3)), func(s texts) texts {
		_ = slices.Collect(batch.TryEach(s, audited.each))
		return batch.TryEach(s, succeed)
	})
	is.NoErr(err)
	is.Equal(listed(response), []string{})
	is.Equal(audited.all, []string{"0", "1", "2"})
}

// The stage has kept a range, and the first result of it goes through Tap.
func TestRecordsThatAStageHasKeptAreReportedIfAFunctionOfTapEndsTheGoroutine(t *testing.T) {
	for name, keep := range map[string]func(texts) []batch.Result[string]{
		"ready": wholeRange,
		"failed": func(s texts) []batch.Result[string] {
			kept := wholeRange(s)
			kept[0] = kept[0].Fail(errBoom)
			return kept
		},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			response, err := batch.Run(grouped(t.Context(), make([]string, 3), batch.WithoutAllFailedError()), func(s texts) texts {
				seen := 0
				return batch.Tap(keptForLast(keep)(s), func(batch.Result[string]) {
					if seen++; seen == 4 {
						runtime.Goexit()
					}
				})
			})
			is.NoErr(err)
			is.Equal(listed(response), []string{"r0", "r1", "r2"})
		})
	}
}

// The goroutine of the stage does not end if a function panics.
func TestOfALookAheadOnlyTheRecordWhoseFailureAFunctionOfCatchPanicsForIsReported(t *testing.T) {
	is := is.New(t)
	response, err := batch.Run(grouped(t.Context(), make([]string, 3)), func(s texts) texts {
		failing := batch.TryEach(s, func(context.Context, string) error { return errBoom })
		for range batch.Catch(failing, func(context.Context, error) error { panic("again") }) {
			break
		}
		return batch.TryEach(s, succeed)
	})
	is.NoErr(err)
	is.Equal(listed(response), []string{"r0"})
}

// A goroutine of the stage works on what it has kept from its first range, and the function of Tap ends it.
func TestRecordsThatAStageHasKeptAreReportedIfTapEndsAGoroutineAtAnUnprocessedResult(t *testing.T) {
	for _, at := range []string{"r0", "r1", "r2"} { // r0 has failed, r1 is blocked, r2 is ready
		t.Run(at, func(t *testing.T) {
			is := is.New(t)
			source := grouped(t.Context(), []string{"g", "g", "h", "h"}, batch.WithPolicy(batch.StopGroup), batch.WithoutAllFailedError())
			response, err := batch.Run(source, func(s texts) texts {
				s = batch.TryEach(s, failingOn("0"))
				return func(yield func(batch.Result[string]) bool) {
					kept := slices.Collect(s)
					var working sync.WaitGroup
					working.Go(func() {
						looked := batch.Tap(slices.Values(kept), func(r batch.Result[string]) {
							if r.Record().ID == at {
								runtime.Goexit()
							}
						})
						for range batch.TryEach(looked, succeed) {
						}
					})
					working.Wait()
					s(yield)
				}
			})
			is.NoErr(err)
			is.Equal(listed(response), []string{"r0", "r1", "r2", "r3"})
		})
	}
}
