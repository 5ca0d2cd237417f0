package batchtest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/batchtest"
	"github.com/matryer/is"
	"github.com/samber/lo"
)

// windowed is an event of a shard with windows.
type windowed struct {
	Records []events.KinesisEventRecord
	Window  struct{ Start, End time.Time }
	State   map[string]int

	ShardID                 string
	EventSourceARN          string
	IsFinalInvokeForWindow  bool
	IsWindowTerminatedEarly bool
}

// counting makes a handler that counts records in the state and logs its events.
func counting(log *[]string, then func(windowed) (failures []string, err error)) function {
	return func(_ context.Context, payload []byte) ([]byte, error) {
		var event windowed
		decode(payload, &event)
		line := fmt.Sprintf("%s-%s %v", event.Window.Start.Format("04:05"), event.Window.End.Format("04:05"), event.State)
		for _, r := range event.Records {
			line += " " + r.Kinesis.SequenceNumber
		}
		if event.IsFinalInvokeForWindow {
			line += " final"
		}
		if event.IsWindowTerminatedEarly {
			line += " early"
		}
		*log = append(*log, line)
		failed, err := then(event)
		if err != nil {
			return nil, err
		}
		n := len(event.Records)
		failures := []map[string]string{}
		for i, r := range event.Records {
			if len(failed) > 0 && r.Kinesis.SequenceNumber == failed[0] {
				failures = append(failures, map[string]string{"itemIdentifier": failed[0]})
				n = i
			}
		}
		return json.Marshal(map[string]any{
			"state":             map[string]int{"n": event.State["n"] + n},
			"batchItemFailures": failures,
		})
	}
}

func fine(windowed) ([]string, error) { return nil, nil }

func TestATumblingWindowCarriesItsStateAndEndsWithAFinalInvocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		shard := batchtest.NewShard(batchtest.ShardConfig{BatchSize: 2, Window: time.Minute})
		start := time.Now().Truncate(time.Minute)
		shard.Put(
			batchtest.Record{ID: "1", Arrived: start.Add(10 * time.Second)},
			batchtest.Record{ID: "2", Arrived: start.Add(20 * time.Second)},
			batchtest.Record{ID: "3", Arrived: start.Add(30 * time.Second)},
			batchtest.Record{ID: "4", Arrived: start.Add(60 * time.Second)},
			batchtest.Record{ID: "5", Arrived: start.Add(150 * time.Second)},
		)
		time.Sleep(time.Until(start.Add(40 * time.Second)))
		var log []string
		run := shard.Drain(t.Context(), counting(&log, fine))
		is.Equal(log, []string{
			"00:00-01:00 map[] 1 2",
			"00:00-01:00 map[n:2] 3",
			"00:00-01:00 map[n:3] final",
			"01:00-02:00 map[] 4",
			"01:00-02:00 map[n:1] final",
			"02:00-03:00 map[] 5",
			"02:00-03:00 map[n:1] final",
		})
		is.Equal(run.Deleted, []string{"1", "2", "3", "4", "5"})
		is.Equal(run.Err, nil)
		is.Equal(time.Since(start), 3*time.Minute)
	})
}

func TestAWindowEventSaysWhereItIsFrom(t *testing.T) {
	for name, source := range map[string]batchtest.Source{"kinesis": batchtest.Kinesis, "dynamodb": batchtest.DynamoDB} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			shard := batchtest.NewShard(batchtest.ShardConfig{Source: source, Window: time.Second})
			shard.Put(batchtest.Record{Arrived: time.Now().Add(-time.Hour)})
			var got []string
			shard.Drain(t.Context(), function(func(_ context.Context, payload []byte) ([]byte, error) {
				var event windowed
				decode(payload, &event)
				is.True(strings.HasPrefix(event.ShardID, "shardId-"))
				is.True(strings.HasPrefix(event.EventSourceARN, "arn:aws:"+name))
				is.True(event.Records != nil) // [] even in the final invocation
				is.True(event.State != nil)
				got = append(got, fmt.Sprint(len(event.Records), event.IsFinalInvokeForWindow))
				return []byte(`{"state":{}}`), nil
			}))
			is.Equal(got, []string{"1 false", "0 true"})
		})
	}
}

