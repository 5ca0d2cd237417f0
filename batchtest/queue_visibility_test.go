package batchtest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/matryer/is"
	"github.com/samber/lo"

	"github.com/lambdabatch/batch/batchtest"
)

func TestTheVisibilityTimeoutCountsFromTheReceive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		q := batchtest.NewQueue(batchtest.QueueConfig{VisibilityTimeout: 30 * time.Second, Timeout: time.Minute})
		q.Send(batchtest.Message{ID: "m-1"})
		start := time.Now()
		var times []time.Duration
		list := listing(once("m-1"))
		q.Drain(t.Context(), function(func(ctx context.Context, payload []byte) ([]byte, error) {
			times = append(times, time.Since(start))
			time.Sleep(20 * time.Second)
			return list(ctx, payload)
		}))
		is.Equal(times, []time.Duration{0, 30 * time.Second})
	})
}

func TestVisibleMessagesAreDeliveredWhileOthersAreHidden(t *testing.T) {
	tests := map[string]struct {
		config batchtest.QueueConfig
		want   [][]string
		times  []time.Duration
	}{
		"FIFO, except the group of the hidden message": {
			batchtest.QueueConfig{FIFO: true, BatchSize: 1, VisibilityTimeout: time.Minute},
			[][]string{{"a-1"}, {"b-1"}, {"a-1"}, {"a-2"}},
			[]time.Duration{0, 0, time.Minute, time.Minute},
		},
		"standard": {
			batchtest.QueueConfig{BatchSize: 1, VisibilityTimeout: time.Minute},
			[][]string{{"a-1"}, {"b-1"}, {"a-2"}, {"a-1"}},
			[]time.Duration{0, 0, 0, time.Minute},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				q := batchtest.NewQueue(test.config)
				q.Send(batchtest.Message{ID: "a-1", Group: "a"}, batchtest.Message{ID: "b-1", Group: "b"}, batchtest.Message{ID: "a-2", Group: "a"})
				start := time.Now()
				var times []time.Duration
				list := listing(once("a-1"))
				run := q.Drain(t.Context(), function(func(ctx context.Context, payload []byte) ([]byte, error) {
					times = append(times, time.Since(start))
					return list(ctx, payload)
				}))
				is.Equal(batches(run), test.want)
				is.Equal(times, test.times)
			})
		})
	}
}

func TestOnlyAStandardQueueDeletesAfterTheVisibilityTimeout(t *testing.T) {
	slow := func(first time.Duration) function {
		calls := 0
		return func(context.Context, []byte) ([]byte, error) {
			calls++
			if calls == 1 {
				time.Sleep(first)
			}
			return nil, nil
		}
	}
	tests := map[string]struct {
		fifo     bool
		took     time.Duration
		received int
	}{
		"FIFO, in time":      {true, 9 * time.Second, 1},
		"FIFO, too late":     {true, 10 * time.Second, 2},
		"standard, in time":  {false, 9 * time.Second, 1},
		"standard, too late": {false, 11 * time.Second, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				q := batchtest.NewQueue(batchtest.QueueConfig{
					FIFO: test.fifo, VisibilityTimeout: 10 * time.Second, Timeout: time.Minute,
				})
				q.Send(batchtest.Message{ID: "m-1", Group: "a"})
				run := q.Drain(t.Context(), slow(test.took))
				is.Equal(run.Received("m-1"), test.received)
				is.Equal(run.Deleted, []string{"m-1"})
				is.Equal(run.Invocations[0].Outcome, batchtest.Success)
				is.Equal(len(run.Invocations[0].Done) == 1, test.received == 1)
			})
		})
	}
}

// receipts returns the receipt handles in an event by message ID.
func receipts(payload []byte) map[string]string {
	var event events.SQSEvent
	decode(payload, &event)
	return lo.Associate(event.Records, func(m events.SQSMessage) (string, string) { return m.MessageId, m.ReceiptHandle })
}

func TestAChangedVisibilityCountsFromTheChange(t *testing.T) {
	for name, test := range map[string]struct {
		fifo   bool
		change time.Duration
		again  []time.Duration // when m-1 is redelivered, and m-2 after it in the group
	}{
		"longer":        {false, 2 * time.Minute, []time.Duration{125 * time.Second, time.Minute}},
		"at once":       {false, 0, []time.Duration{5 * time.Second, time.Minute}},
		"longer, FIFO":  {true, 2 * time.Minute, []time.Duration{125 * time.Second, 125 * time.Second}},
		"shorter, FIFO": {true, 10 * time.Second, []time.Duration{15 * time.Second, time.Minute}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				q := batchtest.NewQueue(batchtest.QueueConfig{FIFO: test.fifo, VisibilityTimeout: time.Minute, Timeout: time.Minute})
				q.Send(batchtest.Message{ID: "m-1", Group: "g"}, batchtest.Message{ID: "m-2", Group: "g"})
				start := time.Now()
				deliveries := make(map[string][]time.Duration)
				q.Drain(t.Context(), function(func(_ context.Context, payload []byte) ([]byte, error) {
					handles := receipts(payload)
					for id := range handles {
						deliveries[id] = append(deliveries[id], time.Since(start))
					}
					if len(deliveries["m-1"]) > 1 || len(handles) < 2 {
						return nil, nil
					}
					time.Sleep(5 * time.Second)
					is.NoErr(q.ChangeVisibility(handles["m-1"], test.change))
					return nil, errors.New("no")
				}))
				is.Equal(deliveries, map[string][]time.Duration{"m-1": {0, test.again[0]}, "m-2": {0, test.again[1]}})
			})
		})
	}
}

