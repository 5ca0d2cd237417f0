package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/lambdabatch/batch/e2e/ledger"
	"github.com/lambdabatch/batch/e2e/mapping"
	"github.com/lambdabatch/batch/e2e/sandbox"
	"github.com/matryer/is"
)

// The visibility timeout of the queues here. If a message is received again earlier, redeliver has
// changed its timeout.
const queueVisibility = 30 * time.Second

// receiveTimes drains the queue and returns the times at which each order was received.
func (q *queue) receiveTimes(t *testing.T, poller mapping.Queue, look func(mapping.Delivery)) map[string][]time.Time {
	t.Helper()
	times := map[string][]time.Time{}
	q.drain(t, 1, func(int) mapping.Queue { return poller }, func(d mapping.Delivery) {
		look(d)
		for _, m := range d.Messages {
			id := parse(t, aws.ToString(m.Body)).ID
			times[id] = append(times[id], d.Received)
		}
	})
	return times
}

// checkWait fails the test unless the time between two receives is at least wait, and at most half
// of the queue's own timeout. The server's clock counts whole milliseconds.
func checkWait(t *testing.T, wait time.Duration, first, second time.Time) {
	t.Helper()
	if gap := second.Sub(first); gap < wait-5*time.Millisecond || gap > queueVisibility/2 {
		t.Errorf("received again after %v, want %v", gap, wait)
	}
}

func TestRedeliverDelaysAFailedMessageAccordingToItsAttempt(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	l := openLedger(t, nil)
	server := startServers(t).SQS
	q := createQueue(t, mapping.NewSQS(server), queueConfig{maxReceives: 4, visibility: queueVisibility})
	orders := []order{script("good", "ok"), script("bad", "fail", "panic", "ok")}
	is.NoErr(q.send(t.Context(), orders))
	s := openWorker(t, l, "REDELIVER="+server, "QUEUE="+q.URL, "WAITS=1s,3s")

	times := q.receiveTimes(t, q.mappingTo(s, time.Minute), checkDeletesOnlyStored(t, l))

	accountFor(t, orders, l, q.deadLetters(t))
	is.Equal(len(times["good"]), 1)
	is.Equal(len(times["bad"]), 3)
	checkWait(t, time.Second, times["bad"][0], times["bad"][1])
	checkWait(t, 3*time.Second, times["bad"][1], times["bad"][2])
}

func TestRedeliverMakesUnstartedMessagesVisibleAtOnce(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	l := openLedger(t, nil)
	server := startServers(t).SQS
	q := createQueue(t, mapping.NewSQS(server), queueConfig{maxReceives: 9, visibility: queueVisibility})
	orders := []order{script("slow", "wait:1m", "ok"), script("next", "ok"), script("last", "ok")}
	is.NoErr(q.send(t.Context(), orders))
	s := openWorker(t, l, "REDELIVER="+server, "QUEUE="+q.URL, "WAITS=4s")

	times := q.receiveTimes(t, q.mappingTo(s, shortTimeout), checkDeletesOnlyStored(t, l))

	accountFor(t, orders, l, q.deadLetters(t))
	checkWait(t, 4*time.Second, times["slow"][0], times["slow"][1])
	for _, id := range []string{"next", "last"} {
		for _, again := range times[id][1:] {
			is.True(again.Before(times["slow"][1])) // it was visible at once
		}
	}
}

func TestRedeliverDelaysAFIFOGroupUntilItsFirstMessageIsVisible(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	l := openLedger(t, nil)
	server := startServers(t).SQS
	q := createQueue(t, mapping.NewSQS(server), queueConfig{fifo: true, maxReceives: 4, visibility: queueVisibility})
	orders := []order{
		script("a1", "fail", "ok").in("a"), script("b1", "ok").in("b"), script("a2", "ok").in("a"),
		script("b2", "ok").in("b"), script("a3", "ok").in("a"), script("b3", "ok").in("b"),
	}
	is.NoErr(q.send(t.Context(), orders))
	s := openWorker(t, l, "REDELIVER="+server, "QUEUE="+q.URL, "WAITS=3s")

	times := q.receiveTimes(t, q.mappingTo(s, time.Minute), checkDeletesOnlyStored(t, l))

	accountFor(t, orders, l, q.deadLetters(t))
	checkGroupOrder(t, orders, l)
	checkWait(t, 3*time.Second, times["a1"][0], times["a1"][1])
	is.Equal(l.IDs(ledger.Store), []string{"b1", "b2", "b3", "a1", "a2", "a3"}) // the other group did not wait
	is.Equal(l.Counts(ledger.Try), map[string]int{"a1": 2, "a2": 1, "a3": 1, "b1": 1, "b2": 1, "b3": 1})
}

// The SQS server delivers one message of a group at a time. Here one event has the whole group,
// and the test replaces the server.
func TestRedeliverSetsTheVisibilityOfEveryDelayedMessage(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	var calls []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var request struct {
			QueueURL string `json:"QueueUrl"`
			Entries  []struct {
				ReceiptHandle     string
				VisibilityTimeout int
			}
		}
		_ = json.NewDecoder(r.Body).Decode(&request)
		calls = append(calls, r.Header.Get("X-Amz-Target"), request.QueueURL)
		for _, e := range request.Entries {
			calls = append(calls, fmt.Sprint(e.ReceiptHandle, " waits ", e.VisibilityTimeout))
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = io.WriteString(w, `{"Successful":[],"Failed":[]}`)
	}))
	defer server.Close()
	s := openWorker(t, openLedger(t, nil), "REDELIVER="+server.URL, "WAITS=3s,5s")
	out := invoke(t, s, sqsEvent("orders.fifo", 2,
		script("a1", "ok").in("a"), script("a2", "fail").in("a"), script("a3", "ok").in("a"), script("a4", "ok").in("a"),
		script("b1", "ok").in("b")), time.Minute)
	is.Equal(out.End, sandbox.Responded)
	is.Equal(string(out.Body), reporting("a2", "a3", "a4"))
	is.Equal(calls, []string{
		"AmazonSQS.ChangeMessageVisibilityBatch", "https://sqs.us-east-1.amazonaws.com/000000000000/orders.fifo",
		"receipt-a2 waits 5", "receipt-a3 waits 5", "receipt-a4 waits 5",
	})
}
