package batch_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
	"pgregory.net/rapid"
)

var _ lambda.Handler = (*batch.Handler)(nil)

// answered returns the identifiers in the response of a handler.
func answered(t *testing.T, response []byte) []string {
	t.Helper()
	var r struct {
		BatchItemFailures []struct {
			ItemIdentifier json.RawMessage `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(response, &r); err != nil {
		t.Fatalf("%s: %v", response, err)
	}
	ids := []string{}
	for _, f := range r.BatchItemFailures {
		ids = append(ids, strings.Trim(string(f.ItemIdentifier), `"`))
	}
	return ids
}

func TestHandlersConformWithOtherBatchUtilities(t *testing.T) {
	conform(t, func(s service, payload []byte, handle func(string) error, opts ...batch.Option) (string, []string, error) {
		response, err := s.handler(handle, opts...).Invoke(context.Background(), payload)
		if err != nil {
			is.New(t).Equal(response, nil)
			return "", nil, err
		}
		return string(response), answered(t, response), nil
	})
}

func TestOneInvocationLeavesNothingForTheNext(t *testing.T) {
	is := is.New(t)
	h := fifo.handler(func(body string) error {
		if body == "fail" {
			return errBoom
		}
		return nil
	})
	response, err := h.Invoke(t.Context(), fifo.payload(entries("a:fail@1 b:ok@2", 1)))
	is.NoErr(err)
	is.Equal(answered(t, response), []string{"a"})
	response, err = h.Invoke(t.Context(), fifo.payload(entries("c:ok@1", 1)))
	is.NoErr(err)
	is.Equal(string(response), `{"batchItemFailures":[]}`)
}

// Each invocation is held in its first function until all have begun.
func TestOverlappingInvocationsDoNotSeeEachOther(t *testing.T) {
	const invocations = 8
	is := is.New(t)
	var begun sync.WaitGroup
	begun.Add(invocations)
	var mu sync.Mutex
	reports := map[string]batch.Report{}
	type invocation struct{}
	stage := func(s batch.Stream[events.SQSMessage]) batch.Stream[string] {
		bodies := batch.TryMap(s, func(ctx context.Context, m events.SQSMessage) (string, error) {
			if m.MessageId == "1" {
				begun.Done()
				begun.Wait()
			}
			if own := ctx.Value(invocation{}).(string); !strings.HasPrefix(m.Body, own) {
				return "", fmt.Errorf("%s in %s", m.Body, own)
			}
			return m.Body, nil
		})
		bodies = batch.FlatMap(bodies, func(v string) []string { return []string{v, v} })
		return batch.TryEach(bodies, func(_ context.Context, v string) error {
			if strings.HasSuffix(v, "fail") {
				return errBoom
			}
			return nil
		})
	}
	h := batch.SQSHandler(stage, batch.WithLogger(nil), batch.WithReport(func(ctx context.Context, r batch.Report) {
		mu.Lock()
		defer mu.Unlock()
		reports[ctx.Value(invocation{}).(string)] = r
	}))
	responses := make([][]byte, invocations)
	var all sync.WaitGroup
	for i := range invocations {
		all.Go(func() {
			own := fmt.Sprint("inv", i, "-")
			input := strings.ReplaceAll("1:#ok@a 2:#fail@a 3:#ok@a 4:#ok@b", "#", own)
			if i%2 == 0 {
				input = strings.ReplaceAll("1:#ok@a 2:#ok@a 3:#ok@a 4:#fail@b", "#", own)
			}
			responses[i], _ = h.Invoke(context.WithValue(t.Context(), invocation{}, own), fifo.payload(entries(input, 1)))
		})
	}
	all.Wait()
	for i, response := range responses {
		is.Equal(answered(t, response), [][]string{{"4"}, {"2", "3"}}[i%2])
		is.Equal(reports[fmt.Sprint("inv", i, "-")].Records, 4)
	}
}

func kafkaPayload(value any) []byte {
	payload, _ := json.Marshal(fields{"eventSource": "aws:kafka", "records": fields{
		"b-1": []any{fields{"topic": "b", "partition": 1, "offset": 7, "value": "aQ=="}},
		"a-0": []any{
			fields{"topic": "a", "partition": 0, "offset": 3, "value": "aQ=="},
			fields{"topic": "a", "partition": 0, "offset": 4, "value": value},
			fields{"topic": "a", "partition": 0, "offset": 5, "value": "aQ=="},
		},
	}})
	return payload
}

func TestKafkaHandlersAnswerWithObjects(t *testing.T) {
	is := is.New(t)
	h := batch.KafkaHandler(batch.Each(func(_ context.Context, r events.KafkaRecord) error {
		if r.Offset == 4 {
			return errBoom
		}
		return nil
	}), batch.WithLogger(nil))
	response, err := h.Invoke(t.Context(), kafkaPayload("aQ=="))
	is.NoErr(err)
	is.Equal(string(response), `{"batchItemFailures":[{"itemIdentifier":{"partition":"a-0","offset":4}},{"itemIdentifier":{"partition":"a-0","offset":5}}]}`)
}

// undecodable is a second record that cannot be decoded, among three.
var undecodable = map[string]struct {
	invoke  func(ctx context.Context, look func(context.Context), opts ...batch.Option) ([]byte, error)
	handled int // under Continue
	id      string
}{
	"SQS": {func(ctx context.Context, look func(context.Context), opts ...batch.Option) ([]byte, error) {
		return invokeLooking(ctx, batch.SQSHandler[events.SQSMessage], look, standard.payload(entries("1:a 2:b 3:c", 1)), `"b"`, `17`, opts)
	}, 2, `"2"`},
	"Kinesis": {func(ctx context.Context, look func(context.Context), opts ...batch.Option) ([]byte, error) {
		return invokeLooking(ctx, batch.KinesisHandler[events.KinesisEventRecord], look, kinesis.payload(entries("1:a 2:b 3:c", 1)), `"Yg=="`, `"!"`, opts)
	}, 2, `"2"`},
	"DynamoDB": {func(ctx context.Context, look func(context.Context), opts ...batch.Option) ([]byte, error) {
		return invokeLooking(ctx, batch.DynamoDBHandler[events.DynamoDBEventRecord], look, dynamoDB.payload(entries("1:a 2:b 3:c", 1)), `{"S":"b"}`, `{"X":"b"}`, opts)
	}, 2, `"2"`},
	"Kafka": {func(ctx context.Context, look func(context.Context), opts ...batch.Option) ([]byte, error) {
		return invokeLooking(ctx, batch.KafkaHandler[events.KafkaRecord], look, kafkaPayload("Yg=="), `"Yg=="`, `17`, opts)
	}, 3, `{"partition":"a-0","offset":4}`},
}

func invokeLooking[R any](
	ctx context.Context,
	handler func(func(batch.Stream[R]) batch.Stream[R], ...batch.Option) *batch.Handler,
	look func(context.Context),
	payload []byte, good, bad string,
	opts []batch.Option,
) ([]byte, error) {
	if bytes.Count(payload, []byte(good)) != 1 {
		panic("not once in the payload: " + good)
	}
	h := handler(func(s batch.Stream[R]) batch.Stream[R] {
		s = batch.TryEach(s, func(ctx context.Context, r R) error {
			if source, ok := batch.SourceFrom[R](ctx); !ok || source == nil {
				return errors.New("no source")
			}
			look(ctx)
			return nil
		})
		return batch.Catch(s, func(ctx context.Context, err error) error { look(ctx); return err })
	}, append(opts, batch.WithLogger(nil))...)
	return h.Invoke(ctx, bytes.Replace(payload, []byte(good), []byte(bad), 1))
}

func TestARecordThatCannotBeDecodedFailsAlone(t *testing.T) {
	for name, test := range undecodable {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			var report batch.Report
			handled, caught := 0, 0
			look := func(ctx context.Context) {
				raw, undecoded := batch.SourceFrom[json.RawMessage](ctx)
				if !undecoded {
					handled++
					return
				}
				caught++
				is.True(json.Valid(*raw))
				r, _ := batch.RecordFrom(ctx)
				is.True(r.Source == any(raw))
			}
			response, err := test.invoke(t.Context(), look, batch.WithPolicy(batch.Continue), batch.WithReport(func(_ context.Context, r batch.Report) { report = r }))
			is.NoErr(err)
			is.Equal(string(response), `{"batchItemFailures":[{"itemIdentifier":`+test.id+`}]}`)
			is.Equal(handled, test.handled)
			is.Equal(caught, 1)
			var bad *batch.DecodeError
			is.True(errors.As(report.Failures[0].Err, &bad))
			is.Equal(bad.ID, report.Failures[0].Record.ID)
			is.True(bad.Field != "")
			is.True(strings.Contains(bad.Error(), fmt.Sprintf("%q", bad.ID)))
		})
	}
}

