package batch_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/samber/lo"
	"pgregory.net/rapid"
)

func TestParallelIsInvisible(t *testing.T) {
	anywhere := slices.Concat(mapping, settling, []string{"TryEachChunk", "Parallel"})
	rapid.Check(t, func(t *rapid.T) {
		inside := anywhere
		if rapid.Bool().Draw(t, "repeating") {
			inside = slices.Concat(mapping, settling, []string{"repeating"})
		}
		c := drawLanes(t, batch.Continue, inside, anywhere)
		alone, lanes := c.play(t, false), c.play(t, true)
		equal(t, "results", lanes.results, alone.results)
		equal(t, "response", lanes.response, alone.response)
		equal(t, "calls", lanes.counts(), alone.counts())
	})
}

// There are no steps before the lanes, which would have run ahead of the failures in them. Nor are there steps after them,
// which would learn of failures later and so refuse other records.
func TestParallelIsInvisibleUnderStopGroup(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawLanes(t, batch.StopGroup, slices.Concat(mapping, settling, []string{"repeating"}), mapping)
		c.before, c.after = nil, nil
		alone, lanes := c.play(t, false), c.play(t, true)
		equal(t, "results", lanes.results, alone.results)
		equal(t, "response", lanes.response, alone.response)
		equal(t, "calls", lanes.counts(), alone.counts())
	})
}

func TestLanesGiveTheSameResponseUnderEachPolicy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policy := rapid.SampledFrom(strictPolicies).Draw(t, "policy")
		c := drawLanes(t, policy, slices.Concat(mapping, settling, []string{"repeating"}), mapping)
		if has(c.inside, settling...) {
			for i := range c.before { // failures before the lanes hold back others until the lanes settle them
				c.before[i].fates = make([]fate, len(c.groups))
			}
		}
		alone, lanes := c.play(t, false), c.play(t, true)
		equal(t, "response", lanes.response, alone.response)
		c.once(t, lanes)
	})
}

// In lanes, chunks consist of other records than elsewhere. So only the response is the same, and only if no failure is
// settled.
func TestLanesThatLookAheadGiveTheSameResponse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policy := rapid.SampledFrom(strictPolicies).Draw(t, "policy")
		kinds := slices.Concat(mapping, []string{"TryEachChunk", "Parallel"})
		kinds = slices.DeleteFunc(kinds, func(k string) bool { return k == "own" }) // this kind settles failures
		c := drawLanes(t, policy, kinds, kinds)
		equal(t, "response", c.play(t, true).response, c.play(t, false).response)
	})
}

func TestLanesKeepTheOrderOfEachGroup(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policy := rapid.SampledFrom(strictPolicies).Draw(t, "policy")
		c := drawLanes(t, policy, slices.Concat(mapping, settling, []string{"TryEachChunk"}), mapping)
		inLanes := lo.Filter(c.play(t, true).calls, func(c call, _ int) bool { return strings.HasPrefix(c.step, "inside") && c.group != "" })
		for group, calls := range lo.GroupBy(inLanes, func(c call) string { return c.group }) {
			latest := map[string]int{}
			for i, call := range calls {
				if i > 0 && call.start < calls[i-1].end {
					t.Fatalf("group %s: %+v and %+v at the same time", group, calls[i-1], call)
				}
				if call.record < latest[call.step] {
					t.Fatalf("group %s: %+v after record %d", group, call, latest[call.step])
				}
				latest[call.step] = call.record
			}
		}
	})
}

func TestNoMoreFunctionsRunAtOnceThanThereAreLanes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawLanes(t, rapid.SampledFrom(everyPolicy).Draw(t, "policy"), mapping, mapping)
		type change struct {
			at    time.Duration
			delta int
		}
		var changes []change
		for _, call := range c.play(t, true).calls {
			if strings.HasPrefix(call.step, "inside") && call.start < call.end {
				changes = append(changes, change{call.start, 1}, change{call.end, -1})
			}
		}
		slices.SortFunc(changes, func(a, b change) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.delta, b.delta)) })
		running := 0
		for _, change := range changes {
			if running += change.delta; running > c.n {
				t.Fatalf("%d functions ran at the same time in %d lanes", running, c.n)
			}
		}
	})
}

func TestRecordsBeforeTheFirstFailureAreProcessedUnderStopBatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawLanes(t, batch.StopBatch, []string{"Map", "TryMap"}, []string{"Map"})
		var failures []batch.Failure
		var first time.Duration // when the first failed record returned
		var calls []call
		rapid.SyncTest(t, func(*rapid.T) {
			l := &callLog{origin: time.Now()}
			_, failures = batch.Partition(batch.Parallel(c.source(), c.n, func(s texts) texts {
				return l.apply(s, c.inside)
			}))
			calls = l.calls
		})
		if len(failures) == 0 {
			return
		}
		earliest := failures[0].Record.Index
		if errors.Is(failures[0].Err, batch.ErrBlocked) {
			t.Fatalf("the first failure is blocked: %v", failures[0].Err)
		}
		processed := lo.CountValuesBy(calls, func(c call) int { return c.record })
		for _, call := range calls {
			if call.record == earliest {
				first = max(first, call.end)
			}
		}
		tries := lo.CountBy(c.inside, func(s step) bool { return s.kind == "TryMap" })
		for i := range earliest {
			if processed[i] != tries {
				t.Fatalf("functions were called %d times for record %d, which is before the failed record %d", processed[i], i, earliest)
			}
		}
		for _, call := range calls {
			if call.record > earliest && call.start > first {
				t.Fatalf("%+v started after the failure of %d at %v", call, earliest, first)
			}
		}
	})
}

func TestAFailureFromBeforeTheLanesIsSettledInThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policy := rapid.SampledFrom(everyPolicy).Draw(t, "policy")
		bad := rapid.SliceOfN(rapid.Bool(), 1, 20).Draw(t, "bad")
		describe := func(i int) batch.Record { return batch.Record{ID: strconv.Itoa(i), Group: strconv.Itoa(i % 2)} }
		source := batch.From(context.Background(), lo.Range(len(bad)), describe, batch.WithPolicy(policy))
		decoded := func(yield func(batch.Result[int]) bool) {
			for r := range source { // not a stage with a function, which earlier failures would hold back
				if bad[r.Record().Index] {
					r = r.Fail(errors.New("undecodable"))
				}
				if !yield(r) {
					return
				}
			}
		}
		settled := func(s batch.Stream[int]) batch.Stream[int] {
			return batch.TryEach(batch.Catch(s, func(context.Context, error) error { return nil }), func(context.Context, int) error { return nil })
		}
		response, err := batch.Collect(batch.Parallel(decoded, rapid.IntRange(1, 6).Draw(t, "lanes"), settled))
		if err != nil || len(response.BatchItemFailures) > 0 {
			t.Fatal(response, err)
		}
	})
}
