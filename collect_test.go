package batch_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// Conformance with the batch utilities that people migrate from. Input is
// "id:body@group", on the receive that is given; a function fails if and only if
// the body contains "fail".

type entry struct {
	id, body, group string
	receive         int
}

func entries(input string, receive int) (all []entry) {
	for _, text := range strings.Fields(input) {
		id, rest, _ := strings.Cut(text, ":")
		body, group, _ := strings.Cut(rest, "@")
		all = append(all, entry{id, body, group, receive})
	}
	return all
}

// service is a source of events, with the two ways of processing them.
type service struct {
	name    string
	event   func(entry) map[string]any
	run     func(payload []byte, handle func(string) error, opts ...batch.Option) (batch.Response, error)
	handler func(handle func(string) error, opts ...batch.Option) *batch.Handler
}

func serviceOf[E, R any](
	name string,
	event func(entry) map[string]any,
	source func(context.Context, E, ...batch.Option) batch.Stream[R],
	handler func(func(batch.Stream[R]) batch.Stream[R], ...batch.Option) *batch.Handler,
	body func(R) string,
) service {
	stage := func(handle func(string) error) func(batch.Stream[R]) batch.Stream[R] {
		return batch.Each(func(_ context.Context, r R) error { return handle(body(r)) })
	}
	return service{
		name:  name,
		event: event,
		run: func(payload []byte, handle func(string) error, opts ...batch.Option) (batch.Response, error) {
			var event E
			if err := json.Unmarshal(payload, &event); err != nil {
				return batch.Response{}, err
			}
			return batch.Run(source(context.Background(), event, opts...), stage(handle))
		},
		handler: func(handle func(string) error, opts ...batch.Option) *batch.Handler {
			return handler(stage(handle), append(opts, batch.WithLogger(nil))...)
		},
	}
}

func (s service) payload(all []entry) []byte {
	records := []any{}
	for _, e := range all {
		records = append(records, s.event(e))
	}
	payload, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		panic(err)
	}
	return payload
}

type fields = map[string]any

func sqsService(name, arn string) service {
	event := func(e entry) fields {
		attributes := fields{"ApproximateReceiveCount": strconv.Itoa(e.receive)}
		if e.group != "" {
			attributes["MessageGroupId"] = e.group
		}
		return fields{"messageId": e.id, "body": e.body, "attributes": attributes, "eventSource": "aws:sqs", "eventSourceARN": arn}
	}
	return serviceOf(name, event, batch.SQS, batch.SQSHandler[events.SQSMessage], func(m events.SQSMessage) string { return m.Body })
}

var (
	standard = sqsService("SQS", queue)
	fifo     = sqsService("SQS FIFO", fifoQueue)
	kinesis  = serviceOf("Kinesis", func(e entry) fields {
		return fields{"eventSource": "aws:kinesis", "eventID": "not this", "kinesis": fields{
			"sequenceNumber": e.id, "partitionKey": e.group, "data": base64.StdEncoding.EncodeToString([]byte(e.body)),
		}}
	}, batch.Kinesis, batch.KinesisHandler[events.KinesisEventRecord], func(r events.KinesisEventRecord) string { return string(r.Kinesis.Data) })
	dynamoDB = serviceOf("DynamoDB", func(e entry) fields {
		return fields{"eventSource": "aws:dynamodb", "eventID": "not this", "dynamodb": fields{
			"SequenceNumber": e.id, "Keys": fields{"id": fields{"S": e.group}}, "NewImage": fields{"body": fields{"S": e.body}},
		}}
	}, batch.DynamoDB, batch.DynamoDBHandler[events.DynamoDBEventRecord], func(r events.DynamoDBEventRecord) string {
		return r.Change.NewImage["body"].String()
	})
)

// conformance is one row: input, options, and what is expected.
type conformance struct {
	name     string
	services []service
	input    string
	receive  int
	opts     []batch.Option
	listed   []string
	all      int // causes of the AllFailedError, 0 for no error
	calls    int // -1: one for each record
}

var (
	each     = []service{standard, kinesis, dynamoDB}
	shards   = each[1:]
	keepOn   = []batch.Option{batch.WithPolicy(batch.Continue)}
	stopAll  = []batch.Option{batch.WithPolicy(batch.StopBatch)}
	onlyFIFO = []service{fifo}
)

