package mapping

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/lambdabatch/batch/e2e/sandbox"
	"github.com/samber/lo"
)

// SQS takes or returns at most this many messages per call.
const maxPerCall = 10

// A Queue feeds a function from an SQS queue, with ReportBatchItemFailures.
type Queue struct {
	Client    *sqs.Client
	URL       string
	ARN       string
	BatchSize int // a batch of more than 10 takes several receives
	Timeout   time.Duration
	Invoke    Invoke
}

// A Delivery is one batch and its outcome.
type Delivery struct {
	Messages []types.Message
	Outcome  sandbox.Outcome
	Deleted  []string // message IDs
	Received time.Time
	Took     time.Duration // from the receive to the delete
}

// Poll waits up to a second for a batch, invokes the function, and deletes the
// messages that it did not report. SQS redelivers the others when their visibility
// timeout ends. Without messages, Poll does not invoke the function.
func (q *Queue) Poll(ctx context.Context) (d Delivery, err error) {
	if d.Messages, err = q.Receive(ctx, time.Second); err != nil || len(d.Messages) == 0 {
		return d, err
	}
	d.Received = time.Now()
	defer func() { d.Took = time.Since(d.Received) }()
	payload, err := q.event(d.Messages)
	if err != nil {
		return d, err
	}
	if d.Outcome, err = q.Invoke(payload, q.Timeout); err != nil {
		return d, err
	}
	reported, _ := reportedIn(d.Outcome, lo.Map(d.Messages, func(m types.Message, _ int) string { return messageID(m) }))
	finished := lo.Reject(d.Messages, func(_ types.Message, i int) bool { return slices.Contains(reported, i) })
	d.Deleted = lo.Map(finished, func(m types.Message, _ int) string { return messageID(m) })
	return d, q.Delete(ctx, finished)
}

func messageID(m types.Message) string { return aws.ToString(m.MessageId) }

// Receive returns a batch of messages. It waits for the first one, in whole seconds.
func (q *Queue) Receive(ctx context.Context, wait time.Duration) ([]types.Message, error) {
	var batch []types.Message
	for len(batch) < q.BatchSize {
		in := &sqs.ReceiveMessageInput{
			QueueUrl:                    &q.URL,
			MaxNumberOfMessages:         int32(min(maxPerCall, q.BatchSize-len(batch))),
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
			MessageAttributeNames:       []string{"All"},
		}
		if len(batch) == 0 {
			in.WaitTimeSeconds = int32(wait.Seconds())
		}
		out, err := q.Client.ReceiveMessage(ctx, in)
		if err != nil {
			return batch, err
		}
		if len(out.Messages) == 0 {
			break
		}
		batch = append(batch, out.Messages...)
	}
	return batch, nil
}

// Delete deletes received messages.
func (q *Queue) Delete(ctx context.Context, messages []types.Message) error {
	for part := range slices.Chunk(messages, maxPerCall) {
		entries := make([]types.DeleteMessageBatchRequestEntry, len(part))
		for i, m := range part {
			entries[i] = types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle}
		}
		out, err := q.Client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &q.URL, Entries: entries})
		if err != nil {
			return err
		}
		for _, f := range out.Failed {
			return fmt.Errorf("delete message: %s", aws.ToString(f.Message))
		}
	}
	return nil
}

// Left counts the messages that are waiting, delayed or in flight.
func (q *Queue) Left(ctx context.Context) (int, error) {
	names := []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	}
	out, err := q.Client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &q.URL, AttributeNames: names})
	if err != nil {
		return 0, err
	}
	left := 0
	for _, text := range out.Attributes {
		n, err := strconv.Atoi(text)
		if err != nil {
			return 0, err
		}
		left += n
	}
	return left, nil
}

// A message is a record of the event. Its members have the order in which Lambda writes them.
type message struct {
	MessageID              string               `json:"messageId"`
	ReceiptHandle          string               `json:"receiptHandle"`
	Body                   string               `json:"body"`
	Attributes             map[string]string    `json:"attributes"`
	MessageAttributes      map[string]attribute `json:"messageAttributes"`
	MD5OfMessageAttributes string               `json:"md5OfMessageAttributes,omitempty"`
	MD5OfBody              string               `json:"md5OfBody"`
	EventSource            string               `json:"eventSource"`
	EventSourceARN         string               `json:"eventSourceARN"`
	AWSRegion              string               `json:"awsRegion"`
}

type attribute struct {
	StringValue      *string  `json:"stringValue,omitempty"`
	BinaryValue      []byte   `json:"binaryValue,omitempty"`
	StringListValues []string `json:"stringListValues"`
	BinaryListValues [][]byte `json:"binaryListValues"`
	DataType         *string  `json:"dataType"`
}

func (q *Queue) event(messages []types.Message) ([]byte, error) {
	records := make([]message, len(messages))
	for i, m := range messages {
		attributes := map[string]attribute{}
		for name, a := range m.MessageAttributes {
			attributes[name] = attribute{
				StringValue: a.StringValue, BinaryValue: a.BinaryValue, DataType: a.DataType,
				StringListValues: []string{}, BinaryListValues: [][]byte{},
			}
		}
		records[i] = message{
			MessageID:              aws.ToString(m.MessageId),
			ReceiptHandle:          aws.ToString(m.ReceiptHandle),
			Body:                   aws.ToString(m.Body),
			Attributes:             m.Attributes,
			MessageAttributes:      attributes,
			MD5OfMessageAttributes: aws.ToString(m.MD5OfMessageAttributes),
			MD5OfBody:              aws.ToString(m.MD5OfBody),
			EventSource:            "aws:sqs",
			EventSourceARN:         q.ARN,
			AWSRegion:              region,
		}
	}
	return json.Marshal(map[string]any{"Records": records})
}