func TestAnUndecodableRecordCanBeSettledSoThatTheShardGoesOn(t *testing.T) {
	is := is.New(t)
	calls := 0
	h := batch.KinesisHandler(func(s batch.Stream[events.KinesisEventRecord]) batch.Stream[events.KinesisEventRecord] {
		s = batch.Catch(s, func(ctx context.Context, err error) error {
			var bad *batch.DecodeError
			if errors.As(err, &bad) {
				return nil // say, after a letter to the dead-letter queue
			}
			return err
		})
		return batch.TryEach(s, func(context.Context, events.KinesisEventRecord) error { calls++; return nil })
	})
	response, err := h.Invoke(t.Context(), bytes.Replace(kinesis.payload(entries("1:a 2:b 3:c", 1)), []byte(`"Yg=="`), []byte(`"!"`), 1))
	is.NoErr(err)
	is.Equal(string(response), `{"batchItemFailures":[]}`)
	is.Equal(calls, 2)
}

func TestAnUndecodableRecordWithoutAnIdentifierIsAnErrorForTheBatch(t *testing.T) {
	is := is.New(t)
	h := standard.handler(func(string) error { return nil })
	_, err := h.Invoke(t.Context(), []byte(`{"Records":[{"eventSource":"aws:sqs","messageId":5,"body":"a"},{"eventSource":"aws:sqs","messageId":"m","body":"b"}]}`))
	is.True(errors.Is(err, batch.ErrNoID))
	_, err = h.Invoke(t.Context(), []byte(`{"Records":[17,{"eventSource":"aws:sqs","messageId":"m","body":"b"}]}`))
	is.True(errors.Is(err, batch.ErrNoID))
}

