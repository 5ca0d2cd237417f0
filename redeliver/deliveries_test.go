package redeliver_test

// Over several deliveries: a local queue whose messages come back when redeliver says.

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

// localQueue is the client of a local queue. Calls fail as drawn.
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

// A letter is a message, and what becomes of its tries before it succeeds.
type letter struct {
	id, group string
	tries     []string // "fail", "panic" or "stuck"
}

func drawnLetters(t *rapid.T) []letter {
	letters := make([]letter, rapid.IntRange(1, 14).Draw(t, "letters"))
	for i := range letters {
		letters[i] = letter{
			id:    fmt.Sprintf("m-%02d", i),
			group: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "group"),
			tries: rapid.SliceOfN(rapid.SampledFrom([]string{"fail", "panic", "stuck"}), 0, 3).Draw(t, "tries"),
		}
		if rapid.Bool().Draw(t, "is good") {
			letters[i].tries = nil
		}
	}
	return letters
}

// office processes letters and writes down when it tried and when it succeeded.
type office struct {
	mu      sync.Mutex
	letters map[string]letter
	tried   map[string][]time.Time
	done    []string
}

func (o *office) process(_ context.Context, m events.SQSMessage) error {
	o.mu.Lock()
	l := o.letters[m.MessageId]
	n := len(o.tried[l.id])
	o.tried[l.id] = append(o.tried[l.id], time.Now())
	o.mu.Unlock()
	if n < len(l.tries) {
		switch l.tries[n] {
		case "panic":
			panic("boom")
		case "stuck":
			time.Sleep(12 * time.Second) // the function has ten
		}
		return errors.New("refused")
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.done = append(o.done, l.id)
	return nil
}

// What a message waits is its attempt's: long enough that its next try shows whether it did.
func waits(f batch.Failure) time.Duration {
	return time.Duration(max(1, f.Record.Attempt)) * 20 * time.Second
}

func TestGroupsTakeEffectInOrderHoweverLongTheirFailuresWait(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		letters := drawnLetters(rt)
		lanes := rapid.IntRange(1, 4).Draw(rt, "lanes")
		visibility := rapid.SampledFrom([]time.Duration{0, 15 * time.Second, 10 * time.Minute}).Draw(rt, "visibility")
		fails := rapid.MapOf(rapid.IntRange(1, 8), rapid.Just(true)).Draw(rt, "calls that fail")
		var o *office
		var run *batchtest.Run
		synctest.Test(t, func(t *testing.T) { o, run = deliver(t, letters, lanes, visibility, fails) })
		if err := disorder(letters, o); err != nil || run.Err != nil {
			rt.Fatal(err, run.Err, "\n", run)
		}
		if len(fails) > 0 || visibility < 20*time.Second {
			return // what the calls have not changed comes back earlier
		}
		if err := haste(letters, o); err != nil {
			rt.Fatal(err, "\n", run)
		}
	})
}

func deliver(t *testing.T, letters []letter, lanes int, visibility time.Duration, fails map[int]bool) (*office, *batchtest.Run) {
	queue := batchtest.NewQueue(batchtest.QueueConfig{FIFO: true, VisibilityTimeout: visibility, Timeout: 10 * time.Second})
	o := &office{letters: map[string]letter{}, tried: map[string][]time.Time{}}
	for _, l := range letters {
		o.letters[l.id] = l
		queue.Send(batchtest.Message{ID: l.id, Group: l.group})
	}
	client := &localQueue{Queue: queue, fails: fails}
	stage := batch.Each(o.process)
	run := queue.Drain(t.Context(), batch.SQSHandler(func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
		return batch.Parallel(s, lanes, stage)
	}, batch.WithLogger(nil), redeliver.After(client, waits, redeliver.WithLogger(nil))))
	time.Sleep(time.Minute) // stuck functions return
	return o, run
}

// disorder is a message that had its effect not once, or before an earlier one of its group.
func disorder(letters []letter, o *office) error {
	want, got := map[string][]string{}, map[string][]string{}
	for _, l := range letters {
		want[l.group] = append(want[l.group], l.id)
	}
	for _, id := range o.done {
		g := o.letters[id].group
		got[g] = append(got[g], id)
	}
	for g := range want {
		if a, b := strings.Join(want[g], " "), strings.Join(got[g], " "); a != b {
			return fmt.Errorf("group %s took effect as %s", g, b)
		}
	}
	return nil
}

// haste is a message that was tried again before its wait was over.
func haste(letters []letter, o *office) error {
	for _, l := range letters {
		for i, at := range o.tried[l.id][1:] {
			if waited := at.Sub(o.tried[l.id][i]); waited < 20*time.Second {
				return fmt.Errorf("%s was tried again after %v", l.id, waited)
			}
		}
	}
	return nil
}
