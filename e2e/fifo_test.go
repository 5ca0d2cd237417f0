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
	"github.com/samber/lo"
)

// The service delivers several messages of a FIFO group in one batch, in order. The SQS
// server here does not, so these tests make the events themselves.

// deliverUntilDone delivers a FIFO batch, and redelivers the messages that were reported,
// up to maxReceives times. It returns the responses, and the orders that would be
// dead-lettered.
func deliverUntilDone(t *testing.T, s *sandbox.Sandbox, orders []order, maxReceives int) (responses []string, dead []order) {
	t.Helper()
	for receive := 1; receive <= maxReceives && len(orders) > 0; receive++ {
		out := invoke(t, s, sqsEvent("orders.fifo", receive, orders...), shortTimeout)
		if out.End != sandbox.Responded {
			responses = append(responses, out.End.String())
			continue
		}
		responses = append(responses, string(out.Body))
		orders = lo.Filter(orders, func(o order, _ int) bool { return strings.Contains(string(out.Body), `"`+o.ID+`"`) })
	}
	return responses, orders
}

func TestAFIFOGroupStopsAtItsFailureAndIsRedeliveredInOrder(t *testing.T) {
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
			responses, dead := deliverUntilDone(t, openWorker(t, l, lanes, "MAX_RECEIVES=3"), orders, 3)
			is.Equal(responses, []string{
				reporting("a2", "a3", "c1", "c2", "c3", "d2"),
				reporting("c1", "c2", "c3"),
				reporting("c1"), // it is about to be dead-lettered, so it blocks no other message
			})
			is.Equal(dead, []order{orders[5]})
			is.Equal(len(l.IDs(ledger.Store)), 9)
			is.Equal(l.Counts(ledger.Try), map[string]int{
				"a1": 1, "a2": 2, "a3": 1, "b1": 1, "b2": 1, "c1": 3, "c2": 1, "c3": 1, "d1": 1, "d2": 2,
			})
			checkGroupOrder(t, orders, l)
		})
	}
}

func TestAFIFOGroupWaitsForItsStuckMessage(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	l := openLedger(t, nil)
	orders := []order{
		script("a1", "ok").in("a"), script("a2", stuckOnce, "ok").in("a"), script("a3", "ok").in("a"),
		script("b1", "ok").in("b"), script("b2", "ok").in("b"),
	}
	responses, dead := deliverUntilDone(t, openWorker(t, l, "LANES=4"), orders, 3)
	is.Equal(responses, []string{reporting("a2", "a3"), reporting()})
	is.Equal(len(dead), 0)
	checkGroupOrder(t, orders, l)
}

func TestAFIFOBatchIsRedeliveredInOrderAfterItsProcessIsKilled(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	s, l := openWorkerKilledAt(t, ledger.Entry{Kind: ledger.Store, ID: "a2"}, "LANES=2")
	orders := []order{
		script("a1", "ok").in("a"), script("a2", "ok").in("a"), script("a3", "ok").in("a"),
		script("b1", "ok").in("b"), script("b2", "fail", "fail", "ok").in("b"), script("b3", "ok").in("b"),
	}
	responses, dead := deliverUntilDone(t, s, orders, 4)
	is.Equal(responses[0], "exited")
	is.Equal(responses[len(responses)-1], reporting())
	is.Equal(len(dead), 0)
	is.Equal(len(l.IDs(ledger.Store)), len(orders))
	checkGroupOrder(t, orders, l)
}

// A sandboxHandler is a sandbox that batchtest can use as a handler.
type sandboxHandler struct{ *sandbox.Sandbox }

func (h sandboxHandler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	deadline, _ := ctx.Deadline()
	out, err := h.Sandbox.Invoke(payload, time.Until(deadline))
	if err == nil && out.End != sandbox.Responded {
		err = fmt.Errorf("%s: %s", out.End, out.Body)
	}
	return out.Body, err
}

func TestAFIFOQueueWithFullBatchesIsDrainedInOrder(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	s, l := openWorkerKilledAt(t, ledger.Entry{Kind: ledger.Store, ID: "g3-2"}, "LANES=4", "MAX_RECEIVES=4")
	q := batchtest.NewQueue(batchtest.QueueConfig{FIFO: true, MaxReceives: 4, Timeout: shortTimeout})
	orders := groupedOrders(8, 10)
	for _, o := range orders {
		q.Send(batchtest.Message{ID: o.ID, Body: string(o.body()), Group: o.group})
	}

	run := q.Drain(t.Context(), sandboxHandler{s})

	is.NoErr(run.Err)
	is.Equal(run.DeadLettered, []string{"g4-1"})
	is.Equal(len(l.IDs(ledger.Store)), len(orders)-1)
	checkGroupOrder(t, orders, l)
	is.Equal(s.Starts(), 2)
}