var conformanceTable = []conformance{
	{"all succeed", each, "1:ok 2:ok", 1, keepOn, []string{}, 0, -1},
	{"partial", each, "1:fail 2:ok 3:fail", 1, keepOn, []string{"1", "3"}, 0, -1},
	{"all fail", each, "1:fail 2:fail", 1, keepOn, []string{"1", "2"}, 2, -1},
	{"all fail, WithoutAllFailedError", each, "1:fail 2:fail", 1, append(keepOn, batch.WithoutAllFailedError()), []string{"1", "2"}, 0, -1},
	{"shard, all succeed", shards, "1:ok 2:ok", 1, nil, []string{}, 0, 2},
	{"shard, partial", shards, "1:ok 2:fail 3:ok", 1, nil, []string{"2", "3"}, 0, 2},
	{"shard, the first fails", shards, "1:fail 2:ok 3:fail", 1, nil, []string{"1", "2", "3"}, 3, 1},
	{"shard, all fail", shards, "1:fail 2:fail", 1, nil, []string{"1", "2"}, 2, 1},
	{"shard, all fail, WithoutAllFailedError", shards, "1:fail 2:fail", 1, []batch.Option{batch.WithoutAllFailedError()}, []string{"1", "2"}, 0, 1},
	{"StopBatch", onlyFIFO, "1:ok@1 2:fail@2 3:ok@3 4:ok@4", 1, stopAll, []string{"2", "3", "4"}, 0, 2},
	{"StopGroup", onlyFIFO, "1:ok@1 2:ok@1 3:fail@2 4:ok@2 5:fail@3", 1, nil, []string{"3", "4", "5"}, 0, 4},
	{"StopGroup, first of a group", onlyFIFO, "1:fail@1 2:ok@1 3:fail@2 4:ok@2 5:ok@3", 1, nil, []string{"1", "2", "3", "4"}, 0, 3},
	{"first fails, StopBatch", onlyFIFO, "1:fail 2:ok 3:ok", 1, stopAll, []string{"1", "2", "3"}, 3, 1},
	{"StopGroup, on the last receive", onlyFIFO, "1:fail@1 2:ok@1 3:ok@1", 3, []batch.Option{batch.WithMaxReceives(3)}, []string{"1"}, 0, 3},
	{"fair queue", []service{standard}, "1:fail@1 2:ok@1", 1, nil, []string{"1"}, 0, 2},
}

// conform runs each row; answer returns the identifiers in the response, or nil
// where there is none beside an error.
func conform(t *testing.T, answer func(s service, payload []byte, handle func(string) error, opts ...batch.Option) (string, []string, error)) {
	for _, row := range conformanceTable {
		for _, s := range row.services {
			t.Run(s.name+"/"+row.name, func(t *testing.T) {
				all := entries(row.input, row.receive)
				payload := s.payload(all)
				for range 2 { // nothing of one invocation is left in the next
					is := is.New(t)
					calls := 0
					handle := func(body string) error {
						calls++
						if strings.Contains(body, "fail") {
							return errBoom
						}
						return nil
					}
					var report batch.Report
					option := batch.WithReport(func(_ context.Context, r batch.Report) { report = r })
					text, ids, err := answer(s, payload, handle, append(slices.Clone(row.opts), option)...)
					if row.all == 0 {
						is.NoErr(err)
					} else {
						var failed *batch.AllFailedError
						is.True(errors.As(err, &failed))
						is.Equal(len(failed.Unwrap()), row.all)
						is.True(errors.Is(err, errBoom))
					}
					if ids != nil || err == nil {
						is.Equal(ids, row.listed)
					}
					if err == nil && len(row.listed) == 0 {
						is.Equal(text, `{"batchItemFailures":[]}`)
					}
					want := row.calls
					if want < 0 {
						want = len(all)
					}
					is.Equal(calls, want)
					is.Equal(report.Blocked, len(all)-want)
					is.Equal(len(report.Failures), len(row.listed))
				}
			})
		}
	}
}

func TestRunConformsWithOtherBatchUtilities(t *testing.T) {
	conform(t, func(s service, payload []byte, handle func(string) error, opts ...batch.Option) (string, []string, error) {
		response, err := s.run(payload, handle, opts...)
		text, marshalErr := json.Marshal(response)
		is.New(t).NoErr(marshalErr)
		return string(text), listed(response), err
	})
}

func TestOnlyTheUndecodableBodyIsReported(t *testing.T) {
	is := is.New(t)
	var event events.SQSEvent
	is.NoErr(json.Unmarshal(standard.payload([]entry{{id: "1", body: `"ok"`}, {id: "2", body: "not json"}, {id: "3", body: `"ok"`}}), &event))
	handled := []string{}
	response, err := batch.Run(batch.SQS(t.Context(), event), func(s batch.Stream[events.SQSMessage]) batch.Stream[string] {
		return batch.TryEach(batch.Decode[string](s, json.Unmarshal), func(_ context.Context, v string) error {
			handled = append(handled, v)
			return nil
		})
	})
	is.NoErr(err)
	is.Equal(listed(response), []string{"2"})
	is.Equal(handled, []string{"ok", "ok"})
}

func TestFilteredRecordsAreAcknowledgedSoNotAllFailed(t *testing.T) {
	is := is.New(t)
	values := append(slices.Repeat([]string{"no"}, 9), "fail")
	response, err := batch.Run(batch.Of(values...), func(s batch.Stream[string]) batch.Stream[string] {
		return batch.TryEach(batch.Filter(s, func(v string) bool { return v != "no" }), failingOn("fail"))
	})
	is.NoErr(err)
	is.Equal(listed(response), []string{"9"})
}

