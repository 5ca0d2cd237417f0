package e2e_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/lambdabatch/batch/e2e/mapping"
	"github.com/matryer/is"
)

// A queue is an SQS queue with its dead-letter queue.
type queue struct {
	mapping.Queue
	dead mapping.Queue
}

type queueConfig struct {
	fifo        bool
	maxReceives int
	visibility  time.Duration
}

func createQueue(t *testing.T, client *sqs.Client, config queueConfig) *queue {
	t.Helper()
	is := is.New(t)
	attributes := map[string]string{}
	suffix := ""
	if config.fifo {
		attributes["FifoQueue"] = "true"
		suffix = ".fifo"
	}
	create := func(name string) mapping.Queue {
		made, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(name + suffix), Attributes: attributes})
		is.NoErr(err)
		told, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
			QueueUrl: made.QueueUrl, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
		})
		is.NoErr(err)
		return mapping.Queue{Client: client, URL: *made.QueueUrl, ARN: told.Attributes["QueueArn"], BatchSize: 10}
	}
	q := &queue{dead: create("dead")}
	attributes["VisibilityTimeout"] = strconv.Itoa(int(config.visibility.Seconds()))
	attributes["RedrivePolicy"] = fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, q.dead.ARN, config.maxReceives)
	q.Queue = create("orders")
	return q
}

// send sends the orders in their sequence, and in their groups if they have some.
func (q *queue) send(ctx context.Context, orders []order) error {
	for begin := 0; begin < len(orders); begin += 10 {
		var entries []types.SendMessageBatchRequestEntry
		for i, o := range orders[begin:min(begin+10, len(orders))] {
			entry := types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String(string(o.body()))}
			if o.group != "" {
				entry.MessageGroupId, entry.MessageDeduplicationId = aws.String(o.group), aws.String(o.ID)
			}
			entries = append(entries, entry)
		}
		out, err := q.Client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &q.URL, Entries: entries})
		if err != nil {
			return err
		}
		for _, f := range out.Failed {
			return fmt.Errorf("send message: %s", aws.ToString(f.Message))
		}
	}
	return nil
}

// drain lets n pollers work until the queue is empty, nothing in flight. It
// hands each delivery to look, one at a time. The mapping of each poller comes
// from poller.
func (q *queue) drain(t *testing.T, n int, poller func(i int) mapping.Queue, look func(mapping.Delivery)) {
	t.Helper()
	var pollers sync.WaitGroup
	var mu sync.Mutex
	for i := range n {
		pollers.Go(func() {
			from := poller(i)
			for {
				delivery, err := from.Poll(t.Context())
				if err != nil {
					t.Errorf("poller %d: %v", i, err)
					return
				}
				if len(delivery.Messages) > 0 {
					mu.Lock()
					look(delivery)
					mu.Unlock()
					continue
				}
				if left, err := from.Left(t.Context()); err != nil || left == 0 {
					return
				}
			}
		})
	}
	pollers.Wait()
}

// deadLetters empties the dead-letter queue and returns the bodies.
func (q *queue) deadLetters(t *testing.T) []string {
	t.Helper()
	is := is.New(t)
	var bodies []string
	for {
		batch, err := q.dead.Receive(t.Context(), 0)
		is.NoErr(err)
		if len(batch) == 0 {
			return bodies
		}
		for _, m := range batch {
			bodies = append(bodies, aws.ToString(m.Body))
		}
		is.NoErr(q.dead.Delete(t.Context(), batch))
	}
}
