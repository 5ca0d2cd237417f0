package batchtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
	"pgregory.net/rapid"
)

var errOdd = errors.New("odd")

func evenOnly(_ context.Context, v int) error {
	if v%2 != 0 {
		return fmt.Errorf("%d: %w", v, errOdd)
	}
	return nil
}

func half(ctx context.Context, v int) (int, error) { return v / 2, evenOnly(ctx, v) }

func digits(v int) []string {
	return slices.Repeat([]string{strconv.Itoa(v)}, v%3)
}

func TestTheStagesOfTheLibraryPass(t *testing.T) {
	stages := map[string]batch.Stage[int, int]{
		"nothing": func(s ints) ints { return s },
		"Map":     func(s ints) ints { return batch.Map(s, func(v int) int { return 2 * v }) },
		"TryMap":  func(s ints) ints { return batch.TryMap(s, half) },
		"Filter":  func(s ints) ints { return batch.Filter(s, func(v int) bool { return v%2 == 0 }) },
		"TryFilter": func(s ints) ints {
			return batch.TryFilter(s, func(ctx context.Context, v int) (bool, error) { return v%3 > 0, evenOnly(ctx, v) })
		},
		"FlatMap":      func(s ints) ints { return batch.FlatMap(s, func(v int) []int { return make([]int, v%3&3) }) },
		"TryEach":      func(s ints) ints { return batch.TryEach(s, evenOnly) },
		"Each":         batch.Each(evenOnly),
		"TryEachChunk": func(s ints) ints { return batch.TryEachChunk(s, 3, rejectOdd) },
		"Tap":          func(s ints) ints { return batch.Tap(s, func(batch.Result[int]) {}) },
		"a panic":      func(s ints) ints { return batch.Map(s, func(v int) int { return 1 / (v % 2) }) },
		"Parallel":     func(s ints) ints { return batch.Parallel(s, 3, batch.Each(evenOnly)) },
		"nested lanes": func(s ints) ints {
			return batch.Parallel(s, 2, func(s ints) ints { return batch.Parallel(s, 2, batch.Each(evenOnly)) })
		},
		"chunk in lanes": func(s ints) ints {
			return batch.Parallel(s, 2, func(s ints) ints { return batch.TryEachChunk(s, 2, rejectOdd) })
		},
		"chunk after lanes": func(s ints) ints {
			return batch.TryEachChunk(batch.Parallel(s, 2, batch.Each(evenOnly)), 2, rejectOdd)
		},
		"Discard":            batch.Discard[int, int],
		"Route":              routed(batch.Each(evenOnly)),
		"Route in lanes":     func(s ints) ints { return batch.Parallel(s, 2, routed(batch.Each(evenOnly))) },
		"lanes in a route":   routed(func(s ints) ints { return batch.Parallel(s, 2, batch.Each(evenOnly)) }),
		"Route in a route":   routed(routed(batch.Each(evenOnly))),
		"chunk in a route":   routed(func(s ints) ints { return batch.TryEachChunk(s, 3, rejectOdd) }),
		"chunk after routes": func(s ints) ints { return batch.TryEachChunk(routed(batch.Each(evenOnly))(s), 3, rejectOdd) },
	}
	for name, stage := range stages {
		t.Run(name, func(t *testing.T) { CheckStage(t, rapid.IntRange(0, 9), stage) })
	}
	t.Run("TryFlatMap", func(t *testing.T) {
		CheckStage(t, rapid.IntRange(0, 9), func(s ints) batch.Stream[string] {
			return batch.TryFlatMap(s, func(ctx context.Context, v int) ([]string, error) { return digits(v), evenOnly(ctx, v) })
		})
	})
	t.Run("Decode", func(t *testing.T) {
		bodies := rapid.SampledFrom([]string{"1", `{"a":`, "null", `"x"`, ""})
		CheckStage(t, bodies, func(s batch.Stream[string]) ints { return batch.Decode[int](s, json.Unmarshal) })
	})
}

// routed discards multiples of three, has no route for 7 and panics for 5.
func routed(stage intsTo) intsTo {
	return func(s ints) ints {
		key := func(v int) int { return 60 / (v - 5) % 3 }
		return batch.Route(s, key, map[int]batch.Stage[int, int]{0: stage, 1: batch.Discard[int, int], -1: stage})
	}
}

func rejectOdd(ctx context.Context, chunk []int) error {
	rejected := batch.ItemErrors{}
	for i, v := range chunk {
		rejected[i] = evenOnly(ctx, v)
	}
	return rejected
}

