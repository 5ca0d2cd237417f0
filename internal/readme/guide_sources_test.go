package readme

// The snippets of the guide about Kafka, observation, stages of your own and testing.

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/matryer/is"
	"pgregory.net/rapid"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/batchtest"
)

func key(_ context.Context, r events.KafkaRecord) (string, error) {
	decoded, err := base64.StdEncoding.DecodeString(r.Key)
	if err != nil {
		return "", &batch.DecodeError{Field: "key", Err: err} // poison
	}
	return string(decoded), nil
}

type Row struct{ Key string }

func tombstone(r events.KafkaRecord) bool { return r.Value == "" }

func remove(records batch.Stream[events.KafkaRecord]) batch.Stream[Row] {
	return batch.TryMap(records, func(ctx context.Context, r events.KafkaRecord) (Row, error) {
		k, err := key(ctx, r)
		return Row{k}, err
	})
}

func upsert(records batch.Stream[events.KafkaRecord]) batch.Stream[Row] {
	return batch.Decode[Row](records, json.Unmarshal)
}

func withoutTombstones(records batch.Stream[events.KafkaRecord]) batch.Stream[Row] {
	alive := batch.Filter(records, func(r events.KafkaRecord) bool { return r.Value != "" })
	return upsert(alive)
}

func compacted(records batch.Stream[events.KafkaRecord]) batch.Stream[Row] {
	return batch.Route(records, tombstone, map[bool]batch.Stage[events.KafkaRecord, Row]{
		true:  remove, // by the key
		false: upsert,
	})
}

func upper(records batch.Stream[events.KinesisFirehoseEventRecord]) batch.Stream[batch.FirehoseRecord] {
	wanted := batch.Filter(records, func(r events.KinesisFirehoseEventRecord) bool { return string(r.Data) != "noise" })
	return batch.Map(wanted, func(r events.KinesisFirehoseEventRecord) batch.FirehoseRecord {
		return batch.FirehoseRecord{Data: []byte(strings.ToUpper(string(r.Data)))}
	})
}

func TestTheGuidesTransformationIsTestedAsItSays(t *testing.T) {
	is := is.New(t)
	response, err := batch.CollectFirehose(upper(batch.Of(events.KinesisFirehoseEventRecord{Data: []byte("a click")})))
	is.NoErr(err)
	is.Equal(string(response.Records[0].Data), "A CLICK")
}

func windowed() *batch.Handler {
	pass := func(records batch.Stream[events.KinesisEventRecord]) batch.Stream[events.KinesisEventRecord] {
		return records
	}
	count := func(n map[string]int, r events.KinesisEventRecord) map[string]int {
		n[r.Kinesis.PartitionKey]++
		return n
	}
	report := func(_ context.Context, w batch.Window, n map[string]int) error {
		fmt.Println(w.Start.Format(time.TimeOnly), n)
		return nil
	}
	h := batch.KinesisWindowHandler(pass, count, report)
	return h
}

func logged() {
	slog.SetDefault(lambdacontext.NewLogger())
	lambda.Start(batch.SQSHandler(process))
}

func counted() *batch.Handler {
	return batch.SQSHandler(process, batch.WithReport(func(_ context.Context, r batch.Report) {
		fmt.Printf("%d of %d will be redelivered: %d failed, %d blocked\n", r.Reported(), r.Records, r.Failed, r.Blocked)
	}))
}

type logKey struct{}

func withScopes() *batch.Handler {
	return batch.SQSHandler(process, batch.WithScope(func(ctx context.Context, r batch.Record) (context.Context, func(batch.Outcome)) {
		log := slog.With("record", r.ID)
		return context.WithValue(ctx, logKey{}, log), func(o batch.Outcome) { log.Info("closed", "error", o.Err) }
	}))
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

func TestShoutingObeysTheLaws(t *testing.T) {
	batchtest.CheckStage(t, rapid.StringN(0, 8, -1), shouted) // rapid is pgregory.net/rapid
}

func TestChargeAcceptsValidOrders(t *testing.T) {
	is := is.New(t)
	receipts := batch.TryMap(batch.Of(Order{ID: "o-1"}, Order{ID: "o-2"}), charge)
	values, failures := batch.Partition(receipts)
	is.Equal(len(values), 2)
	is.Equal(len(failures), 0)
}

func TestTheGuideShowsTheTableOfItsRun(t *testing.T) {
	queue := batchtest.NewQueue(batchtest.QueueConfig{FIFO: true, BatchSize: 10, MaxReceives: 3})
	queue.Send(
		batchtest.Message{ID: "m-1", Group: "ada", Body: `{"ID":"o-1"}`},
		batchtest.Message{ID: "m-2", Group: "ada", Body: `{"ID":`},
	)
	run := queue.Drain(t.Context(), batch.SQSHandler(process, batch.WithMaxReceives(3)))
	if !strings.Contains(read(t, root+"/docs/guide.md"), run.String()) {
		t.Errorf("the guide shows another table than\n%s", run)
	}
}