func TestAPayloadThatIsNoEventOfTheSourceIsAnErrorAndCallsNobody(t *testing.T) {
	payloads := map[string][]byte{
		"nothing":           nil,
		"no JSON":           []byte("<xml/>"),
		"cut off":           []byte(`{"Records":[{"messageId":"1"`),
		"null":              []byte(`null`),
		"no object":         []byte(`[1,2]`),
		"no records":        []byte(`{}`),
		"null records":      []byte(`{"Records":null,"records":null}`),
		"another top level": []byte(`{"version":"2.0","rawPath":"/"}`),
		"S3":                []byte(`{"Records":[{"eventSource":"aws:s3","s3":{}}]}`),
		"Firehose":          []byte(`{"invocationId":"i","deliveryStreamArn":"arn","records":[{"recordId":"1","data":"YQ=="}]}`),
		"SQS":               standard.payload(entries("1:a", 1)),
		"Kinesis":           kinesis.payload(entries("1:a", 1)),
		"DynamoDB":          dynamoDB.payload(entries("1:a", 1)),
		"Kafka":             kafkaPayload("Yg=="),
	}
	handlers := map[string]*batch.Handler{
		"SQS":      neverCalled(t, batch.SQSHandler[events.SQSMessage]),
		"Kinesis":  neverCalled(t, batch.KinesisHandler[events.KinesisEventRecord]),
		"DynamoDB": neverCalled(t, batch.DynamoDBHandler[events.DynamoDBEventRecord]),
		"Kafka":    neverCalled(t, batch.KafkaHandler[events.KafkaRecord]),
	}
	for source, h := range handlers {
		for name, payload := range payloads {
			if name == source {
				continue
			}
			t.Run(source+"/"+name, func(t *testing.T) {
				is := is.New(t)
				response, err := h.Invoke(t.Context(), payload)
				is.True(err != nil)
				is.Equal(response, nil)
				is.True(strings.Contains(err.Error(), source)) // what was expected
				is.True(strings.Contains(err.Error(), "got"))  // and what came
			})
		}
	}
}

func neverCalled[R any](t *testing.T, handler func(func(batch.Stream[R]) batch.Stream[R], ...batch.Option) *batch.Handler) *batch.Handler {
	return handler(batch.Each(func(context.Context, R) error { t.Error("called"); return nil }))
}

func TestAnEventWithoutRecordsIsAnEmptyResponse(t *testing.T) {
	is := is.New(t)
	reports := 0
	h := standard.handler(accept, batch.WithReport(func(_ context.Context, r batch.Report) { reports++; is.Equal(r.Records, 0) }))
	response, err := h.Invoke(t.Context(), []byte(`{"Records":[]}`))
	is.NoErr(err)
	is.Equal(string(response), `{"batchItemFailures":[]}`)
	is.Equal(reports, 1)
}

func accept(string) error { return nil }

// The runtime's buffer is another invocation's when this one has ended.
func TestNothingPointsIntoThePayloadAfterwards(t *testing.T) {
	is := is.New(t)
	var kept []events.SQSMessage
	var raw []*json.RawMessage
	h := batch.SQSHandler(func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
		s = batch.TryEach(s, func(_ context.Context, m events.SQSMessage) error { kept = append(kept, m); return nil })
		return batch.Catch(s, func(ctx context.Context, err error) error {
			r, _ := batch.SourceFrom[json.RawMessage](ctx)
			raw = append(raw, r)
			return err
		})
	}, batch.WithLogger(nil))
	payload := bytes.Replace(standard.payload(entries("1:body@g 2:bad", 1)), []byte(`"bad"`), []byte(`[]`), 1)
	response, err := h.Invoke(t.Context(), payload)
	is.NoErr(err)
	is.Equal(answered(t, response), []string{"2"})
	copy(payload, bytes.Repeat([]byte("#"), len(payload)))
	is.Equal(kept[0].MessageId, "1")
	is.Equal(kept[0].Body, "body")
	is.Equal(kept[0].Attributes["MessageGroupId"], "g")
	is.True(bytes.Contains(*raw[0], []byte(`"messageId":"2"`)))
}

