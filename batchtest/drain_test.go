package batchtest_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/matryer/is"

	"github.com/lambdabatch/batch/batchtest"
)

func TestADrainEndsWithItsContext(t *testing.T) {
	is := is.New(t)
	stop := errors.New("enough")
	for source, drain := range map[string]func(context.Context, function) (first, second *batchtest.Run){
		"sqs": func(ctx context.Context, handler function) (*batchtest.Run, *batchtest.Run) {
			q := batchtest.NewQueue(batchtest.QueueConfig{BatchSize: 1})
			q.Send(numbered(3, "")...)
			return q.Drain(ctx, handler), q.Drain(context.Background(), handler)
		},
		"kinesis": func(ctx context.Context, handler function) (*batchtest.Run, *batchtest.Run) {
			s := batchtest.NewShard(batchtest.ShardConfig{BatchSize: 1})
			s.Put(batchtest.Record{}, batchtest.Record{}, batchtest.Record{})
			return s.Drain(ctx, handler), s.Drain(context.Background(), handler)
		},
		"kafka": func(ctx context.Context, handler function) (*batchtest.Run, *batchtest.Run) {
			topic := batchtest.NewTopic(batchtest.TopicConfig{BatchSize: 1})
			topic.Put(batchtest.KafkaRecord{}, batchtest.KafkaRecord{}, batchtest.KafkaRecord{})
			return topic.Drain(ctx, handler), topic.Drain(context.Background(), handler)
		},
	} {
		t.Run(source, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			first, second := drain(ctx, func(context.Context, []byte) ([]byte, error) {
				cancel(stop)
				return nil, nil
			})
			is.Equal(first.Err, stop)
			is.Equal(len(first.Deleted), 1) // the invocation had responded
			is.Equal(second.Err, nil)
			is.Equal(len(second.Deleted), 2) // the second Drain delivers the rest
		})
	}
}

func TestADrainThatFinishesEveryMessageSucceedsEvenIfItsContextEnds(t *testing.T) {
	is := is.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	q := batchtest.NewQueue(batchtest.QueueConfig{})
	q.Send(batchtest.Message{})
	run := q.Drain(ctx, function(func(context.Context, []byte) ([]byte, error) {
		cancel()
		return nil, nil
	}))
	is.Equal(run.Err, nil)
}

func TestDrainWaitsForAStuckHandlerNoLongerThanItsContextLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		free := make(chan struct{})
		defer close(free)
		q := batchtest.NewQueue(batchtest.QueueConfig{MaxReceives: 2})
		q.Send(batchtest.Message{ID: "m-1"})
		run := q.Drain(ctx, function(func(context.Context, []byte) ([]byte, error) {
			<-free
			return nil, nil
		}))
		is.Equal(run.DeadLettered, []string{"m-1"})
		is.True(errors.Is(run.Err, context.DeadlineExceeded))
		is.True(strings.Contains(run.Err.Error(), "2 invocations still running"))
	})
}

func TestAHandlerMaySendToTheQueueThatCalledIt(t *testing.T) {
	is := is.New(t)
	q := batchtest.NewQueue(batchtest.QueueConfig{})
	q.Send(batchtest.Message{ID: "m-1"})
	run := q.Drain(t.Context(), function(func(_ context.Context, payload []byte) ([]byte, error) {
		if recordsOf(payload)[0].id == "m-1" {
			q.Send(batchtest.Message{ID: "m-2"})
		}
		return nil, nil
	}))
	is.Equal(run.Deleted, []string{"m-1", "m-2"})
}

func TestASecondDrainAtTheSameTimeIsAnError(t *testing.T) {
	is := is.New(t)
	q := batchtest.NewQueue(batchtest.QueueConfig{})
	q.Send(batchtest.Message{ID: "m-1"})
	var inner *batchtest.Run
	q.Drain(t.Context(), function(func(ctx context.Context, _ []byte) ([]byte, error) {
		inner = q.Drain(ctx, responding(""))
		return nil, nil
	}))
	is.True(inner.Err != nil)
	is.Equal(len(inner.Invocations), 0)
}

func TestAHandlerThatNeverSucceedsEndsAtTheBound(t *testing.T) {
	never := map[string]function{
		"an error":            failing(func([]record) bool { return true }),
		"a list":              listing(func(record) bool { return true }),
		"an invalid response": responding("no JSON"),
	}
	for name, handler := range never {
		for source, drain := range map[string]func(context.Context) *batchtest.Run{
			"sqs": func(ctx context.Context) *batchtest.Run {
				q := batchtest.NewQueue(batchtest.QueueConfig{})
				q.Send(batchtest.Message{})
				return q.Drain(ctx, handler)
			},
			"kinesis": func(ctx context.Context) *batchtest.Run {
				s := batchtest.NewShard(batchtest.ShardConfig{Bisect: true})
				s.Put(batchtest.Record{})
				return s.Drain(ctx, handler)
			},
			"kafka": func(ctx context.Context) *batchtest.Run {
				topic := batchtest.NewTopic(batchtest.TopicConfig{})
				topic.Put(batchtest.KafkaRecord{})
				return topic.Drain(ctx, handler)
			},
		} {
			t.Run(source+"/"+name, func(t *testing.T) {
				is := is.New(t)
				run := drain(t.Context())
				is.True(errors.Is(run.Err, batchtest.ErrEndless))
				is.Equal(len(run.Invocations), batchtest.MaxDeliveries)
				is.Equal(len(run.Deleted)+len(run.DeadLettered), 0)
			})
		}
	}
}

func TestProgressInAnyLaneExtendsTheBound(t *testing.T) {
	is := is.New(t)
	s := batchtest.NewShard(batchtest.ShardConfig{BatchSize: 1, Parallelization: 2})
	s.Put(batchtest.Record{ID: "stuck", Key: "a"})
	for range 3 * batchtest.MaxDeliveries {
		s.Put(batchtest.Record{Key: "b"}) // in the other lane
	}
	deliveries := 0
	run := s.Drain(t.Context(), listing(func(r record) bool {
		if r.id == "stuck" {
			deliveries++
		}
		return r.id == "stuck" && deliveries <= 2*batchtest.MaxDeliveries
	}))
	is.Equal(run.Err, nil)
	is.Equal(run.Received("stuck"), 2*batchtest.MaxDeliveries+1)
	is.Equal(len(run.Deleted), 3*batchtest.MaxDeliveries+1)
}

func TestTheBoundDoesNotCutShortALimitThatIsSet(t *testing.T) {
	is := is.New(t)
	q := batchtest.NewQueue(batchtest.QueueConfig{MaxReceives: 2 * batchtest.MaxDeliveries})
	q.Send(batchtest.Message{ID: "m-1"})
	run := q.Drain(t.Context(), listing(poisoned("m-1")))
	is.Equal(run.Err, nil)
	is.Equal(run.Received("m-1"), 2*batchtest.MaxDeliveries)
	is.Equal(run.DeadLettered, []string{"m-1"})
}
