// Package peers plays the scenarios that the tests of Powertools for AWS Lambda assert, on this library, from the
// bytes of the event to the bytes of the response. The table in docs/peers.md says how each of them ends.
package peers

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/samber/lo"

	"github.com/lambdabatch/batch"
)

type (
	fields = map[string]any
	texts  = batch.Stream[string]
)

const (
	standardARN = "arn:aws:sqs:eu-west-1:123456789012:parcels"
	fifoARN     = standardARN + ".fifo"
)

var quiet = batch.WithLogger(nil)

// A source is one kind of event, with its handler. The records have the identifiers 1, 2, and so on.
type source struct {
	name    string
	record  func(id, body, group string) fields
	handler func(stage func(texts) texts, opts ...batch.Option) *batch.Handler
}

func sourceOf[R any](
	name string,
	record func(id, body, group string) fields,
	handler func(func(batch.Stream[R]) texts, ...batch.Option) *batch.Handler,
	body func(R) string,
) source {
	return source{name, record, func(stage func(texts) texts, opts ...batch.Option) *batch.Handler {
		return handler(func(s batch.Stream[R]) texts { return stage(batch.Map(s, body)) }, append(opts, quiet)...)
	}}
}

func queueOf(name, arn string) source {
	record := func(id, body, group string) fields {
		attributes := fields{"ApproximateReceiveCount": "1"}
		if group != "" {
			attributes["MessageGroupId"] = group
		}
		return fields{"messageId": id, "body": body, "attributes": attributes, "eventSource": "aws:sqs", "eventSourceARN": arn}
	}
	return sourceOf(name, record, batch.SQSHandler[string], func(m events.SQSMessage) string { return m.Body })
}

var (
	standard = queueOf("SQS", standardARN)
	fifo     = queueOf("SQS FIFO", fifoARN)
	kinesis  = sourceOf("Kinesis", func(id, body, group string) fields {
		return fields{"eventSource": "aws:kinesis", "kinesis": fields{"sequenceNumber": id, "partitionKey": group, "data": base64Of(body)}}
	}, batch.KinesisHandler[string], func(r events.KinesisEventRecord) string { return string(r.Kinesis.Data) })
	dynamoDB = sourceOf("DynamoDB", func(id, body, group string) fields {
		return fields{"eventSource": "aws:dynamodb", "eventName": "INSERT", "dynamodb": fields{
			"SequenceNumber": id, "Keys": fields{"pk": fields{"S": group}}, "NewImage": fields{"note": fields{"S": body}},
		}}
	}, batch.DynamoDBHandler[string], func(r events.DynamoDBEventRecord) string { return r.Change.NewImage["note"].String() })

	streams     = []source{kinesis, dynamoDB}
	everySource = []source{standard, fifo, kinesis, dynamoDB}
)

func base64Of(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// event is the payload of records with these bodies. A body may end in "@" and a group.
func (s source) event(bodies ...string) []byte {
	return eventOf(lo.Map(bodies, func(text string, i int) fields {
		body, group, _ := strings.Cut(text, "@")
		return s.record(strconv.Itoa(i+1), body, group)
	})...)
}

func eventOf(records ...fields) []byte {
	return lo.Must(json.Marshal(fields{"Records": records}))
}

// reporting is the response that lists these identifiers.
func reporting(ids ...string) string {
	items := lo.Map(ids, func(id string, _ int) string { return fmt.Sprintf(`{"itemIdentifier":%q}`, id) })
	return `{"batchItemFailures":[` + strings.Join(items, ",") + `]}`
}

// A worker is a function for one record. It fails if the body contains "bad".
type worker struct {
	mu     sync.Mutex
	called []string
}

var errBad = errors.New("bad parcel")

func (w *worker) do(_ context.Context, body string) error {
	w.mu.Lock()
	w.called = append(w.called, body)
	w.mu.Unlock()
	if strings.Contains(body, "bad") {
		return errBad
	}
	return nil
}

func (w *worker) stage(s texts) texts { return batch.TryEach(s, w.do) }

// inLanes is the work in four lanes.
func (w *worker) inLanes(s texts) texts { return batch.Parallel(s, 4, w.stage) }

// ways are the ways to run a worker: one record at a time, or several at once.
func (w *worker) ways() map[string]func(texts) texts {
	return map[string]func(texts) texts{"one at a time": w.stage, "in lanes": w.inLanes}
}

func forEach(t *testing.T, all []source, test func(*testing.T, source)) {
	for _, s := range all {
		t.Run(s.name, func(t *testing.T) { test(t, s) })
	}
}

// reportInto keeps the report of the last batch.
func reportInto(report *batch.Report) batch.Option {
	return batch.WithReport(func(_ context.Context, r batch.Report) { *report = r })
}
