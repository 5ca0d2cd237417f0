package batch_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/lambdabatch/batch"
	"pgregory.net/rapid"
)

// Stages may hand results over to goroutines of their own, fetch ahead and linger, in any order and between chunks and
// lanes. A record whose functions have returned long before the deadline is acknowledged, and not taken for running.
func TestNoFinishedRecordIsRunningHoweverManyGoroutinesPassItOn(t *testing.T) {
	thorough(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]int{1, 2, 3, 5, 20, 130, 131, 200}).Draw(t, "records")
		stages := rapid.SliceOfN(rapid.OneOf(handingOver(n), handingOver(n), handingOverInLanes(n)), 1, 5).Draw(t, "stages")
		rapid.SyncTest(t, func(t *rapid.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 1000*time.Hour)
			defer cancel()
			var report batch.Report
			response, err := batch.Run(grouped(ctx, make([]string, n), reportInto(&report)), inTurn(stages))
			if err != nil || len(listed(response)) > 0 {
				t.Fatalf("reported %v, running %v, error %v", listed(response), runningIDs(report), err)
			}
		})
	})
}

// A namedStage can be shown when a law fails.
type namedStage struct {
	name string
	of   func(texts) texts
}

func (s namedStage) String() string { return s.name }

func inTurn(stages []namedStage) func(texts) texts {
	return func(s texts) texts {
		for _, stage := range stages {
			s = stage.of(s)
		}
		return s
	}
}

func handingOverInLanes(n int) *rapid.Generator[namedStage] {
	return rapid.Custom(func(t *rapid.T) namedStage {
		lanes := rapid.IntRange(1, 3).Draw(t, "lanes")
		stages := rapid.SliceOfN(handingOver(n), 1, 3).Draw(t, "inside")
		return namedStage{
			fmt.Sprintf("Parallel(%d, %v)", lanes, stages),
			func(s texts) texts { return batch.Parallel(s, lanes, inTurn(stages)) },
		}
	})
}

func handingOver(n int) *rapid.Generator[namedStage] {
	return rapid.Custom(func(t *rapid.T) namedStage {
		some := rapid.IntRange(1, n+1).Draw(t, "size")
		d := time.Duration(rapid.IntRange(1, 5).Draw(t, "seconds")) * time.Second
		ids := rapid.SliceOfN(rapid.Map(rapid.IntRange(0, n-1), func(i int) string { return fmt.Sprint("r", i) }), 1, 3).Draw(t, "at")
		busy := func(ctx context.Context, v string) error { return taking(d)(ctx, v) }
		return rapid.SampledFrom([]namedStage{
			{"Piped", piped},
			{fmt.Sprintf("Prefetching(%d)", some), prefetching(some)},
			{fmt.Sprintf("LingeringAt(%v, %v)", d, ids), func(s texts) texts { return lingeringAt(d, s, ids...) }},
			{fmt.Sprintf("TryEachChunk(%d)", some), func(s texts) texts { return batch.TryEachChunk(s, some, nothing) }},
			{fmt.Sprintf("TryEach(%v)", d), func(s texts) texts { return batch.TryEach(s, busy) }},
			{"Parallel(1)", func(s texts) texts { return batch.Parallel(s, 1, identity) }},
			{fmt.Sprintf("Parallel(2, TryEach(%v))", d), func(s texts) texts { return inLanes(s, 2, busy) }},
		}).Draw(t, "stage")
	})
}
