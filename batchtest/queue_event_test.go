package batchtest_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/matryer/is"

	"github.com/lambdabatch/batch/batchtest"
)

func TestASentMessageArrivesInFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		value := "1493147359900"
		attributes := map[string]events.SQSMessageAttribute{
			"timestamp": {DataType: "Number", StringValue: &value},
		}
		message := batchtest.Message{ID: "m-1", Body: `<a> "b" & ü`, Group: "g", Attributes: attributes}
		for _, fifo := range []bool{false, true} {
			q := batchtest.NewQueue(batchtest.QueueConfig{FIFO: fifo, VisibilityTimeout: time.Minute})
			q.Send(message)
			time.Sleep(time.Second)
			var got []events.SQSMessage
			list := listing(once("m-1"))
			q.Drain(t.Context(), function(func(ctx context.Context, payload []byte) ([]byte, error) {
				var event events.SQSEvent
				decode(payload, &event)
				got = append(got, event.Records...)
				return list(ctx, payload)
			}))
			is.Equal(len(got), 2)
			first, second := got[0], got[1]
			is.Equal(first.MessageId, "m-1")
			is.Equal(first.Body, message.Body)
			is.Equal(first.Md5OfBody, "78b10662593e8a4eb43c0ddec7015ee7")
			is.Equal(first.Md5OfMessageAttributes, "235c5c510d26fb653d073faed50ae77c")
			is.Equal(*first.MessageAttributes["timestamp"].StringValue, value)
			is.Equal(first.EventSource, "aws:sqs")
			is.Equal(strings.HasSuffix(first.EventSourceARN, ".fifo"), fifo)
			is.Equal(first.AWSRegion, "us-east-1")
			is.Equal(first.Attributes["MessageGroupId"], "g") // fair queues have groups, too
			is.Equal(first.Attributes["ApproximateReceiveCount"], "1")
			is.Equal(second.Attributes["ApproximateReceiveCount"], "2")
			is.Equal(first.Attributes["ApproximateFirstReceiveTimestamp"], second.Attributes["ApproximateFirstReceiveTimestamp"])
			is.True(first.Attributes["SentTimestamp"] < first.Attributes["ApproximateFirstReceiveTimestamp"])
			is.True(first.ReceiptHandle != second.ReceiptHandle)
			is.Equal(first.Attributes["SequenceNumber"] != "", fifo)
			is.Equal(first.Attributes["MessageDeduplicationId"] != "", fifo)
		}
	})
}

func TestAMessageWithoutAnIDGetsOne(t *testing.T) {
	is := is.New(t)
	q := batchtest.NewQueue(batchtest.QueueConfig{})
	ids := q.Send(batchtest.Message{}, batchtest.Message{ID: "mine"}, batchtest.Message{})
	is.Equal(ids, []string{"00000000-0000-4000-8000-000000000001", "mine", "00000000-0000-4000-8000-000000000003"})
	run := q.Drain(t.Context(), responding(""))
	is.Equal(run.Deleted, ids)
}

func TestAnEventStaysWithinSixMegabytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		q := batchtest.NewQueue(batchtest.QueueConfig{BatchSize: 100})
		for range 20 {
			q.Send(batchtest.Message{Body: strings.Repeat("x", 1<<20)})
		}
		q.Send(batchtest.Message{ID: "huge", Body: strings.Repeat("x", 7<<20)})
		var sizes []int
		run := q.Drain(t.Context(), function(func(_ context.Context, payload []byte) ([]byte, error) {
			sizes = append(sizes, strings.Count(string(payload), `"messageId"`))
			is.True(len(payload) < 6<<20 || len(sizes) == 5)
			return nil, nil
		}))
		is.Equal(sizes, []int{5, 5, 5, 5, 1}) // a message that is larger than an event is delivered alone
		is.Equal(len(run.Deleted), 21)
	})
}
