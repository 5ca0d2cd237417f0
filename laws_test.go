package batch_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/internal/draw"
	"github.com/samber/lo"
	"pgregory.net/rapid"
)

func TestStagesConserveRecordsAndTheirOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := draw.Cases(everySource, draw.Own).Draw(t, "case")
		ctx, cancel := cancellable()
		defer cancel(nil)
		var indexes []int
		for r := range c.Play(cancel).Whole(ctx) {
			indexes = append(indexes, r.Record().Index)
			equal(t, "identity", r.Record().ID, c.Records[r.Record().Index].ID)
		}
		if !slices.IsSorted(indexes) {
			t.Fatalf("order: %v", indexes)
		}
		equal(t, "records", len(slices.Compact(indexes)), len(c.Records))
	})
}

func TestRunCollectAndPartitionAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := draw.Cases(everySource, draw.Own).Draw(t, "case")
		c.Cut = 0
		ctx := context.Background()
		c.CancelAt = 0
		collected, collectErr := batch.Collect(c.Play(nil).Whole(ctx))
		play := c.Play(nil)
		run, runErr := batch.Run(play.Source(ctx), play.Stage)
		_, failures := batch.Partition(c.Play(nil).Whole(ctx))
		equal(t, "responses", listed(run), listed(collected))
		equal(t, "errors", fmt.Sprint(runErr), fmt.Sprint(collectErr))
		equal(t, "failures", lo.Uniq(failedIDs(failures)), listed(collected))
	})
}

func TestMappingIsAFunctor(t *testing.T) {
	exclaim := func(v string) string { return v + "!" }
	question := func(v string) string { return v + "?" }
	try := func(on int, f func(string) string) func(context.Context, string) (string, error) {
		return func(_ context.Context, v string) (string, error) {
			if len(v)%3 == on {
				return "", draw.Fault{Stage: on, Of: v}
			}
			return f(v), nil
		}
	}
	odd := func(v string) bool { return len(v)%2 == 1 }
	third := func(v string) bool { return len(v)%3 != 0 }
	type stage = func(texts) texts
	laws := map[string][2]stage{
		"Map of identity is identity": {
			func(s texts) texts {
				return batch.Map(s, func(v string) string { return v })
			},
			func(s texts) texts { return s },
		},
		"Map fuses": {
			func(s texts) texts { return batch.Map(batch.Map(s, exclaim), question) },
			func(s texts) texts {
				return batch.Map(s, func(v string) string { return question(exclaim(v)) })
			},
		},
		"TryMap composes": {
			func(s texts) texts {
				return batch.TryMap(batch.TryMap(s, try(0, exclaim)), try(1, question))
			},
			func(s texts) texts {
				return batch.TryMap(s, func(ctx context.Context, v string) (string, error) {
					w, err := try(0, exclaim)(ctx, v)
					if err != nil {
						return "", err
					}
					return try(1, question)(ctx, w)
				})
			},
		},
		"Map is the TryMap that cannot fail": {
			func(s texts) texts { return batch.Map(s, exclaim) },
			func(s texts) texts { return batch.TryMap(s, try(-1, exclaim)) },
		},
		"Filter is idempotent": {
			func(s texts) texts { return batch.Filter(batch.Filter(s, odd), odd) },
			func(s texts) texts { return batch.Filter(s, odd) },
		},
		"Filter commutes": {
			func(s texts) texts { return batch.Filter(batch.Filter(s, odd), third) },
			func(s texts) texts { return batch.Filter(batch.Filter(s, third), odd) },
		},
		"FlatMap of one is Map": {
			func(s texts) texts {
				return batch.FlatMap(s, func(v string) []string { return []string{exclaim(v)} })
			},
			func(s texts) texts { return batch.Map(s, exclaim) },
		},
	}
	for law, sides := range laws {
		t.Run(law, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				c := draw.Cases(everySource, draw.Own).Draw(t, "case")
				c.CancelAt = 0 // after the end, one more stage refuses one more result
				build := func(side stage) texts { return side(c.Play(nil).Whole(context.Background())) }
				left, leftErr := batch.Collect(build(sides[0]))
				right, rightErr := batch.Collect(build(sides[1]))
				equal(t, "responses", listed(left), listed(right))
				equal(t, "errors", fmt.Sprint(leftErr), fmt.Sprint(rightErr))
				c.Policy = int(batch.Continue) // otherwise one more stage also blocks more results
				equal(t, "results", seen(build(sides[0])), seen(build(sides[1])))
			})
		})
	}
}

