package e2e_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/lambdabatch/batch/e2e/ledger"
	"github.com/lambdabatch/batch/e2e/mapping"
	"github.com/lambdabatch/batch/e2e/sandbox"
	"github.com/matryer/is"
)

// Three processes with four lanes each receive every order as two messages, and some messages
// several times.
func TestAnOrderThatIsSentTwiceIsStoredOnce(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	s := startServers(t)
	_, keys := createKeys(t, s)
	l := openLedger(t, nil)
	q := createQueue(t, mapping.NewSQS(s.SQS), queueConfig{maxReceives: 6, visibility: visibleAgain})
	orders := mixedOrders(40)
	is.NoErr(q.send(t.Context(), slices.Concat(orders, orders)))

	q.drain(t, 3, func(int) mapping.Queue {
		return q.mappingTo(openWorker(t, l, "LANES=4", "DYNAMODB="+s.DynamoDB, "KEYS="+keys), shortTimeout)
	}, checkDeletesOnlyStored(t, l))

	var poison int
	stored := l.Counts(ledger.Store)
	for _, o := range orders {
		want := 1
		if !o.good() {
			want = 0
			poison++
		}
		if stored[o.ID] != want {
			t.Errorf("order %s was stored %d times", o.ID, stored[o.ID])
		}
	}
	is.Equal(len(q.deadLetters(t)), 2*poison)
}

// The process is killed after the effect of o-3 and before its result is saved. No later process
// can know of the effect, so it is repeated once the claim has ended. Earlier effects are not
// repeated.
func TestAProcessKilledBeforeItsResultIsSavedRepeatsThatOneEffect(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	s := startServers(t)
	_, keys := createKeys(t, s)
	worker, l := openWorkerKilledAt(t, ledger.Entry{Kind: ledger.Store, ID: "o-3"}, "DYNAMODB="+s.DynamoDB, "KEYS="+keys)
	q := createQueue(t, mapping.NewSQS(s.SQS), queueConfig{maxReceives: 4, visibility: visibleAgain})
	var orders []order
	want := map[string]int{}
	for i := range 10 {
		orders = append(orders, script(fmt.Sprintf("o-%d", i), "ok"))
		want[orders[i].ID] = 1
	}
	want["o-3"] = 2
	is.NoErr(q.send(t.Context(), orders))

	var ends []sandbox.End
	q.drain(t, 1, func(int) mapping.Queue { return q.mappingTo(worker, shortTimeout) }, func(d mapping.Delivery) {
		checkDeletesOnlyStored(t, l)(d)
		ends = append(ends, d.Outcome.End)
	})

	accountFor(t, orders, l, q.deadLetters(t))
	is.Equal(ends[0], sandbox.Exited)
	is.Equal(slices.Compact(ends[1:]), []sandbox.End{sandbox.Responded}) // several times if they become visible one after another
	is.Equal(l.Counts(ledger.Store), want)
}