func TestRunOfAnEmptyBatchIsAnEmptyResponse(t *testing.T) {
	is := is.New(t)
	for _, s := range []service{standard, fifo, kinesis, dynamoDB} {
		response, err := s.run(s.payload(nil), nil)
		is.NoErr(err)
		is.Equal(response.BatchItemFailures, []batch.ItemFailure{})
	}
	response, err := batch.Run(batch.Kafka(t.Context(), events.KafkaEvent{}), batch.Each(func(context.Context, events.KafkaRecord) error { return errBoom }))
	is.NoErr(err)
	is.Equal(response.BatchItemFailures, []batch.ItemFailure{})
	response, err = batch.Collect(batch.Of[int]())
	is.NoErr(err)
	is.Equal(response.BatchItemFailures, []batch.ItemFailure{})
}

// What foreign stages do to a batch of three.
func TestRunAccountsForWhatNeverReachedTheEnd(t *testing.T) {
	type stream = batch.Stream[string]
	all := []string{"0", "1", "2"}
	for name, test := range map[string]struct {
		stage func(stream) stream
		want  []string
	}{
		"drops one":    {func(s stream) stream { return dropping(s, "b") }, []string{"1"}},
		"never ranges": {func(stream) stream { return func(func(batch.Result[string]) bool) {} }, all},
		"sends another source's": {func(stream) stream {
			return batch.From(t.Context(), []string{"x"}, func(string) batch.Record { return batch.Record{ID: "x"} })
		}, all},
		"sends zero Results": {func(stream) stream {
			return func(yield func(batch.Result[string]) bool) { yield(batch.Result[string]{}) }
		}, all},
		"ranges, sends nothing": {func(s stream) stream { return dropping(s, "a", "b", "c") }, all},
		"stops early": {func(s stream) stream {
			return func(yield func(batch.Result[string]) bool) {
				for r := range s {
					yield(r)
					return
				}
			}
		}, all[1:]},
		"repeats two and drops the third": {func(s stream) stream { return repeating(dropping(s, "c")) }, all[2:]},
		"reverses": {func(s stream) stream {
			return func(yield func(batch.Result[string]) bool) {
				held := slices.Collect(s)
				slices.Reverse(held)
				slices.Values(held)(yield)
			}
		}, []string{}},
		"looks at the first before it ranges": {func(s stream) stream {
			for range s {
				break
			}
			return s
		}, []string{}},
		"sends one of a first range, all of a second": {func(s stream) stream {
			return func(yield func(batch.Result[string]) bool) {
				for r := range s {
					yield(r)
					break
				}
				s(yield)
			}
		}, all[1:]},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			response, _ := batch.Run(batch.Of("a", "b", "c"), test.stage)
			is.Equal(listed(response), test.want)
		})
	}
}

func TestTheReportIsThatOfTheSourceOfRun(t *testing.T) {
	is := is.New(t)
	reports := 0
	source := batch.From(t.Context(), []string{"a"}, func(v string) batch.Record { return batch.Record{ID: v} },
		batch.WithReport(func(context.Context, batch.Report) { reports++ }), batch.WithoutAllFailedError())
	response, err := batch.Run(source, func(s batch.Stream[string]) batch.Stream[string] {
		return func(yield func(batch.Result[string]) bool) {
			for r := range batch.Of("elsewhere") {
				yield(r.Fail(errBoom))
			}
			batch.TryEach(s, failingOn("a"))(yield)
		}
	})
	is.NoErr(err)
	is.Equal(reports, 1)
	is.Equal(listed(response), []string{"a"}) // what is from elsewhere names nobody
}

func TestAnIdentifierIsListedOnceWhateverSourcesItComesFrom(t *testing.T) {
	is := is.New(t)
	event := sqsEvent(queue, "", "")
	fail := batch.Each(func(context.Context, events.SQSMessage) error { return errBoom })
	response, _ := batch.Run(batch.SQS(t.Context(), event), func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
		return fail(batch.SQS(t.Context(), event)) // not s
	})
	is.Equal(listed(response), []string{"m0", "m1"})
}

