package deadletter_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	jsonv2 "github.com/go-json-experiment/json"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/batchtest"
	"github.com/lambdabatch/batch/examples/deadletter"
	"github.com/matryer/is"
	"pgregory.net/rapid"
)

// outbox stands in for the dead-letter queue.
type outbox struct {
	letters []deadletter.Letter
	down    error
}

func (o *outbox) send(_ context.Context, l deadletter.Letter) error {
	if o.down == nil {
		o.letters = append(o.letters, l)
	}
	return o.down
}

func (o *outbox) process(messages batch.Stream[events.SQSMessage]) batch.Stream[Order] {
	orders := batch.Decode[Order](messages, json.Unmarshal)
	charged := batch.TryEach(orders, charge)
	return batch.Catch(charged, deadletter.Queue(o.send).Divert)
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
	var o outbox
	m := message("m-1", "not JSON\x00")
	_, err := batch.Run(batch.SQS(t.Context(), events.SQSEvent{Records: []events.SQSMessage{m}}), o.process)
	is.NoErr(err)
	is.Equal(o.letters, []deadletter.Letter{{
		Body:       m.Body,
		Attributes: m.MessageAttributes,
		Reason:     `"body: invalid character 'o' in literal null (expecting 'u')"`,
		ID:         "m-1",
		Group:      "g",
	}})
}

func TestADeadLetterFreesItsGroup(t *testing.T) {
	is := is.New(t)
	var o outbox
	response, err := batch.Run(batch.SQS(t.Context(), events.SQSEvent{Records: []events.SQSMessage{
		message("m-1", `{"Total":-1}`), message("m-2", `{"Total":1}`), message("m-3", `{"Total":500}`), message("m-4", `{}`),
	}}), o.process)
	is.NoErr(err)
	is.Equal(failed(response), []string{"m-3", "m-4"}) // throttled, and what comes after it
	is.Equal(len(o.letters), 1)
}

func TestALetterThatCannotBeSentLeavesTheMessageFailed(t *testing.T) {
	is := is.New(t)
	o := outbox{down: errors.New("no route")}
	response, err := batch.Run(batch.SQS(t.Context(), events.SQSEvent{Records: []events.SQSMessage{
		message("m-1", `{"Total":-1}`),
	}}), o.process)
	is.Equal(failed(response), []string{"m-1"})
	is.True(errors.Is(err, deadletter.ErrRejected)) // all have failed
	is.True(errors.Is(err, o.down))
}

func TestAnEntryThatIsNoMessageIsForwardedAsItCame(t *testing.T) {
	is := is.New(t)
	var o outbox
	handler := batch.SQSHandler(o.process, batch.WithLogger(nil))
	answer, err := handler.Invoke(t.Context(), []byte(`{"Records":[
		{"messageId":"m-1","body":7,"eventSource":"aws:sqs"},
		{"messageId":"m-2","body":"{}","eventSource":"aws:sqs"}]}`))
	is.NoErr(err)
	is.Equal(string(answer), `{"batchItemFailures":[]}`)
	is.Equal(len(o.letters), 1)
	is.Equal(o.letters[0].ID, "m-1")
	is.True(strings.Contains(o.letters[0].Body, `"body":7`))
}

func TestWhatWasNeverTriedIsNotADeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var o outbox
		response, _ := batch.Run(batch.SQS(ctx, events.SQSEvent{Records: []events.SQSMessage{
			message("m-1", `{}`), message("m-2", `{"Total":-1}`),
		}}), func(messages batch.Stream[events.SQSMessage]) batch.Stream[Order] {
			waited := batch.TryEach(messages, func(ctx context.Context, _ events.SQSMessage) error { <-ctx.Done(); return nil })
			return o.process(waited)
		})
		is.Equal(failed(response), []string{"m-1", "m-2"})
		is.Equal(len(o.letters), 0)
	})
}

func TestTheStageObeysTheLaws(t *testing.T) {
	messages := rapid.Map(rapid.SampledFrom([]string{"{}", "{", `{"Total":-1}`, `{"Total":500}`}), func(body string) events.SQSMessage {
		return message("m-1", body)
	})
	process := func(messages batch.Stream[events.SQSMessage]) batch.Stream[Order] {
		orders := batch.TryEach(batch.Decode[Order](messages, json.Unmarshal), charge)
		sent := func(context.Context, deadletter.Letter) error { return nil }
		return batch.Catch(orders, deadletter.Queue(sent).Divert)
	}
	batchtest.CheckStage(t, messages, process, batchtest.Recovers())
}

func TestWhatDoesNotDecodeIsADeadLetterWhateverTheCodec(t *testing.T) {
	type event struct{ At time.Time }
	for name, unmarshal := range map[string]func([]byte, any) error{
		"encoding/json": json.Unmarshal,
		"json/v2":       func(data []byte, v any) error { return jsonv2.Unmarshal(data, v) },
	} {
		for _, body := range []string{"", "{", `{"At":"yesterday"}`, `{"At":1}`} {
			t.Run(name+" "+body, func(t *testing.T) {
				is := is.New(t)
				_, failures := batch.Partition(batch.Decode[event](batch.Of(message("m-1", body)), unmarshal))
				is.True(deadletter.Permanent(failures[0].Err))
			})
		}
	}
}
