package batch_test

// Chunks that fill more slowly than time runs out, on the goroutine of the source or of a lane.

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// writes notes the sizes of chunks, and how many values they have had in all.
type writes struct {
	mu    sync.Mutex
	sizes []int
	all   int
}

func (w *writes) write(_ context.Context, vs []string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sizes = append(w.sizes, len(vs))
	w.all += len(vs)
	return nil
}

// runFor runs records that take the given time each, in an invocation of so many seconds. The records' contexts end half a
// second earlier.
func runFor(t *testing.T, seconds, records int, each time.Duration, stage func(slow, texts) texts) (response batch.Response, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(seconds)*time.Second)
	t.Cleanup(cancel)
	sleep := func(s texts) texts {
		return batch.TryEach(s, func(context.Context, string) error { time.Sleep(each); return nil })
	}
	defer time.Sleep(time.Minute) // until every function has returned
	return batch.Run(grouped(ctx, groupsInTurn(records, records)), func(s texts) texts { return stage(sleep, s) })
}

type slow func(texts) texts

// Within 9.5s, 19 records are finished: the last one after 9.12s.
func TestAChunkThatDoesNotFillInTimeIsWrittenWhenAReserveIsLeft(t *testing.T) {
	inLane := func(chunk func(slow, texts) texts) func(slow, texts) texts {
		return func(before slow, s texts) texts {
			return batch.Parallel(s, 1, func(s texts) texts { return chunk(before, s) })
		}
	}
	for way, between := range map[string]func(texts) texts{"plain": unchanged, "pulled": pulled} {
		var w *writes
		chunk := func(before slow, s texts) texts { return batch.TryEachChunk(between(before(s)), 25, w.write) }
		for place, stage := range map[string]func(slow, texts) texts{
			"without lanes": chunk,
			"in a lane":     inLane(chunk),
			"in a route": func(before slow, s texts) texts {
				return batch.Route(s, func(string) string { return "" }, map[string]batch.Stage[string, string]{
					"": func(s texts) texts { return chunk(before, s) },
				})
			},
			"of a chunk": func(before slow, s texts) texts {
				return batch.TryEachChunk(chunk(before, s), 25, func(context.Context, []string) error { return nil })
			},
		} {
			t.Run(place+", "+way, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					is := is.New(t)
					w = new(writes)
					response, err := runFor(t, 10, 25, 480*time.Millisecond, stage)
					is.NoErr(err)
					is.Equal(w.sizes, []int{19})
					is.Equal(listed(response), []string{"r19", "r20", "r21", "r22", "r23", "r24"})
				})
			})
		}
	}
}

// Nothing is written before a reserve is left, however long a chunk waits. Half a reserve is left when the third record is finished.
func TestAChunkWaitsUntilAReserveIsLeftHoweverSlowlyItFills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		var w writes
		response, err := runFor(t, 10, 4, 3083*time.Millisecond, func(before slow, s texts) texts { return batch.TryEachChunk(before(s), 4, w.write) })
		is.NoErr(err)
		is.Equal(w.sizes, []int{3})
		is.Equal(listed(response), []string{"r3"})
	})
}

// Records are finished every other millisecond, until 1.5s have passed. In the last half second there are a few chunks and not 250.
func TestChunksAreSmallOnlyIfTimeHasNearlyRunOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		var w writes
		response, err := runFor(t, 2, 1000, 1999*time.Microsecond, func(before slow, s texts) texts { return batch.TryEachChunk(before(s), 400, w.write) })
		is.NoErr(err)
		is.Equal(w.sizes, []int{400, 101, 125, 63, 31, 16, 8, 4, 2})
		is.Equal(w.all, 750)
		is.Equal(listed(response)[0], "r"+strconv.Itoa(w.all))
	})
}

// If there is hardly more time than a reserve from the start, here half a second, a chunk still waits for a third of it, which
// has passed after 167ms.
func TestAChunkIsNotWrittenAtOnceBecauseThereIsLittleTime(t *testing.T) {
	var w *writes
	for place, test := range map[string]struct {
		stage func(slow, texts) texts
		sizes []int
	}{
		"without lanes": {func(before slow, s texts) texts { return batch.TryEachChunk(before(s), 25, w.write) }, []int{8, 8, 4, 2, 1}},
		"in a lane": {func(before slow, s texts) texts {
			return batch.Parallel(s, 1, func(s texts) texts { return batch.TryEachChunk(before(s), 25, w.write) })
		}, []int{8, 8, 4, 2, 1}},
		"after lanes": {func(before slow, s texts) texts { // which wait: the chunk then gets no more for a while
			return batch.TryEachChunk(batch.Parallel(s, 1, func(s texts) texts { return before(s) }), 25, w.write)
		}, []int{7, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}},
	} {
		t.Run(place, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				w = new(writes)
				response, err := runFor(t, 1, 30, 21*time.Millisecond, test.stage)
				is.NoErr(err)
				is.Equal(w.sizes, test.sizes)
				is.Equal(listed(response)[0], "r23")
			})
		})
	}
}