func TestErrorsLeaveAHandlerWithoutControlCharacters(t *testing.T) {
	nasty := errors.New("a\x7fb\x00c\nd\u0085")
	each := map[string]func(batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage]{
		"all failed":    batch.Each(func(context.Context, events.SQSMessage) error { return nasty }),
		"foreign panic": func(batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] { panic(nasty) },
	}
	for name, stage := range each {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			_, err := batch.SQSHandler(stage, batch.WithLogger(nil)).Invoke(t.Context(), standard.payload(entries("m:x", 1)))
			is.True(errors.Is(err, nasty))
			is.True(!strings.ContainsAny(err.Error(), "\x7f\x00\n\u0085"))
			is.True(strings.Contains(err.Error(), `a\x7fb`))
		})
	}
	t.Run("no identifier", func(t *testing.T) {
		is := is.New(t)
		h := standard.handler(func(string) error { return nasty })
		_, err := h.Invoke(t.Context(), standard.payload([]entry{{id: "", body: "x"}, {id: "m", body: "x"}}))
		is.True(errors.Is(err, batch.ErrNoID))
		is.True(!strings.ContainsAny(err.Error(), "\x7f\x00\n\u0085"))
	})
	t.Run("payload", func(t *testing.T) {
		is := is.New(t)
		_, err := standard.handler(accept).Invoke(t.Context(), []byte("{\"Records\":[{\"eventSource\":\"aws:\x7f\u0085\"}]}"))
		is.True(err != nil)
		is.True(!strings.ContainsAny(err.Error(), "\x7f\u0085"))
	})
}

func TestHandlersLogToTheDefaultLoggerOfTheMoment(t *testing.T) {
	before := slog.Default()
	defer slog.SetDefault(before)
	is := is.New(t)
	stage := batch.Each(func(context.Context, events.SQSMessage) error { return errBoom })
	h := batch.SQSHandler(stage)
	var j journal
	slog.SetDefault(slog.New(&j)) // after the handler was made
	_, _ = h.Invoke(t.Context(), standard.payload(entries("m:x", 1)))
	is.Equal(len(j.lines), 1)
	_, _ = batch.SQSHandler(stage, batch.WithLogger(nil)).Invoke(t.Context(), standard.payload(entries("m:x", 1)))
	is.Equal(len(j.lines), 1) // nil is silence
	_, _ = batch.Run(batch.SQS(t.Context(), sqsEvent(queue, "")), stage)
	is.Equal(len(j.lines), 1) // sources do not log
}

func TestAHandlerKnowsItsBatchWhateverTheStageDoes(t *testing.T) {
	type stream = batch.Stream[events.SQSMessage]
	stages := map[string]func(stream) stream{
		"never ranges":          func(stream) stream { return func(func(batch.Result[events.SQSMessage]) bool) {} },
		"another source":        func(stream) stream { return batch.SQS(context.Background(), sqsEvent(queue, "")) },
		"Goexit before ranging": func(stream) stream { return func(func(batch.Result[events.SQSMessage]) bool) { runtime.Goexit() } },
	}
	for name, stage := range stages {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			var report batch.Report
			h := batch.SQSHandler(stage, batch.WithoutAllFailedError(), batch.WithLogger(nil),
				batch.WithReport(func(_ context.Context, r batch.Report) { report = r }))
			response, err := h.Invoke(t.Context(), standard.payload(entries("1:a 2:b", 1)))
			is.NoErr(err)
			is.Equal(answered(t, response), []string{"1", "2"})
			is.Equal(report.Unreached, 2)
		})
	}
}

func TestAHandlerAnswersInTimeEvenIfTheStageNeverBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		release := make(chan struct{})
		h := batch.SQSHandler(func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
			<-release
			return batch.Each(func(context.Context, events.SQSMessage) error { t.Error("called"); return nil })(s)
		}, batch.WithReserve(time.Second), batch.WithoutAllFailedError(), batch.WithLogger(nil))
		start := time.Now()
		response, err := h.Invoke(ctx, standard.payload(entries("1:a 2:b", 1)))
		is.NoErr(err)
		is.Equal(time.Since(start), 9500*time.Millisecond)
		is.Equal(answered(t, response), []string{"1", "2"})
		close(release)
		synctest.Wait()
	})
}