// Stages that let nothing fail, as far as they can.
func TestNobodyAcknowledgesWhatIsUnprocessed(t *testing.T) {
	type stream = batch.Stream[string]
	each := func(f func(batch.Result[string]) batch.Result[string]) func(stream) stream {
		return func(s stream) stream {
			return func(yield func(batch.Result[string]) bool) {
				for r := range s {
					if !yield(f(r)) {
						return
					}
				}
			}
		}
	}
	stages := map[string]func(stream) stream{
		"Catch all": func(s stream) stream { return batch.Catch(s, func(context.Context, error) error { return nil }) },
		"OrElse all": func(s stream) stream {
			return batch.OrElse(s, func(context.Context, error) (string, error) { return "", nil })
		},
		"Ack all":       each(func(r batch.Result[string]) batch.Result[string] { return r.Ack() }),
		"rewrite all":   each(func(r batch.Result[string]) batch.Result[string] { return r.Fail(errBoom) }),
		"fail then ack": each(func(r batch.Result[string]) batch.Result[string] { return r.Fail(nil).Ack() }),
		"rewrite, then Catch": func(s stream) stream {
			s = each(func(r batch.Result[string]) batch.Result[string] { return r.Fail(errBoom) })(s)
			return batch.Catch(s, func(context.Context, error) error { return nil })
		},
	}
	for name, settle := range stages {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			var report batch.Report
			option := batch.WithReport(func(_ context.Context, r batch.Report) { report = r })
			held := func(s stream) stream { // so that the failure is there before anything is settled
				return func(yield func(batch.Result[string]) bool) { slices.Values(slices.Collect(s))(yield) }
			}
			describe := func(id string) batch.Record { return batch.Record{ID: id} }
			source := batch.From(t.Context(), []string{"a", "b", "c", "d"}, describe, batch.WithPolicy(batch.StopBatch), option)
			response, _ := batch.Run(source, func(s stream) stream { return settle(held(batch.TryEach(s, failingOn("b")))) })
			is.True(slices.Contains(listed(response), "c"))
			is.True(slices.Contains(listed(response), "d"))
			is.Equal(report.Blocked, 2)

			source = batch.From(ended(), []string{"a", "b"}, describe, option)
			response, _ = batch.Run(source, func(s stream) stream { return settle(batch.TryEach(s, failingOn())) })
			is.Equal(listed(response), []string{"a", "b"})
			is.Equal(report.NotStarted, 2)
		})
	}
}

func TestAStageThatPanicsFailsTheBatch(t *testing.T) {
	is := is.New(t)
	foreign := func(s batch.Stream[string]) batch.Stream[string] {
		return func(yield func(batch.Result[string]) bool) {
			for r := range s {
				if r.Record().Index == 1 {
					panic(errBoom)
				}
				yield(r)
			}
		}
	}
	response, err := batch.Run(batch.Of("a", "b"), foreign)
	var p *batch.PanicError
	is.True(errors.As(err, &p))
	is.True(errors.Is(err, errBoom))
	is.Equal(listed(response), []string{"0", "1"})

	var record context.Context
	look := func(r batch.Result[string]) { record = r.Context() }
	is.Equal(panicOf(func() { _, _ = batch.Collect(batch.Tap(foreign(batch.Of("a", "b")), look)) }), errBoom) // Collect lets it through
	is.True(record.Err() != nil)                                                                              // and ends the contexts all the same
	is.Equal(panicOf(func() { batch.Partition(batch.Tap(foreign(batch.Of("a", "b")), look)) }), errBoom)
	is.True(record.Err() != nil)

	_, err = batch.Run(batch.Of("a"), func(batch.Stream[string]) batch.Stream[string] { return nil })
	is.True(errors.As(err, &p))
	_, err = batch.Run(batch.Of("a"), func(batch.Stream[string]) batch.Stream[string] { panic("built badly") })
	is.True(errors.As(err, &p))
}

func TestAllFailedErrorStaysShortAndPrintable(t *testing.T) {
	is := is.New(t)
	nasty := errors.New("x\x00\x1b\x7f\u0085\r\n" + strings.Repeat("é", 1<<20))
	ids := make([]string, 10_000)
	for i := range ids {
		ids[i] = fmt.Sprint("id\x7f", i, strings.Repeat("…", 1000))
	}
	describe := func(id string) batch.Record { return batch.Record{ID: id} }
	response, err := batch.Collect(batch.TryEach(batch.From(t.Context(), ids, describe), func(context.Context, string) error { return nasty }))
	var all *batch.AllFailedError
	is.True(errors.As(err, &all))
	is.Equal(len(all.Failures), 10_000)
	is.Equal(len(all.Unwrap()), 10_000)
	is.True(errors.Is(err, nasty))
	is.Equal(len(response.BatchItemFailures), 10_000)
	text := err.Error()
	is.True(len(text) < 2500)
	is.True(strings.HasPrefix(text, "all 10000 records failed: "))
	is.True(strings.HasSuffix(text, "and 9997 more"))
	is.True(!strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r == '\uFFFD' }))
	is.True(strings.Contains(text, `x\x00\x1b\x7f`))

	two := &batch.AllFailedError{Failures: []batch.Failure{{Record: batch.Record{ID: "a"}, Err: io.EOF}, {Record: batch.Record{ID: "b"}, Err: errBoom}}}
	is.Equal(two.Error(), "all 2 records failed: a: EOF; b: boom")
}

// rude is an error whose text cannot be had.
type rude struct{}

func (rude) Error() string { panic("no text") }

func TestAnErrorWithoutATextIsStillReported(t *testing.T) {
	is := is.New(t)
	var lines bytes.Buffer
	describe := func(id string) batch.Record { return batch.Record{ID: id} }
	source := batch.From(t.Context(), []string{"a"}, describe, batch.WithLogger(slog.New(slog.NewTextHandler(&lines, nil))))
	response, err := batch.Run(source, batch.Each(func(context.Context, string) error { return rude{} }))
	is.Equal(listed(response), []string{"a"})
	is.True(err.Error() != "")
	is.True(strings.Contains(lines.String(), "record=a"))
}

