package batchtest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/batchtest"
)

var silent = batch.WithLogger(slog.New(slog.DiscardHandler))

// A FIFO handler over three deliveries. The second message of a group fails twice. The group stays in
// order, and another group does not wait for it.
func Example() {
	var charged []string
	failures := 2
	charge := func(_ context.Context, m events.SQSMessage) error {
		if m.MessageId == "order-2" && failures > 0 {
			failures--
			return errors.New("card service is down")
		}
		charged = append(charged, m.MessageId)
		return nil
	}
	handler := batch.SQSHandler(batch.Each(charge), silent)

	queue := batchtest.NewQueue(batchtest.QueueConfig{FIFO: true, MaxReceives: 5})
	queue.Send(
		batchtest.Message{ID: "order-1", Group: "ann"},
		batchtest.Message{ID: "order-2", Group: "ann"},
		batchtest.Message{ID: "order-3", Group: "ann"},
		batchtest.Message{ID: "order-4", Group: "bob"},
	)
	run := queue.Drain(context.Background(), handler)

	fmt.Println("deliveries:", len(run.Invocations))
	fmt.Println("charged:", charged)
	fmt.Println("order-3 was received", run.Received("order-3"), "times")
	// Output:
	// deliveries: 3
	// charged: [order-1 order-4 order-2 order-3]
	// order-3 was received 3 times
}

// The table of a run has a row per record and a column per invocation.
func ExampleRun_String() {
	handle := func(_ context.Context, m events.SQSMessage) error {
		first := m.Attributes["ApproximateReceiveCount"] == "1"
		if m.Body == "poison" || m.Body == "flaky" && first {
			return errors.New("no good")
		}
		return nil
	}
	queue := batchtest.NewQueue(batchtest.QueueConfig{MaxReceives: 3})
	queue.Send(
		batchtest.Message{ID: "m-1", Body: "fine"},
		batchtest.Message{ID: "m-2", Body: "flaky"},
		batchtest.Message{ID: "m-3", Body: "poison"},
		batchtest.Message{ID: "m-4", Body: "fine"},
	)
	handler := batch.SQSHandler(batch.Each(handle), batch.WithoutAllFailedError(), silent)
	fmt.Print(queue.Drain(context.Background(), handler))
	// Output:
	// record  1       2       3
	// m-1     ok                      deleted
	// m-2     listed  ok              deleted
	// m-3     listed  listed  listed  dead-lettered
	// m-4     ok                      deleted
}

func ExampleRun_Received() {
	queue := batchtest.NewQueue(batchtest.QueueConfig{MaxReceives: 3})
	queue.Send(batchtest.Message{ID: "m-1"})
	run := queue.Drain(context.Background(), batchtest.Handler(func(events.SQSEvent) error {
		return errors.New("no good")
	}))
	fmt.Println(run.Received("m-1"), run.DeadLettered)
	// Output: 3 [m-1]
}