// Time is short when exactly a reserve is left, here after 9s, and next when half of that has passed, not after 9.1s.
func TestAChunkIsWrittenWhenExactlyAReserveIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		var w writes
		times := []time.Duration{4500 * time.Millisecond, 4500 * time.Millisecond, 100 * time.Millisecond, time.Minute}
		_, err := runFor(t, 10, len(times), 0, func(_ slow, s texts) texts {
			s = batch.TryEach(s, func(_ context.Context, v string) error { time.Sleep(times[indexOf(v)]); return nil })
			return batch.TryEachChunk(s, 4, w.write)
		})
		is.NoErr(err)
		is.Equal(w.sizes, []int{2})
	})
}

// Nothing reaches the chunk before record 94, which is finished when less than a reserve is left.
func TestTimeThatIsShortBeforeAChunkHasAnythingDoesNotDelayIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		var w writes
		_, err := runFor(t, 10, 98, 97*time.Millisecond, func(before slow, s texts) texts {
			s = batch.Filter(before(s), func(v string) bool { return indexOf(v) >= 94 })
			return batch.TryEachChunk(s, 25, w.write)
		})
		is.NoErr(err)
		is.Equal(w.sizes, []int{1, 2})
	})
}

// The functions before a chunk are slow, but the stages before these are not, so all records have left them long before.
func TestAChunkIsWrittenInTimeAlthoughOnlyTheFunctionsJustBeforeItAreSlow(t *testing.T) {
	for way, quick := range map[string]batch.Stage[string, string]{
		"lanes":         func(s texts) texts { return inLanes(s, 4, succeed) },
		"a route":       onOneRoute(batch.Each(succeed)),
		"a full buffer": buffering(25, inOrder),
		"a prefetch":    prefetching(32),
	} {
		for place, around := range map[string]func(func(texts) texts, texts) texts{
			"without lanes": func(stage func(texts) texts, s texts) texts { return stage(s) },
			"in a lane":     func(stage func(texts) texts, s texts) texts { return batch.Parallel(s, 1, stage) },
		} {
			t.Run(place+", after "+way, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					is := is.New(t)
					w := new(writes)
					_, err := runFor(t, 10, 25, 480*time.Millisecond, func(before slow, s texts) texts {
						return around(func(s texts) texts { return batch.TryEachChunk(before(quick(s)), 25, w.write) }, s)
					})
					is.NoErr(err)
					is.Equal(w.sizes[0], 19)
				})
			})
		}
	}
}

// Records are split into four parts, one of which is dropped. A chunk waits for the parts that follow at once, even through
// another chunk.
func TestAChunkThatIsWrittenInTimeHasAllPartsOfARecord(t *testing.T) {
	split := func(s texts, dropped int) texts {
		parts := batch.FlatMap(s, func(v string) []string { return slices.Insert([]string{v, v, v}, dropped, "dropped") })
		return batch.Filter(parts, func(v string) bool { return v != "dropped" })
	}
	for way, stage := range map[string]func(texts) texts{
		"at once":                  unchanged,
		"split again":              func(s texts) texts { return batch.FlatMap(s, func(v string) []string { return []string{v} }) },
		"through another chunk":    func(s texts) texts { return batch.TryEachChunk(s, 200, succeedAll) },
		"through full chunks":      func(s texts) texts { return batch.TryEachChunk(s, 3, succeedAll) },
		"through others of others": func(s texts) texts { return batch.TryEachChunk(batch.TryEachChunk(s, 200, succeedAll), 2, succeedAll) },
	} {
		for dropped, place := range map[int]string{0: "the first", 3: "the last"} {
			t.Run(way+" without "+place, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					is := is.New(t)
					var w writes
					response, err := runFor(t, 10, 25, 480*time.Millisecond, func(before slow, s texts) texts {
						return batch.TryEachChunk(stage(split(before(s), dropped)), 200, w.write)
					})
					is.NoErr(err)
					is.Equal(w.sizes, []int{57})
					is.Equal(listed(response), []string{"r19", "r20", "r21", "r22", "r23", "r24"})
				})
			})
		}
	}
}

func succeedAll(context.Context, []string) error { return nil }

// From 9s on, time is short. The record has 190 parts. Each takes 50ms, but the last one hangs. Half of the time that is left has
// passed after 9.25s, and again after 9.45s.
func TestAChunkDoesNotWaitForeverForPartsThatFollowSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		var w writes
		_, _ = runFor(t, 10, 1, 0, func(_ slow, s texts) texts {
			parts := batch.FlatMap(s, func(v string) []string { return append(slices.Repeat([]string{v}, 189), "last") })
			slowly := batch.TryEach(parts, func(_ context.Context, v string) error {
				time.Sleep(50 * time.Millisecond)
				if v == "last" {
					time.Sleep(time.Second)
				}
				return nil
			})
			return batch.TryEachChunk(slowly, 1000, w.write)
		})
		is.Equal(w.sizes, []int{185, 4})
	})
}

// The parts of a record enter lanes, where no part waits for another.
func TestAPartInALaneWaitsForNoneInAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		var w writes
		_, err := runFor(t, 10, 20, 480*time.Millisecond, func(before slow, s texts) texts {
			s = batch.FlatMap(s, func(v string) []string { return []string{v, v} })
			return batch.Parallel(s, 2, func(s texts) texts { return batch.TryEachChunk(before(s), 30, w.write) })
		})
		is.NoErr(err)
		is.Equal(w.sizes, []int{19, 19})
	})
}