func TestARecordToBeReportedNeedsAnIdentifier(t *testing.T) {
	is := is.New(t)
	describe := func(v string) batch.Record { return batch.Record{ID: strings.TrimPrefix(v, "anonymous")} }
	s := batch.From(t.Context(), []string{"a", "anonymous", "anonymous"}, describe)
	response, err := batch.Collect(s)
	is.NoErr(err) // acknowledged, nobody needs one
	is.Equal(listed(response), []string{})
	_, err = batch.Run(s, batch.Each(failingOn("a")))
	is.NoErr(err)
	_, err = batch.Run(s, batch.Each(failingOn("anonymous")))
	is.True(errors.Is(err, batch.ErrNoID))
	is.True(errors.Is(err, errBoom))
	is.True(strings.Contains(err.Error(), "record 1 ")) // its position is all there is to name it
	_, err = batch.Run(s, batch.Each(failingOn("a", "anonymous")))
	is.True(errors.Is(err, batch.ErrNoID)) // not the error of all failed: the list would be void
}

func TestTwoRecordsOfOneIdentifierShareTheirFate(t *testing.T) {
	is := is.New(t)
	describe := func(v string) batch.Record { return batch.Record{ID: v[:1]} }
	s := batch.From(t.Context(), []string{"a1", "b", "a2", "c", "a3"}, describe)
	values, failures := batch.Partition(batch.TryEach(s, failingOn("a2")))
	is.Equal(values, []string{"b", "c"})
	is.Equal(len(failures), 3)
	is.True(failures[1].Err == errBoom)
	response, _ := batch.Collect(batch.TryEach(s, failingOn("a2", "b")))
	is.Equal(listed(response), []string{"a", "b"}) // once, in the order of the batch
}

func TestPartitionHasTheValuesOfAcknowledgedRecordsOnly(t *testing.T) {
	is := is.New(t)
	s := batch.FlatMap(batch.Of("ab", "cd", "", "ef"), func(v string) []string { return strings.Split(v, "") })
	values, failures := batch.Partition(batch.Filter(batch.TryEach(s, failingOn("d")), func(v string) bool { return v != "e" }))
	is.Equal(values, []string{"a", "b", "f"})
	is.Equal(len(failures), 1)
	is.Equal(failures[0].Record.Index, 1)
	is.True(failures[0].Err == errBoom)
	values, failures = batch.Partition(batch.Of[string]())
	is.Equal(len(values)+len(failures), 0)
}

