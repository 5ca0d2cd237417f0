package batch_test

// The handler of each source around a function that every record goes through, and a witness of what it did.

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/samber/lo"
)

// handlersOf builds a handler per source. Its pipeline calls each for every record that could be decoded.
var handlersOf = map[string]func(each func(context.Context) error, opts ...batch.Option) *batch.Handler{
	"SQS": func(each func(context.Context) error, opts ...batch.Option) *batch.Handler {
		return batch.SQSHandler(eachRecord[events.SQSMessage](each), opts...)
	},
	"Kinesis": func(each func(context.Context) error, opts ...batch.Option) *batch.Handler {
		return batch.KinesisHandler(eachRecord[events.KinesisEventRecord](each), opts...)
	},
	"DynamoDB": func(each func(context.Context) error, opts ...batch.Option) *batch.Handler {
		return batch.DynamoDBHandler(eachRecord[events.DynamoDBEventRecord](each), opts...)
	},
	"Kafka": func(each func(context.Context) error, opts ...batch.Option) *batch.Handler {
		return batch.KafkaHandler(eachRecord[events.KafkaRecord](each), opts...)
	},
	"Firehose": func(each func(context.Context) error, opts ...batch.Option) *batch.Handler {
		return batch.FirehoseHandler(func(s batch.Stream[events.KinesisFirehoseEventRecord]) batch.Stream[batch.FirehoseRecord] {
			s = eachRecord[events.KinesisFirehoseEventRecord](each)(s)
			return batch.Map(s, func(r events.KinesisFirehoseEventRecord) batch.FirehoseRecord {
				return batch.FirehoseRecord{Data: r.Data}
			})
		}, opts...)
	},
	"Kinesis window": func(each func(context.Context) error, opts ...batch.Option) *batch.Handler {
		return batch.KinesisWindowHandler(eachRecord[events.KinesisEventRecord](each), countOne[events.KinesisEventRecord], endAny, opts...)
	},
	"DynamoDB window": func(each func(context.Context) error, opts ...batch.Option) *batch.Handler {
		return batch.DynamoDBWindowHandler(eachRecord[events.DynamoDBEventRecord](each), countOne[events.DynamoDBEventRecord], endAny, opts...)
	},
}

func eachRecord[R any](each func(context.Context) error) func(batch.Stream[R]) batch.Stream[R] {
	return batch.Each(func(ctx context.Context, _ R) error { return each(ctx) })
}

// A counted state holds any JSON and the number of records that were folded into it.
type counted struct {
	Before any
	Folded int
}

func (c *counted) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, &c.Before) }

func countOne[R any](c counted, _ R) counted { return counted{c.Before, c.Folded + 1} }

func endAny(context.Context, batch.Window, counted) error { return nil }

// A witness notes which records the function of a handler was called for and finished, by their position.
type witness struct {
	failing  func(index int) bool // nil: none
	called   int
	finished map[int]bool
	reports  []batch.Report
}

func (w *witness) each(ctx context.Context) error {
	w.called++
	record, ok := batch.RecordFrom(ctx)
	if !ok || w.failing != nil && w.failing(record.Index) {
		return errBoom
	}
	if w.finished == nil {
		w.finished = map[int]bool{}
	}
	w.finished[record.Index] = true
	return nil
}

// invoke invokes the handler of a source and checks what must be so for every payload. The error is nil if there is a
// response.
func (w *witness) invoke(t *testing.T, source string, payload []byte, opts ...batch.Option) ([]byte, error) {
	t.Helper()
	opts = append(opts, quiet, batch.WithReport(func(_ context.Context, r batch.Report) { w.reports = append(w.reports, r) }))
	response, err := handlersOf[source](w.each, opts...).Invoke(t.Context(), payload)
	if complaint := w.complaint(source, payload, response, err); complaint != "" {
		t.Fatalf("%s: %s\npayload %.2000q\nresponse %.500q, error %v", source, complaint, payload, response, err)
	}
	return response, err
}

// complaint says which promise is broken, or nothing.
func (w *witness) complaint(source string, payload, response []byte, err error) string {
	var refused *batch.PayloadError
	var panicked *batch.PanicError
	switch {
	case errors.As(err, &panicked):
		return "a panic"
	case errors.As(err, &refused) && (w.called > 0 || len(w.reports) > 0):
		return "functions were called for what is no event"
	case err != nil && response != nil:
		return "a response and an error"
	case err != nil:
		return ""
	case len(w.reports) != 1:
		return "not one report"
	case w.reports[0].Records != recordsIn(payload):
		return "not all records were processed"
	}
	reported := map[int]bool{}
	for _, f := range w.reports[0].Failures {
		reported[f.Record.Index] = true
	}
	for i := range w.reports[0].Records {
		if !reported[i] && !w.finished[i] {
			return "a record was acknowledged that was not finished"
		}
	}
	if source == "Firehose" {
		return firehoseComplaint(response, reported)
	}
	if !slices.Equal(reportedIDs(response), lo.Uniq(failedIDs(w.reports[0].Failures))) {
		return "the response does not list the reported records"
	}
	if strings.HasSuffix(source, "window") && folded(response) != acknowledgedFirst(w.reports[0]) {
		return "not the values before the first reported record were folded"
	}
	return ""
}

// folded returns how many records were folded into the state of a window.
func folded(response []byte) int {
	r := struct{ State struct{ Folded int } }{struct{ Folded int }{-1}}
	_ = json.Unmarshal(response, &r)
	return r.State.Folded
}

// acknowledgedFirst returns how many records come before the first reported one.
func acknowledgedFirst(r batch.Report) int {
	if len(r.Failures) == 0 {
		return r.Records
	}
	return r.Failures[0].Record.Index
}

// firehoseComplaint is empty if exactly the reported records failed in the response.
func firehoseComplaint(response []byte, reported map[int]bool) string {
	var r batch.FirehoseResponse
	if err := json.Unmarshal(response, &r); err != nil {
		return err.Error()
	}
	for i, record := range r.Records {
		if want := lo.Ternary(reported[i], "ProcessingFailed", "Ok"); record.Result != want || record.RecordID == "" {
			return "a record has another result than in the report"
		}
	}
	return ""
}

// reportedIDs returns the identifiers in a response, in the form of Record.ID.
func reportedIDs(response []byte) []string {
	var r struct {
		BatchItemFailures []struct {
			ItemIdentifier json.RawMessage `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if json.Unmarshal(response, &r) != nil || r.BatchItemFailures == nil {
		return []string{"no response"}
	}
	ids := []string{}
	for _, f := range r.BatchItemFailures {
		var id string
		var offset struct {
			Partition string      `json:"partition"`
			Offset    json.Number `json:"offset"`
		}
		if json.Unmarshal(f.ItemIdentifier, &id) != nil && json.Unmarshal(f.ItemIdentifier, &offset) == nil {
			id = offset.Partition + "/" + offset.Offset.String()
		}
		ids = append(ids, id)
	}
	return ids
}

// recordsIn counts the records of an event with encoding/json.
func recordsIn(payload []byte) int {
	var list struct{ Records []json.RawMessage }
	if json.Unmarshal(payload, &list) == nil {
		return len(list.Records)
	}
	var partitions struct{ Records map[string][]json.RawMessage }
	if json.Unmarshal(payload, &partitions) != nil {
		return -1
	}
	return lo.Sum(lo.Map(lo.Values(partitions.Records), func(records []json.RawMessage, _ int) int { return len(records) }))
}
