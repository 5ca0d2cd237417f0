package batchtest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/matryer/is"

	"github.com/lambdabatch/batch/batchtest"
)

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
		is.Equal(time.Since(start), 3*time.Minute) // when it would be received a fourth time
	})
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

func TestAGroupContinuesWhenItsPoisonMessageIsDeadLettered(t *testing.T) {
	is := is.New(t)
	q := batchtest.NewQueue(batchtest.QueueConfig{FIFO: true, BatchSize: 1, MaxReceives: 2})
	q.Send(numbered(2, "a")...)
	run := q.Drain(t.Context(), listing(poisoned("m-1")))
	is.Equal(batches(run), [][]string{{"m-1"}, {"m-1"}, {"m-2"}})
	is.Equal(run.DeadLettered, []string{"m-1"})
	is.Equal(run.Deleted, []string{"m-2"})
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

// stoppingAtTheFirst makes a handler that lists the poison message and the later messages of its group.
// It does not try those.
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
