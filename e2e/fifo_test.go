package e2e_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lambdabatch/batch/batchtest"
	"github.com/lambdabatch/batch/e2e/ledger"
	"github.com/lambdabatch/batch/e2e/sandbox"
	"github.com/matryer/is"
)

// The service hands out several messages of a FIFO group at once, in their
// order, which the SQS server here does not. These tests make the events.

// redeliver delivers a FIFO batch, and what was listed again, up to maxReceives
// times. It returns the answers and what would be dead-lettered.
func redeliver(t *testing.T, s *sandbox.Sandbox, orders []order, maxReceives int) (answers []string, dead []order) {
	t.Helper()
	for receive := 1; receive <= maxReceives && len(orders) > 0; receive++ {
		out := invoke(t, s, sqsEvent("orders.fifo", receive, orders...), 1500*time.Millisecond)
		if out.End != sandbox.Answered {
			answers = append(answers, out.End.String())
			continue
		}
		answers = append(answers, string(out.Body))
		var again []order
		for _, o := range orders {
			if strings.Contains(string(out.Body), `"`+o.ID+`"`) {
				again = append(again, o)
			}
		}
		orders = again
	}
	return answers, orders
}

func TestAFIFOGroupStopsAtItsFailureAndComesAgainInOrder(t *testing.T) {
	for _, lanes := range []string{"LANES=1", "LANES=4"} {
		t.Run(lanes, func(t *testing.T) {
			t.Parallel()
			is := is.New(t)
			l := openLedger(t, nil)
			orders := []order{
				script("a1", "ok").in("a"), script("a2", "fail", "ok").in("a"), script("a3", "ok").in("a"),
				script("b1", "ok").in("b"), script("b2", "ok").in("b"),
				script("c1", "fail").in("c"), script("c2", "ok").in("c"), script("c3", "ok").in("c"),
				script("d1", "ok").in("d"), script("d2", "panic", "ok").in("d"),
			}
			answers, dead := redeliver(t, openWorker(t, l, lanes, "MAX_RECEIVES=3"), orders, 3)
			is.Equal(answers, []string{
				reporting("a2", "a3", "c1", "c2", "c3", "d2"),
				reporting("c1", "c2", "c3"),
				reporting("c1"), // about to be dead-lettered, it blocks nobody
			})
			is.Equal(dead, []order{orders[5]})
			is.Equal(len(l.IDs(ledger.Store)), 9)
			is.Equal(l.Counts(ledger.Try), map[string]int{
				"a1": 1, "a2": 2, "a3": 1, "b1": 1, "b2": 1, "c1": 3, "c2": 1, "c3": 1, "d1": 1, "d2": 2,
			})
			inOrder(t, orders, l)
		})
	}
}

func TestAFIFOGroupWaitsBehindItsStuckMessage(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	l := openLedger(t, nil)
	orders := []order{
		script("a1", "ok").in("a"), script("a2", "stuck:1500ms", "ok").in("a"), script("a3", "ok").in("a"),
		script("b1", "ok").in("b"), script("b2", "ok").in("b"),
	}
	answers, dead := redeliver(t, openWorker(t, l, "LANES=4"), orders, 3)
	is.Equal(answers, []string{reporting("a2", "a3"), reporting()})
	is.Equal(len(dead), 0)
	inOrder(t, orders, l)
}

func TestAFIFOBatchWhoseProcessIsKilledComesAgainInOrder(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	s, l := openDoomed(t, ledger.Entry{Kind: ledger.Store, ID: "a2"}, "LANES=2")
	orders := []order{
		script("a1", "ok").in("a"), script("a2", "ok").in("a"), script("a3", "ok").in("a"),
		script("b1", "ok").in("b"), script("b2", "fail", "fail", "ok").in("b"), script("b3", "ok").in("b"),
	}
	answers, dead := redeliver(t, s, orders, 4)
	is.Equal(answers[0], "exited")
	is.Equal(answers[len(answers)-1], reporting())
	is.Equal(len(dead), 0)
	is.Equal(len(l.IDs(ledger.Store)), len(orders))
	inOrder(t, orders, l)
}

// A process is a sandbox as a handler.
type process struct{ *sandbox.Sandbox }

func (p process) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	deadline, _ := ctx.Deadline()
	out, err := p.Sandbox.Invoke(payload, time.Until(deadline))
	if err == nil && out.End != sandbox.Answered {
		err = fmt.Errorf("%s: %s", out.End, out.Body)
	}
	return out.Body, err
}

func TestAFIFOQueueWithFullBatchesIsDrainedInOrder(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	s, l := openDoomed(t, ledger.Entry{Kind: ledger.Store, ID: "g3-2"}, "LANES=4", "MAX_RECEIVES=4")
	q := batchtest.NewQueue(batchtest.QueueConfig{FIFO: true, MaxReceives: 4, Timeout: 1500 * time.Millisecond})
	orders := grouped(8, 10)
	for _, o := range orders {
		q.Send(batchtest.Message{ID: o.ID, Body: string(o.body()), Group: o.group})
	}

	run := q.Drain(t.Context(), process{s})

	is.NoErr(run.Err)
	is.Equal(run.DeadLettered, []string{"g4-1"})
	is.Equal(len(l.IDs(ledger.Store)), len(orders)-1)
	inOrder(t, orders, l)
	is.Equal(s.Starts(), 2)
}
