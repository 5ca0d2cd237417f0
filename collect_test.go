package batch_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

func TestFilteredRecordsCountAsAcknowledged(t *testing.T) {
	is := is.New(t)
	values := append(slices.Repeat([]string{"no"}, 9), "fail")
	response, err := batch.Run(batch.Of(values...), func(s texts) texts {
		return batch.TryEach(batch.Filter(s, func(v string) bool { return v != "no" }), failingOn("fail"))
	})
	is.NoErr(err)
	is.Equal(listed(response), []string{"9"})
}

func TestOnlyTheUndecodableBodyIsReported(t *testing.T) {
	is := is.New(t)
	var event events.SQSEvent
	is.NoErr(json.Unmarshal(standard.payload([]recordSpec{{id: "1", body: `"ok"`}, {id: "2", body: "not json"}, {id: "3", body: `"ok"`}}), &event))
	handled := []string{}
	response, err := batch.Run(batch.SQS(t.Context(), event), func(s batch.Stream[events.SQSMessage]) texts {
		return batch.TryEach(batch.Decode[string](s, json.Unmarshal), func(_ context.Context, v string) error {
			handled = append(handled, v)
			return nil
		})
	})
	is.NoErr(err)
	is.Equal(listed(response), []string{"2"})
	is.Equal(handled, []string{"ok", "ok"})
}

func TestRunOfAnEmptyBatchIsAnEmptyResponse(t *testing.T) {
	is := is.New(t)
	for _, s := range []service{standard, fifo, kinesis, dynamoDB} {
		response, err := s.run(s.payload(nil), nil)
		is.NoErr(err)
		is.Equal(response.BatchItemFailures, []batch.ItemFailure{})
	}
	response, err := batch.Run(batch.Kafka(t.Context(), events.KafkaEvent{}), batch.Each(func(context.Context, events.KafkaRecord) error { return errBoom }))
	is.NoErr(err)
	is.Equal(response.BatchItemFailures, []batch.ItemFailure{})
	response, err = batch.Collect(batch.Of[int]())
	is.NoErr(err)
	is.Equal(response.BatchItemFailures, []batch.ItemFailure{})
}

func TestPartitionHasTheValuesOfAcknowledgedRecordsOnly(t *testing.T) {
	is := is.New(t)
	s := batch.FlatMap(batch.Of("ab", "cd", "", "ef"), func(v string) []string { return strings.Split(v, "") })
	values, failures := batch.Partition(batch.Filter(batch.TryEach(s, failingOn("d")), func(v string) bool { return v != "e" }))
	is.Equal(values, []string{"a", "b", "f"})
	is.Equal(len(failures), 1)
	is.Equal(failures[0].Record.Index, 1)
	is.True(failures[0].Err == errBoom)
	values, failures = batch.Partition(batch.Of[string]())
	is.Equal(len(values)+len(failures), 0)
}

func TestCollectorsPanicOnNilArguments(t *testing.T) {
	var none texts
	for want, call := range map[string]func(){
		"Collect: s is nil":         func() { _, _ = batch.Collect(none) },
		"CollectFirehose: s is nil": func() { _, _ = batch.CollectFirehose(nil) },
		"Partition: s is nil":       func() { batch.Partition(none) },
		"Run: source is nil":        func() { _, _ = batch.Run(none, batch.Each(failingOn())) },
		"Run: stage is nil": func() {
			_, _ = batch.Run[string, string](batch.Of("a"), nil)
		},
	} {
		t.Run(want, func(t *testing.T) { is.New(t).Equal(panicOf(call), "batch: "+want) })
	}
}

// Stages that the library does not have drop, repeat and reorder three records.
func TestRunReportsRecordsThatNeverReachTheEnd(t *testing.T) {
	all := []string{"0", "1", "2"}
	for name, test := range map[string]struct {
		stage func(texts) texts
		want  []string
	}{
		"drops one":    {func(s texts) texts { return dropping(s, "b") }, []string{"1"}},
		"never ranges": {func(texts) texts { return func(func(batch.Result[string]) bool) {} }, all},
		"sends results of another source": {func(texts) texts {
			return batch.From(t.Context(), []string{"x"}, func(string) batch.Record { return batch.Record{ID: "x"} })
		}, all},
		"sends zero Results": {func(texts) texts {
			return func(yield func(batch.Result[string]) bool) { yield(batch.Result[string]{}) }
		}, all},
		"ranges, sends nothing": {func(s texts) texts { return dropping(s, "a", "b", "c") }, all},
		"stops early": {func(s texts) texts {
			return func(yield func(batch.Result[string]) bool) {
				for r := range s {
					yield(r)
					return
				}
			}
		}, all[1:]},
		"repeats two and drops the third": {func(s texts) texts { return repeating(dropping(s, "c")) }, all[2:]},
		"reverses": {func(s texts) texts {
			return func(yield func(batch.Result[string]) bool) {
				held := slices.Collect(s)
				slices.Reverse(held)
				slices.Values(held)(yield)
			}
		}, []string{}},
		"looks at the first before it ranges": {func(s texts) texts {
			for range s {
				break
			}
			return s
		}, []string{}},
		"sends one of a first range, all of a second": {func(s texts) texts {
			return func(yield func(batch.Result[string]) bool) {
				for r := range s {
					yield(r)
					break
				}
				s(yield)
			}
		}, all[1:]},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			response, _ := batch.Run(batch.Of("a", "b", "c"), test.stage)
			is.Equal(listed(response), test.want)
		})
	}
}

