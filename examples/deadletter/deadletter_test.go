package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	jsonv2 "github.com/go-json-experiment/json"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/batchtest"
	"github.com/lambdabatch/batch/examples/internal/local"
	"github.com/matryer/is"
	"pgregory.net/rapid"
)

func TestTheBuiltInEventDivertsPoisonAndReportsTheRest(t *testing.T) {
	is := is.New(t)
	var o Outbox
	var stdout, stderr bytes.Buffer
	is.Equal(local.Run(batch.SQSHandler(process(o.Send)), builtIn, []string{"deadletter"}, &stdout, &stderr), 0)
	is.Equal(stdout.String(), `{"batchItemFailures":[{"itemIdentifier":"00000004-5d1c-4b5a-9f2e-7c3b6a1d2e4f"}]}`+"\n") // throttled
	is.Equal(stderr.String(), "")
	is.Equal(len(o.letters), 2)
	is.Equal(o.letters[0].Body, `{"id":"o-2"`)
	is.Equal(o.letters[1].Reason, `"order o-3: negative total: rejected"`)
}

func TestOverSeveralDeliveriesPoisonIsReceivedOnceAndTheRestUntilItSucceeds(t *testing.T) {
	is := is.New(t)
	queue := batchtest.NewQueue(batchtest.QueueConfig{BatchSize: 10, MaxReceives: 3})
	for id, body := range map[string]string{
		"good": `{"total":1}`, "broken": `{`, "rejected": `{"total":-1}`, "throttled": `{"total":500}`,
	} {
		queue.Send(batchtest.Message{ID: id, Body: body})
	}
	var o Outbox
	run := queue.Drain(t.Context(), batch.SQSHandler(process(o.Send)))
	is.NoErr(run.Err)
	is.Equal(len(run.Deleted), 4)
	is.Equal(run.DeadLettered, nil) // the redrive policy had nothing to do
	is.Equal(run.Received("throttled"), 2)
	is.Equal(run.Received("broken"), 1)
	is.Equal(run.Received("rejected"), 1)
	ids := []string{o.letters[0].ID, o.letters[1].ID}
	slices.Sort(ids)
	is.Equal(ids, []string{"broken", "rejected"})
	is.Equal(len(o.letters), 2)
}

func failed(response batch.Response) (ids []string) {
	for _, f := range response.BatchItemFailures {
		ids = append(ids, f.ItemIdentifier)
	}
	return ids
}

func message(id, body string) events.SQSMessage {
	text := "shop"
	return events.SQSMessage{
		MessageId:         id,
		Body:              body,
		Attributes:        map[string]string{"MessageGroupId": "g"},
		MessageAttributes: map[string]events.SQSMessageAttribute{"from": {DataType: "String", StringValue: &text}},
		EventSourceARN:    "arn:aws:sqs:eu-west-1:123456789012:orders.fifo",
	}
}

func TestTheLetterIsTheOriginalWithTheReason(t *testing.T) {
	is := is.New(t)
	var o Outbox
	m := message("m-1", "not JSON\x00")
	_, err := batch.Run(batch.SQS(t.Context(), events.SQSEvent{Records: []events.SQSMessage{m}}), process(o.Send))
	is.NoErr(err)
	is.Equal(o.letters, []Letter{{
		Body:       m.Body,
		Attributes: m.MessageAttributes,
		Reason:     `"body: invalid character 'o' in literal null (expecting 'u')"`,
		ID:         "m-1",
		Group:      "g",
	}})
}

func TestADeadLetterFreesItsGroup(t *testing.T) {
	is := is.New(t)
	var o Outbox
	response, err := batch.Run(batch.SQS(t.Context(), events.SQSEvent{Records: []events.SQSMessage{
		message("m-1", `{"Total":-1}`), message("m-2", `{"Total":1}`), message("m-3", `{"Total":500}`), message("m-4", `{}`),
	}}), process(o.Send))
	is.NoErr(err)
	is.Equal(failed(response), []string{"m-3", "m-4"}) // throttled, and what comes after it
	is.Equal(len(o.letters), 1)
}

func TestALetterThatCannotBeSentLeavesTheMessageFailed(t *testing.T) {
	is := is.New(t)
	o := Outbox{down: errors.New("no route")}
	response, err := batch.Run(batch.SQS(t.Context(), events.SQSEvent{Records: []events.SQSMessage{
		message("m-1", `{"Total":-1}`),
	}}), process(o.Send))
	is.Equal(failed(response), []string{"m-1"})
	is.True(errors.Is(err, ErrRejected)) // all have failed
	is.True(errors.Is(err, o.down))
}

func TestAnEntryThatIsNotAMessageIsForwardedUnchanged(t *testing.T) {
	is := is.New(t)
	var o Outbox
	handler := batch.SQSHandler(process(o.Send), batch.WithLogger(nil))
	answer, err := handler.Invoke(t.Context(), []byte(`{"Records":[
		{"messageId":"m-1","body":7,"eventSource":"aws:sqs"},
		{"messageId":"m-2","body":"{}","eventSource":"aws:sqs"}]}`))
	is.NoErr(err)
	is.Equal(string(answer), `{"batchItemFailures":[]}`)
	is.Equal(len(o.letters), 1)
	is.Equal(o.letters[0].ID, "m-1")
	is.True(strings.Contains(o.letters[0].Body, `"body":7`))
}

func TestAnUntriedMessageIsNotADeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var o Outbox
		response, _ := batch.Run(batch.SQS(ctx, events.SQSEvent{Records: []events.SQSMessage{
			message("m-1", `{}`), message("m-2", `{"Total":-1}`),
		}}), func(messages batch.Stream[events.SQSMessage]) batch.Stream[Order] {
			waited := batch.TryEach(messages, func(ctx context.Context, _ events.SQSMessage) error { <-ctx.Done(); return nil })
			return process(o.Send)(waited)
		})
		is.Equal(failed(response), []string{"m-1", "m-2"})
		is.Equal(len(o.letters), 0)
	})
}

func TestTheStageObeysTheLaws(t *testing.T) {
	messages := rapid.Map(rapid.SampledFrom([]string{"{}", "{", `{"Total":-1}`, `{"Total":500}`}), func(body string) events.SQSMessage {
		return message("m-1", body)
	})
	batchtest.CheckStage(t, messages, process(new(Outbox).Send), batchtest.Recovers())
}

func TestAMessageThatDoesNotDecodeIsADeadLetterForEveryCodec(t *testing.T) {
	type event struct{ At time.Time }
	for name, unmarshal := range map[string]func([]byte, any) error{
		"encoding/json": json.Unmarshal,
		"json/v2":       func(data []byte, v any) error { return jsonv2.Unmarshal(data, v) },
	} {
		for _, body := range []string{"", "{", `{"At":"yesterday"}`, `{"At":1}`} {
			t.Run(name+" "+body, func(t *testing.T) {
				is := is.New(t)
				_, failures := batch.Partition(batch.Decode[event](batch.Of(message("m-1", body)), unmarshal))
				is.True(Permanent(failures[0].Err))
			})
		}
	}
}
