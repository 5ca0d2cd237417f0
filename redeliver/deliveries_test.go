package redeliver_test

// Several deliveries: a local queue redelivers messages when redeliver says so.

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/batchtest"
	"github.com/lambdabatch/batch/redeliver"
	"pgregory.net/rapid"
)

// A localQueue is a client that changes a local queue. The calls whose number is in fails return an error.
type localQueue struct {
	*batchtest.Queue
	mu    sync.Mutex
	calls int
	fails map[int]bool
}

func (q *localQueue) ChangeMessageVisibilityBatch(_ context.Context, in *sqs.ChangeMessageVisibilityBatchInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.calls++; q.fails[q.calls] {
		return nil, errors.New("throttled")
	}
	for _, e := range in.Entries {
		if err := q.ChangeVisibility(*e.ReceiptHandle, time.Duration(e.VisibilityTimeout)*time.Second); err != nil {
			panic(err)
		}
	}
	return &sqs.ChangeMessageVisibilityBatchOutput{}, nil
}

// A flakyMessage fails in these ways before it succeeds.
type flakyMessage struct {
	id, group string
	failures  []string // "fail", "panic" or "stuck"
}

func drawMessages(t *rapid.T) []flakyMessage {
	messages := make([]flakyMessage, rapid.IntRange(1, 14).Draw(t, "messages"))
	for i := range messages {
		messages[i] = flakyMessage{
			id:       fmt.Sprintf("m-%02d", i),
			group:    rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "group"),
			failures: rapid.SliceOfN(rapid.SampledFrom([]string{"fail", "panic", "stuck"}), 0, 3).Draw(t, "failures"),
		}
		if rapid.Bool().Draw(t, "is good") {
			messages[i].failures = nil
		}
	}
	return messages
}

// A worker processes messages and records when it tried each and which succeeded.
type worker struct {
	mu       sync.Mutex
	messages map[string]flakyMessage
	tried    map[string][]time.Time // by message ID
	done     []string               // message IDs
}

func (w *worker) process(_ context.Context, m events.SQSMessage) error {
	w.mu.Lock()
	flaky := w.messages[m.MessageId]
	n := len(w.tried[flaky.id])
	w.tried[flaky.id] = append(w.tried[flaky.id], time.Now())
	w.mu.Unlock()
	if n < len(flaky.failures) {
		switch flaky.failures[n] {
		case "panic":
			panic("boom")
		case "stuck":
			time.Sleep(12 * time.Second) // longer than its timeout
		}
		return errors.New("refused")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = append(w.done, flaky.id)
	return nil
}

// linear returns the wait after an attempt. All waits exceed the function's timeout, so the time of the next
// try shows whether the message waited.
func linear(f batch.Failure) time.Duration {
	return time.Duration(max(1, f.Record.Attempt)) * 20 * time.Second
}

func TestGroupsTakeEffectInOrderHoweverLongTheirFailuresWait(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		messages := drawMessages(rt)
		lanes := rapid.IntRange(1, 4).Draw(rt, "lanes")
		visibility := rapid.SampledFrom([]time.Duration{0, 15 * time.Second, 10 * time.Minute}).Draw(rt, "visibility")
		fails := rapid.MapOf(rapid.IntRange(1, 8), rapid.Just(true)).Draw(rt, "calls that fail")
		var w *worker
		var run *batchtest.Run
		synctest.Test(t, func(t *testing.T) { w, run = deliver(t, messages, lanes, visibility, fails) })
		if err := orderViolation(messages, w); err != nil || run.Err != nil {
			rt.Fatal(err, run.Err, "\n", run)
		}
		if len(fails) > 0 || visibility < 20*time.Second {
			return // messages whose call failed, or with a short visibility timeout, are redelivered earlier
		}
		if err := earlyRetry(messages, w); err != nil {
			rt.Fatal(err, "\n", run)
		}
	})
}

func deliver(t *testing.T, messages []flakyMessage, lanes int, visibility time.Duration, fails map[int]bool) (*worker, *batchtest.Run) {
	queue := batchtest.NewQueue(batchtest.QueueConfig{FIFO: true, VisibilityTimeout: visibility, Timeout: 10 * time.Second})
	w := &worker{messages: map[string]flakyMessage{}, tried: map[string][]time.Time{}}
	for _, m := range messages {
		w.messages[m.id] = m
		queue.Send(batchtest.Message{ID: m.id, Group: m.group})
	}
	client := &localQueue{Queue: queue, fails: fails}
	stage := batch.Each(w.process)
	run := queue.Drain(t.Context(), batch.SQSHandler(func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
		return batch.Parallel(s, lanes, stage)
	}, batch.WithLogger(nil), redeliver.After(client, linear, redeliver.WithLogger(nil))))
	time.Sleep(time.Minute) // until the stuck functions have returned
	return w, run
}

// orderViolation returns an error if a message did not take effect exactly once, or before an earlier one of
// its group.
func orderViolation(messages []flakyMessage, w *worker) error {
	want, got := map[string][]string{}, map[string][]string{}
	for _, m := range messages {
		want[m.group] = append(want[m.group], m.id)
	}
	for _, id := range w.done {
		g := w.messages[id].group
		got[g] = append(got[g], id)
	}
	for g := range want {
		if a, b := strings.Join(want[g], " "), strings.Join(got[g], " "); a != b {
			return fmt.Errorf("group %s took effect as %s", g, b)
		}
	}
	return nil
}

// earlyRetry returns an error if a message was tried again before its wait was over.
func earlyRetry(messages []flakyMessage, w *worker) error {
	for _, m := range messages {
		for i, at := range w.tried[m.id][1:] {
			if waited := at.Sub(w.tried[m.id][i]); waited < 20*time.Second {
				return fmt.Errorf("%s was tried again after %v", m.id, waited)
			}
		}
	}
	return nil
}
