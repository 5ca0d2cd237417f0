package redeliver_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/redeliver"
	"pgregory.net/rapid"
)

type drawnMessage struct {
	id, group         string
	action            string // what the pipeline does with it
	attempt           int
	wait              time.Duration
	waitPanics        bool // the wait function panics
	noHandle          bool
	badBody, badGroup bool
}

func drawMessage(t *rapid.T, i int, actions []string) drawnMessage {
	oddity := rapid.SampledFrom([]string{"", "", "", "", "", "", "", "", "", "", "panics", "no handle", "bad body", "bad group"}).Draw(t, "oddity")
	return drawnMessage{
		id:      "m" + strconv.Itoa(i),
		group:   rapid.SampledFrom([]string{"", "a", "a", "b", "c"}).Draw(t, "group"),
		action:  rapid.SampledFrom(actions).Draw(t, "action"),
		attempt: rapid.IntRange(1, 5).Draw(t, "attempt"),
		wait: rapid.SampledFrom([]time.Duration{
			-time.Hour, -1, 0, 1, time.Second, time.Second + 1, 1500 * time.Millisecond, time.Minute, time.Hour, 13 * time.Hour, math.MaxInt64,
		}).Draw(t, "wait"),
		waitPanics: oddity == "panics",
		noHandle:   oddity == "no handle",
		badBody:    oddity == "bad body",
		badGroup:   oddity == "bad group",
	}
}

func (m drawnMessage) record(arn string) map[string]any {
	attributes := map[string]any{"ApproximateReceiveCount": strconv.Itoa(m.attempt)}
	if m.group != "" {
		attributes["MessageGroupId"] = m.group
	}
	record := map[string]any{
		"messageId": m.id, "receiptHandle": "handle-" + m.id, "body": m.action, "attributes": attributes,
		"eventSource": "aws:sqs", "eventSourceARN": arn,
	}
	if m.noHandle {
		delete(record, "receiptHandle")
	}
	if m.badBody {
		record["body"] = 7
	}
	if m.badGroup {
		attributes["MessageGroupId"] = 7
	}
	return record
}

// A scenario is one batch and one invocation with a deadline.
type scenario struct {
	fifo     bool
	messages []drawnMessage
	lanes    int
	policy   []batch.Option
	report   batch.Report
	client   *client
	release  chan struct{}
}

func drawScenario(t *rapid.T) *scenario {
	s := &scenario{
		fifo:   rapid.Bool().Draw(t, "fifo"),
		lanes:  rapid.SampledFrom([]int{1, 3}).Draw(t, "lanes"),
		client: slowClient(5 * time.Millisecond),
	}
	if p := rapid.SampledFrom([]batch.Policy{-1, batch.Continue, batch.StopGroup, batch.StopBatch}).Draw(t, "policy"); p >= 0 {
		s.policy = []batch.Option{batch.WithPolicy(p)}
	}
	actions := []string{"ok", "ok", "ok", "fail", "panic", "filter", "like blocked"}
	if rapid.Bool().Draw(t, "drops") {
		actions = append(actions, "drop")
	}
	if rapid.Bool().Draw(t, "late") {
		actions = append(actions, "stuck", "until the end")
	}
	for i := range rapid.IntRange(1, 30).Draw(t, "messages") {
		s.messages = append(s.messages, drawMessage(t, i, actions))
	}
	return s
}

func (s *scenario) payload() []byte {
	arn := standard
	if s.fifo {
		arn = fifo
	}
	var records []any
	for _, m := range s.messages {
		records = append(records, m.record(arn))
	}
	payload, _ := json.Marshal(map[string]any{"Records": records})
	return payload
}

func (s *scenario) stage(all batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
	return batch.Parallel(dropping(all), s.lanes, func(some batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
		wanted := batch.Filter(some, func(m events.SQSMessage) bool { return m.Body != "filter" })
		return batch.TryEach(wanted, s.do)
	})
}

// dropping is a stage that loses the messages with the body "drop".
func dropping(all batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
	return func(yield func(batch.Result[events.SQSMessage]) bool) {
		for r := range all {
			if m, ok := r.Value(); ok && m.Body == "drop" {
				continue
			}
			if !yield(r) {
				return
			}
		}
	}
}

