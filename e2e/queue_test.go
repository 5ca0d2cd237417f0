package e2e_test

import (
	"context"
	"fmt"
	"slices"
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

// send sends the orders in sequence, with their groups if they have any.
func (q *queue) send(ctx context.Context, orders []order) error {
	entries := make([]types.SendMessageBatchRequestEntry, len(orders))
	for i, o := range orders {
		entries[i].MessageBody = aws.String(string(o.body()))
		if o.group != "" {
			entries[i].MessageGroupId, entries[i].MessageDeduplicationId = aws.String(o.group), aws.String(o.ID)
		}
	}
	return q.sendEntries(ctx, entries)
}

func (q *queue) sendEntries(ctx context.Context, entries []types.SendMessageBatchRequestEntry) error {
	for batch := range slices.Chunk(entries, 10) {
		for i := range batch {
			batch[i].Id = aws.String(strconv.Itoa(i))
		}
		out, err := q.Client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &q.URL, Entries: batch})
		if err != nil {
			return err
		}
		for _, f := range out.Failed {
			return fmt.Errorf("send message: %s", aws.ToString(f.Message))
		}
	}
	return nil
}

// drain runs n pollers until the queue is empty and no message is in flight. Poller i polls
// the mapping that poller returns for i, and passes each delivery to look. Calls of look do
// not overlap.
func (q *queue) drain(t *testing.T, n int, poller func(i int) mapping.Queue, look func(mapping.Delivery)) {
	t.Helper()
	var mu sync.Mutex
	lookAlone := func(d mapping.Delivery) {
		mu.Lock()
		defer mu.Unlock()
		look(d)
	}
	var pollers sync.WaitGroup
	for i := range n {
		pollers.Go(func() {
			if err := pollUntilEmpty(t.Context(), poller(i), lookAlone); err != nil {
				t.Errorf("poller %d: %v", i, err)
			}
		})
	}
	pollers.Wait()
}

func pollUntilEmpty(ctx context.Context, q mapping.Queue, look func(mapping.Delivery)) error {
	for {
		delivery, err := q.Poll(ctx)
		if err != nil {
			return err
		}
		if len(delivery.Messages) > 0 {
			look(delivery)
			continue
		}
		if left, err := q.Left(ctx); err != nil || left == 0 {
			return err
		}
	}
}

// deadLetters empties the dead-letter queue and returns the bodies of its messages.
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
