package batchtest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch/batchtest"
	"github.com/matryer/is"
)

func TestARecordedFIFOQueueDeliversTheListedMessagesAgainInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		q := batchtest.NewQueue(batchtest.QueueConfig{FIFO: true, VisibilityTimeout: 30 * time.Second})
		q.Send(numbered(4, "g1")...)
		start := time.Now()
		var counts [][]int
		var times []time.Duration
		list := listing(once("m-2", "m-3", "m-4"))
		run := q.Drain(t.Context(), function(func(ctx context.Context, payload []byte) ([]byte, error) {
			times = append(times, time.Since(start))
			var batch []int
			for _, r := range recordsOf(payload) {
				batch = append(batch, r.received)
			}
			counts = append(counts, batch)
			return list(ctx, payload)
		}))
		is.Equal(batches(run), [][]string{{"m-1", "m-2", "m-3", "m-4"}, {"m-2", "m-3", "m-4"}})
		is.Equal(counts, [][]int{{1, 1, 1, 1}, {2, 2, 2}})
		is.Equal(times, []time.Duration{0, 30 * time.Second})
		is.Equal(run.Invocations[0].Listed, []string{"m-2", "m-3", "m-4"})
		is.Equal(run.Deleted, []string{"m-1", "m-2", "m-3", "m-4"})
		is.Equal(run.DeadLettered, nil)
	})
}

