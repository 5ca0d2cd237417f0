package readme

// The code of the README that stands nowhere else.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	jsonv2 "github.com/go-json-experiment/json"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/batchtest"
	"github.com/lambdabatch/batch/envelope"
	"pgregory.net/rapid"
)

type (
	Order   struct{ ID string }
	Receipt struct{ Order string }
)

func (o Order) Payable() bool { return o.ID != "" }
func (o Order) Lines() []Line { return []Line{{o.ID}} }

type Line struct{ Order string }

func charge(_ context.Context, o Order) (Receipt, error)    { return Receipt{o.ID}, nil }
func store(context.Context, Receipt) error                  { return nil }
func storeAll(context.Context, []Receipt) error             { return nil }
func ship(context.Context, Line) error                      { return nil }
func save(context.Context, events.S3EventRecord) error      { return nil }
func send(context.Context, *events.SQSMessage, error) error { return nil }

var errRefused = errors.New("refused")

func main() {
	lambda.Start(batch.SQSHandler(process))
}

func process(messages batch.Stream[events.SQSMessage]) batch.Stream[Receipt] {
	orders := batch.Decode[Order](messages, json.Unmarshal)
	payable := batch.Filter(orders, Order.Payable)
	receipts := batch.TryMap(payable, charge) // func(context.Context, Order) (Receipt, error)
	return batch.TryEach(receipts, store)     // func(context.Context, Receipt) error
}

func handler(ctx context.Context, event events.SQSEvent) (batch.Response, error) {
	return batch.Run(batch.SQS(ctx, event), process)
}

var _ = []any{main, handler}

func strict(messages batch.Stream[events.SQSMessage]) batch.Stream[Order] {
	return batch.Decode[Order](messages, func(data []byte, v any) error { return jsonv2.Unmarshal(data, v) })
}

func split(orders batch.Stream[Order]) batch.Stream[Line] {
	lines := batch.FlatMap(orders, Order.Lines)
	return batch.TryEach(lines, ship)
}

var _ = []any{strict, split, eightLanes, chargedThenStored, fifoWithDeadLetters, counted, inBulk, notices, forwarded, uploads, decoded, shouted, kinds, kindsAndOthers, withoutTombstones, compacted, logged, withScopes}

func eightLanes(messages batch.Stream[events.SQSMessage]) batch.Stream[Receipt] {
	return batch.Parallel(messages, 8, process)
}

func chargedThenStored(orders batch.Stream[Order]) batch.Stream[Receipt] {
	charged := batch.Parallel(orders, 16, func(s batch.Stream[Order]) batch.Stream[Receipt] {
		return batch.TryMap(s, charge) // sixteen at a time
	})
	return batch.TryEachChunk(charged, 25, storeAll) // one bulk write after the other
}

func fifoWithDeadLetters() {
	maxReceives, err := strconv.Atoi(os.Getenv("MAX_RECEIVES"))
	if err != nil {
		log.Fatalf("MAX_RECEIVES: %v", err)
	}
	lambda.Start(batch.SQSHandler(process, batch.WithMaxReceives(maxReceives)))
}

func counted() *batch.Handler {
	return batch.SQSHandler(process, batch.WithReport(func(_ context.Context, r batch.Report) {
		fmt.Printf("%d of %d will be redelivered: %d failed, %d blocked\n", r.Reported(), r.Records, r.Failed, r.Blocked)
	}))
}

func logged() {
	slog.SetDefault(lambdacontext.NewLogger())
	lambda.Start(batch.SQSHandler(process))
}

type logKey struct{}

func withScopes() *batch.Handler {
	return batch.SQSHandler(process, batch.WithScope(func(ctx context.Context, r batch.Record) (context.Context, func(batch.Outcome)) {
		log := slog.With("record", r.ID)
		return context.WithValue(ctx, logKey{}, log), func(o batch.Outcome) { log.Info("answered", "error", o.Err) }
	}))
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
			return err // all of them
		}
		failed := batch.ItemErrors{}
		for _, i := range rejected {
			failed[i] = errRejected
		}
		return failed // just those
	})
}

func forwarded(receipts batch.Stream[Receipt]) batch.Stream[Receipt] {
	return batch.Catch(receipts, func(ctx context.Context, err error) error {
		if _, poison := errors.AsType[*batch.DecodeError](err); !poison && !errors.Is(err, errRefused) {
			return err // try again
		}
		if original, ok := batch.SourceFrom[events.SQSMessage](ctx); ok {
			return send(ctx, original, err) // nil acknowledges
		}
		return err // a handler could not even read it: see SourceFrom[json.RawMessage]
	})
}

func uploads(messages batch.Stream[events.SQSMessage]) batch.Stream[events.S3EventRecord] {
	objects := batch.TryFlatMap(messages, envelope.S3)
	return batch.TryEach(objects, save)
}

func notices(messages batch.Stream[events.SQSMessage]) batch.Stream[events.S3EventRecord] {
	notifications := batch.TryMap(messages, envelope.SNS)
	return batch.TryEach(batch.TryFlatMap(notifications, envelope.S3), save)
}

func decoded(records batch.Stream[events.KinesisEventRecord]) batch.Stream[Order] {
	return batch.Decode[Order](records, json.Unmarshal)
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

type Row struct{ Key string }

func remove(records batch.Stream[events.KafkaRecord]) batch.Stream[Row] {
	return batch.Discard[Row](records)
}

func upsert(records batch.Stream[events.KafkaRecord]) batch.Stream[Row] {
	return batch.Decode[Row](records, json.Unmarshal)
}

func withoutTombstones(records batch.Stream[events.KafkaRecord]) batch.Stream[Row] {
	alive := batch.Filter(records, func(r events.KafkaRecord) bool { return r.Value != "" })
	return upsert(alive)
}

func compacted(records batch.Stream[events.KafkaRecord]) batch.Stream[Row] {
	return batch.Route(records, func(r events.KafkaRecord) bool { return r.Value == "" }, map[bool]batch.Stage[events.KafkaRecord, Row]{
		true:  remove, // by the key, which is base64
		false: upsert,
	})
}

func TestShoutingObeysTheLaws(t *testing.T) {
	batchtest.CheckStage(t, rapid.StringN(0, 8, -1), shouted)
}

func shouted(s batch.Stream[string]) batch.Stream[string] {
	return func(yield func(batch.Result[string]) bool) {
		for r := range s {
			out := batch.Then(r, func(_ context.Context, v string) (string, error) {
				return strings.ToUpper(v), nil
			})
			if !yield(out) {
				return
			}
		}
	}
}

func TestChargeRefusesWhatItShould(t *testing.T) {
	receipts := batch.TryMap(batch.Of(Order{"o-1"}, Order{"o-2"}), charge)
	values, failures := batch.Partition(receipts)
	if len(values) != 2 || len(failures) != 0 {
		t.Fatal(values, failures)
	}
}

func TestOrdersAreChargedOverSeveralDeliveries(t *testing.T) {
	queue := batchtest.NewQueue(batchtest.QueueConfig{FIFO: true, BatchSize: 10, MaxReceives: 3})
	queue.Send(
		batchtest.Message{ID: "m-1", Group: "ada", Body: `{"ID":"o-1"}`},
		batchtest.Message{ID: "m-2", Group: "ada", Body: `{"ID":`},
	)
	run := queue.Drain(t.Context(), batch.SQSHandler(process))
	if !strings.Contains(read(t, root+"/README.md"), run.String()) {
		t.Errorf("the README shows another table than\n%s", run)
	}
}