func TestAFailedInvocationLeavesTheStateAsItWas(t *testing.T) {
	is := is.New(t)
	shard := pastShard(batchtest.ShardConfig{Window: time.Minute}, 2)
	var log []string
	run := shard.Drain(t.Context(), counting(&log, func(event windowed) ([]string, error) {
		if len(log) == 1 || len(log) == 3 {
			return nil, errNoGood
		}
		return nil, nil
	}))
	is.Equal(withoutTimes(log), []string{"map[] 1 2", "map[] 1 2", "map[n:2] final", "map[n:2] final"})
	is.Equal(run.Deleted, []string{"1", "2"})
	is.Equal(run.Invocations[0].Err, errNoGood)
	is.Equal(run.Invocations[2].Err, errNoGood)
}

func TestABatchHasRecordsOfOneWindow(t *testing.T) {
	is := is.New(t)
	shard := batchtest.NewShard(batchtest.ShardConfig{Window: time.Minute})
	start := time.Now().Add(-time.Hour).Truncate(time.Minute)
	for i, after := range []time.Duration{0, 59 * time.Second, 60 * time.Second, 61 * time.Second, 300 * time.Second} {
		shard.Put(batchtest.Record{ID: fmt.Sprint(i + 1), Arrived: start.Add(after)})
	}
	var log []string
	shard.Drain(t.Context(), counting(&log, fine))
	is.Equal(withoutTimes(log), []string{
		"map[] 1 2", "map[n:2] final", "map[] 3 4", "map[n:2] final", "map[] 5", "map[n:1] final",
	})
}

func TestTheStateOfAPartialResponseIsKept(t *testing.T) {
	is := is.New(t)
	shard := pastShard(batchtest.ShardConfig{Window: time.Minute}, 3)
	var log []string
	shard.Drain(t.Context(), counting(&log, func(event windowed) ([]string, error) {
		if len(log) == 1 {
			return []string{"2"}, nil
		}
		return nil, nil
	}))
	is.Equal(withoutTimes(log), []string{"map[] 1 2 3", "map[n:1] 2 3", "map[n:3] final"})
}

func TestAWindowResponseNeedsAState(t *testing.T) {
	for name, response := range map[string]string{
		"none":   ``,
		"null":   `{"state":null}`,
		"empty":  `{}`,
		"a list": `{"batchItemFailures":[{"itemIdentifier":"1"}]}`,
	} {
		for _, ignore := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ignore), func(t *testing.T) {
				is := is.New(t)
				shard := pastShard(batchtest.ShardConfig{Window: time.Minute, NoRetries: true, IgnoreResponse: ignore}, 2)
				run := shard.Drain(t.Context(), responding(response))
				is.Equal(run.DeadLettered, []string{"1", "2"})
				is.True(errors.Is(run.Invocations[0].Err, batchtest.ErrVoid))
				is.Equal(len(run.Invocations[0].Listed), 0)
				is.True(errors.Is(run.Err, batchtest.ErrEndless)) // no invocation can end the window either
				is.Equal(len(run.Invocations), 1+batchtest.MaxDeliveries)
			})
		}
	}
}

func TestAnyJSONIsAState(t *testing.T) {
	for _, state := range []string{`{"1":282,"2":715}`, `{}`, `[1]`, `"text"`, `0`} {
		t.Run(state, func(t *testing.T) {
			is := is.New(t)
			shard := pastShard(batchtest.ShardConfig{Window: time.Minute}, 1)
			var last string
			shard.Drain(t.Context(), function(func(_ context.Context, payload []byte) ([]byte, error) {
				var event struct{ State json.RawMessage }
				decode(payload, &event)
				last = string(event.State)
				return []byte(`{"state":` + state + `}`), nil
			}))
			is.Equal(last, state)
		})
	}
}

