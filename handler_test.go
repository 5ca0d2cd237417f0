package batch_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

var _ lambda.Handler = (*batch.Handler)(nil)

func TestHandlersPanicOnANilStage(t *testing.T) {
	for want, build := range map[string]func(){
		"SQSHandler: stage is nil":      func() { batch.SQSHandler[int](nil) },
		"KinesisHandler: stage is nil":  func() { batch.KinesisHandler[int](nil) },
		"DynamoDBHandler: stage is nil": func() { batch.DynamoDBHandler[int](nil) },
		"KafkaHandler: stage is nil":    func() { batch.KafkaHandler[int](nil) },
		"FirehoseHandler: stage is nil": func() { batch.FirehoseHandler(nil) },
	} {
		t.Run(want, func(t *testing.T) { is.New(t).Equal(panicOf(build), "batch: "+want) })
	}
}

func TestKafkaHandlersReturnIdentifiersAsObjects(t *testing.T) {
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

func TestHandlersLogToTheCurrentDefaultLogger(t *testing.T) {
	before := slog.Default()
	defer slog.SetDefault(before)
	is := is.New(t)
	stage := batch.Each(func(context.Context, events.SQSMessage) error { return errBoom })
	h := batch.SQSHandler(stage)
	var j journal
	slog.SetDefault(slog.New(&j))
	_, _ = h.Invoke(t.Context(), standard.payload(recordSpecs("m:x", 1)))
	is.Equal(len(j.lines), 1)
	_, _ = batch.SQSHandler(stage, batch.WithLogger(nil)).Invoke(t.Context(), standard.payload(recordSpecs("m:x", 1)))
	is.Equal(len(j.lines), 1) // a nil logger is silent
	_, _ = batch.Run(batch.SQS(t.Context(), sqsEvent(queue, "")), stage)
	is.Equal(len(j.lines), 1) // sources do not log
}

func TestHandlersReturnErrorsWithoutControlCharacters(t *testing.T) {
	nasty := errors.New("a\x7fb\x00c\nd\u0085")
	each := map[string]func(batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage]{
		"all failed":    batch.Each(func(context.Context, events.SQSMessage) error { return nasty }),
		"foreign panic": func(batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] { panic(nasty) },
	}
	for name, stage := range each {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			_, err := batch.SQSHandler(stage, batch.WithLogger(nil)).Invoke(t.Context(), standard.payload(recordSpecs("m:x", 1)))
			is.True(errors.Is(err, nasty))
			is.True(!strings.ContainsAny(err.Error(), "\x7f\x00\n\u0085"))
			is.True(strings.Contains(err.Error(), `a\x7fb`))
		})
	}
	t.Run("no identifier", func(t *testing.T) {
		is := is.New(t)
		h := standard.handler(func(string) error { return nasty })
		_, err := h.Invoke(t.Context(), standard.payload([]recordSpec{{id: "", body: "x"}, {id: "m", body: "x"}}))
		is.True(errors.Is(err, batch.ErrNoID))
		is.True(!strings.ContainsAny(err.Error(), "\x7f\x00\n\u0085"))
		is.True(strings.Contains(err.Error(), `a\x7fb`))
	})
	t.Run("payload", func(t *testing.T) {
		is := is.New(t)
		_, err := standard.handler(accept).Invoke(t.Context(), []byte("{\"Records\":[{\"eventSource\":\"aws:\x7f\u0085\"}]}"))
		is.True(err != nil)
		is.True(!strings.ContainsAny(err.Error(), "\x7f\u0085"))
	})
}

func TestAHandlerReportsItsBatchWhateverTheStageDoes(t *testing.T) {
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
				reportInto(&report))
			response, err := h.Invoke(t.Context(), standard.payload(recordSpecs("1:a 2:b", 1)))
			is.NoErr(err)
			is.Equal(listedInJSON(t, response), []string{"1", "2"})
			is.Equal(report.Unreached, 2)
		})
	}
}

func TestOneInvocationLeavesNothingForTheNext(t *testing.T) {
	is := is.New(t)
	h := fifo.handler(func(body string) error {
		if body == "fail" {
			return errBoom
		}
		return nil
	})
	response, err := h.Invoke(t.Context(), fifo.payload(recordSpecs("a:fail@1 b:ok@2", 1)))
	is.NoErr(err)
	is.Equal(listedInJSON(t, response), []string{"a"})
	response, err = h.Invoke(t.Context(), fifo.payload(recordSpecs("c:ok@1", 1)))
	is.NoErr(err)
	is.Equal(string(response), `{"batchItemFailures":[]}`)
}

// Lambda's runtime reuses the buffer of the payload for the next invocation.
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
	payload := bytes.Replace(standard.payload(recordSpecs("1:body@g 2:bad", 1)), []byte(`"bad"`), []byte(`[]`), 1)
	response, err := h.Invoke(t.Context(), payload)
	is.NoErr(err)
	is.Equal(listedInJSON(t, response), []string{"2"})
	copy(payload, bytes.Repeat([]byte("#"), len(payload)))
	is.Equal(kept[0].MessageId, "1")
	is.Equal(kept[0].Body, "body")
	is.Equal(kept[0].Attributes["MessageGroupId"], "g")
	is.True(bytes.Contains(*raw[0], []byte(`"messageId":"2"`)))
}

// The first function of each invocation waits until all invocations have begun.
func TestOverlappingInvocationsDoNotSeeEachOther(t *testing.T) {
	const invocations = 8
	is := is.New(t)
	var begun sync.WaitGroup
	begun.Add(invocations)
	var mu sync.Mutex
	reports := map[string]batch.Report{}
	type invocation struct{}
	stage := func(s batch.Stream[events.SQSMessage]) texts {
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
			responses[i], _ = h.Invoke(context.WithValue(t.Context(), invocation{}, own), fifo.payload(recordSpecs(input, 1)))
		})
	}
	all.Wait()
	for i, response := range responses {
		is.Equal(listedInJSON(t, response), [][]string{{"4"}, {"2", "3"}}[i%2])
		is.Equal(reports[fmt.Sprint("inv", i, "-")].Records, 4)
	}
}

func TestAHandlerReturnsInTimeEvenIfTheStageNeverBegins(t *testing.T) {
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
		response, err := h.Invoke(ctx, standard.payload(recordSpecs("1:a 2:b", 1)))
		is.NoErr(err)
		is.Equal(time.Since(start), 9500*time.Millisecond)
		is.Equal(listedInJSON(t, response), []string{"1", "2"})
		close(release)
		synctest.Wait()
	})
}

// A function that was left running goes on during the next invocation. Its outcome must not count there.
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
			response, err := h.Invoke(ctx, fifo.payload(recordSpecs(input, 1)))
			is.NoErr(err)
			return listedInJSON(t, response)
		}
		is.Equal(invoke("1:first@a 2:stuck@b 3:third@c"), []string{"2", "3"})
		close(release)
		is.Equal(invoke("2:second@b 3:third@c"), []string{})
		synctest.Wait()
		slices.Sort(called)
		is.Equal(called, []string{"first", "second", "stuck", "third"})
	})
}
