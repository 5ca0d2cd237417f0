package batchtest_test

import (
	"slices"
	"testing"

	"github.com/matryer/is"
	"github.com/samber/lo"

	"github.com/lambdabatch/batch/batchtest"
)

func TestAStandardQueueMayShuffle(t *testing.T) {
	is := is.New(t)
	order := func(config batchtest.QueueConfig) []string {
		config.Shuffle = true
		q := batchtest.NewQueue(config)
		q.Send(numbered(20, "")...)
		run := q.Drain(t.Context(), responding(""))
		is.Equal(len(run.Invocations), 2)
		return slices.Concat(batches(run)...)
	}
	sent := order(batchtest.QueueConfig{Seed: 1})
	is.Equal(sent, order(batchtest.QueueConfig{Seed: 1}))
	is.True(!slices.Equal(sent, order(batchtest.QueueConfig{Seed: 2})))
	is.True(!slices.IsSorted(sent))
	is.Equal(len(lo.Uniq(sent)), 20)
}

func TestAStandardQueueMayDeliverTwice(t *testing.T) {
	is := is.New(t)
	q := batchtest.NewQueue(batchtest.QueueConfig{Duplicate: true})
	q.Send(numbered(100, "")...)
	run := q.Drain(t.Context(), responding(""))
	is.Equal(len(run.Deleted), 100) // each once, even those that were delivered twice
	is.True(lo.EveryBy(run.Deleted, func(id string) bool { return run.Received(id) <= 2 }))
	twice := lo.CountBy(run.Deleted, func(id string) bool { return run.Received(id) == 2 })
	together := lo.SumBy(batches(run), func(batch []string) int { return len(batch) - len(lo.Uniq(batch)) })
	is.True(twice > 10 && twice < 40)
	is.True(together > 0 && together < twice)
}

func TestBothCopiesOfAMessageAreDeadLetteredAsOne(t *testing.T) {
	is := is.New(t)
	q := batchtest.NewQueue(batchtest.QueueConfig{Duplicate: true, MaxReceives: 2})
	q.Send(numbered(100, "")...)
	run := q.Drain(t.Context(), failing(func([]record) bool { return true }))
	is.Equal(len(run.Deleted), 0)
	is.Equal(len(run.DeadLettered), 100)
	is.Equal(len(lo.Uniq(run.DeadLettered)), 100)
}

func TestADeadLetteredCopyOutweighsADeletedOne(t *testing.T) {
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