func TestAStateOverOneMegabyteEndsTheWindowEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		shard := pastShard(batchtest.ShardConfig{Window: time.Minute, BatchSize: 1}, 3)
		large := `{"state":"` + strings.Repeat("x", 1<<20) + `"}`
		var log []string
		run := shard.Drain(t.Context(), function(func(_ context.Context, payload []byte) ([]byte, error) {
			var event struct {
				windowed
				State json.RawMessage
			}
			decode(payload, &event)
			log = append(log, fmt.Sprint(len(event.Records), len(event.State) > 1<<20, event.IsWindowTerminatedEarly, event.IsFinalInvokeForWindow))
			if len(log) == 1 || len(log) == 2 {
				return []byte(large), nil
			}
			return []byte(`{"state":{}}`), nil
		}))
		is.Equal(log, []string{
			"1 false false false",
			"0 true true false", // the early end receives the state that is too large
			"1 false false false",
			"1 false false false",
			"0 false false true",
		})
		is.Equal(run.Deleted, []string{"1", "2", "3"})
	})
}

func TestAWindowHandlerWithALargeStateIsClosedEarlyAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		var closed []string
		handler := batch.KinesisWindowHandler(
			func(s batch.Stream[events.KinesisEventRecord]) batch.Stream[events.KinesisEventRecord] { return s },
			func(state string, _ events.KinesisEventRecord) string { return state + strings.Repeat("x", 400<<10) },
			func(_ context.Context, w batch.Window, state string) error {
				closed = append(closed, fmt.Sprint(len(state)>>10, w.TerminatedEarly, w.Final))
				return nil
			},
			batch.WithLogger(nil))
		run := pastShard(batchtest.ShardConfig{Window: time.Minute, BatchSize: 1}, 4).Drain(t.Context(), handler)
		is.NoErr(run.Err)
		is.Equal(run.Deleted, []string{"1", "2", "3", "4"})
		is.Equal(closed, []string{"1200 true false", "400 false true"})
	})
}

func TestAnEarlyEndIsRepeatedUntilItSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		shard := pastShard(batchtest.ShardConfig{Window: time.Minute, RetryDelay: time.Second, NoRetries: true}, 1)
		var log []string
		run := shard.Drain(t.Context(), function(func(_ context.Context, payload []byte) ([]byte, error) {
			var event struct {
				windowed
				State json.RawMessage
			}
			decode(payload, &event)
			log = append(log, fmt.Sprint(len(event.Records), event.IsWindowTerminatedEarly, event.IsFinalInvokeForWindow))
			switch len(log) {
			case 1:
				return []byte(`{"state":"` + strings.Repeat("x", 1<<20) + `"}`), nil
			case 2, 4:
				return nil, errNoGood
			}
			return []byte(`{"state":{}}`), nil
		}))
		is.Equal(log, []string{"1 false false", "0 true false", "0 true false", "0 false true", "0 false true"})
		is.Equal(run.Deleted, []string{"1"})
		is.Equal(run.Err, nil)
	})
}

// pastShard returns a shard with the records 1 to n in a window whose time is over.
func pastShard(config batchtest.ShardConfig, n int) *batchtest.Shard {
	shard := batchtest.NewShard(config)
	start := time.Now().Add(-time.Hour).Truncate(time.Minute)
	for i := range n {
		shard.Put(batchtest.Record{ID: fmt.Sprint(i + 1), Arrived: start.Add(time.Duration(i) * time.Second)})
	}
	return shard
}

func withoutTimes(log []string) []string {
	return lo.Map(log, func(line string, _ int) string {
		_, line, _ = strings.Cut(line, " ")
		return line
	})
}