// What was left behind in one invocation goes on in the next, and is not part of it.
func TestAStuckFunctionDoesNotDisturbTheNextInvocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		var mu sync.Mutex
		var called []string
		release := make(chan struct{})
		h := fifo.handler(func(body string) error {
			mu.Lock()
			called = append(called, body)
			mu.Unlock()
			if body == "stuck" {
				<-release
			}
			return nil
		})
		invoke := func(input string) []string {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			response, err := h.Invoke(ctx, fifo.payload(entries(input, 1)))
			is.NoErr(err)
			return answered(t, response)
		}
		is.Equal(invoke("1:first@a 2:stuck@b 3:third@c"), []string{"2", "3"})
		close(release)
		is.Equal(invoke("2:second@b 3:third@c"), []string{})
		synctest.Wait()
		slices.Sort(called)
		is.Equal(called, []string{"first", "second", "stuck", "third"})
	})
}

func TestHandlersAreMadeOfAStage(t *testing.T) {
	for want, build := range map[string]func(){
		"SQSHandler: stage is nil":      func() { batch.SQSHandler[int](nil) },
		"KinesisHandler: stage is nil":  func() { batch.KinesisHandler[int](nil) },
		"DynamoDBHandler: stage is nil": func() { batch.DynamoDBHandler[int](nil) },
		"KafkaHandler: stage is nil":    func() { batch.KafkaHandler[int](nil) },
	} {
		t.Run(want, func(t *testing.T) { is.New(t).Equal(panicOf(build), "batch: "+want) })
	}
}

// What a drawn record of a transformation is to become.
const (
	toOk = iota
	toDropped
	toFailed
	toPanic
	toSeveral
	toOneOfSeveral
	toNothing // FlatMap to no value
	toLost    // dropped by a foreign stage
	fates
)

func transform(fate func(string) int) func(batch.Stream[events.KinesisFirehoseEventRecord]) batch.Stream[batch.FirehoseRecord] {
	return func(s batch.Stream[events.KinesisFirehoseEventRecord]) batch.Stream[batch.FirehoseRecord] {
		texts := batch.Map(s, func(r events.KinesisFirehoseEventRecord) string { return string(r.Data) })
		kept := batch.Filter(texts, func(text string) bool { return fate(text) != toDropped })
		parts := batch.FlatMap(kept, func(text string) []string {
			switch fate(text) {
			case toSeveral:
				return []string{text, text}
			case toOneOfSeveral:
				return []string{text, ""}
			case toNothing:
				return nil
			}
			return []string{text}
		})
		single := batch.Filter(parts, func(text string) bool { return text != "" })
		out := batch.TryMap(single, func(_ context.Context, text string) (batch.FirehoseRecord, error) {
			switch fate(text) {
			case toFailed:
				return batch.FirehoseRecord{}, errors.New("no good")
			case toPanic:
				panic(text)
			}
			return batch.FirehoseRecord{Data: []byte("<" + text + ">"), PartitionKeys: map[string]string{"k": text}}, nil
		})
		return func(yield func(batch.Result[batch.FirehoseRecord]) bool) {
			for r := range out {
				source, _ := r.Record().Source.(*events.KinesisFirehoseEventRecord)
				if source != nil && fate(string(source.Data)) == toLost {
					continue
				}
				if !yield(r) {
					return
				}
			}
		}
	}
}

func TestFirehoseAnswersEveryRecordOnceAndInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := rapid.SliceOfN(rapid.IntRange(0, fates-1), 0, 20).Draw(t, "fates")
		lanes := rapid.IntRange(0, 4).Draw(t, "lanes")
		var event events.KinesisFirehoseEvent
		for i := range drawn {
			event.Records = append(event.Records, events.KinesisFirehoseEventRecord{RecordID: "r" + strconv.Itoa(i), Data: []byte(strconv.Itoa(i))})
		}
		stage := transform(func(text string) int {
			i, _ := strconv.Atoi(text)
			return drawn[i]
		})
		if lanes > 0 {
			plain := stage
			stage = func(s batch.Stream[events.KinesisFirehoseEventRecord]) batch.Stream[batch.FirehoseRecord] {
				return batch.Parallel(s, lanes, plain)
			}
		}
		check := func(response batch.FirehoseResponse) {
			if len(response.Records) != len(drawn) {
				t.Fatalf("%d records answered of %d", len(response.Records), len(drawn))
			}
			for i, r := range response.Records {
				text := strconv.Itoa(i)
				want := batch.FirehoseResult{RecordID: "r" + text, Result: "ProcessingFailed", Data: []byte(text)}
				switch drawn[i] {
				case toOk, toOneOfSeveral:
					want.Result, want.Data = "Ok", []byte("<"+text+">")
					want.Metadata = &batch.FirehoseMetadata{PartitionKeys: map[string]string{"k": text}}
				case toDropped, toNothing:
					want.Result, want.Data = "Dropped", nil
				}
				got, _ := json.Marshal(r)
				expected, _ := json.Marshal(want)
				if string(got) != string(expected) {
					t.Fatalf("fate %d: got %s, want %s", drawn[i], got, expected)
				}
			}
		}
		response, err := batch.CollectFirehose(stage(batch.Firehose(context.Background(), event)))
		if err != nil {
			t.Fatal(err)
		}
		if len(drawn) > 0 && !slices.ContainsFunc(drawn, func(f int) bool { return f != toLost }) {
			return // nothing reaches CollectFirehose: it sees no batch
		}
		check(response)

		payload, _ := json.Marshal(event)
		payload = append([]byte(`{"invocationId":"i","deliveryStreamArn":"d",`), payload[1:]...)
		answer, err := batch.FirehoseHandler(stage, batch.WithLogger(nil)).Invoke(context.Background(), payload)
		if event.Records == nil {
			return // "records": null is no Firehose event
		}
		if err != nil {
			t.Fatal(err)
		}
		var decoded batch.FirehoseResponse
		if err := json.Unmarshal(answer, &decoded); err != nil {
			t.Fatal(err)
		}
		check(decoded)
	})
}

