package batch_test

// The order in which results leave lanes: a slow or stuck record delays itself and its group. Bulk writes after the lanes
// receive the others.

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

func TestTheStagesAfterLanesGetEverythingButTheStuckRecord(t *testing.T) {
	for name, after := range map[string]func(texts, *effects) texts{
		"one by one": func(s texts, e *effects) texts { return batch.TryEach(s, e.each) },
		"in bulk": func(s texts, e *effects) texts {
			return batch.TryEachChunk(s, 25, func(_ context.Context, vs []string) error { e.note(vs...); return nil })
		},
		"in bulk in bulk": func(s texts, e *effects) texts {
			s = batch.TryEachChunk(s, 10, func(context.Context, []string) error { return nil })
			s = batch.Map(s, func(v string) string { return v })
			return batch.TryEachChunk(s, 25, func(_ context.Context, vs []string) error { e.note(vs...); return nil })
		},
		"in bulk after a stage of the user's": func(s texts, e *effects) texts {
			own := func(yield func(batch.Result[string]) bool) {
				for r := range s {
					if !yield(r) {
						return
					}
				}
			}
			return batch.TryEachChunk(own, 25, func(_ context.Context, vs []string) error { e.note(vs...); return nil })
		},
		"in bulk in lanes": func(s texts, e *effects) texts {
			return batch.Parallel(s, 2, func(s texts) texts {
				return batch.TryEachChunk(s, 70, func(_ context.Context, vs []string) error { e.note(vs...); return nil })
			})
		},
		"in bulk after more lanes": func(s texts, e *effects) texts {
			s = inLanes(s, 3, succeed)
			return batch.TryEachChunk(s, 25, func(_ context.Context, vs []string) error { e.note(vs...); return nil })
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, reserve := deadline(t)
				stuck := stuckOn(t, "0")
				var stored effects
				var report batch.Report
				source := grouped(ctx, make([]string, 100), reserve, reportInto(&report))
				response, err := batch.Run(source, func(s texts) texts {
					return after(inLanes(s, 16, stuck), &stored)
				})
				is.NoErr(err)
				is.Equal(listed(response), []string{"r0"})
				is.Equal(stored.sorted(), numerals(1, 100))
				is.Equal(report.Running, 1)
				is.Equal(report.Unreached, 1)
				is.Equal(report.Reported(), 1)
				is.True(errors.Is(report.Failures[0].Err, batch.ErrRunning))
				is.True(errors.Is(report.Failures[0].Err, batch.ErrUnreached))
			})
		})
	}
}

// A chunk that is not full must not be written whenever input pauses, because pauses depend on the scheduler. It is written
// only when time runs short.
func TestChunksAreNotWrittenEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t) // the contexts end after 6 seconds, and 4 seconds before that the chunk is written
		start := time.Now()
		var written []time.Duration
		var sizes []int
		_, err := batch.Run(grouped(ctx, make([]string, 9), reserve), func(s texts) texts {
			s = inLanes(s, 16, func(_ context.Context, v string) error {
				time.Sleep(time.Duration(indexOf(v)) * 500 * time.Millisecond)
				return nil
			})
			return batch.TryEachChunk(s, 100, func(_ context.Context, vs []string) error {
				written, sizes = append(written, time.Since(start)), append(sizes, len(vs))
				return nil
			})
		})
		is.NoErr(err)
		is.True(slices.Min(written) >= 2*time.Second)
		is.True(sizes[0] >= 4) // the records that took 0 to 1.5 seconds, and maybe the one that took 2
	})
}

func TestAGroupWaitsOnlyForItsOwnSlowRecordsUnderStopGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		start := time.Now()
		var order []string
		at := map[string]time.Duration{}
		groups := []string{"slow", "quick", "slow", "quick", "quick"}
		s := inLanes(grouped(context.Background(), groups, batch.WithPolicy(batch.StopGroup)), 4, func(_ context.Context, v string) error {
			if v == "0" {
				time.Sleep(time.Second)
			}
			return nil
		})
		for r := range s {
			v, _ := r.Value()
			order, at[v] = append(order, v), time.Since(start)
		}
		is.Equal(order, []string{"1", "3", "4", "0", "2"})
		is.Equal(at["4"], time.Duration(0))
		is.Equal(at["2"], time.Second)
	})
}

func TestNoRecordOvertakesAnotherUnderStopBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		var order []string
		s := inLanes(grouped(context.Background(), make([]string, 6), batch.WithPolicy(batch.StopBatch)), 4, func(_ context.Context, v string) error {
			time.Sleep(time.Duration(6-indexOf(v)) * time.Second)
			return nil
		})
		for r := range s {
			v, _ := r.Value()
			order = append(order, v)
		}
		is.Equal(order, numerals(0, 6))
	})
}

func TestLanesRunAheadOfASlowConsumerOnlyUpToTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, ahead = 8, 128
		var started, received int
		var mu sync.Mutex
		most := 0
		s := inLanes(grouped(context.Background(), make([]string, 2000)), n, func(context.Context, string) error {
			mu.Lock()
			defer mu.Unlock()
			started++
			return nil
		})
		for range s {
			received++
			if received%50 == 0 {
				synctest.Wait()
			}
			mu.Lock()
			most = max(most, started-received)
			mu.Unlock()
		}
		is.New(t).Equal(received, 2000)
		if most > ahead+n {
			t.Errorf("lanes ran %d results ahead", most)
		}
	})
}

func TestTheLogNamesTheRecordsThatAreStillRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		var j journal
		groups := []string{"g", "h", "g", "", "i"}
		stuck := stuckOn(t, "0", "3")
		source := grouped(ctx, groups, reserve, batch.WithPolicy(batch.StopGroup), batch.WithLogger(slog.New(&j)))
		response, err := batch.Run(source, func(s texts) texts { return inLanes(s, 5, stuck) })
		is.NoErr(err)
		is.Equal(listed(response), []string{"r0", "r2", "r3"})
		is.Equal(j.lines, []string{
			"WARN () record still running record=r0 group=g",
			"WARN () record still running record=r3",
			"WARN () records not processed records=5 notStarted=1 unreached=2 running=2",
		})
	})
}
