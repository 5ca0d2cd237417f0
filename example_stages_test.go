package batch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	jsonv2 "github.com/go-json-experiment/json"
	"github.com/samber/lo/it"

	"github.com/lambdabatch/batch"
)

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
	// m-2: failed: body: invalid character 'o' in literal null (expecting 'u')
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

// A FIFO queue on eight lanes: groups run side by side, each in its order.
// Orders and refunds come through one queue. Each kind is decoded, and handled, in its own way.
func ExampleRoute() {
	kind := func(m events.SQSMessage) string { return *m.MessageAttributes["kind"].StringValue }
	message := func(id, kind, body string) events.SQSMessage {
		attributes := map[string]events.SQSMessageAttribute{"kind": {DataType: "String", StringValue: &kind}}
		return events.SQSMessage{MessageId: id, Body: body, MessageAttributes: attributes}
	}
	messages := batch.SQS(context.Background(), events.SQSEvent{Records: []events.SQSMessage{
		message("m-1", "order", `{"ID":"o-1","Cents":4200}`),
		message("m-2", "refund", "o-7"),
		message("m-3", "promotion", "XMAS"),
	}})
	show(batch.Route(messages, kind, map[string]batch.Stage[events.SQSMessage, string]{
		"order": func(s batch.Stream[events.SQSMessage]) batch.Stream[string] {
			receipts := batch.TryMap(batch.Decode[Order](s, json.Unmarshal), charge)
			return batch.Map(receipts, func(r Receipt) string { return "charged " + r.Order })
		},
		"refund": func(s batch.Stream[events.SQSMessage]) batch.Stream[string] {
			return batch.Map(s, func(m events.SQSMessage) string { return "refunded " + m.Body })
		},
	}))
	// Unordered output:
	// m-1: charged o-1
	// m-2: refunded o-7
	// m-3: failed: no route for "promotion"
}

// The amounts are written down, and nobody needs them any more.
func ExampleDiscard() {
	written := batch.TryEach(batch.Of(4200, 700), func(_ context.Context, cents int) error {
		fmt.Println("written:", cents)
		return nil
	})
	show(batch.Discard[string](written))
	// Output:
	// written: 4200
	// 0: done
	// written: 700
	// 1: done
}

// A pipeline that is made of stages is a stage, too.
func ExampleStage() {
	var process batch.Stage[Order, Receipt] = func(s batch.Stream[Order]) batch.Stream[Receipt] {
		return batch.TryMap(batch.Filter(s, Order.Payable), charge)
	}
	show(process(batch.Of(Order{"o-1", 4200}, Order{"o-2", 0})))
	// Output:
	// 0: {o-1 4200}
	// 1: done
}

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
	// m-3: failed: body: invalid character 'x' looking for beginning of value
	// m-4: failed: blocked by record "m-3"
}