func TestFirehoseFailsARecordThatHasBecomeSeveral(t *testing.T) {
	is := is.New(t)
	var report batch.Report
	event := events.KinesisFirehoseEvent{Records: []events.KinesisFirehoseEventRecord{{RecordID: "r-1", Data: []byte("0")}}}
	source := batch.Firehose(t.Context(), event, batch.WithReport(func(_ context.Context, r batch.Report) { report = r }))
	response, err := batch.CollectFirehose(transform(func(string) int { return toSeveral })(source))
	is.NoErr(err)
	is.Equal(response.Records[0].Result, "ProcessingFailed")
	is.Equal(report.Failed, 1)
	is.Equal(report.Failures[0].Err.Error(), `record "r-1": several values for one record`)
}

func TestAnAnswerThatIsTooLargeForFirehoseIsAnError(t *testing.T) {
	is := is.New(t)
	grow := func(s batch.Stream[events.KinesisFirehoseEventRecord]) batch.Stream[batch.FirehoseRecord] {
		return batch.Map(s, func(events.KinesisFirehoseEventRecord) batch.FirehoseRecord {
			return batch.FirehoseRecord{Data: make([]byte, 5<<20)} // base64 makes 6.7 MB of it
		})
	}
	event := events.KinesisFirehoseEvent{Records: []events.KinesisFirehoseEventRecord{{RecordID: "r-1"}}}
	_, err := batch.CollectFirehose(grow(batch.Firehose(t.Context(), event)))
	is.True(errors.Is(err, batch.ErrTooLarge))
	_, err = batch.FirehoseHandler(grow).Invoke(t.Context(), []byte(`{"invocationId":"i","deliveryStreamArn":"d","records":[{"recordId":"r-1","data":""}]}`))
	is.True(errors.Is(err, batch.ErrTooLarge))
}

func TestAFirehoseRecordWithoutIdentifierFailsTheBatch(t *testing.T) {
	is := is.New(t)
	event := events.KinesisFirehoseEvent{Records: []events.KinesisFirehoseEventRecord{{Data: []byte("x")}}}
	_, err := batch.CollectFirehose(transform(func(string) int { return toOk })(batch.Firehose(t.Context(), event)))
	is.True(errors.Is(err, batch.ErrNoID))
}

func TestAFirehoseRecordThatDoesNotDecodeFailsAlone(t *testing.T) {
	is := is.New(t)
	h := batch.FirehoseHandler(transform(func(string) int { return toOk }), batch.WithLogger(nil))
	answer, err := h.Invoke(t.Context(), []byte(`{"invocationId":"i","deliveryStreamArn":"d","records":[
		{"recordId":"r-1","data":"eA=="},{"recordId":"r-2","data":"no base64!"}]}`))
	is.NoErr(err)
	var response batch.FirehoseResponse
	is.NoErr(json.Unmarshal(answer, &response))
	is.Equal(response.Records[0].Result, "Ok")
	is.Equal(response.Records[1].RecordID, "r-2")
	is.Equal(response.Records[1].Result, "ProcessingFailed")
}

func TestRecordsOfAStreamThatIsFedByMSKFailAndSaySo(t *testing.T) {
	is := is.New(t)
	var report batch.Report
	h := batch.FirehoseHandler(transform(func(string) int { return toOk }), quiet,
		batch.WithReport(func(_ context.Context, r batch.Report) { report = r }))
	answer, err := h.Invoke(t.Context(), []byte(`{"invocationId":"i","deliveryStreamArn":"d","records":[
		{"recordId":"r-1","kafkaRecordValue":"eA=="}]}`))
	is.NoErr(err)
	is.True(strings.Contains(string(answer), `"recordId":"r-1","result":"ProcessingFailed"`))
	is.True(strings.Contains(report.Failures[0].Err.Error(), "MSK"))
}

