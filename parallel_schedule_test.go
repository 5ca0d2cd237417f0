package batch_test

// Fixed schedules: who runs when, and what is left at the end.

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
	"pgregory.net/rapid"
)

func TestTheContextInALaneBelongsToTheRecord(t *testing.T) {
	is := is.New(t)
	type key struct{}
	ctx := context.WithValue(context.Background(), key{}, "value")
	lanes := inLanes(grouped(ctx, []string{"g", "h"}), 2, func(ctx context.Context, v string) error {
		r, ok := batch.RecordFrom(ctx)
		source, found := batch.SourceFrom[string](ctx)
		is.True(ok && found)
		is.Equal("r"+*source, r.ID)
		is.Equal(ctx.Value(key{}), "value")
		return nil
	})
	for r := range lanes {
		record, ok := batch.RecordFrom(r.Context())
		is.True(ok)
		is.Equal(record.Index, r.Record().Index)
	}
}

func TestNoLaneWaitsWhileSomethingCanRun(t *testing.T) {
	for name, groups := range map[string][]string{
		"groups in turn":   groupsInTurn(1000, 100),
		"no groups":        make([]string, 1000),
		"a long one first": slices.Concat(slices.Repeat([]string{"g"}, 30), make([]string, 970)),
	} {
		for _, policy := range everyPolicy {
			checkThroughput(t, name+", in lanes", groups, policy, 32)
			checkThroughput(t, name+", in lanes in lanes", groups, policy, 4, 8)
		}
	}
}

// checkThroughput compares the time that 32 lanes take, or lanes in lanes, with the best possible.
func checkThroughput(t *testing.T, name string, groups []string, policy batch.Policy, lanes ...int) {
	waiting := batch.Each(func(context.Context, string) error { time.Sleep(5 * time.Millisecond); return nil })
	for _, n := range slices.Backward(lanes) {
		inner := waiting
		waiting = func(s texts) texts { return batch.Parallel(s, n, inner) }
	}
	t.Run(fmt.Sprint(name, ", ", policy), func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			_, err := batch.Run(grouped(context.Background(), groups, batch.WithPolicy(policy)), waiting)
			is.New(t).NoErr(err)
			ideal := time.Duration(len(groups)) * 5 * time.Millisecond / 32
			if took := time.Since(start); float64(ideal) < 0.9*float64(took) {
				t.Fatalf("took %v, the best possible is %v", took, ideal)
			}
		})
	})
}

func TestAResultLeavesAsSoonAsItsTurnHasCome(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		takes := rapid.SliceOf(rapid.Custom(func(t *rapid.T) time.Duration {
			return time.Duration(rapid.IntRange(0, 9).Draw(t, "ms")) * time.Millisecond
		})).Draw(t, "takes")
		n := rapid.IntRange(1, 16).Draw(t, "lanes")
		rapid.SyncTest(t, func(t *rapid.T) {
			start := time.Now()
			var mu sync.Mutex
			ended := make([]time.Duration, len(takes))
			lanes := inLanes(grouped(context.Background(), make([]string, len(takes))), n, func(_ context.Context, v string) error {
				time.Sleep(takes[indexOf(v)])
				mu.Lock()
				defer mu.Unlock()
				ended[indexOf(v)] = time.Since(start)
				return nil
			})
			turn := time.Duration(0)
			for r := range lanes {
				mu.Lock()
				turn = max(turn, ended[r.Record().Index])
				mu.Unlock()
				if now := time.Since(start); now != turn {
					t.Fatalf("record %d left at %v instead of %v", r.Record().Index, now, turn)
				}
			}
		})
	})
}

// A free lane takes a record whenever it arrives.
func TestThereIsALaneForEachRecordThatWaits(t *testing.T) {
	for range 300 {
		synctest.Test(t, func(t *testing.T) {
			const n = 6
			release := make(chan struct{})
			var running, most atomic.Int32
			go func() {
				time.Sleep(time.Second)
				most.Store(running.Load())
				close(release)
			}()
			quick := inLanes(grouped(context.Background(), make([]string, 30)), 3, succeed)
			for range inLanes(quick, n, func(_ context.Context, v string) error {
				if indexOf(v)%2 == 1 {
					running.Add(1)
					<-release
				}
				return nil
			}) {
			}
			is.New(t).Equal(most.Load(), int32(n))
		})
	}
}

