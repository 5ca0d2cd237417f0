package redeliver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// Helpers of the other test files.

const (
	standard = "arn:aws:sqs:eu-west-1:123456789012:orders"
	fifo     = standard + ".fifo"
)

type (
	input  = sqs.ChangeMessageVisibilityBatchInput
	output = sqs.ChangeMessageVisibilityBatchOutput
)

// A client keeps the calls that are made.
type client struct {
	answer func(context.Context, *input) (*output, error) // nil: everything is changed at once

	mu      sync.Mutex
	calls   []*input
	ended   int // calls that began after their context had ended
	running int
	most    int // calls that ran at once
}

func (c *client) ChangeMessageVisibilityBatch(ctx context.Context, in *input, _ ...func(*sqs.Options)) (*output, error) {
	c.mu.Lock()
	c.calls = append(c.calls, in)
	c.running++
	c.most = max(c.most, c.running)
	if ctx.Err() != nil {
		c.ended++
	}
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.running--
	}()
	if c.answer == nil {
		return &output{}, nil
	}
	return c.answer(ctx, in)
}

// taking is a client whose calls take so long, or until their context ends.
func taking(d time.Duration) *client {
	return &client{answer: func(ctx context.Context, _ *input) (*output, error) {
		select {
		case <-time.After(d):
			return &output{}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}
}

// entries returns what was asked for, in the order of the calls.
func (c *client) entries() (all []types.ChangeMessageVisibilityBatchRequestEntry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, in := range c.calls {
		all = append(all, in.Entries...)
	}
	return all
}

// waits is how long each message waits, by its ID. A message that is named twice has the wait -1.
func (c *client) waits() map[string]int32 {
	waits := make(map[string]int32)
	for _, e := range c.entries() {
		id := strings.TrimPrefix(*e.ReceiptHandle, "handle-")
		if _, again := waits[id]; again {
			e.VisibilityTimeout = -1
		}
		waits[id] = e.VisibilityTimeout
	}
	return waits
}

// messages are SQS messages m0, m1 and so on. A body may name a group: "a/fail".
func messages(arn string, bodies ...string) events.SQSEvent {
	var event events.SQSEvent
	for i, body := range bodies {
		attributes := map[string]string{"ApproximateReceiveCount": "1"}
		if group, rest, ok := strings.Cut(body, "/"); ok {
			attributes["MessageGroupId"], body = group, rest
		}
		id := "m" + strconv.Itoa(i)
		event.Records = append(event.Records, events.SQSMessage{
			MessageId: id, ReceiptHandle: "handle-" + id, Body: body, Attributes: attributes,
			EventSource: "aws:sqs", EventSourceARN: arn,
		})
	}
	return event
}

// each is a pipeline of one function.
func each(f func(context.Context, events.SQSMessage) error) batch.Stage[events.SQSMessage, events.SQSMessage] {
	return batch.Each(f)
}

// work does what the body says.
func work(_ context.Context, m events.SQSMessage) error {
	switch m.Body {
	case "fail":
		return errRefused
	case "panic":
		panic("broken")
	}
	return nil
}

type refused struct{}

func (refused) Error() string { return "refused" }

var errRefused error = refused{}

// after is a wait function.
func after(d time.Duration) func(batch.Failure) time.Duration {
	return func(batch.Failure) time.Duration { return d }
}

// invoke has a handler process an event and returns its answer.
func invoke(t testing.TB, ctx context.Context, h *batch.Handler, event any) (answer string) {
	t.Helper()
	payload, ok := event.([]byte)
	if !ok {
		var err error
		payload, err = json.Marshal(event)
		is.New(t).NoErr(err)
	}
	response, err := h.Invoke(ctx, payload)
	return fmt.Sprintf("%s %v", response, err)
}

// A logbook keeps lines without their times.
type logbook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logbook) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *logbook) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

func (l *logbook) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.text.Len() == 0 {
		return nil
	}
	return strings.Split(strings.TrimSpace(l.text.String()), "\n")
}

func loggerTo(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// setDefault has slog.Default write to a logbook until the test ends.
func setDefault(t *testing.T, l *logbook) {
	t.Helper()
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	slog.SetDefault(l.logger())
}

// looking is a log handler that looks at contexts only.
type looking struct {
	slog.Handler
	look func(context.Context)
}

func (h looking) Handle(ctx context.Context, _ slog.Record) error { h.look(ctx); return nil }

func loggerWith(look func(context.Context)) *slog.Logger {
	return slog.New(looking{slog.NewTextHandler(io.Discard, nil), look})
}
