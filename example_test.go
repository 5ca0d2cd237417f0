package batch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	jsonv2 "github.com/go-json-experiment/json"
	"github.com/samber/lo/it"

	"github.com/lambdabatch/batch"
)

// What the examples work on.

type Order struct {
	ID    string
	Cents int
}

func (o Order) Payable() bool { return o.Cents > 0 }

type Receipt struct {
	Order string
	Cents int
}

var errRefused = errors.New("card refused")

func charge(_ context.Context, o Order) (Receipt, error) {
	if o.Cents > 1_000_00 {
		return Receipt{}, errRefused
	}
	return Receipt{o.ID, o.Cents}, nil
}

func store(_ context.Context, r Receipt) error {
	fmt.Println("stored", r.Order)
	return nil
}

func process(messages batch.Stream[events.SQSMessage]) batch.Stream[Receipt] {
	orders := batch.Decode[Order](messages, json.Unmarshal)
	payable := batch.Filter(orders, Order.Payable)
	receipts := batch.TryMap(payable, charge)
	return batch.TryEach(receipts, store)
}

func message(id, body string) events.SQSMessage {
	return events.SQSMessage{MessageId: id, Body: body}
}

func inGroup(id, group, body string) events.SQSMessage {
	return events.SQSMessage{
		MessageId:      id,
		Body:           body,
		EventSourceARN: "arn:aws:sqs:eu-central-1:123456789012:orders.fifo",
		Attributes:     map[string]string{"MessageGroupId": group, "ApproximateReceiveCount": "1"},
	}
}

// show prints a stream, one Result a line.
func show[T any](s batch.Stream[T]) {
	for r := range s {
		if value, ok := r.Value(); ok {
			fmt.Printf("%s: %v\n", r.Record().ID, value)
		} else if err := r.Err(); err != nil {
			fmt.Printf("%s: failed: %v\n", r.Record().ID, err)
		} else {
			fmt.Printf("%s: done\n", r.Record().ID)
		}
	}
}

// print prints an answer as Lambda would get it.
func print(response batch.Response, err error) {
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	encoded, _ := json.Marshal(response)
	fmt.Println(string(encoded))
}

func invoke(h *batch.Handler, payload string) {
	answer, err := h.Invoke(context.Background(), []byte(payload))
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	fmt.Println(string(answer))
}

func Example() {
	event := events.SQSEvent{Records: []events.SQSMessage{
		message("m-1", `{"ID":"o-1","Cents":4200}`),
		message("m-2", `{"ID":"o-2","Cents":0}`),       // filtered: acknowledged
		message("m-3", `{"ID":"o-3"`),                  // does not decode
		message("m-4", `{"ID":"o-4","Cents":9999999}`), // refused
	}}
	print(batch.Run(batch.SQS(context.Background(), event), process))
	// Output:
	// stored o-1
	// {"batchItemFailures":[{"itemIdentifier":"m-3"},{"itemIdentifier":"m-4"}]}
}

func ExampleRun() {
	handler := func(ctx context.Context, event events.SQSEvent) (batch.Response, error) {
		return batch.Run(batch.SQS(ctx, event), process)
	}
	print(handler(context.Background(), events.SQSEvent{Records: []events.SQSMessage{
		message("m-1", `{"ID":"o-1","Cents":4200}`),
		message("m-2", `{"ID":"o-2","Cents":9999999}`),
	}}))
	// Output:
	// stored o-1
	// {"batchItemFailures":[{"itemIdentifier":"m-2"}]}
}