// Only the lane that has the group can fill a chunk with its records.
func TestALaneThatLooksAheadGetsMoreOfItsOwnGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		var sizes []int
		response, err := batch.Run(grouped(context.Background(), groupsInTurn(25, 1), batch.WithPolicy(batch.StopGroup)), func(s texts) texts {
			return batch.Parallel(s, 8, func(s texts) texts {
				return batch.TryEachChunk(s, 10, func(_ context.Context, vs []string) error {
					sizes = append(sizes, len(vs))
					return nil
				})
			})
		})
		is.NoErr(err)
		is.Equal(len(response.BatchItemFailures), 0)
		is.Equal(sizes, []int{10, 10, 5})
	})
}

func TestThereAreNoMoreLanesThanRecords(t *testing.T) {
	for records := range 5 {
		synctest.Test(t, func(t *testing.T) {
			before := goroutinesInBubble()
			var most atomic.Int32
			for range inLanes(grouped(context.Background(), make([]string, records)), 16, func(context.Context, string) error {
				time.Sleep(time.Second)
				most.Store(max(most.Load(), int32(goroutinesInBubble())))
				return nil
			}) {
			}
			if got := int(most.Load()) - before; records > 0 && got > records+1 {
				t.Fatalf("%d goroutines for %d records", got, records)
			}
		})
	}
}

// goroutinesInBubble counts those of the caller's bubble. runtime.NumGoroutine also counts those of an earlier test, which
// may be about to end.
func goroutinesInBubble() int {
	stacks := make([]byte, 64<<10)
	n := runtime.Stack(stacks, true)
	for ; n == len(stacks); n = runtime.Stack(stacks, true) {
		stacks = make([]byte, 2*len(stacks))
	}
	all := string(stacks[:n])
	header, _, _ := strings.Cut(all, "\n") // the first stack is the caller's
	_, bubble, _ := strings.Cut(header, ", synctest bubble")
	return strings.Count(all, ", synctest bubble"+bubble+"\n")
}

func TestLanesLeaveNoGoroutine(t *testing.T) {
	for _, leave := range []int{0, 1, 50, 100} {
		synctest.Test(t, func(t *testing.T) { // fails if a goroutine is left
			before := goroutinesInBubble()
			var most atomic.Int32
			n := 0
			for range inLanes(grouped(context.Background(), make([]string, 100)), 8, func(context.Context, string) error {
				most.Store(max(most.Load(), int32(goroutinesInBubble())))
				return nil
			}) {
				if n++; n == leave {
					break
				}
			}
			is.New(t).True(int(most.Load()) <= before+8+1)
		})
	}
}

func TestBreakingOutOfLanesCancelsRunningFunctionsAndWaitsForThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		var started, cancelled, ended atomic.Int32
		var yielded batch.Result[string]
		lanes := inLanes(grouped(context.Background(), make([]string, 100)), 4, func(ctx context.Context, v string) error {
			started.Add(1)
			defer ended.Add(1)
			if v == "0" {
				return nil
			}
			<-ctx.Done()
			cancelled.Add(1)
			time.Sleep(time.Second) // as if to clean up
			return ctx.Err()
		})
		start := time.Now()
		for r := range lanes {
			synctest.Wait()
			yielded = r
			break
		}
		is.Equal(time.Since(start), time.Second)
		is.Equal(ended.Load(), started.Load())
		is.Equal(started.Load(), int32(5)) // one for the result that was received, and one per lane
		is.Equal(cancelled.Load(), int32(4))
		is.NoErr(yielded.Context().Err())
		synctest.Wait()
		is.Equal(started.Load(), int32(5))
	})
}

func TestABreakWaitsAQuarterOfTheReserveForStuckFunctions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		release := make(chan struct{})
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		var after atomic.Int32
		source := grouped(ctx, make([]string, 100), batch.WithReserve(8*time.Second))
		lanes := batch.Parallel(source, 4, func(s texts) texts {
			s = batch.TryEach(s, func(_ context.Context, v string) error {
				if v == "0" {
					time.Sleep(time.Second) // the other lanes have begun by then
				} else {
					<-release
				}
				return nil
			})
			return batch.TryEach(s, func(_ context.Context, v string) error {
				if v != "0" {
					after.Add(1)
				}
				return nil
			})
		})
		start := time.Now()
		for range lanes {
			break
		}
		is.Equal(time.Since(start), 3*time.Second)
		close(release)
		synctest.Wait()
		is.Equal(after.Load(), int32(0))
	})
}
