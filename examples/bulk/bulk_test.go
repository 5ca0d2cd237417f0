package main

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/matryer/is"
	"github.com/samber/lo"
	"pgregory.net/rapid"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/batchtest"
	"github.com/lambdabatch/batch/examples/internal/local"
)

func TestTheBuiltInEventReportsTheUnknownProductAndTheRejectedDocument(t *testing.T) {
	is := is.New(t)
	var index Index
	var stdout, stderr bytes.Buffer
	is.Equal(local.Run(batch.SQSHandler(index.process, batch.WithLogger(nil)), builtIn, []string{"bulk"}, &stdout, &stderr), 0)
	is.Equal(stdout.String(), `{"batchItemFailures":[`+
		`{"itemIdentifier":"00000003-5d1c-4b5a-9f2e-7c3b6a1d2e4f"},`+ // "ghost" is not in the catalogue
		`{"itemIdentifier":"00000004-5d1c-4b5a-9f2e-7c3b6a1d2e4f"}]}`+"\n") // "rug" has no price
	is.Equal(stderr.String(), "")
	is.Equal(index.documents, lo.KeyBy([]Document{ // also those of the messages that failed
		{"pen", 250}, {"ink", 900}, {"desk", 19900}, {"lamp", 4900}, {"chair", 8900},
	}, func(d Document) string { return d.SKU }))
	is.Equal(index.writes, 2)
}

func TestLanesLookProductsUpSideBySideAndOncePerMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		start := time.Now()
		_, err := batch.SQSHandler(new(Index).process, batch.WithLogger(nil)).Invoke(t.Context(), builtIn)
		is.NoErr(err)
		is.Equal(time.Since(start), 2*latency) // no message names more than two products
	})
}

func TestOverSeveralDeliveriesOnlyMessagesThatNeverSucceedAreDeadLettered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		queue := batchtest.NewQueue(batchtest.QueueConfig{BatchSize: 10, MaxReceives: 3})
		for id, body := range map[string]string{
			"good": `{"skus":["pen","ink"]}`, "unknown": `{"skus":["ghost"]}`, "rejected": `{"skus":["rug"]}`, "broken": `{`,
			"half": `{"skus":["lamp","rug"]}`,
		} {
			queue.Send(batchtest.Message{ID: id, Body: body})
		}
		var index Index
		run := queue.Drain(t.Context(), batch.SQSHandler(index.process, batch.WithLogger(nil)))
		is.NoErr(run.Err)
		is.Equal(run.Deleted, []string{"good"})
		is.Equal(len(run.DeadLettered), 4)
		is.Equal(run.Received("good"), 1)
		is.Equal(run.Received("half"), 3)
		is.Equal(len(index.documents), 3) // written three times, a lamp is still one
	})
}

func TestTheStageObeysTheLaws(t *testing.T) {
	bodies := rapid.SampledFrom([]string{
		`{"skus":["pen","pen"]}`, `{"skus":["pen","rug"]}`, `{"skus":["ghost"]}`, `{"skus":[]}`, `{`,
	})
	messages := rapid.Map(bodies, func(body string) events.SQSMessage { return events.SQSMessage{Body: body} })
	batchtest.CheckStage(t, messages, new(Index).process)
}