// A handler under a short deadline reports exactly what it could not do.
func ExampleRun_deadline() {
	handler := func(ctx context.Context, event events.SQSEvent) (batch.Response, error) {
		messages := batch.SQS(ctx, event, batch.WithReserve(100*time.Millisecond))
		return batch.Run(messages, batch.Each(func(ctx context.Context, m events.SQSMessage) error {
			if m.Body == "slow" {
				<-ctx.Done() // a call that heeds its context
				return ctx.Err()
			}
			return nil
		}))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	print(handler(ctx, events.SQSEvent{Records: []events.SQSMessage{
		message("m-1", "quick"), message("m-2", "slow"), message("m-3", "quick"),
	}}))
	// Output: {"batchItemFailures":[{"itemIdentifier":"m-2"},{"itemIdentifier":"m-3"}]}
}

func ExampleCollect() {
	numbers := batch.TryMap(batch.Of("1", "two", "3"), func(_ context.Context, s string) (int, error) {
		return strconv.Atoi(s)
	})
	print(batch.Collect(numbers))
	// Output: {"batchItemFailures":[{"itemIdentifier":"1"}]}
}

func ExamplePartition() {
	numbers := batch.TryMap(batch.Of("1", "two", "3"), func(_ context.Context, s string) (int, error) {
		return strconv.Atoi(s)
	})
	values, failures := batch.Partition(numbers)
	fmt.Println(values)
	for _, f := range failures {
		fmt.Println(f.Record.ID, f.Err)
	}
	// Output:
	// [1 3]
	// 1 strconv.Atoi: parsing "two": invalid syntax
}

func ExampleOf() {
	show(batch.Of("a", "b"))
	// Output:
	// 0: a
	// 1: b
}

// From makes a batch of anything: here of files that came with an S3 event.
func ExampleFrom() {
	files := []string{"2026/a.csv", "2026/b.csv"}
	describe := func(file string) batch.Record {
		return batch.Record{ID: file, Group: strings.Split(file, "/")[0]}
	}
	stream := batch.From(context.Background(), files, describe, batch.WithPolicy(batch.StopGroup))
	print(batch.Collect(batch.TryEach(stream, func(_ context.Context, file string) error {
		return errors.New("empty")
	})))
	// Output: error: all 2 records failed: 2026/a.csv: empty; 2026/b.csv: record "2026/b.csv": blocked by record "2026/a.csv"
}

func ExampleSQS() {
	event := events.SQSEvent{Records: []events.SQSMessage{
		inGroup("m-1", "ada", "bad"), inGroup("m-2", "ada", "good"), inGroup("m-3", "bob", "good"),
	}}
	response, err := batch.Run(batch.SQS(context.Background(), event), batch.Each(func(_ context.Context, m events.SQSMessage) error {
		fmt.Println("processing", m.MessageId)
		if m.Body == "bad" {
			return errors.New("bad body")
		}
		return nil
	}))
	print(response, err)
	// Output:
	// processing m-1
	// processing m-3
	// {"batchItemFailures":[{"itemIdentifier":"m-1"},{"itemIdentifier":"m-2"}]}
}

func kinesisRecord(number, key, data string) events.KinesisEventRecord {
	return events.KinesisEventRecord{Kinesis: events.KinesisRecord{SequenceNumber: number, PartitionKey: key, Data: []byte(data)}}
}

func ExampleKinesis() {
	event := events.KinesisEvent{Records: []events.KinesisEventRecord{
		kinesisRecord("101", "ada", "1"), kinesisRecord("102", "bob", "two"), kinesisRecord("103", "ada", "3"),
	}}
	numbers := batch.Decode[int](batch.Kinesis(context.Background(), event), json.Unmarshal)
	print(batch.Collect(numbers)) // nothing behind a failure is acknowledged: it comes again anyway
	// Output: {"batchItemFailures":[{"itemIdentifier":"102"},{"itemIdentifier":"103"}]}
}

func ExampleDynamoDB() {
	event := events.DynamoDBEvent{Records: []events.DynamoDBEventRecord{{
		EventName: "INSERT",
		Change: events.DynamoDBStreamRecord{
			SequenceNumber: "4421584500000000017450439091",
			Keys:           map[string]events.DynamoDBAttributeValue{"Id": events.NewNumberAttribute("101")},
		},
	}}}
	names := batch.Map(batch.DynamoDB(context.Background(), event), func(r events.DynamoDBEventRecord) string {
		return r.EventName + " " + r.Change.Keys["Id"].Number()
	})
	show(names)
	// Output: 4421584500000000017450439091: INSERT 101
}

func ExampleKafka() {
	event := events.KafkaEvent{Records: map[string][]events.KafkaRecord{
		"orders-1": {{Topic: "orders", Partition: 1, Offset: 7, Value: "MQ=="}}, // base64 of 1
		"orders-0": {{Topic: "orders", Partition: 0, Offset: 9, Value: "eA=="}}, // of x
	}}
	print(batch.Collect(batch.Decode[int](batch.Kafka(context.Background(), event), json.Unmarshal)))
	// Output: {"batchItemFailures":[{"itemIdentifier":{"partition":"orders-0","offset":9}}]}
}

func upper(records batch.Stream[events.KinesisFirehoseEventRecord]) batch.Stream[batch.FirehoseRecord] {
	wanted := batch.Filter(records, func(r events.KinesisFirehoseEventRecord) bool { return string(r.Data) != "noise" })
	return batch.Map(wanted, func(r events.KinesisFirehoseEventRecord) batch.FirehoseRecord {
		return batch.FirehoseRecord{Data: []byte(strings.ToUpper(string(r.Data)))}
	})
}

func ExampleFirehose() {
	event := events.KinesisFirehoseEvent{Records: []events.KinesisFirehoseEventRecord{
		{RecordID: "r-1", Data: []byte("signal")}, {RecordID: "r-2", Data: []byte("noise")},
	}}
	for r := range upper(batch.Firehose(context.Background(), event)) {
		value, ok := r.Value()
		fmt.Println(r.Record().ID, string(value.Data), ok)
	}
	// Output:
	// r-1 SIGNAL true
	// r-2  false
}

func ExampleCollectFirehose() {
	event := events.KinesisFirehoseEvent{Records: []events.KinesisFirehoseEventRecord{
		{RecordID: "r-1", Data: []byte("signal")}, {RecordID: "r-2", Data: []byte("noise")},
	}}
	response, err := batch.CollectFirehose(upper(batch.Firehose(context.Background(), event)))
	for _, r := range response.Records {
		fmt.Printf("%s %s %q\n", r.RecordID, r.Result, r.Data)
	}
	fmt.Println(err)
	// Output:
	// r-1 Ok "SIGNAL"
	// r-2 Dropped ""
	// <nil>
}

func ExampleFirehoseHandler() {
	invoke(batch.FirehoseHandler(upper), `{"invocationId":"i","deliveryStreamArn":"arn","records":[
		{"recordId":"r-1","data":"c2lnbmFs"},
		{"recordId":"r-2","data":"bm9pc2U="}]}`)
	// Output: {"records":[{"recordId":"r-1","result":"Ok","data":"U0lHTkFM"},{"recordId":"r-2","result":"Dropped","data":""}]}
}

// A Stream is an iterator, so that what works on iterators works on it.
func ExampleStream() {
	receipts := batch.TryMap(batch.Of(Order{"o-1", 4200}, Order{"o-2", 9999999}, Order{"o-3", 700}), charge)
	failed := it.CountBy(receipts, func(r batch.Result[Receipt]) bool { return r.Err() != nil })
	first, _ := it.Find(receipts, func(r batch.Result[Receipt]) bool { return r.Err() != nil })
	fmt.Println(failed, "failed, the first is", first.Record().ID)
	// Output: 1 failed, the first is 1
}

func ExampleMap() {
	show(batch.Map(batch.Of("a", "bb"), func(s string) int { return len(s) }))
	// Output:
	// 0: 1
	// 1: 2
}

func ExampleTryMap() {
	show(batch.TryMap(batch.Of(Order{"o-1", 4200}, Order{"o-2", 9999999}), charge))
	// Output:
	// 0: {o-1 4200}
	// 1: failed: card refused
}

func ExampleFilter() {
	show(batch.Filter(batch.Of(Order{"o-1", 4200}, Order{"o-2", 0}), Order.Payable))
	// Output:
	// 0: {o-1 4200}
	// 1: done
}

// A filter that asks a table whether the work was done before.
func ExampleTryFilter() {
	known := map[string]bool{"o-1": true}
	isNew := func(_ context.Context, o Order) (bool, error) {
		if o.ID == "" {
			return false, errors.New("order without an ID")
		}
		return !known[o.ID], nil
	}
	show(batch.TryFilter(batch.Of(Order{"o-1", 1}, Order{"o-2", 2}, Order{"", 3}), isNew))
	// Output:
	// 0: done
	// 1: {o-2 2}
	// 2: failed: order without an ID
}

// A message with several lines is acknowledged if all of them are.
func ExampleFlatMap() {
	lines := batch.FlatMap(batch.Of("a b", "c x", ""), strings.Fields)
	print(batch.Collect(batch.TryEach(lines, func(_ context.Context, line string) error {
		if line == "x" {
			return errors.New("bad line")
		}
		fmt.Println(line)
		return nil
	})))
	// Output:
	// a
	// b
	// c
	// {"batchItemFailures":[{"itemIdentifier":"1"}]}
}

func ExampleTryFlatMap() {
	show(batch.TryFlatMap(batch.Of("[1,2]", "{"), func(_ context.Context, s string) (numbers []int, err error) {
		err = json.Unmarshal([]byte(s), &numbers)
		return numbers, err
	}))
	// Output:
	// 0: 1
	// 0: 2
	// 1: failed: unexpected end of JSON input
}

func ExampleTryEach() {
	print(batch.Collect(batch.TryEach(batch.Of(Receipt{"o-1", 1}, Receipt{"o-2", 2}), store)))
	// Output:
	// stored o-1
	// stored o-2
	// {"batchItemFailures":[]}
}

func ExampleEach() {
	handle := func(_ context.Context, m events.SQSMessage) error {
		fmt.Println(m.Body)
		return nil
	}
	invoke(batch.SQSHandler(batch.Each(handle)), `{"Records":[{"messageId":"m-1","body":"hello","eventSource":"aws:sqs"}]}`)
	// Output:
	// hello
	// {"batchItemFailures":[]}
}

func ExampleTryEachChunk() {
	write := func(_ context.Context, receipts []Receipt) error { // stands for BatchWriteItem
		fmt.Println("writing", len(receipts))
		failed := batch.ItemErrors{}
		for i, r := range receipts {
			if r.Cents == 0 {
				failed[i] = errors.New("throttled")
			}
		}
		return failed
	}
	receipts := batch.Of(Receipt{"o-1", 1}, Receipt{"o-2", 0}, Receipt{"o-3", 3})
	print(batch.Collect(batch.TryEachChunk(receipts, 2, write)))
	// Output:
	// writing 2
	// writing 1
	// {"batchItemFailures":[{"itemIdentifier":"1"}]}
}

func ExampleTap() {
	count := 0
	values := batch.Tap(batch.Of("a", "b"), func(r batch.Result[string]) {
		if _, ok := r.Value(); ok {
			count++
		}
	})
	print(batch.Collect(values))
	fmt.Println(count, "ready")
	// Output:
	// {"batchItemFailures":[]}
	// 2 ready
}

// Poison records go to a dead-letter queue of one's own, and the others retry.
func ExampleCatch() {
	receipts := batch.TryMap(batch.Of(Order{"o-1", 4200}, Order{"o-2", 9999999}), charge)
	print(batch.Collect(batch.Catch(receipts, func(ctx context.Context, err error) error {
		if !errors.Is(err, errRefused) {
			return err // try again
		}
		order, _ := batch.SourceFrom[Order](ctx)
		fmt.Println("forwarded", order.ID)
		return nil // acknowledged
	})))
	// Output:
	// forwarded o-2
	// {"batchItemFailures":[]}
}

func ExampleOrElse() {
	prices := batch.TryMap(batch.Of("12", "?"), func(_ context.Context, s string) (int, error) { return strconv.Atoi(s) })
	show(batch.OrElse(prices, func(context.Context, error) (int, error) { return 10, nil }))
	// Output:
	// 0: 12
	// 1: 10
}

func ExampleDecode() {
	messages := []events.SQSMessage{message("m-1", `{"ID":"o-1","Cents":4200}`), message("m-2", "not JSON")}
	orders := batch.Decode[Order](batch.SQS(context.Background(), events.SQSEvent{Records: messages}), json.Unmarshal)
	show(orders)
	// Output:
	// m-1: {o-1 4200}
	// m-2: failed: invalid character 'o' in literal null (expecting 'u')
}

// The fast and strict codec: it rejects doubled names and invalid UTF-8.
func ExampleDecode_strict() {
	strict := func(data []byte, value any) error { return jsonv2.Unmarshal(data, value) }
	show(batch.Decode[Order](batch.Of(`{"ID":"o-1"}`, `{"ID":"o-1","ID":"o-2"}`), strict))
	// Output:
	// 0: {o-1 0}
	// 1: failed: jsontext: duplicate object member name "ID"
}

func ExampleThen() {
	// A stage of one's own: number the Results that are still Ready.
	numbered := func(s batch.Stream[string]) batch.Stream[string] {
		return func(yield func(batch.Result[string]) bool) {
			n := 0
			for r := range s {
				out := batch.Then(r, func(_ context.Context, v string) (string, error) {
					n++
					return fmt.Sprint(n, ". ", v), nil
				})
				if !yield(out) {
					return
				}
			}
		}
	}
	show(numbered(batch.Filter(batch.Of("a", "-", "b"), func(s string) bool { return s != "-" })))
	// Output:
	// 0: 1. a
	// 1: done
	// 2: 2. b
}

// A FIFO queue on eight lanes: groups run side by side, each in its order.
func ExampleParallel() {
	event := events.SQSEvent{Records: []events.SQSMessage{
		inGroup("m-1", "ada", "1"), inGroup("m-2", "bob", "1"), inGroup("m-3", "ada", "x"), inGroup("m-4", "ada", "3"),
	}}
	numbers := func(s batch.Stream[events.SQSMessage]) batch.Stream[int] {
		return batch.Decode[int](s, json.Unmarshal)
	}
	show(batch.Parallel(batch.SQS(context.Background(), event), 8, numbers))
	// Unordered output:
	// m-1: 1
	// m-2: 1
	// m-3: failed: invalid character 'x' looking for beginning of value
	// m-4: failed: record "m-4": blocked by record "m-3"
}

func ExampleRecordFrom() {
	event := events.SQSEvent{Records: []events.SQSMessage{inGroup("m-1", "ada", "{}")}}
	orders := batch.Decode[Order](batch.SQS(context.Background(), event), json.Unmarshal)
	show(batch.TryMap(orders, func(ctx context.Context, _ Order) (string, error) {
		record, _ := batch.RecordFrom(ctx)
		return fmt.Sprintf("attempt %d in group %s", record.Attempt, record.Group), nil
	}))
	// Output: m-1: attempt 1 in group ada
}

func ExampleSourceFrom() {
	event := events.SQSEvent{Records: []events.SQSMessage{message("m-1", "{}")}}
	orders := batch.Decode[Order](batch.SQS(context.Background(), event), json.Unmarshal)
	show(batch.TryMap(orders, func(ctx context.Context, _ Order) (string, error) {
		original, _ := batch.SourceFrom[events.SQSMessage](ctx)
		return original.Body, nil
	}))
	// Output: m-1: {}
}

func ExampleSQSHandler() {
	// In a function: lambda.Start(batch.SQSHandler(process))
	invoke(batch.SQSHandler(process), `{"Records":[
		{"messageId":"m-1","eventSource":"aws:sqs","body":"{\"ID\":\"o-1\",\"Cents\":4200}"},
		{"messageId":"m-2","eventSource":"aws:sqs","body":42}]}`) // a body that is no string fails alone
	// Output:
	// stored o-1
	// {"batchItemFailures":[{"itemIdentifier":"m-2"}]}
}

func ExampleKinesisHandler() {
	print := batch.Each(func(_ context.Context, r events.KinesisEventRecord) error {
		fmt.Printf("%s\n", r.Kinesis.Data)
		return nil
	})
	invoke(batch.KinesisHandler(print), `{"Records":[{"eventSource":"aws:kinesis",
		"kinesis":{"sequenceNumber":"101","partitionKey":"ada","data":"aGVsbG8="}}]}`)
	// Output:
	// hello
	// {"batchItemFailures":[]}
}

func ExampleDynamoDBHandler() {
	print := batch.Each(func(_ context.Context, r events.DynamoDBEventRecord) error {
		fmt.Println(r.EventName, r.Change.Keys["Id"].Number())
		return nil
	})
	invoke(batch.DynamoDBHandler(print), `{"Records":[{"eventSource":"aws:dynamodb","eventName":"REMOVE",
		"dynamodb":{"SequenceNumber":"111","Keys":{"Id":{"N":"101"}}}}]}`)
	// Output:
	// REMOVE 101
	// {"batchItemFailures":[]}
}

func ExampleKafkaHandler() {
	numbers := func(s batch.Stream[events.KafkaRecord]) batch.Stream[int] {
		return batch.Decode[int](s, json.Unmarshal)
	}
	invoke(batch.KafkaHandler(numbers), `{"eventSource":"aws:kafka","records":{"orders-0":[
		{"topic":"orders","partition":0,"offset":15,"value":"MQ=="},
		{"topic":"orders","partition":0,"offset":16,"value":"eA=="}]}}`)
	// Output: {"batchItemFailures":[{"itemIdentifier":{"partition":"orders-0","offset":16}}]}
}

// Count the records of each window.
func ExampleKinesisWindowHandler() {
	pass := func(s batch.Stream[events.KinesisEventRecord]) batch.Stream[events.KinesisEventRecord] { return s }
	count := func(n map[string]int, r events.KinesisEventRecord) map[string]int {
		if n == nil {
			n = map[string]int{}
		}
		n[r.Kinesis.PartitionKey]++
		return n
	}
	report := func(_ context.Context, w batch.Window, n map[string]int) error {
		fmt.Println(w.Start.Format(time.TimeOnly), n)
		return nil
	}
	h := batch.KinesisWindowHandler(pass, count, report)
	invoke(h, `{"Records":[{"eventSource":"aws:kinesis","kinesis":{"sequenceNumber":"101","partitionKey":"ada","data":""}}],
		"window":{"start":"2026-11-23T12:00:00Z","end":"2026-11-23T12:02:00Z"},"state":{"bob":2},
		"shardId":"shardId-000000000006","isFinalInvokeForWindow":false,"isWindowTerminatedEarly":false}`)
	invoke(h, `{"window":{"start":"2026-11-23T12:00:00Z","end":"2026-11-23T12:02:00Z"},"state":{"ada":1,"bob":2},
		"shardId":"shardId-000000000006","isFinalInvokeForWindow":true,"isWindowTerminatedEarly":false}`)
	// Output:
	// {"state":{"ada":1,"bob":2},"batchItemFailures":[]}
	// 12:00:00 map[ada:1 bob:2]
	// {"state":{"ada":1,"bob":2},"batchItemFailures":[]}
}

// Any type that JSON carries can be the state: here a plain number.
func ExampleDynamoDBWindowHandler() {
	pass := func(s batch.Stream[events.DynamoDBEventRecord]) batch.Stream[events.DynamoDBEventRecord] { return s }
	count := func(n int, _ events.DynamoDBEventRecord) int { return n + 1 }
	report := func(_ context.Context, _ batch.Window, n int) error {
		fmt.Println(n, "changes")
		return nil
	}
	invoke(batch.DynamoDBWindowHandler(pass, count, report), `{"Records":[
		{"eventSource":"aws:dynamodb","eventName":"INSERT","dynamodb":{"SequenceNumber":"111","Keys":{"Id":{"N":"101"}}}}],
		"window":{"start":"2026-11-23T12:00:00Z","end":"2026-11-23T12:02:00Z"},"state":41,
		"shardId":"shardId-000000000006","isFinalInvokeForWindow":true,"isWindowTerminatedEarly":false}`)
	// Output:
	// 42 changes
	// {"state":42,"batchItemFailures":[]}
}

// failing is a batch in which the records named fail.
func failing(names string, opts ...batch.Option) (batch.Response, error) {
	messages := []events.SQSMessage{inGroup("m-1", "ada", ""), inGroup("m-2", "ada", ""), inGroup("m-3", "bob", "")}
	source := batch.SQS(context.Background(), events.SQSEvent{Records: messages}, opts...)
	return batch.Run(source, batch.Each(func(_ context.Context, m events.SQSMessage) error {
		if strings.Contains(names, m.MessageId) {
			return errors.New("out of stock")
		}
		return nil
	}))
}

func ExampleWithPolicy() {
	print(failing("m-1"))
	print(failing("m-1", batch.WithPolicy(batch.Continue)))
	print(failing("m-2", batch.WithPolicy(batch.StopBatch)))
	// Output:
	// {"batchItemFailures":[{"itemIdentifier":"m-1"},{"itemIdentifier":"m-2"}]}
	// {"batchItemFailures":[{"itemIdentifier":"m-1"}]}
	// {"batchItemFailures":[{"itemIdentifier":"m-2"},{"itemIdentifier":"m-3"}]}
}

func ExampleWithReserve() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	event := events.SQSEvent{Records: []events.SQSMessage{message("m-1", "")}}
	print(batch.Run(batch.SQS(ctx, event, batch.WithReserve(10*time.Second)), batch.Each(func(record context.Context, _ events.SQSMessage) error {
		invocation, _ := ctx.Deadline()
		deadline, _ := record.Deadline()
		fmt.Println(invocation.Sub(deadline))
		return nil
	})))
	// Output:
	// 10s
	// {"batchItemFailures":[]}
}