func TestResponsesMarshalToExactlyThis(t *testing.T) {
	is := is.New(t)
	marshalled := func(v any) string {
		text, err := json.Marshal(v)
		is.NoErr(err)
		return string(text)
	}
	is.Equal(marshalled(batch.Response{}), `{"batchItemFailures":[]}`)
	is.Equal(marshalled(batch.Response{BatchItemFailures: []batch.ItemFailure{{ItemIdentifier: "a"}, {ItemIdentifier: `b"\` + "\x01é"}}}),
		`{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"b\"\\\u0001é"}]}`)
	direct, err := batch.Response{BatchItemFailures: []batch.ItemFailure{{ItemIdentifier: "<&>/1"}}}.MarshalJSON()
	is.NoErr(err)
	is.Equal(string(direct), `{"batchItemFailures":[{"itemIdentifier":"<&>/1"}]}`) // only Kafka's is an object
	is.Equal(marshalled(batch.ItemFailure{ItemIdentifier: "a"}), `{"itemIdentifier":"a"}`)

	event := events.KafkaEvent{Records: map[string][]events.KafkaRecord{
		`a/<b>-0`: {{Offset: 9007199254740993}},
		"c-1":     {{Offset: 0}, {Offset: 1}},
	}}
	response, err := batch.Run(batch.Kafka(t.Context(), event), batch.Each(func(_ context.Context, r events.KafkaRecord) error {
		if r.Offset != 0 {
			return errBoom
		}
		return nil
	}))
	is.NoErr(err)
	is.Equal(listed(response), []string{"a/<b>-0/9007199254740993", "c-1/1"})
	direct, err = response.MarshalJSON()
	is.NoErr(err)
	is.Equal(string(direct), `{"batchItemFailures":[{"itemIdentifier":{"partition":"a/<b>-0","offset":9007199254740993}},`+
		`{"itemIdentifier":{"partition":"c-1","offset":1}}]}`)
	is.Equal(marshalled(response.BatchItemFailures[1]), `{"itemIdentifier":{"partition":"c-1","offset":1}}`)
}

func TestTheReportCountsEveryRecordOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		start := time.Now()
		ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), key{}, "value"), 10*time.Second)
		defer cancel()
		var reports []batch.Report
		describe := func(v string) batch.Record { return batch.Record{ID: v, Group: v[:1]} }
		ids := []string{"a1", "a2", "b1", "b2", "c1", "d1", "e1", "f1"}
		source := batch.From(ctx, ids, describe, batch.WithPolicy(batch.StopGroup), batch.WithReport(func(c context.Context, r batch.Report) {
			is.Equal(c.Value(key{}), "value") // the invocation's
			end, _ := c.Deadline()
			is.Equal(end, start.Add(10*time.Second-125*time.Millisecond)) // three quarters of the reserve after the records'
			is.NoErr(c.Err())
			reports = append(reports, r)
		}))
		response, err := batch.Run(source, func(s batch.Stream[string]) batch.Stream[string] {
			s = batch.Filter(dropping(s, "c1"), func(v string) bool { return v != "b2" })
			return batch.TryEach(s, func(_ context.Context, v string) error {
				time.Sleep(2400 * time.Millisecond) // e1 returns after the end, but before the answer is due
				return failingOn("a1")(nil, v)
			})
		})
		is.NoErr(err)
		is.Equal(len(reports), 1)
		r := reports[0]
		is.Equal([]int{r.Records, r.Acknowledged, r.Failed, r.Blocked, r.NotStarted, r.Unreached}, []int{8, 4, 1, 1, 1, 1})
		var failures []string
		for _, f := range r.Failures {
			failures = append(failures, f.Record.ID)
		}
		is.Equal(failures, listed(response))
		is.Equal(failures, []string{"a1", "a2", "c1", "f1"})
		is.Equal(r.Elapsed, 9600*time.Millisecond)
	})
}

func TestAReportFunctionOrLoggerThatPanicsCostsNoAnswer(t *testing.T) {
	is := is.New(t)
	describe := func(v string) batch.Record { return batch.Record{ID: v} }
	source := batch.From(t.Context(), []string{"a", "b"}, describe,
		batch.WithReport(func(context.Context, batch.Report) { panic("report") }), batch.WithLogger(slog.New(panicking{})))
	response, err := batch.Run(source, batch.Each(failingOn("a")))
	is.NoErr(err)
	is.Equal(listed(response), []string{"a"})
}

type panicking struct{ slog.Handler }

func (panicking) Enabled(context.Context, slog.Level) bool { panic("log") }

// journal keeps what is logged, with the record that the context belongs to.
type journal struct{ lines []string }

func (j *journal) Enabled(context.Context, slog.Level) bool { return true }
func (j *journal) WithAttrs([]slog.Attr) slog.Handler       { return j }
func (j *journal) WithGroup(string) slog.Handler            { return j }
func (j *journal) Handle(ctx context.Context, r slog.Record) error {
	record, _ := batch.RecordFrom(ctx)
	line := fmt.Sprintf("%s (%s) %s", r.Level, record.ID, r.Message)
	r.Attrs(func(a slog.Attr) bool {
		line += " " + a.String()
		return true
	})
	j.lines = append(j.lines, line)
	return nil
}

func TestEachFailureIsLoggedWhenItReachesTheCollectorAndTheRestIsCounted(t *testing.T) {
	is := is.New(t)
	var j journal
	event := sqsEvent(fifoQueue, "g", "g", "g", "h", "i", "i")
	source := batch.SQS(t.Context(), event, batch.WithLogger(slog.New(&j)))
	response, err := batch.Run(source, func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
		s = batch.TryEach(s, func(_ context.Context, m events.SQSMessage) error {
			if m.MessageId == "m5" {
				is.Equal(len(j.lines), 1) // as they come, not all at the end
			}
			if slices.Contains([]string{"m0", "m3", "m4"}, m.MessageId) {
				return errors.New("boom of " + m.MessageId)
			}
			return nil
		})
		return batch.Catch(s, func(ctx context.Context, err error) error {
			if r, _ := batch.RecordFrom(ctx); r.ID == "m0" {
				return err
			}
			return nil // no line for these
		})
	})
	is.NoErr(err)
	is.Equal(listed(response), []string{"m0", "m1", "m2"})
	is.Equal(j.lines, []string{
		"ERROR (m0) record failed record=m0 group=g attempt=2 error=boom of m0",
		"WARN () records not processed records=6 blocked=2 notStarted=0 unreached=0 running=0",
	})
}

func TestWithoutAnythingToSayNothingIsLogged(t *testing.T) {
	is := is.New(t)
	var j journal
	_, err := batch.Collect(batch.SQS(t.Context(), sqsEvent(queue, "", ""), batch.WithLogger(slog.New(&j))))
	is.NoErr(err)
	is.Equal(len(j.lines), 0)
}

func TestRecordsThatAStageDroppedAreCountedInTheLog(t *testing.T) {
	is := is.New(t)
	var j journal
	s := batch.From(t.Context(), []string{"a", "b"}, func(v string) batch.Record { return batch.Record{ID: v} }, batch.WithLogger(slog.New(&j)))
	_, err := batch.Collect(dropping(s, "b"))
	is.NoErr(err)
	is.Equal(j.lines, []string{"WARN () records not processed records=2 blocked=0 notStarted=0 unreached=1 running=0"})
}

func TestRecordsOfSeveralPartsAreLoggedOnce(t *testing.T) {
	is := is.New(t)
	var j journal
	s := batch.SQS(t.Context(), sqsEvent(queue, ""), batch.WithLogger(slog.New(&j)))
	parts := batch.FlatMap(s, func(events.SQSMessage) []string { return []string{"a", "b"} })
	_, err := batch.Collect(batch.TryEach(parts, failingOn("a", "b")))
	is.True(err != nil)
	is.Equal(len(j.lines), 1)
}

func TestRunAnswersHalfAReserveAfterTheEndHoweverStuckAFunctionIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		var j journal
		var tapped, called []string
		release := make(chan struct{})
		describe := func(v string) batch.Record { return batch.Record{ID: v} }
		source := batch.From(ctx, []string{"a", "b", "c"}, describe, batch.WithLogger(slog.New(&j)))
		start := time.Now()
		response, err := batch.Run(source, func(s batch.Stream[string]) batch.Stream[string] {
			again := func(yield func(batch.Result[string]) bool) { s(yield); s(yield) }
			stuck := batch.TryEach(again, func(_ context.Context, v string) error {
				called = append(called, v)
				if v == "b" {
					<-release
					return errBoom // to nobody: there is no line for it either
				}
				return nil
			})
			return batch.Tap(stuck, func(r batch.Result[string]) { tapped = append(tapped, r.Record().ID) })
		})
		is.NoErr(err)
		is.Equal(time.Since(start), 19*time.Second+500*time.Millisecond)
		is.Equal(listed(response), []string{"b", "c"})
		is.Equal(j.lines, []string{
			"WARN () record still running record=b",
			"WARN () records not processed records=3 blocked=0 notStarted=0 unreached=2 running=1",
		})
		close(release)
		synctest.Wait()
		is.Equal(called, []string{"a", "b"}) // nothing starts any more, in no second range either
		is.Equal(tapped, []string{"a"})
		is.Equal(len(j.lines), 2)
	})
}

// The stage ranges twice over a source that has a function of its own.
func TestAfterTheAnswerNoRangeOverTheSourceGoesOn(t *testing.T) {
	for name, test := range map[string]struct {
		first, second time.Duration // what the source's function takes in the first and the second range
		want          []string
	}{
		"the first has not ended":  {19700 * time.Millisecond, 0, []string{"source"}},
		"the second has not begun": {19200 * time.Millisecond, 350 * time.Millisecond, []string{"source", "source"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				var called []string
				takes := []time.Duration{test.first, test.second}
				describe := func(v string) batch.Record { return batch.Record{ID: v} }
				slow := func(context.Context, string) error {
					called = append(called, "source")
					time.Sleep(takes[len(called)-1])
					return nil
				}
				source := batch.TryEach(batch.From(ctx, []string{"a"}, describe), slow)
				// Before the first range Run knows of no deadline.
				start := time.Now()
				_, err := batch.Run(func(yield func(batch.Result[string]) bool) {
					if yield(one(batch.From(ctx, []string{"b"}, describe))) {
						source(yield)
					}
				}, func(s batch.Stream[string]) batch.Stream[string] {
					return func(yield func(batch.Result[string]) bool) {
						for range 2 {
							s(func(r batch.Result[string]) bool {
								if r.Record().ID == "a" && len(called) == 2 {
									batch.Then(r, func(context.Context, string) (string, error) {
										called = append(called, "stage")
										return "", nil
									})
								}
								return true
							})
						}
					}
				})
				is.True(err != nil)
				is.Equal(time.Since(start), 19500*time.Millisecond)
				time.Sleep(time.Hour)
				synctest.Wait()
				is.Equal(called, test.want)
			})
		})
	}
}

func TestRunAnswersSoonerIfTheContextIsCancelledForAnotherReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		parent, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		ctx, cancel := context.WithCancelCause(parent)
		time.AfterFunc(time.Second, func() { cancel(errBoom) })
		start := time.Now()
		var report batch.Report
		describe := func(v string) batch.Record { return batch.Record{ID: v} }
		source := batch.From(ctx, []string{"a", "b", "c"}, describe, batch.WithReport(func(_ context.Context, r batch.Report) { report = r }))
		response, err := batch.Run(source, batch.Each(func(ctx context.Context, v string) error {
			if v == "b" {
				<-ctx.Done()
				time.Sleep(100 * time.Millisecond) // it heeds its context, in its own time
			}
			return nil
		}))
		is.NoErr(err)
		is.Equal(time.Since(start), 1100*time.Millisecond)
		is.Equal(listed(response), []string{"c"})
		is.True(errors.Is(report.Failures[0].Err, batch.ErrNotStarted))
		is.True(errors.Is(report.Failures[0].Err, errBoom))
	})
}

func TestWithoutADeadlineRunWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, cancel := context.WithCancel(t.Context())
		response, err := batch.Run(named(ctx, batch.Continue, "a", "b"), batch.Each(func(context.Context, string) error {
			cancel()
			time.Sleep(24 * time.Hour)
			return nil
		}))
		is.NoErr(err)
		is.Equal(listed(response), []string{"b"})
	})
}

func TestAfterTheEndNothingIsCaughtAndErrorsStay(t *testing.T) {
	is := is.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	s := batch.TryEach(named(ctx, batch.Continue, "a"), func(context.Context, string) error { cancel(); return errBoom })
	s = batch.Catch(s, func(context.Context, error) error { t.Error("called"); return nil })
	s = batch.OrElse(s, func(context.Context, error) (string, error) { t.Error("called"); return "", nil })
	is.True(one(s).Err() == errBoom)
}

func TestCollectorsAreGivenWhatTheyNeed(t *testing.T) {
	var none batch.Stream[string]
	for want, call := range map[string]func(){
		"Collect: s is nil":   func() { _, _ = batch.Collect(none) },
		"Partition: s is nil": func() { batch.Partition(none) },
		"Run: source is nil":  func() { _, _ = batch.Run(none, batch.Each(failingOn())) },
		"Run: stage is nil": func() {
			_, _ = batch.Run[string, string](batch.Of("a"), nil)
		},
	} {
		t.Run(want, func(t *testing.T) { is.New(t).Equal(panicOf(call), "batch: "+want) })
	}
}

func TestAStageThatCannotBeBuiltLeavesNoRecordOut(t *testing.T) {
	is := is.New(t)
	broken := func(batch.Stream[string]) batch.Stream[string] { panic("no table") }
	response, err := batch.Run(batch.Of("a", "b"), broken)
	is.True(err != nil)
	is.Equal(len(response.BatchItemFailures), 2)

	response, err = batch.Run(batch.Of("a", "b"), func(batch.Stream[string]) batch.Stream[string] { return nil })
	is.Equal(err.Error(), "panic: batch: stage: it returned a nil Stream")
	is.Equal(len(response.BatchItemFailures), 2)
}

func TestTheStackOfAPanicIsLogged(t *testing.T) {
	is := is.New(t)
	var log bytes.Buffer
	source := batch.SQS(t.Context(), events.SQSEvent{Records: []events.SQSMessage{{MessageId: "m-1"}}},
		batch.WithLogger(slog.New(slog.NewJSONHandler(&log, nil))))
	_, err := batch.Run(source, batch.Each(func(context.Context, events.SQSMessage) error { panic("oh") }))
	is.True(err != nil)
	var line struct{ Error, Stack string }
	is.NoErr(json.Unmarshal(log.Bytes(), &line))
	is.Equal(line.Error, "panic: oh")
	is.True(strings.Contains(line.Stack, "TestTheStackOfAPanicIsLogged"))
}

func TestAPassOverTheSourceThatIsCutShortCounts(t *testing.T) {
	for _, how := range []string{"stuck", "goexit"} {
		synctest.Test(t, func(t *testing.T) {
			is := is.New(t)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			release := make(chan struct{})
			audit := func(context.Context, string) error { return nil }
			store := func(context.Context, string) error {
				if how == "goexit" {
					runtime.Goexit()
				}
				<-release
				return nil
			}
			describe := func(id string) batch.Record { return batch.Record{ID: id} }
			response, err := batch.Run(batch.From(ctx, []string{"a", "b", "c"}, describe), func(s batch.Stream[string]) batch.Stream[string] {
				audited, stored := batch.TryEach(s, audit), batch.TryEach(s, store)
				return func(yield func(batch.Result[string]) bool) {
					for _, pass := range []batch.Stream[string]{audited, stored} {
						for r := range pass {
							if !yield(r) {
								return
							}
						}
					}
				}
			})
			is.True(err != nil) // nothing was stored
			is.Equal(len(response.BatchItemFailures), 3)
			close(release)
			synctest.Wait()
		})
	}
}

// nilInside is an error whose methods panic, as those of a typed nil do.
type nilInside struct{ inner error }

func (e *nilInside) Error() string { return "nothing inside" }
func (e *nilInside) Unwrap() error { return e.inner }

func TestAnErrorWhoseMethodsPanicCostsNoMoreThanItsRecords(t *testing.T) {
	is := is.New(t)
	broken := func(_ context.Context, values []string) error {
		if values[0] == "c" {
			var none *nilInside
			return none
		}
		return nil
	}
	response, err := batch.Collect(batch.TryEachChunk(batch.Of("a", "b", "c", "d"), 2, broken))
	is.NoErr(err)
	is.Equal(listed(response), []string{"2", "3"})

	var log journal
	describe := func(id string) batch.Record { return batch.Record{ID: id} }
	source := batch.From(t.Context(), []string{"a"}, describe, batch.WithLogger(slog.New(&log)))
	_, err = batch.Run(source, batch.Each(func(context.Context, string) error {
		var none *nilInside
		return none
	}))
	is.True(err != nil)
	is.Equal(len(log.lines), 1)
}
