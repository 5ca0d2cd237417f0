package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
	"pgregory.net/rapid"

	"github.com/lambdabatch/batch/batchtest"
	"github.com/lambdabatch/batch/examples/internal/local"
)

func TestTheBuiltInEventHoldsOneAccountBackAndLetsAnotherGo(t *testing.T) {
	is := is.New(t)
	var ledger Ledger
	var stdout, stderr bytes.Buffer
	is.Equal(local.Run(ledger.handler(localMaxReceives), builtIn, []string{"fifo"}, &stdout, &stderr), 0)
	is.Equal(stdout.String(), `{"batchItemFailures":[`+
		`{"itemIdentifier":"00000003-8e2a-4c6d-b1f3-5a7e9c0d2b4f"},`+ // overdrawn
		`{"itemIdentifier":"00000004-8e2a-4c6d-b1f3-5a7e9c0d2b4f"},`+ // after it
		`{"itemIdentifier":"00000005-8e2a-4c6d-b1f3-5a7e9c0d2b4f"}]}`+"\n") // broken, on its last receive
	is.Equal(stderr.String(), "")
	is.Equal(ledger.accounts, map[string]Account{
		"ada": {2000, []string{"b-1", "b-2"}},
		"eve": {700, []string{"b-6"}},
	})
}

// message is the message of a booking.
func message(t *testing.T, b Booking) batchtest.Message {
	t.Helper()
	body, err := json.Marshal(b)
	is.New(t).NoErr(err)
	return batchtest.Message{ID: b.ID, Body: string(body), Group: b.Account}
}

// sent is a queue with twenty bookings for each of five accounts, interleaved. The third booking of "a-2"
// overdraws its account.
func sent(t *testing.T) (queue *batchtest.Queue, ids map[string][]string) {
	t.Helper()
	queue = batchtest.NewQueue(batchtest.QueueConfig{FIFO: true, MaxReceives: 5})
	ids = make(map[string][]string)
	for i := range 20 {
		for a := range 5 {
			b := Booking{ID: fmt.Sprintf("%d/%d", a, i), Account: fmt.Sprintf("a-%d", a), Cents: 100}
			if b.ID == "2/2" {
				b.Cents = -1000
			}
			queue.Send(message(t, b))
			ids[b.Account] = append(ids[b.Account], b.ID)
		}
	}
	return queue, ids
}

func TestOnlyBookingsThatNeverSucceedAreDeadLetteredAndTheRestAreBookedInOrder(t *testing.T) {
	is := is.New(t)
	queue, ids := sent(t)
	var ledger Ledger
	run := queue.Drain(t.Context(), ledger.handler(5))
	is.NoErr(run.Err)
	is.Equal(run.DeadLettered, []string{"2/2"})
	is.Equal(run.Received("2/2"), 5)
	for account, want := range ids {
		want = slices.DeleteFunc(want, func(id string) bool { return id == "2/2" })
		is.Equal(ledger.accounts[account], Account{100 * len(want), want})
	}
}

// This is why main needs MAX_RECEIVES: with a wrong count, bookings that were never tried are dead-lettered.
func TestInnocentBookingsAreDeadLetteredIfTheReceiveCountIsWrong(t *testing.T) {
	is := is.New(t)
	queue, _ := sent(t)
	var ledger Ledger
	run := queue.Drain(t.Context(), ledger.handler(6))
	is.True(slices.Contains(run.DeadLettered, "2/2"))
	is.True(len(run.DeadLettered) > 1)
}

func TestABookingThatIsDeliveredTwiceIsBookedOnce(t *testing.T) {
	is := is.New(t)
	var ledger Ledger
	b := Booking{ID: "b-1", Account: "ada", Cents: 100}
	for range 2 {
		queue := batchtest.NewQueue(batchtest.QueueConfig{FIFO: true})
		queue.Send(message(t, b))
		queue.Drain(t.Context(), ledger.handler(5))
	}
	is.Equal(ledger.accounts["ada"], Account{100, []string{"b-1"}})
}

func TestTheFunctionDoesNotStartWithoutTheReceiveCountOfTheQueue(t *testing.T) {
	is := is.New(t)
	for value, want := range map[string]int{"5": 5, "1000": 1000, "": 0, "0": 0, "five": 0} {
		t.Setenv("MAX_RECEIVES", value)
		n, err := readMaxReceives()
		is.Equal(n, want)
		is.Equal(err == nil, want > 0)
	}
}

// Whether a withdrawal is covered depends on earlier bookings, so each range begins with an empty ledger.
func TestTheStageObeysTheLaws(t *testing.T) {
	bodies := rapid.Custom(func(t *rapid.T) events.SQSMessage {
		return events.SQSMessage{Body: fmt.Sprintf(`{"id":"b-%d","account":"%s","cents":%d}`,
			rapid.IntRange(1, 9).Draw(t, "id"), rapid.SampledFrom([]string{"ada", "ben"}).Draw(t, "account"),
			rapid.IntRange(-50, 50).Draw(t, "cents"))}
	})
	batchtest.CheckStage(t, bodies, func(messages batch.Stream[events.SQSMessage]) batch.Stream[Booking] {
		return func(yield func(batch.Result[Booking]) bool) { new(Ledger).process(messages)(yield) }
	}, batchtest.WholeBatch())
}
