package batchtest_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/matryer/is"
	"github.com/samber/lo"

	"github.com/lambdabatch/batch/batchtest"
)

func TestARecordedFIFOQueueRedeliversListedMessagesInOrder(t *testing.T) {
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
			counts = append(counts, lo.Map(recordsOf(payload), func(r record, _ int) int { return r.received }))
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
		"recorded: g1 g2 g1 g1":    {10, sent{{"1", "g1"}, {"2", "g2"}, {"3", "g1"}, {"4", "g1"}}, [][]string{{"1", "3", "4", "2"}}},
		"a full batch":             {2, sent{{"1", "g1"}, {"2", "g2"}, {"3", "g1"}, {"4", "g1"}}, [][]string{{"1", "3"}, {"2", "4"}}},
		"three groups":             {10, sent{{"1", "c"}, {"2", "b"}, {"3", "c"}, {"4", "a"}, {"5", "b"}}, [][]string{{"1", "3", "2", "5", "4"}}},
		"messages without a group": {10, sent{{"1", ""}, {"2", "b"}, {"3", ""}}, [][]string{{"1", "3", "2"}}},
		"more than ten messages":   {0, slices.Repeat(sent{{"x", "a"}}, 12), [][]string{slices.Repeat([]string{"x"}, 10), {"x", "x"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			q := batchtest.NewQueue(batchtest.QueueConfig{FIFO: true, BatchSize: test.size})
			for _, m := range test.sent {
				q.Send(batchtest.Message{ID: m[0], Group: m[1]})
			}
			is.Equal(batches(q.Drain(t.Context(), responding(""))), test.want)
		})
	}
}

func TestListedMessagesAreRedelivered(t *testing.T) {
	tests := map[string]struct {
		config  batchtest.QueueConfig
		groups  string // of m-1, m-2, …
		handler func() function
		want    [][]string
		deleted []string
	}{
		"only listed messages are redelivered": {
			batchtest.QueueConfig{}, "aaa", func() function { return listing(once("m-2")) },
			[][]string{{"m-1", "m-2", "m-3"}, {"m-2"}}, []string{"m-1", "m-3", "m-2"},
		},
		"after an error all messages are redelivered": {
			batchtest.QueueConfig{}, "aaa", func() function { return failing(anyOf(once("m-2"))) },
			[][]string{{"m-1", "m-2", "m-3"}, {"m-1", "m-2", "m-3"}}, []string{"m-1", "m-2", "m-3"},
		},
		"FIFO: a later message that is not listed overtakes": {
			batchtest.QueueConfig{FIFO: true}, "aaa", func() function { return listing(once("m-1")) },
			[][]string{{"m-1", "m-2", "m-3"}, {"m-1"}}, []string{"m-2", "m-3", "m-1"},
		},
		"FIFO: a failed group is delivered after the others": {
			batchtest.QueueConfig{FIFO: true, BatchSize: 2}, "aabc", func() function { return listing(once("m-1", "m-2")) },
			[][]string{{"m-1", "m-2"}, {"m-3", "m-4"}, {"m-1", "m-2"}}, []string{"m-3", "m-4", "m-1", "m-2"},
		},
		"FIFO: a message waits for the earlier messages of its group": {
			batchtest.QueueConfig{FIFO: true, BatchSize: 2}, "aaa", func() function { return listing(once("m-1", "m-2")) },
			[][]string{{"m-1", "m-2"}, {"m-1", "m-2"}, {"m-3"}}, []string{"m-1", "m-2", "m-3"},
		},
		"standard: failed messages are delivered after new ones": {
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

func TestAnEmptyQueueInvokesNothing(t *testing.T) {
	is := is.New(t)
	run := batchtest.NewQueue(batchtest.QueueConfig{}).Drain(t.Context(), responding(""))
	is.Equal(len(run.Invocations), 0)
	is.Equal(run.Err, nil)
	is.Equal(run.String(), "no invocations\n")
}