// These stages try to settle everything.
func TestNoStageCanAcknowledgeAnUnprocessedRecord(t *testing.T) {
	each := func(f func(batch.Result[string]) batch.Result[string]) func(texts) texts {
		return func(s texts) texts {
			return func(yield func(batch.Result[string]) bool) {
				for r := range s {
					if !yield(f(r)) {
						return
					}
				}
			}
		}
	}
	stages := map[string]func(texts) texts{
		"Catch all": func(s texts) texts { return batch.Catch(s, func(context.Context, error) error { return nil }) },
		"OrElse all": func(s texts) texts {
			return batch.OrElse(s, func(context.Context, error) (string, error) { return "", nil })
		},
		"Ack all":       each(func(r batch.Result[string]) batch.Result[string] { return r.Ack() }),
		"rewrite all":   each(func(r batch.Result[string]) batch.Result[string] { return r.Fail(errBoom) }),
		"fail then ack": each(func(r batch.Result[string]) batch.Result[string] { return r.Fail(nil).Ack() }),
		"rewrite, then Catch": func(s texts) texts {
			s = each(func(r batch.Result[string]) batch.Result[string] { return r.Fail(errBoom) })(s)
			return batch.Catch(s, func(context.Context, error) error { return nil })
		},
	}
	for name, settle := range stages {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			var report batch.Report
			option := reportInto(&report)
			held := func(s texts) texts { // all records have failed or are blocked before any is settled
				return func(yield func(batch.Result[string]) bool) { slices.Values(slices.Collect(s))(yield) }
			}
			source := batch.From(t.Context(), []string{"a", "b", "c", "d"}, byID, batch.WithPolicy(batch.StopBatch), option)
			response, _ := batch.Run(source, func(s texts) texts { return settle(held(batch.TryEach(s, failingOn("b")))) })
			is.True(slices.Contains(listed(response), "c"))
			is.True(slices.Contains(listed(response), "d"))
			is.Equal(report.Blocked, 2)

			source = batch.From(endedContext(), []string{"a", "b"}, byID, option)
			response, _ = batch.Run(source, func(s texts) texts { return settle(batch.TryEach(s, failingOn())) })
			is.Equal(listed(response), []string{"a", "b"})
			is.Equal(report.NotStarted, 2)
		})
	}
}

func TestAStageThatPanicsFailsTheBatch(t *testing.T) {
	is := is.New(t)
	foreign := func(s texts) texts {
		return func(yield func(batch.Result[string]) bool) {
			for r := range s {
				if r.Record().Index == 1 {
					panic(errBoom)
				}
				yield(r)
			}
		}
	}
	response, err := batch.Run(batch.Of("a", "b"), foreign)
	var p *batch.PanicError
	is.True(errors.As(err, &p))
	is.True(errors.Is(err, errBoom))
	is.Equal(listed(response), []string{"0", "1"})

	var record context.Context
	look := func(r batch.Result[string]) { record = r.Context() }
	is.Equal(panicOf(func() { _, _ = batch.Collect(batch.Tap(foreign(batch.Of("a", "b")), look)) }), errBoom) // the caller of Collect receives the panic
	is.True(record.Err() != nil)                                                                              // the contexts have ended all the same
	is.Equal(panicOf(func() { batch.Partition(batch.Tap(foreign(batch.Of("a", "b")), look)) }), errBoom)
	is.True(record.Err() != nil)

	_, err = batch.Run(batch.Of("a"), func(texts) texts { return nil })
	is.True(errors.As(err, &p))
	_, err = batch.Run(batch.Of("a"), func(texts) texts { panic("built badly") })
	is.True(errors.As(err, &p))
}

func TestRunReportsEveryRecordIfTheStageCannotBeBuilt(t *testing.T) {
	is := is.New(t)
	broken := func(texts) texts { panic("no table") }
	response, err := batch.Run(batch.Of("a", "b"), broken)
	is.True(err != nil)
	is.Equal(len(response.BatchItemFailures), 2)

	response, err = batch.Run(batch.Of("a", "b"), func(texts) texts { return nil })
	is.Equal(err.Error(), "panic: batch: stage: it returned a nil Stream")
	is.Equal(len(response.BatchItemFailures), 2)
}