func TestAKafkaRecordWithoutAnOffsetIsNotReportedAsAnother(t *testing.T) {
	is := is.New(t)
	fail := batch.Each(func(context.Context, events.KafkaRecord) error { return errors.New("no good") })
	for _, offset := range []string{``, `"offset":null,`, `"offset":"7",`, `"offset":1e40,`} {
		_, err := batch.KafkaHandler(fail, quiet).Invoke(t.Context(), fmt.Appendf(nil,
			`{"eventSource":"aws:kafka","records":{"orders-0":[{"offset":6,"value":""},{%s"value":""}]}}`, offset))
		is.True(errors.Is(err, batch.ErrNoID))
	}
}

// windowPayload is an invocation of a window with records of the given data.
func windowPayload(t *testing.T, state string, final bool, data ...string) []byte {
	t.Helper()
	records := make([]events.KinesisEventRecord, len(data))
	for i, d := range data {
		records[i].EventSource = "aws:kinesis"
		records[i].Kinesis = events.KinesisRecord{SequenceNumber: strconv.Itoa(100 + i), PartitionKey: "k", Data: []byte(d)}
	}
	encoded, err := json.Marshal(records)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Appendf(nil, `{"Records":%s,"window":{"start":"2026-11-23T12:00:00Z","end":"2026-11-23T12:02:00Z"},
		"state":%s,"shardId":"shard-1","isFinalInvokeForWindow":%t,"isWindowTerminatedEarly":false}`, encoded, state, final)
}

func numbers(s batch.Stream[events.KinesisEventRecord]) batch.Stream[int] {
	return batch.Decode[int](s, json.Unmarshal)
}

func add(sum, n int) int { return sum + n }

func ignore(context.Context, batch.Window, int) error { return nil }

var quiet = batch.WithLogger(slog.New(slog.DiscardHandler))

func TestAWindowFoldsWhatStandsBeforeTheFirstFailure(t *testing.T) {
	is := is.New(t)
	h := batch.KinesisWindowHandler(numbers, add, ignore, quiet)
	answer, err := h.Invoke(t.Context(), windowPayload(t, "10", false, "1", "2", "x", "4"))
	is.NoErr(err)
	is.Equal(string(answer), `{"state":13,"batchItemFailures":[{"itemIdentifier":"102"},{"itemIdentifier":"103"}]}`)

	h = batch.KinesisWindowHandler(numbers, add, ignore, quiet, batch.WithPolicy(batch.Continue))
	answer, err = h.Invoke(t.Context(), windowPayload(t, "10", false, "1", "2", "x", "4"))
	is.NoErr(err)
	is.Equal(string(answer), `{"state":13,"batchItemFailures":[{"itemIdentifier":"102"}]}`) // 4 comes again, too
}

func TestTheStateOfAWindowIsNeverNull(t *testing.T) {
	is := is.New(t)
	keep := func(s map[string]int, _ int) map[string]int { return s }
	h := batch.KinesisWindowHandler(numbers, keep, func(context.Context, batch.Window, map[string]int) error { return nil }, quiet)
	answer, err := h.Invoke(t.Context(), windowPayload(t, "null", false, "1"))
	is.NoErr(err)
	is.Equal(string(answer), `{"state":{},"batchItemFailures":[]}`)
}

func TestTheStateOfAWindowBeginsAtZero(t *testing.T) {
	is := is.New(t)
	h := batch.KinesisWindowHandler(numbers, add, ignore, quiet)
	for _, state := range []string{"{}", "null", "0"} {
		answer, err := h.Invoke(t.Context(), windowPayload(t, state, false, "1", "2"))
		is.NoErr(err)
		is.Equal(string(answer), `{"state":3,"batchItemFailures":[]}`)
	}
	_, err := h.Invoke(t.Context(), windowPayload(t, `"three"`, false, "1"))
	is.True(err != nil)
	is.True(strings.HasPrefix(err.Error(), "state of the window of shard-1: "))
}

func TestTheStateOfTheServicesOwnExampleIsRead(t *testing.T) {
	is := is.New(t)
	count := func(s map[string]int, n int) map[string]int {
		if s == nil {
			s = map[string]int{}
		}
		s[strconv.Itoa(n)]++
		return s
	}
	h := batch.KinesisWindowHandler(numbers, count, func(context.Context, batch.Window, map[string]int) error { return nil }, quiet)
	answer, err := h.Invoke(t.Context(), windowPayload(t, `{"1":282}`, false, "1", "2"))
	is.NoErr(err)
	is.Equal(string(answer), `{"state":{"1":283,"2":1},"batchItemFailures":[]}`)
}