// m-1 will be dead-lettered, so m-2, which stands behind it, is processed.
func ExampleWithMaxReceives() {
	print(failing("m-1", batch.WithMaxReceives(1)))
	// Output: {"batchItemFailures":[{"itemIdentifier":"m-1"}]}
}

func ExampleWithLogger() {
	withoutTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
	print(failing("m-1", batch.WithLogger(logger)))
	// Output:
	// level=ERROR msg="record failed" record=m-1 group=ada attempt=1 error="out of stock"
	// level=WARN msg="records not processed" records=3 blocked=1 notStarted=0 unreached=0 running=0
	// {"batchItemFailures":[{"itemIdentifier":"m-1"},{"itemIdentifier":"m-2"}]}
}

func ExampleWithReport() {
	print(failing("m-1", batch.WithReport(func(_ context.Context, r batch.Report) {
		fmt.Printf("%d of %d failed, %d blocked\n", r.Failed, r.Records, r.Blocked)
	})))
	// Output:
	// 1 of 3 failed, 1 blocked
	// {"batchItemFailures":[{"itemIdentifier":"m-1"},{"itemIdentifier":"m-2"}]}
}

// Metrics in CloudWatch's embedded metric format: a line of JSON in the log.
// See https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html.
func ExampleWithReport_metrics() {
	type metric struct{ Name, Unit string }
	type directive struct {
		Namespace  string
		Dimensions [][]string
		Metrics    []metric
	}
	type metadata struct {
		Timestamp         int64
		CloudWatchMetrics []directive
	}
	now := func() time.Time { return time.UnixMilli(1_763_884_800_000) } // time.Now outside of examples
	emit := func(_ context.Context, r batch.Report) {
		line, _ := json.Marshal(struct {
			AWS                   metadata `json:"_aws"`
			Function              string
			Records, Failed, Rest int
		}{
			AWS: metadata{now().UnixMilli(), []directive{{
				Namespace:  "Orders",
				Dimensions: [][]string{{"Function"}},
				Metrics:    []metric{{"Records", "Count"}, {"Failed", "Count"}, {"Rest", "Count"}},
			}}},
			Function: "orders",
			Records:  r.Records,
			Failed:   r.Failed,
			Rest:     r.Blocked + r.NotStarted + r.Unreached,
		})
		fmt.Println(string(line))
	}
	_, _ = failing("m-1", batch.WithReport(emit))
	// Output: {"_aws":{"Timestamp":1763884800000,"CloudWatchMetrics":[{"Namespace":"Orders","Dimensions":[["Function"]],"Metrics":[{"Name":"Records","Unit":"Count"},{"Name":"Failed","Unit":"Count"},{"Name":"Rest","Unit":"Count"}]}]},"Function":"orders","Records":3,"Failed":1,"Rest":1}
}

func ExampleWithoutAllFailedError() {
	print(failing("m-1 m-3"))
	print(failing("m-1 m-3", batch.WithoutAllFailedError()))
	// Output:
	// error: all 3 records failed: m-1: out of stock; m-2: record "m-2": blocked by record "m-1"; m-3: out of stock
	// {"batchItemFailures":[{"itemIdentifier":"m-1"},{"itemIdentifier":"m-2"},{"itemIdentifier":"m-3"}]}
}

func ExampleResult_Fail() {
	for r := range batch.Of("a") {
		show(func(yield func(batch.Result[string]) bool) { yield(r.Fail(errors.New("not today"))) })
	}
	// Output: 0: failed: not today
}

func ExampleResult_Ack() {
	for r := range batch.Of("a") {
		show(func(yield func(batch.Result[string]) bool) { yield(r.Ack()) })
	}
	// Output: 0: done
}