// Done and Failed results stay as they are, except where Catch or OrElse settle a failure. These two never see an
// unprocessed result.
func TestFailuresOnlyAccumulate(t *testing.T) {
	kinds := slices.DeleteFunc(slices.Clone(draw.Own), func(kind string) bool {
		return kind == "catch" || kind == "orElse" || kind == "tap"
	})
	thorough(t, func(t *rapid.T) {
		c := draw.Cases(everySource, kinds).Draw(t, "case")
		ctx, cancel := cancellable()
		defer cancel(nil)
		settled := map[error]string{}
		look := func(r batch.Result[string]) {
			if err := r.Err(); err != nil {
				settled[err] = draw.Seen(r)
			}
		}
		play := c.Play(cancel)
		last := seen(play.Stage(batch.Tap(play.Source(ctx), look)))
		for _, before := range settled {
			if !slices.Contains(last, before) {
				t.Fatalf("%s did not reach the end: %q", before, last)
			}
		}
	})
}

// Whatever stages do, a record is acknowledged only if it reached the end and none of its results failed.
func TestNoRecordIsAcknowledgedUnlessItReachesTheEnd(t *testing.T) {
	thorough(t, func(t *rapid.T) {
		c := draw.Cases(everyEvent, slices.Concat(draw.Own, draw.Foreign)).Draw(t, "case")
		ctx, cancel := cancellable()
		defer cancel(nil)
		play := c.Play(cancel)
		arrived, failed := map[int]bool{}, map[int]bool{}
		var report batch.Report
		option := reportInto(&report)
		response, err := batch.Run(play.Source(ctx, option), func(s texts) texts {
			return batch.Tap(play.Stage(s), func(r batch.Result[string]) {
				arrived[r.Record().Index] = true
				failed[r.Record().Index] = failed[r.Record().Index] || r.Err() != nil
			})
		})
		if len(c.Records) == 0 || report.Records == 0 {
			equal(t, "failures of an empty batch", listed(response), []string(nil))
			return
		}
		reported := lo.Keyify(lo.Map(report.Failures, func(f batch.Failure, _ int) int { return f.Record.Index }))
		ids := lo.Uniq(failedIDs(report.Failures))
		for i, r := range c.Records {
			if (!arrived[i] || failed[i]) && !lo.HasKey(reported, i) {
				t.Fatalf("record %d is acknowledged; arrived: %v, failed: %v", i, arrived[i], failed[i])
			}
			if slices.Contains(ids, r.ID) && !lo.HasKey(reported, i) && r.ID != "" {
				t.Fatalf("record %d is acknowledged, but %q is listed", i, r.ID)
			}
		}
		equal(t, "listed, once and in order", listed(response), ids)
		equal(t, "reported and acknowledged", len(report.Failures)+report.Acknowledged, len(c.Records))
		equal(t, "sum", report.Acknowledged+report.Failed+report.Blocked+report.NotStarted+report.Unreached, report.Records)
		var all *batch.AllFailedError
		switch {
		case slices.Contains(ids, ""):
			equal(t, "error", errors.Is(err, batch.ErrNoID), true)
		case report.Acknowledged == 0 && !c.AllFailedOK:
			equal(t, "error", errors.As(err, &all), true)
			equal(t, "causes", len(all.Unwrap()), len(c.Records))
		default:
			equal(t, "error", err, nil)
		}
	})
}