func TestAWindowClosesWithItsStateAndOnlyAtItsEnd(t *testing.T) {
	is := is.New(t)
	var closed []int
	var window batch.Window
	h := batch.KinesisWindowHandler(numbers, add, func(_ context.Context, w batch.Window, sum int) error {
		closed, window = append(closed, sum), w
		return nil
	}, quiet)
	_, err := h.Invoke(t.Context(), windowPayload(t, "1", false, "1"))
	is.NoErr(err)
	is.Equal(len(closed), 0)
	_, err = h.Invoke(t.Context(), windowPayload(t, "2", true, "3"))
	is.NoErr(err)
	is.Equal(closed, []int{5})
	is.Equal(window.ShardID, "shard-1")
	is.True(window.Final && !window.TerminatedEarly)
	is.Equal(window.End.Sub(window.Start).Minutes(), 2.0)
	_, err = h.Invoke(t.Context(), windowPayload(t, "7", true)) // no records
	is.NoErr(err)
	is.Equal(closed, []int{5, 7})
}

func TestWhatGoesWrongAtTheEndOfAWindowFailsTheInvocation(t *testing.T) {
	is := is.New(t)
	no := errors.New("no table")
	h := batch.KinesisWindowHandler(numbers, add, func(context.Context, batch.Window, int) error { return no }, quiet)
	_, err := h.Invoke(t.Context(), windowPayload(t, "0", true, "1"))
	is.True(errors.Is(err, no))

	h = batch.KinesisWindowHandler(numbers, add, func(context.Context, batch.Window, int) error { panic("close") }, quiet)
	_, err = h.Invoke(t.Context(), windowPayload(t, "0", true, "1"))
	_, panicked := errors.AsType[*batch.PanicError](err)
	is.True(panicked)

	h = batch.KinesisWindowHandler(numbers, func(int, int) int { panic("fold") }, ignore, quiet)
	_, err = h.Invoke(t.Context(), windowPayload(t, "0", false, "1"))
	_, panicked = errors.AsType[*batch.PanicError](err)
	is.True(panicked)

	grow := batch.KinesisWindowHandler(numbers, func(s string, n int) string { return s + strings.Repeat("x", n) },
		func(context.Context, batch.Window, string) error { return nil }, quiet)
	_, err = grow.Invoke(t.Context(), windowPayload(t, `""`, false, "1048576"))
	is.True(errors.Is(err, batch.ErrTooLarge))
}

func TestAWindowInWhichEverythingFailsIsAnError(t *testing.T) {
	is := is.New(t)
	closed := false
	h := batch.KinesisWindowHandler(numbers, add, func(context.Context, batch.Window, int) error {
		closed = true
		return nil
	}, quiet)
	_, err := h.Invoke(t.Context(), windowPayload(t, "0", true, "x"))
	_, all := errors.AsType[*batch.AllFailedError](err)
	is.True(all)
	is.True(!closed)
}

func TestTheRealWindowEventsAreRead(t *testing.T) {
	is := is.New(t)
	count := func(s map[string]any, _ events.DynamoDBEventRecord) map[string]any {
		n, _ := s["count"].(float64)
		s["count"] = n + 1
		return s
	}
	pass := func(s batch.Stream[events.DynamoDBEventRecord]) batch.Stream[events.DynamoDBEventRecord] { return s }
	h := batch.DynamoDBWindowHandler(pass, count, func(context.Context, batch.Window, map[string]any) error { return nil }, quiet)
	answer, err := h.Invoke(t.Context(), testdata(t, "dynamodb-time-window-event.json"))
	is.NoErr(err)
	is.Equal(string(answer), `{"state":{"1":"state1","count":3},"batchItemFailures":[]}`)
}

func testdata(t *testing.T, name string) []byte {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-lambda-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "events", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// hostile is a state whose JSON methods panic.
type hostile struct{}

func (hostile) MarshalJSON() ([]byte, error) { panic("marshal") }
func (*hostile) UnmarshalJSON([]byte) error  { panic("unmarshal") }
func (h hostile) with(int) hostile           { return h }

func TestAStateThatPanicsFailsTheInvocation(t *testing.T) {
	is := is.New(t)
	h := batch.KinesisWindowHandler(numbers, hostile.with, func(context.Context, batch.Window, hostile) error { return nil }, quiet)
	for _, state := range []string{"null", "1"} {
		_, err := h.Invoke(t.Context(), windowPayload(t, state, false, "1"))
		_, panicked := errors.AsType[*batch.PanicError](err)
		is.True(panicked)
	}
}