func TestAFIFOBatchHasEachGroupInOnePiece(t *testing.T) {
	type sent = [][2]string // IDs with their groups
	tests := map[string]struct {
		size int
		sent sent
		want [][]string
	}{
		"recorded: g1 g2 g1 g1":        {10, sent{{"1", "g1"}, {"2", "g2"}, {"3", "g1"}, {"4", "g1"}}, [][]string{{"1", "3", "4", "2"}}},
		"a batch that is full":         {2, sent{{"1", "g1"}, {"2", "g2"}, {"3", "g1"}, {"4", "g1"}}, [][]string{{"1", "3"}, {"2", "4"}}},
		"three groups":                 {10, sent{{"1", "c"}, {"2", "b"}, {"3", "c"}, {"4", "a"}, {"5", "b"}}, [][]string{{"1", "3", "2", "5", "4"}}},
		"messages without a group":     {10, sent{{"1", ""}, {"2", "b"}, {"3", ""}}, [][]string{{"1", "3", "2"}}},
		"more than ten in the default": {0, slices.Repeat(sent{{"x", "a"}}, 12), [][]string{slices.Repeat([]string{"x"}, 10), {"x", "x"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			q := batchtest.NewQueue(batchtest.QueueConfig{FIFO: true, BatchSize: test.size})
			for _, m := range test.sent {
				q.Send(batchtest.Message{ID: m[0], Group: m[1]})
			}
			is.Equal(batches(q.Drain(t.Context(), answering(""))), test.want)
		})
	}
}

func TestWhatIsListedComesAgain(t *testing.T) {
	tests := map[string]struct {
		config  batchtest.QueueConfig
		groups  string // of m-1, m-2, …
		handler func() function
		want    [][]string
		deleted []string
	}{
		"only what is listed": {
			batchtest.QueueConfig{}, "aaa", func() function { return listing(once("m-2")) },
			[][]string{{"m-1", "m-2", "m-3"}, {"m-2"}}, []string{"m-1", "m-3", "m-2"},
		},
		"everything after an error": {
			batchtest.QueueConfig{}, "aaa", func() function { return erring(anyOf(once("m-2"))) },
			[][]string{{"m-1", "m-2", "m-3"}, {"m-1", "m-2", "m-3"}}, []string{"m-1", "m-2", "m-3"},
		},
		"FIFO: what stands behind and is not listed overtakes": {
			batchtest.QueueConfig{FIFO: true}, "aaa", func() function { return listing(once("m-1")) },
			[][]string{{"m-1", "m-2", "m-3"}, {"m-1"}}, []string{"m-2", "m-3", "m-1"},
		},
		"FIFO: a group that failed stands behind the others": {
			batchtest.QueueConfig{FIFO: true, BatchSize: 2}, "aabc", func() function { return listing(once("m-1", "m-2")) },
			[][]string{{"m-1", "m-2"}, {"m-3", "m-4"}, {"m-1", "m-2"}}, []string{"m-3", "m-4", "m-1", "m-2"},
		},
		"FIFO: a message waits for the earlier ones of its group": {
			batchtest.QueueConfig{FIFO: true, BatchSize: 2}, "aaa", func() function { return listing(once("m-1", "m-2")) },
			[][]string{{"m-1", "m-2"}, {"m-1", "m-2"}, {"m-3"}}, []string{"m-1", "m-2", "m-3"},
		},
		"standard: what failed stands behind what is new": {
			batchtest.QueueConfig{BatchSize: 2}, "aaaa", func() function { return listing(once("m-1")) },
			[][]string{{"m-1", "m-2"}, {"m-3", "m-4"}, {"m-1"}}, []string{"m-2", "m-3", "m-4", "m-1"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			q := batchtest.NewQueue(test.config)
			for i, group := range test.groups {
				q.Send(batchtest.Message{ID: fmt.Sprintf("m-%d", i+1), Group: string(group)})
			}
			run := q.Drain(t.Context(), test.handler())
			is.Equal(batches(run), test.want)
			is.Equal(run.Deleted, test.deleted)
		})
	}
}

func TestWhatMayComeIsDeliveredWhileOtherMessagesAreHidden(t *testing.T) {
	tests := map[string]struct {
		config batchtest.QueueConfig
		want   [][]string
		times  []time.Duration
	}{
		"FIFO, but not the group of the hidden one": {
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

func TestAMessageMovesToTheDeadLetterQueueAtItsNextReceive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		q := batchtest.NewQueue(batchtest.QueueConfig{MaxReceives: 3, VisibilityTimeout: time.Minute})
		q.Send(numbered(2, "")...)
		start := time.Now()
		run := q.Drain(t.Context(), listing(poisoned("m-2")))
		is.Equal(received(run, "m-1", "m-2"), []int{1, 3})
		is.Equal(run.Deleted, []string{"m-1"})
		is.Equal(run.DeadLettered, []string{"m-2"})
		is.Equal(run.Err, nil)
		is.Equal(time.Since(start), 3*time.Minute) // it would be received a fourth time then
	})
}

func TestMessagesThatWereNeverTriedFollowAPoisonMessageOfTheirGroup(t *testing.T) {
	is := is.New(t)
	q := batchtest.NewQueue(batchtest.QueueConfig{FIFO: true, MaxReceives: 3})
	q.Send(numbered(3, "a")...)
	q.Send(batchtest.Message{ID: "other", Group: "b"})
	tried := make(map[string]int)
	run := q.Drain(t.Context(), stoppingAtTheFirst("m-1", tried))
	is.Equal(run.DeadLettered, []string{"m-1", "m-2", "m-3"})
	is.Equal(tried, map[string]int{"m-1": 3, "other": 1})
	is.Equal(run.Deleted, []string{"other"})
}

// stoppingAtTheFirst makes a handler that lists the poison message and what
// stands behind it in its group, without trying that.
func stoppingAtTheFirst(poison string, tried map[string]int) function {
	return func(ctx context.Context, payload []byte) ([]byte, error) {
		failed := make(map[string]bool)
		return listing(func(r record) bool {
			if !failed[r.key] {
				tried[r.id]++
				failed[r.key] = r.id == poison
			}
			return failed[r.key]
		})(ctx, payload)
	}
}

func TestTheLaterMessagesOfAGroupGoOnWhenThePoisonOneIsGone(t *testing.T) {
	is := is.New(t)
	q := batchtest.NewQueue(batchtest.QueueConfig{FIFO: true, BatchSize: 1, MaxReceives: 2})
	q.Send(numbered(2, "a")...)
	run := q.Drain(t.Context(), listing(poisoned("m-1")))
	is.Equal(batches(run), [][]string{{"m-1"}, {"m-1"}, {"m-2"}})
	is.Equal(run.DeadLettered, []string{"m-1"})
	is.Equal(run.Deleted, []string{"m-2"})
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
		"FIFO, in time":     {true, 9 * time.Second, 1},
		"FIFO, too late":    {true, 10 * time.Second, 2},
		"standard, in time": {false, 9 * time.Second, 1},
		"standard, late":    {false, 11 * time.Second, 1},
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

func TestAStandardQueueMayShuffle(t *testing.T) {
	is := is.New(t)
	order := func(config batchtest.QueueConfig) []string {
		config.Shuffle = true
		q := batchtest.NewQueue(config)
		q.Send(numbered(20, "")...)
		run := q.Drain(t.Context(), answering(""))
		is.Equal(len(run.Invocations), 2)
		return slices.Concat(batches(run)...)
	}
	sent := order(batchtest.QueueConfig{Seed: 1})
	is.Equal(sent, order(batchtest.QueueConfig{Seed: 1}))
	is.True(!slices.Equal(sent, order(batchtest.QueueConfig{Seed: 2})))
	is.True(!slices.IsSortedFunc(sent, func(a, b string) int { return strings.Compare(a, b) }))
	slices.Sort(sent)
	is.Equal(len(slices.Compact(sent)), 20)
}

func TestAStandardQueueMayDeliverTwice(t *testing.T) {
	is := is.New(t)
	q := batchtest.NewQueue(batchtest.QueueConfig{Duplicate: true})
	q.Send(numbered(100, "")...)
	run := q.Drain(t.Context(), answering(""))
	is.Equal(len(run.Deleted), 100) // each once, however often it came
	twice, together := 0, 0
	for _, id := range run.Deleted {
		is.True(run.Received(id) <= 2)
		if run.Received(id) == 2 {
			twice++
		}
	}
	for _, batch := range batches(run) {
		slices.Sort(batch)
		together += len(batch) - len(slices.Compact(batch))
	}
	is.True(twice > 10 && twice < 40)
	is.True(together > 0 && together < twice)
}

func TestBothCopiesOfAMessageAreDeadLetteredAsOne(t *testing.T) {
	is := is.New(t)
	q := batchtest.NewQueue(batchtest.QueueConfig{Duplicate: true, MaxReceives: 2})
	q.Send(numbered(100, "")...)
	run := q.Drain(t.Context(), erring(func([]record) bool { return true }))
	is.Equal(len(run.Deleted), 0)
	is.Equal(len(run.DeadLettered), 100)
	slices.Sort(run.DeadLettered)
	is.Equal(len(slices.Compact(run.DeadLettered)), 100)
}

func TestACopyThatIsDeadLetteredDecidesOverOneThatIsDeleted(t *testing.T) {
	is := is.New(t)
	q := batchtest.NewQueue(batchtest.QueueConfig{Duplicate: true, MaxReceives: 1, BatchSize: 1})
	q.Send(numbered(100, "")...)
	run := q.Drain(t.Context(), listing(func(r record) bool { return true }))
	is.Equal(len(run.DeadLettered), 100)

	q.Send(numbered(100, "")...)
	first := make(map[string]bool)
	run = q.Drain(t.Context(), listing(func(r record) bool {
		again := first[r.id]
		first[r.id] = true
		return again // only the second copy fails
	}))
	is.True(len(run.DeadLettered) > 10)
	is.Equal(len(run.Deleted)+len(run.DeadLettered), 100)
	for _, id := range run.DeadLettered {
		is.Equal(run.Received(id), 2)
	}
}

func TestAnEventStaysWithinSixMegabytes(t *testing.T) {
	is := is.New(t)
	q := batchtest.NewQueue(batchtest.QueueConfig{BatchSize: 100})
	for range 20 {
		q.Send(batchtest.Message{Body: strings.Repeat("x", 1<<20)})
	}
	q.Send(batchtest.Message{ID: "huge", Body: strings.Repeat("x", 7<<20)})
	var sizes []int
	run := q.Drain(t.Context(), function(func(_ context.Context, payload []byte) ([]byte, error) {
		sizes = append(sizes, strings.Count(string(payload), `"messageId"`))
		is.True(len(payload) < 6<<20 || len(sizes) == 5)
		return nil, nil
	}))
	is.Equal(sizes, []int{5, 5, 5, 5, 1}) // what is larger than an event comes alone
	is.Equal(len(run.Deleted), 21)
}

func TestReceiveCountsGoOnInTheNextDrain(t *testing.T) {
	is := is.New(t)
	q := batchtest.NewQueue(batchtest.QueueConfig{MaxReceives: batchtest.MaxDeliveries})
	q.Send(batchtest.Message{ID: "m-1"})
	ctx, cancel := context.WithCancel(t.Context())
	run := q.Drain(ctx, listing(func(r record) bool {
		if r.received == 2 {
			cancel()
		}
		return true
	}))
	is.True(errors.Is(run.Err, context.Canceled))
	is.Equal(run.Received("m-1"), 2)
	var next int
	run = q.Drain(t.Context(), listing(func(r record) bool { next = r.received; return false }))
	is.Equal(next, 3)
	is.Equal(run.Received("m-1"), 1)
}

func TestASentMessageArrivesInFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		value := "1493147359900"
		attributes := map[string]events.SQSMessageAttribute{
			"timestamp": {DataType: "Number", StringValue: &value},
		}
		message := batchtest.Message{ID: "m-1", Body: `<a> "b" & ü`, Group: "g", Attributes: attributes}
		for _, fifo := range []bool{false, true} {
			q := batchtest.NewQueue(batchtest.QueueConfig{FIFO: fifo, VisibilityTimeout: time.Minute})
			q.Send(message)
			time.Sleep(time.Second)
			var got []events.SQSMessage
			list := listing(once("m-1"))
			q.Drain(t.Context(), function(func(ctx context.Context, payload []byte) ([]byte, error) {
				var event events.SQSEvent
				decode(payload, &event)
				got = append(got, event.Records...)
				return list(ctx, payload)
			}))
			is.Equal(len(got), 2)
			first, second := got[0], got[1]
			is.Equal(first.MessageId, "m-1")
			is.Equal(first.Body, message.Body)
			is.Equal(first.Md5OfBody, "78b10662593e8a4eb43c0ddec7015ee7")
			is.Equal(first.Md5OfMessageAttributes, "235c5c510d26fb653d073faed50ae77c")
			is.Equal(*first.MessageAttributes["timestamp"].StringValue, value)
			is.Equal(first.EventSource, "aws:sqs")
			is.Equal(strings.HasSuffix(first.EventSourceARN, ".fifo"), fifo)
			is.Equal(first.AWSRegion, "us-east-1")
			is.Equal(first.Attributes["MessageGroupId"], "g") // fair queues have it too
			is.Equal(first.Attributes["ApproximateReceiveCount"], "1")
			is.Equal(second.Attributes["ApproximateReceiveCount"], "2")
			is.Equal(first.Attributes["ApproximateFirstReceiveTimestamp"], second.Attributes["ApproximateFirstReceiveTimestamp"])
			is.True(first.Attributes["SentTimestamp"] < first.Attributes["ApproximateFirstReceiveTimestamp"])
			is.True(first.ReceiptHandle != second.ReceiptHandle)
			is.Equal(first.Attributes["SequenceNumber"] != "", fifo)
			is.Equal(first.Attributes["MessageDeduplicationId"] != "", fifo)
		}
	})
}

func TestAMessageWithoutAnIDGetsOne(t *testing.T) {
	is := is.New(t)
	q := batchtest.NewQueue(batchtest.QueueConfig{})
	ids := q.Send(batchtest.Message{}, batchtest.Message{ID: "mine"}, batchtest.Message{})
	is.Equal(ids, []string{"00000000-0000-4000-8000-000000000001", "mine", "00000000-0000-4000-8000-000000000003"})
	run := q.Drain(t.Context(), answering(""))
	is.Equal(run.Deleted, ids)
}

func TestAnEmptyQueueInvokesNothing(t *testing.T) {
	is := is.New(t)
	run := batchtest.NewQueue(batchtest.QueueConfig{}).Drain(t.Context(), answering(""))
	is.Equal(len(run.Invocations), 0)
	is.Equal(run.Err, nil)
	is.Equal(run.String(), "no invocations\n")
}
