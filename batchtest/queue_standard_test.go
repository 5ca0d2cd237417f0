package batchtest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/matryer/is"

	"github.com/lambdabatch/batch/batchtest"
)

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