func TestOnlyTheLastReceiptHandleChangesTheVisibility(t *testing.T) {
	is := is.New(t)
	q := batchtest.NewQueue(batchtest.QueueConfig{})
	q.Send(batchtest.Message{ID: "m-1"})
	var handles []string
	q.Drain(t.Context(), function(func(_ context.Context, payload []byte) ([]byte, error) {
		handles = append(handles, receipts(payload)["m-1"])
		last := len(handles) - 1
		is.NoErr(q.ChangeVisibility(handles[last], 0))
		is.True(q.ChangeVisibility(handles[last], -time.Second) != nil)
		is.True(q.ChangeVisibility(handles[last], 12*time.Hour+time.Second) != nil)
		if last > 0 {
			is.True(q.ChangeVisibility(handles[0], 0) != nil)
			return nil, nil
		}
		return nil, errors.New("no")
	}))
	is.Equal(len(handles), 2)
	is.True(q.ChangeVisibility(handles[1], 0) != nil) // it is deleted
	is.True(q.ChangeVisibility("", 0) != nil)
}

func TestAMessageThatIsNotInFlightCannotBeHidden(t *testing.T) {
	for name, test := range map[string]struct {
		timeout, sleep time.Duration
		ok             bool
	}{
		"before the visibility timeout":    {time.Minute, time.Minute - 1, true},
		"at the visibility timeout":        {time.Minute, time.Minute, false},
		"without one, while it is handled": {0, 2 * time.Minute, true},
	} {
		for _, fifo := range []bool{false, true} {
			t.Run(fmt.Sprint(name, "/FIFO ", fifo), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					is := is.New(t)
					q := batchtest.NewQueue(batchtest.QueueConfig{FIFO: fifo, VisibilityTimeout: test.timeout, Timeout: 5 * time.Minute})
					q.Send(batchtest.Message{ID: "m-1"})
					list := listing(once("m-1"))
					start := time.Now()
					run := q.Drain(t.Context(), function(func(ctx context.Context, payload []byte) ([]byte, error) {
						if time.Since(start) == 0 {
							time.Sleep(test.sleep)
							err := q.ChangeVisibility(receipts(payload)["m-1"], time.Hour)
							is.Equal(err == nil, test.ok)
						}
						return list(ctx, payload)
					}))
					is.Equal(run.Received("m-1"), 2)
					is.Equal(time.Since(start) > time.Hour, test.ok) // a refused change hides nothing
				})
			})
		}
	}
}

func TestAMessageWithoutAVisibilityTimeoutIsNotInFlightAfterTheResponse(t *testing.T) {
	for name, handler := range map[string]function{
		"an error": failing(anyOf(once("m-1"))),
		"a list":   listing(once("m-1")),
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			q := batchtest.NewQueue(batchtest.QueueConfig{BatchSize: 1})
			q.Send(numbered(2, "")...)
			var first string
			q.Drain(t.Context(), function(func(ctx context.Context, payload []byte) ([]byte, error) {
				if first == "" {
					first = receipts(payload)["m-1"]
				} else {
					is.True(q.ChangeVisibility(first, time.Hour) != nil)
				}
				return handler(ctx, payload)
			}))
		})
	}
}

func TestAMessageIsHiddenForAtMostTwelveHoursSinceItsReceive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		q := batchtest.NewQueue(batchtest.QueueConfig{VisibilityTimeout: time.Hour, Timeout: time.Minute})
		q.Send(batchtest.Message{ID: "m-1"})
		start := time.Now()
		list := listing(once("m-1"))
		run := q.Drain(t.Context(), function(func(ctx context.Context, payload []byte) ([]byte, error) {
			if time.Since(start) == 0 {
				time.Sleep(10 * time.Second)
				handle, most := receipts(payload)["m-1"], 12*time.Hour-10*time.Second
				is.True(q.ChangeVisibility(handle, most+time.Second) != nil)
				is.NoErr(q.ChangeVisibility(handle, most))
				time.Sleep(10 * time.Second)
				is.True(q.ChangeVisibility(handle, most) != nil)
			}
			return list(ctx, payload)
		}))
		is.Equal(run.Received("m-1"), 2)
		is.Equal(time.Since(start), 12*time.Hour)
	})
}

func TestAFIFOQueueDoesNotDeleteAfterAChangedVisibility(t *testing.T) {
	for name, test := range map[string]struct {
		sleep    time.Duration
		received int
	}{
		"before it ends": {10*time.Second - 1, 1},
		"after its end":  {10 * time.Second, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				q := batchtest.NewQueue(batchtest.QueueConfig{FIFO: true, Timeout: time.Minute})
				q.Send(batchtest.Message{ID: "m-1"})
				start := time.Now()
				run := q.Drain(t.Context(), function(func(_ context.Context, payload []byte) ([]byte, error) {
					if time.Since(start) == 0 {
						is.NoErr(q.ChangeVisibility(receipts(payload)["m-1"], 10*time.Second))
						time.Sleep(test.sleep)
					}
					return nil, nil
				}))
				is.Equal(run.Received("m-1"), test.received)
			})
		})
	}
}
