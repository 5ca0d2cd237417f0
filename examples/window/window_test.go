package main

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/matryer/is"
	"pgregory.net/rapid"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/batchtest"
	"github.com/lambdabatch/batch/examples/internal/local"
)

func TestTheBuiltInWindowPassesItsTotalsOnAndPublishesThem(t *testing.T) {
	is := is.New(t)
	var board Board
	var stdout, story bytes.Buffer
	is.Equal(local.TellWindow(board.handler(), builtIn, []string{"window"}, &stdout, &story), 0)
	is.Equal(stdout.String(), `{"state":{"ink":900,"pen":500},"batchItemFailures":[]}`+"\n"+
		`{"state":{"ink":1800,"lamp":4900,"pen":500},"batchItemFailures":[]}`+"\n"+
		`{"state":{"ink":1800,"lamp":4900,"pen":500},"batchItemFailures":[]}`+"\n")
	start := time.Date(2025, 11, 23, 8, 0, 0, 0, time.UTC)
	is.Equal(board.totals, map[minute]Totals{
		{"shardId-000000000000", start}: {"ink": 1800, "lamp": 4900, "pen": 500},
	})
}

// sold is a shard with a pen sold every ten seconds for two minutes.
func sold(t *testing.T) *batchtest.Shard {
	t.Helper()
	shard := batchtest.NewShard(batchtest.ShardConfig{BatchSize: 2, Window: time.Minute, MaxRetries: 3, Bisect: true})
	for range 12 {
		data, err := json.Marshal(Sale{"pen", 250})
		is.New(t).NoErr(err)
		shard.Put(batchtest.Record{Key: "pen", Data: data})
		time.Sleep(10 * time.Second)
	}
	return shard
}

func published(b *Board) (minutes int, totals Totals) {
	totals = Totals{}
	for _, minute := range b.totals {
		for product, cents := range minute {
			totals[product] += cents
		}
	}
	return len(b.totals), totals
}

func TestEverySaleIsInTheTotalsOfItsMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		var board Board
		run := sold(t).Drain(t.Context(), board.handler())
		is.NoErr(run.Err)
		minutes, totals := published(&board)
		is.Equal(minutes, 2)
		is.Equal(totals, Totals{"pen": 12 * 250})
		for _, minute := range board.totals {
			is.Equal(minute, Totals{"pen": 6 * 250})
		}
	})
}

func TestASaleThatNeverDecodesIsGivenUpAndTheOthersAreAdded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		shard := sold(t)
		poison := shard.Put(batchtest.Record{Key: "pen", Data: []byte(`{`)})
		nameless := shard.Put(batchtest.Record{Key: "pen", Data: []byte(`{"cents":1}`)})
		shard.Put(batchtest.Record{Key: "ink", Data: []byte(`{"product":"ink","cents":900}`)})
		var board Board
		run := shard.Drain(t.Context(), board.handler())
		is.NoErr(run.Err)
		is.Equal(run.DeadLettered, append(poison, nameless...))
		_, totals := published(&board)
		is.Equal(totals, Totals{"pen": 12 * 250, "ink": 900})
	})
}

// A repeating function is one whose first final invocation fails after it has published.
type repeating struct {
	lambda.Handler
	repeated bool
}

func (r *repeating) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	response, err := r.Handler.Invoke(ctx, payload)
	var event struct{ IsFinalInvokeForWindow bool }
	if json.Unmarshal(payload, &event) == nil && event.IsFinalInvokeForWindow && !r.repeated {
		r.repeated = true
		return nil, context.DeadlineExceeded
	}
	return response, err
}

func TestTotalsThatArePublishedTwiceCountOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		var board Board
		handler := &repeating{Handler: board.handler()}
		run := sold(t).Drain(t.Context(), handler)
		is.NoErr(run.Err)
		is.True(handler.repeated)
		minutes, totals := published(&board)
		is.Equal(minutes, 2)
		is.Equal(totals, Totals{"pen": 12 * 250})
	})
}

// The rest of the window would replace it.
func TestAPartOfAWindowIsNotPublished(t *testing.T) {
	is := is.New(t)
	var board Board
	is.Equal(board.publish(t.Context(), batch.Window{TerminatedEarly: true}, Totals{"pen": 250}), errPart)
	is.Equal(len(board.totals), 0)
}

func TestTheStageObeysTheLaws(t *testing.T) {
	data := rapid.SampledFrom([]string{`{"product":"pen","cents":250}`, `{"cents":250}`, `{`})
	records := rapid.Map(data, func(data string) events.KinesisEventRecord {
		return events.KinesisEventRecord{Kinesis: events.KinesisRecord{Data: []byte(data)}}
	})
	batchtest.CheckStage(t, records, process)
}
