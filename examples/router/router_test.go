package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/matryer/is"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/batchtest"
	"github.com/lambdabatch/batch/examples/internal/local"
	"pgregory.net/rapid"
)

func TestTheBuiltInEventReportsFailedMessagesAndThoseWithoutARoute(t *testing.T) {
	is := is.New(t)
	var out, log bytes.Buffer
	status := local.Run(batch.SQSHandler(new(Books).process), builtIn, []string{"router"}, &out, &log)
	is.Equal(status, 0)
	is.Equal(out.String(), `{"batchItemFailures":[`+
		`{"itemIdentifier":"00000004-5d1c-4b5a-9f2e-7c3b6a1d2e4f"},`+ // an order over the limit
		`{"itemIdentifier":"00000005-5d1c-4b5a-9f2e-7c3b6a1d2e4f"},`+ // a negative refund
		`{"itemIdentifier":"00000006-5d1c-4b5a-9f2e-7c3b6a1d2e4f"},`+ // a promotion
		`{"itemIdentifier":"00000008-5d1c-4b5a-9f2e-7c3b6a1d2e4f"}]}`+"\n") // no kind
}

func TestEachKindTakesItsOwnRoute(t *testing.T) {
	is := is.New(t)
	var books Books
	handler := batch.SQSHandler(books.process, batch.WithLogger(nil))
	_, err := handler.Invoke(t.Context(), builtIn)
	is.NoErr(err)
	is.Equal(books.charged, map[string]int{"order-1": 4200})
	is.Equal(books.refunded, map[string]int{"order-7": 900, "order-9": 300})
	is.Equal(books.writes, 1) // all refunds at once
}

func TestAMessageWithoutARouteFailsWithAnErrorThatNamesItsKind(t *testing.T) {
	is := is.New(t)
	promotion := `{"Records":[{"messageId":"m-1","body":"{}","eventSource":"aws:sqs",
		"messageAttributes":{"kind":{"stringValue":"promotion","dataType":"String"}}}]}`
	_, err := batch.SQSHandler(new(Books).process, batch.WithLogger(nil)).Invoke(t.Context(), []byte(promotion))
	is.True(err != nil)
	is.True(strings.HasSuffix(err.Error(), `m-1: no route for "promotion"`))
}

func TestTheStageObeysTheLaws(t *testing.T) {
	kinds := rapid.SampledFrom([]string{"order", "refund", "heartbeat", "promotion"})
	bodies := rapid.SampledFrom([]string{`{"id":"o-1","cents":100}`, `{"order":"o-1","cents":-1}`, `{"cents":2000000}`, `{`})
	messages := rapid.Custom(func(t *rapid.T) events.SQSMessage {
		kind := kinds.Draw(t, "kind")
		return events.SQSMessage{
			Body:              bodies.Draw(t, "body"),
			MessageAttributes: map[string]events.SQSMessageAttribute{"kind": {StringValue: &kind}},
		}
	})
	batchtest.CheckStage(t, messages, new(Books).process)
}
