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

const (
	standard = "arn:aws:sqs:eu-west-1:123456789012:orders"
	fifo     = standard + ".fifo"
)

type (
	input  = sqs.ChangeMessageVisibilityBatchInput
	output = sqs.ChangeMessageVisibilityBatchOutput
)

// A client records the calls made to it.
type client struct {
	respond func(context.Context, *input) (*output, error) // nil: succeed at once

	mu      sync.Mutex
	calls   []*input
	ended   int // calls that were made after their context had ended
	running int
	most    int // calls that ran at the same time
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
	if c.respond == nil {
		return &output{}, nil
	}
	return c.respond(ctx, in)
}

// slowClient returns a client whose calls take d, or until their context ends.
func slowClient(d time.Duration) *client {
	return &client{respond: func(ctx context.Context, _ *input) (*output, error) {
		select {
		case <-time.After(d):
			return &output{}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}
}

// entries returns the entries of all calls, in the order of the calls.
func (c *client) entries() (all []types.ChangeMessageVisibilityBatchRequestEntry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, in := range c.calls {
		all = append(all, in.Entries...)
	}
	return all
}

// waits returns the wait of each message by its ID. It is -1 if the message was changed twice.
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

// messages returns an event with the messages m0, m1 and so on. The part of a body before a slash is the group,
// as in "a/fail".
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

// each returns a pipeline that calls f for each message.
func each(f func(context.Context, events.SQSMessage) error) batch.Stage[events.SQSMessage, events.SQSMessage] {
	return batch.Each(f)
}

// work fails or panics if the body says so.
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

// always returns a wait function.
func always(d time.Duration) func(batch.Failure) time.Duration {
	return func(batch.Failure) time.Duration { return d }
}

// invoke returns the handler's response and error as one string.
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

// A logbook records log lines without their times.
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

// setDefault makes the default logger write to l until the test ends.
func setDefault(t *testing.T, l *logbook) {
	t.Helper()
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	slog.SetDefault(l.logger())
}

// A contextHandler passes on the context of each line and nothing else.
type contextHandler struct {
	slog.Handler
	see func(context.Context)
}

func (h contextHandler) Handle(ctx context.Context, _ slog.Record) error { h.see(ctx); return nil }

func contextLogger(see func(context.Context)) *slog.Logger {
	return slog.New(contextHandler{slog.NewTextHandler(io.Discard, nil), see})
}
