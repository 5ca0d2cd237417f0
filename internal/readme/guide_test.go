package readme

// The snippets of the guide that are in no other Go file, in its order.

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"os"
	"strconv"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	jsonv2 "github.com/go-json-experiment/json"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/envelope"
)

type (
	Order   struct{ ID string }
	Receipt struct{ Order string }
	Line    struct{ Order string }
)

func (o Order) Payable() bool { return o.ID != "" }
func (o Order) Lines() []Line { return []Line{{o.ID}} }

func charge(_ context.Context, o Order) (Receipt, error)   { return Receipt{o.ID}, nil }
func store(context.Context, Receipt) error                 { return nil }
func storeAll(context.Context, []Receipt) error            { return nil }
func ship(context.Context, Line) error                     { return nil }
func handle(context.Context, events.SQSMessage) error      { return nil }
func save(context.Context, events.S3EventRecord) error     { return nil }
func send(context.Context, events.SQSMessage, error) error { return nil }

var errRefused = errors.New("refused")

// Nothing calls these.
var _ = []any{
	main, single, movedFromPowertools, handler, legacyHandler, strict, decodeOrders[events.SQSMessage], forwarded, split,
	fifoWithDeadLetters, eightLanes, chargedThenStored, inBulk, kinds, kindsAndOthers, uploads,
	withoutTombstones, compacted, upper, windowed, logged, counted, withScopes,
}

func main() {
	lambda.Start(batch.SQSHandler(process))
}

func process(messages batch.Stream[events.SQSMessage]) batch.Stream[Receipt] {
	orders := batch.Decode[Order](messages, json.Unmarshal)
	payable := batch.Filter(orders, Order.Payable)
	receipts := batch.TryMap(payable, charge) // func(context.Context, Order) (Receipt, error)
	return batch.TryEach(receipts, store)     // func(context.Context, Receipt) error
}

func single() {
	lambda.Start(batch.SQSHandler(batch.Each(handle))) // handle is a func(context.Context, events.SQSMessage) error
}

func movedFromPowertools() {
	lambda.Start(batch.SQSHandler(batch.Each(handle), batch.WithMaxReceives(5)))
}

func handler(ctx context.Context, event events.SQSEvent) (batch.Response, error) {
	return batch.Run(batch.SQS(ctx, event), process)
}

func legacyHandler(ctx context.Context, event events.SQSEvent) (response events.SQSEventResponse, err error) {
	r, err := batch.Run(batch.SQS(ctx, event), process)
	for _, failure := range r.BatchItemFailures {
		response.BatchItemFailures = append(response.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: failure.ItemIdentifier})
	}
	return response, err
}

func strict(messages batch.Stream[events.SQSMessage]) batch.Stream[Order] {
	orders := batch.Decode[Order](messages, func(data []byte, v any) error { return jsonv2.Unmarshal(data, v) })
	return orders
}

func decodeOrders[P batch.Payload](records batch.Stream[P]) batch.Stream[Order] {
	return batch.Filter(batch.Decode[Order](records, json.Unmarshal), Order.Payable)
}

func forwarded(receipts batch.Stream[Receipt]) batch.Stream[Receipt] {
	return batch.Catch(receipts, func(ctx context.Context, err error) error {
		if _, poison := errors.AsType[*batch.DecodeError](err); !poison && !errors.Is(err, errRefused) {
			return err // retry
		}
		if original, ok := batch.SourceFrom[events.SQSMessage](ctx); ok {
			return send(ctx, *original, err) // nil acknowledges the message
		}
		return err // broken in the event itself: examples/deadletter forwards that, too
	})
}

func split(orders batch.Stream[Order]) batch.Stream[Line] {
	lines := batch.FlatMap(orders, Order.Lines)
	return batch.TryEach(lines, ship)
}

func fifoWithDeadLetters() {
	maxReceives, err := strconv.Atoi(os.Getenv("MAX_RECEIVES"))
	if err != nil {
		log.Fatalf("MAX_RECEIVES: %v", err)
	}
	lambda.Start(batch.SQSHandler(process, batch.WithMaxReceives(maxReceives)))
}

func eightLanes(messages batch.Stream[events.SQSMessage]) batch.Stream[Receipt] {
	return batch.Parallel(messages, 8, process)
}

func chargedThenStored(orders batch.Stream[Order]) batch.Stream[Receipt] {
	charged := batch.Parallel(orders, 16, func(s batch.Stream[Order]) batch.Stream[Receipt] {
		return batch.TryMap(s, charge) // sixteen at a time
	})
	return batch.TryEachChunk(charged, 25, storeAll) // one bulk write at a time
}

type bulkTable struct{}

func (bulkTable) write(context.Context, []Receipt) (rejected []int, err error) { return nil, nil }

var (
	table       bulkTable
	errRejected = errors.New("rejected")
)

func inBulk(receipts batch.Stream[Receipt]) batch.Stream[Receipt] {
	return batch.TryEachChunk(receipts, 25, func(ctx context.Context, chunk []Receipt) error {
		rejected, err := table.write(ctx, chunk) // positions in chunk
		if err != nil {
			return err // the whole chunk fails
		}
		failed := batch.ItemErrors{}
		for _, i := range rejected {
			failed[i] = errRejected
		}
		return failed.Err() // those items fail, and hold back what the policy says
	})
}

func kind(m events.SQSMessage) string { return *m.MessageAttributes["kind"].StringValue }

func refund(messages batch.Stream[events.SQSMessage]) batch.Stream[Receipt] { return process(messages) }
func park(messages batch.Stream[events.SQSMessage]) batch.Stream[Receipt]   { return process(messages) }

func kinds(messages batch.Stream[events.SQSMessage]) batch.Stream[Receipt] {
	return batch.Route(messages, kind, map[string]batch.Stage[events.SQSMessage, Receipt]{
		"order":     process,
		"refund":    refund,
		"heartbeat": batch.Discard[Receipt, events.SQSMessage],
	})
}

func kindsAndOthers(messages batch.Stream[events.SQSMessage]) batch.Stream[Receipt] {
	routes := map[string]batch.Stage[events.SQSMessage, Receipt]{"order": process, "refund": refund, "other": park}
	known := func(m events.SQSMessage) string {
		if _, ok := routes[kind(m)]; ok {
			return kind(m)
		}
		return "other"
	}
	return batch.Route(messages, known, routes)
}

func uploads(messages batch.Stream[events.SQSMessage]) batch.Stream[events.S3EventRecord] {
	objects := batch.TryFlatMap(messages, envelope.S3)
	return batch.TryEach(objects, save)
}