func (s *scenario) do(ctx context.Context, m events.SQSMessage) error {
	switch m.Body {
	case "like blocked": // the error of a nested batch
		return &batch.AllFailedError{Failures: []batch.Failure{{Err: fmt.Errorf("inside: %w", batch.ErrBlocked)}}}
	case "stuck":
		<-s.release
		return nil
	case "until the end":
		<-ctx.Done()
		return ctx.Err()
	}
	return work(ctx, m)
}

func (s *scenario) wait(f batch.Failure) time.Duration {
	m := s.messages[f.Record.Index]
	if m.waitPanics {
		panic(m.id)
	}
	return m.wait
}

func (s *scenario) run(t *rapid.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	s.release = make(chan struct{})
	defer synctest.Wait()
	defer close(s.release)
	h := batch.SQSHandler(s.stage, append(s.policy,
		redeliver.After(s.client, s.wait, redeliver.WithLogger(nil)), batch.WithLogger(nil),
		batch.WithReport(func(_ context.Context, r batch.Report) { s.report = r }))...)
	_, _ = h.Invoke(ctx, s.payload())
	if ctx.Err() != nil {
		t.Fatal("no answer in time")
	}
}

const leftAlone = math.MaxInt32

// own returns how long a reported message waits if no other message matters.
func (s *scenario) own(f batch.Failure) int32 {
	m := s.messages[f.Record.Index]
	_, failed := errors.AsType[*batch.AllFailedError](f.Err)
	untried := errors.Is(f.Err, batch.ErrBlocked) || errors.Is(f.Err, batch.ErrNotStarted) ||
		s.report.Running > 0 && errors.Is(f.Err, batch.ErrUnreached) && !errors.Is(f.Err, batch.ErrRunning)
	switch {
	case m.noHandle:
		return leftAlone
	case untried && !failed:
		return 0
	case m.waitPanics:
		return leftAlone
	}
	most := (12*time.Hour - 10*time.Minute - s.report.Elapsed).Seconds()
	return int32(max(0, min(math.Ceil(m.wait.Seconds()), math.Floor(most))))
}

// holdsBack reports whether, on a FIFO queue, the second message must not be visible before the first.
func holdsBack(first, second drawnMessage) bool {
	return first.badGroup || first.group != "" && (first.group == second.group || second.badGroup)
}

// expected returns how long each reported message must wait, without those that are left alone.
func (s *scenario) expected() map[string]int32 {
	all := make([]int32, len(s.report.Failures))
	waits := make(map[string]int32)
	for i, f := range s.report.Failures {
		m := s.messages[f.Record.Index]
		all[i] = s.own(f)
		for j, earlier := range s.report.Failures[:i] {
			if s.fifo && holdsBack(s.messages[earlier.Record.Index], m) {
				all[i] = max(all[i], all[j])
			}
		}
		if all[i] != leftAlone {
			waits[m.id] = all[i]
		}
	}
	return waits
}

func TestEveryReportedMessageWaitsAsLongAsItShould(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScenario(t)
		rapid.SyncTest(t, func(t *rapid.T) {
			s.run(t)
			want, got := s.expected(), s.client.waits() // -1 if a message is changed twice
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("waits: %v, want %v, of %v", got, want, s.report.Failures)
			}
			s.checkCalls(t)
		})
	})
}

// checkCalls checks that SQS would accept the calls, and that none was made too late.
func (s *scenario) checkCalls(t *rapid.T) {
	for _, call := range s.client.calls {
		ids := make(map[string]bool)
		for _, e := range call.Entries {
			ids[*e.Id] = true
			if e.VisibilityTimeout < 0 || e.VisibilityTimeout > 43_200 {
				t.Fatalf("%s waits %d s", *e.ReceiptHandle, e.VisibilityTimeout)
			}
		}
		if len(call.Entries) > 10 || len(ids) != len(call.Entries) {
			t.Fatalf("a call with %d entries and %d IDs", len(call.Entries), len(ids))
		}
		if s.fifo != strings.HasSuffix(*call.QueueUrl, ".fifo") {
			t.Fatal(*call.QueueUrl)
		}
	}
	if s.client.ended > 0 {
		t.Fatalf("%d calls after the end of their context", s.client.ended)
	}
}
