package peers

// What is reported of a batch of which some records fail, or none.

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/matryer/is"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/batchtest"
)

func TestABatchThatSucceedsReportsNothing(t *testing.T) {
	forEach(t, everySource, func(t *testing.T, s source) {
		var w worker
		for name, stage := range w.ways() {
			t.Run(name, func(t *testing.T) {
				is := is.New(t)
				w.called = nil
				response, err := s.handler(stage).Invoke(t.Context(), s.event("first@a", "second@b"))
				is.NoErr(err)
				is.Equal(string(response), reporting())
				is.Equal(len(w.called), 2)
			})
		}
	})
}

func TestOnAStandardQueueExactlyTheFailedMessagesAreReported(t *testing.T) {
	is := is.New(t)
	var w worker
	h := standard.handler(w.stage)
	response, err := h.Invoke(t.Context(), standard.event("bad", "fine", "bad again"))
	is.NoErr(err)
	is.Equal(string(response), reporting("1", "3"))
	response, err = h.Invoke(t.Context(), standard.event("fine", "bad", "fine", "bad again", "fine"))
	is.NoErr(err)
	is.Equal(string(response), reporting("2", "4"))
	is.Equal(w.called, []string{"bad", "fine", "bad again", "fine", "bad", "fine", "bad again", "fine"})
}

// The service reads a shard again from the lowest reported record on, so what comes after it is not tried.
func TestOnAStreamTheFailedRecordAndAllLaterOnesAreReported(t *testing.T) {
	forEach(t, streams, func(t *testing.T, s source) {
		is := is.New(t)
		var w worker
		response, err := s.handler(w.stage).Invoke(t.Context(), s.event("first@k", "bad@k", "third@k"))
		is.NoErr(err)
		is.Equal(string(response), reporting("2", "3"))
		is.Equal(w.called, []string{"first", "bad"})
	})
}

func TestIfTheFirstRecordOfAStreamFailsTheInvocationFails(t *testing.T) {
	forEach(t, streams, func(t *testing.T, s source) {
		is := is.New(t)
		var w worker
		_, err := s.handler(w.stage).Invoke(t.Context(), s.event("bad@k", "second@k", "bad again@k"))
		_, all := errors.AsType[*batch.AllFailedError](err)
		is.True(all)
		is.Equal(w.called, []string{"bad"})
	})
}

func TestWithContinueExactlyTheFailedRecordsOfAStreamAreReported(t *testing.T) {
	forEach(t, streams, func(t *testing.T, s source) {
		is := is.New(t)
		var w worker
		h := s.handler(w.stage, batch.WithPolicy(batch.Continue))
		response, err := h.Invoke(t.Context(), s.event("bad@k", "second@k", "bad again@k"))
		is.NoErr(err)
		is.Equal(string(response), reporting("1", "3"))
		is.Equal(w.called, []string{"bad", "second", "bad again"})
	})
}

func TestWithStopBatchTheFirstFailureStopsTheBatch(t *testing.T) {
	forEach(t, everySource, func(t *testing.T, s source) {
		is := is.New(t)
		var w worker
		h := s.handler(w.stage, batch.WithPolicy(batch.StopBatch))
		response, err := h.Invoke(t.Context(), s.event("first@a", "bad@b", "third@c", "fourth@d", "fifth@e"))
		is.NoErr(err)
		is.Equal(string(response), reporting("2", "3", "4", "5"))
		is.Equal(w.called, []string{"first", "bad"})
	})
}

// The peers attach a processor by a decorator, an attribute, a context manager or a call; here there are two ways.
func TestRunRespondsAsTheHandlerDoes(t *testing.T) {
	is := is.New(t)
	var w worker
	work := func(ctx context.Context, m events.SQSMessage) error { return w.do(ctx, m.Body) }
	function := batchtest.Handler(func(ctx context.Context, event events.SQSEvent) (batch.Response, error) {
		return batch.Run(batch.SQS(ctx, event), batch.Each(work))
	})
	for _, h := range []interface {
		Invoke(context.Context, []byte) ([]byte, error)
	}{batch.SQSHandler(batch.Each(work), quiet), function} {
		w.called = nil
		response, err := h.Invoke(t.Context(), standard.event("bad", "fine", "bad again"))
		is.NoErr(err)
		is.Equal(string(response), reporting("1", "3"))
		is.Equal(w.called, []string{"bad", "fine", "bad again"})
	}
}

func TestFailedMessagesReachTheDeadLetterQueueAndTheOthersAreDeleted(t *testing.T) {
	is := is.New(t)
	var w worker
	queue := batchtest.NewQueue(batchtest.QueueConfig{MaxReceives: 1})
	queue.Send(batchtest.Message{ID: "1", Body: "fine"}, batchtest.Message{ID: "2", Body: "bad"},
		batchtest.Message{ID: "3", Body: "fine"}, batchtest.Message{ID: "4", Body: "bad: no such field"})
	run := queue.Drain(t.Context(), standard.handler(w.stage))
	is.NoErr(run.Err)
	is.Equal(run.Deleted, []string{"1", "3"})
	is.Equal(run.DeadLettered, []string{"2", "4"})
	is.Equal(len(w.called), 4)
}

func TestEveryRecordTakesEffectOnce(t *testing.T) {
	ids := []string{"1", "2", "3"}
	drains := map[string]func(*batch.Handler) *batchtest.Run{
		"SQS": func(h *batch.Handler) *batchtest.Run {
			queue := batchtest.NewQueue(batchtest.QueueConfig{})
			for _, id := range ids {
				queue.Send(batchtest.Message{ID: id})
			}
			return queue.Drain(t.Context(), h)
		},
		"Kinesis":  func(h *batch.Handler) *batchtest.Run { return drainShard(t, batchtest.Kinesis, ids, h) },
		"DynamoDB": func(h *batch.Handler) *batchtest.Run { return drainShard(t, batchtest.DynamoDB, ids, h) },
	}
	forEach(t, []source{standard, kinesis, dynamoDB}, func(t *testing.T, s source) {
		is := is.New(t)
		var effects []string
		run := drains[s.name](s.handler(func(s texts) texts {
			return batch.TryEach(s, func(ctx context.Context, _ string) error {
				r, _ := batch.RecordFrom(ctx)
				effects = append(effects, r.ID)
				return nil
			})
		}))
		is.NoErr(run.Err)
		is.Equal(run.Deleted, ids)
		is.Equal(effects, ids)
	})
}

func drainShard(t *testing.T, kind batchtest.Source, ids []string, h *batch.Handler) *batchtest.Run {
	shard := batchtest.NewShard(batchtest.ShardConfig{Source: kind})
	for _, id := range ids {
		shard.Put(batchtest.Record{ID: id, Key: "k"})
	}
	return shard.Drain(t.Context(), h)
}