// Any handler can be tested, not only those of package batch. With IgnoreResponse, the test shows
// what happens if ReportBatchItemFailures was forgotten: the listed message is deleted.
func ExampleHandler() {
	handle := func(_ context.Context, event events.SQSEvent) (events.SQSEventResponse, error) {
		var response events.SQSEventResponse
		for _, m := range event.Records {
			if !json.Valid([]byte(m.Body)) {
				response.BatchItemFailures = append(response.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
			}
		}
		return response, nil
	}
	for _, forgotten := range []bool{false, true} {
		queue := batchtest.NewQueue(batchtest.QueueConfig{MaxReceives: 3, IgnoreResponse: forgotten})
		queue.Send(batchtest.Message{ID: "m-1", Body: "{}"}, batchtest.Message{ID: "m-2", Body: "{"})
		run := queue.Drain(context.Background(), batchtest.Handler(handle))
		fmt.Println("deleted:", run.Deleted, "dead-lettered:", run.DeadLettered)
	}
	// Output:
	// deleted: [m-1] dead-lettered: [m-2]
	// deleted: [m-1 m-2] dead-lettered: []
}

func ExampleNewQueue() {
	queue := batchtest.NewQueue(batchtest.QueueConfig{BatchSize: 2, Shuffle: true, Duplicate: true, Seed: 3})
	ids := queue.Send(make([]batchtest.Message, 5)...)
	run := queue.Drain(context.Background(), batchtest.Handler(func(context.Context, events.SQSEvent) error { return nil }))
	fmt.Println(len(ids), "sent,", len(run.Deleted), "deleted")
	// Output: 5 sent, 5 deleted
}

func ExampleQueue_Send() {
	queue := batchtest.NewQueue(batchtest.QueueConfig{FIFO: true})
	ids := queue.Send(
		batchtest.Message{ID: "m-1", Body: `{"id":1}`, Group: "a"},
		batchtest.Message{Body: `{"id":2}`, Group: "a"},
	)
	fmt.Println(ids)
	// Output: [m-1 00000000-0000-4000-8000-000000000002]
}

func ExampleQueue_Drain() {
	queue := batchtest.NewQueue(batchtest.QueueConfig{MaxReceives: 1, Timeout: 10 * time.Millisecond})
	queue.Send(batchtest.Message{ID: "m-1"})
	run := queue.Drain(context.Background(), batchtest.Handler(func(ctx context.Context, _ events.SQSEvent) error {
		<-ctx.Done() // as a call to a server that does not respond would
		return nil
	}))
	fmt.Print(run)
	// Output:
	// record  1
	// m-1     failed  dead-lettered
	// invocation 1 failed: the function timed out
}

// Without Bisect, records that were never tried are given up together with the failed one.
func ExampleNewShard() {
	handle := func(_ context.Context, r events.KinesisEventRecord) error {
		if string(r.Kinesis.Data) == "poison" {
			return errors.New("no good")
		}
		return nil
	}
	for _, bisect := range []bool{false, true} {
		shard := batchtest.NewShard(batchtest.ShardConfig{Source: batchtest.Kinesis, MaxRetries: 1, Bisect: bisect})
		shard.Put(
			batchtest.Record{ID: "1", Key: "user-1", Data: []byte("poison")},
			batchtest.Record{ID: "2", Key: "user-2", Data: []byte("fine")},
			batchtest.Record{ID: "3", Key: "user-1", Data: []byte("fine")},
		)
		run := shard.Drain(context.Background(), batch.KinesisHandler(batch.Each(handle), silent))
		fmt.Println("finished:", run.Deleted, "given up:", run.DeadLettered)
	}
	// Output:
	// finished: [] given up: [1 2 3]
	// finished: [2 3] given up: [1]
}

func ExampleShard_Put() {
	shard := batchtest.NewShard(batchtest.ShardConfig{Source: batchtest.DynamoDB})
	ids := shard.Put(batchtest.Record{
		Key: "user-1",
		Old: map[string]events.DynamoDBAttributeValue{"points": events.NewNumberAttribute("1")},
		New: map[string]events.DynamoDBAttributeValue{"points": events.NewNumberAttribute("2")},
	})
	fmt.Println(ids)
	shard.Drain(context.Background(), batchtest.Handler(func(event events.DynamoDBEvent) error {
		r := event.Records[0]
		fmt.Println(r.EventName, r.Change.Keys["id"].String(), r.Change.NewImage["points"].Number())
		return nil
	}))
	// Output:
	// [1405400000000000000000001]
	// MODIFY user-1 2
}

// The window ends when its time is over. For records of yesterday it is over already.
func ExampleShard_Drain() {
	type sum struct{ Total int }
	shard := batchtest.NewShard(batchtest.ShardConfig{BatchSize: 1, Window: time.Minute})
	yesterday := time.Now().Add(-24 * time.Hour)
	shard.Put(
		batchtest.Record{ID: "1", Data: []byte("3"), Arrived: yesterday},
		batchtest.Record{ID: "2", Data: []byte("4"), Arrived: yesterday},
	)
	handler := batch.KinesisWindowHandler(
		func(s batch.Stream[events.KinesisEventRecord]) batch.Stream[int] {
			return batch.Decode[int](s, json.Unmarshal)
		},
		func(s sum, n int) sum { return sum{s.Total + n} },
		func(_ context.Context, w batch.Window, s sum) error {
			fmt.Println("final:", w.Final, "total:", s.Total)
			return nil
		},
		silent,
	)
	run := shard.Drain(context.Background(), handler)
	fmt.Println("finished:", run.Deleted, "invocations:", len(run.Invocations))
	// Output:
	// final: true total: 7
	// finished: [1 2] invocations: 3
}

// Test a handler for Kafka under both kinds of redelivery.
func ExampleNewTopic() {
	for _, redeliver := range []batchtest.Redelivery{batchtest.FromLowest, batchtest.OnlyListed} {
		failures := 1
		handle := func(_ context.Context, r events.KafkaRecord) error {
			if r.Offset == 0 && r.Partition == 0 && failures > 0 {
				failures--
				return errors.New("no good")
			}
			return nil
		}
		topic := batchtest.NewTopic(batchtest.TopicConfig{Name: "orders", Redeliver: redeliver})
		topic.Put(make([]batchtest.KafkaRecord, 2)...)
		topic.Put(batchtest.KafkaRecord{Partition: 1})
		run := topic.Drain(context.Background(), batch.KafkaHandler(batch.Each(handle), silent))
		fmt.Println(run.Deleted)
	}
	// Output:
	// [orders-1/0 orders-0/0 orders-0/1]
	// [orders-1/0 orders-0/0 orders-0/1]
}

func ExampleTopic_Put() {
	topic := batchtest.NewTopic(batchtest.TopicConfig{Name: "orders"})
	fmt.Println(topic.Put(
		batchtest.KafkaRecord{Partition: 2, Key: []byte("user-1"), Value: []byte("{}")},
		batchtest.KafkaRecord{Partition: 2},
	))
	// Output: [orders-2/0 orders-2/1]
}

func ExampleTopic_Drain() {
	topic := batchtest.NewTopic(batchtest.TopicConfig{OnFailure: true})
	topic.Put(batchtest.KafkaRecord{})
	run := topic.Drain(context.Background(), batchtest.Handler(func(events.KafkaEvent) error {
		return errors.New("no good")
	}))
	fmt.Println(run.Received("topic-0/0"), run.Discards[0].Condition)
	// Output: 11 RetryAttemptsExhausted
}

// The function decides when SQS redelivers a failed message. The test calls the queue where the function would call
// an SQS client.
func ExampleQueue_ChangeVisibility() {
	queue := batchtest.NewQueue(batchtest.QueueConfig{VisibilityTimeout: time.Hour})
	queue.Send(batchtest.Message{ID: "order-1"})
	charge := func(_ context.Context, m events.SQSMessage) error {
		if m.Attributes["ApproximateReceiveCount"] == "1" {
			return errors.New("card service is down")
		}
		return nil
	}
	hide := func(_ context.Context, r batch.Report) {
		for _, f := range r.Failures {
			if m, ok := f.Record.Source.(*events.SQSMessage); ok {
				fmt.Println(queue.ChangeVisibility(m.ReceiptHandle, 10*time.Millisecond))
			}
		}
	}
	run := queue.Drain(context.Background(), batch.SQSHandler(batch.Each(charge), silent, batch.WithReport(hide)))
	fmt.Println("order-1 was received", run.Received("order-1"), "times")
	// Output:
	// <nil>
	// order-1 was received 2 times
}