func TestStagesThatRecoverPassIfTheySaySo(t *testing.T) {
	settle := func(_ context.Context, err error) error {
		if errors.Is(err, errBefore) {
			return nil
		}
		return fmt.Errorf("again: %w", err)
	}
	instead := func(_ context.Context, err error) (int, error) {
		return len(err.Error()), settle(context.Background(), err)
	}
	stages := map[string]batch.Stage[int, int]{
		"Catch":  func(s ints) ints { return batch.Catch(s, settle) },
		"OrElse": func(s ints) ints { return batch.OrElse(s, instead) },
		"both":   func(s ints) ints { return batch.Catch(batch.OrElse(batch.TryMap(s, half), instead), settle) },
		"in lanes": func(s ints) ints {
			return batch.Parallel(s, 2, func(s ints) ints { return batch.OrElse(batch.TryMap(s, half), instead) })
		},
	}
	for name, stage := range stages {
		t.Run(name, func(t *testing.T) { CheckStage(t, rapid.IntRange(0, 9), stage, Recovers()) })
	}
}

func TestAStagePassesThatSendsItsResultsOnAnotherGoroutine(t *testing.T) {
	CheckStage(t, rapid.IntRange(0, 9), func(s ints) ints {
		return func(yield func(sent) bool) {
			fetched, stop := make(chan sent), make(chan struct{})
			var sending sync.WaitGroup
			sending.Go(func() {
				for r := range fetched {
					if !yield(batch.Then(r, func(ctx context.Context, v int) (int, error) { return v, evenOnly(ctx, v) })) {
						close(stop)
						return
					}
				}
			})
			defer sending.Wait()
			defer close(fetched)
			for r := range s {
				select {
				case fetched <- r:
				case <-stop:
					return
				}
			}
		}
	})
}

// once acknowledges values that it has seen before.
func once(s ints) ints {
	return func(yield func(sent) bool) {
		seen := make(map[int]bool)
		batch.Filter(s, func(v int) bool {
			defer func() { seen[v] = true }()
			return !seen[v]
		})(yield)
	}
}

// atOnce is a bulk write that writes all of a chunk or nothing.
func atOnce(s ints) ints {
	return batch.TryEachChunk(s, 3, func(ctx context.Context, chunk []int) error {
		for _, v := range chunk {
			if err := evenOnly(ctx, v); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestStagesThatLookAtTheWholeBatchPassIfTheySaySo(t *testing.T) {
	for name, stage := range map[string]intsTo{"once": once, "atOnce": atOnce} {
		t.Run(name, func(t *testing.T) { CheckStage(t, rapid.IntRange(0, 9), stage, WholeBatch()) })
	}
}

func TestStagesThatLookAtTheWholeBatchAreFoundOtherwise(t *testing.T) {
	checkAll(t, map[string]bad{
		"atOnce": {atOnce, `turns rN into the failure "N: odd" instead of N because of its neighbours`, lawAlone},
	})
}

func TestChunksOfRecordsThatAreAlikeAreFoundWithoutLanes(t *testing.T) {
	is := is.New(t)
	s := scene[int]{conditions: conditions{lanes: 3}}
	for _, v := range []int{0, 4, 6, 1} { // the fourth is in the second chunk
		s.records = append(s.records, drawnRecord[int]{value: v, arrives: arrivesReady})
	}
	c := &checker[int, int]{stage: atOnce}
	said := inBubble(t, time.Minute, func() string { return c.check(s) })
	is.Equal(said, `the stage turns r1 into 4 instead of the failure "1: odd" because of its neighbours, `+
		"with the batch {r0: 0; r1: 4; r2: 6; r3: 1}: "+lawAlone)
}

func TestAStageThatLooksAtTheWholeBatchMustObeyTheOtherLaws(t *testing.T) {
	checkAll(t, map[string]bad{
		"it drops a value": {
			func(s ints) ints {
				return sending(func(r sent, yield func(sent) bool) bool { return has(r, 7) || yield(r) })(once(s))
			},
			"drops rN", lawLeaves,
		},
	}, WholeBatch())
}

func TestWhatCannotBeCheckedPanics(t *testing.T) {
	panics := func(want string, f func()) {
		t.Helper()
		defer func() { is.New(t).Equal(recover(), want) }()
		f()
	}
	panics("batchtest: CheckStage: values is nil", func() { CheckStage(t, nil, once) })
	panics("batchtest: CheckStage: opts[1] is nil", func() { CheckStage(t, rapid.Int(), once, WholeBatch(), nil) })
	panics("batchtest: CheckStage: stage is nil", func() { CheckStage[int, int](t, rapid.Int(), nil) })
}
