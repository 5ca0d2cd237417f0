package e2e_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/lambdabatch/batch/e2e/ledger"
	"github.com/lambdabatch/batch/e2e/mapping"
	"github.com/lambdabatch/batch/e2e/sandbox"
	"github.com/matryer/is"
	"github.com/samber/lo"
)

func TestEveryGoodOrderIsStoredAndEveryPoisonOneDeadLettered(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	l := openLedger(t, nil)
	q := createQueue(t, mapping.NewSQS(startServers(t).SQS), queueConfig{maxReceives: 4, visibility: visibleAgain})
	orders := mixedOrders(120)
	is.NoErr(q.send(t.Context(), orders))

	q.drain(t, 3, func(int) mapping.Queue {
		return q.mappingTo(openWorker(t, l, "LANES=4"), shortTimeout)
	}, checkDeletesOnlyStored(t, l))

	accountFor(t, orders, l, q.deadLetters(t))
}

// mixedOrders returns orders of which most are good at once. Some fail, panic or are stuck
// at first, and some never succeed.
func mixedOrders(n int) []order {
	orders := make([]order, n)
	for i := range orders {
		id := fmt.Sprintf("o-%d", i)
		switch i % 20 {
		case 3:
			orders[i] = script(id, "fail", "ok")
		case 7:
			orders[i] = script(id, "panic", "dirty", "ok")
		case 11:
			orders[i] = script(id, stuckOnce, "ok")
		case 13:
			orders[i] = script(id, "fail")
		case 17:
			orders[i] = script(id, "panic")
		default:
			orders[i] = script(id, "ok")
		}
	}
	return orders
}

// mappingTo returns the queue's mapping to the function in s.
func (q *queue) mappingTo(s *sandbox.Sandbox, timeout time.Duration) mapping.Queue {
	m := q.Queue
	m.Invoke, m.Timeout = s.Invoke, timeout
	return m
}

// checkDeletesOnlyStored returns a function that fails the test if a message was deleted
// before its order was stored.
func checkDeletesOnlyStored(t *testing.T, l *ledger.Ledger) func(mapping.Delivery) {
	return func(d mapping.Delivery) {
		for _, m := range d.Messages {
			o := parse(t, aws.ToString(m.Body))
			if l.Count(ledger.Store, o.ID) == 0 && slices.Contains(d.Deleted, aws.ToString(m.MessageId)) {
				t.Errorf("order %s was deleted before it was stored", o.ID)
			}
		}
	}
}

func parse(t *testing.T, body string) order {
	t.Helper()
	var o order
	is.NewRelaxed(t).NoErr(json.Unmarshal([]byte(body), &o))
	return o
}

// accountFor fails the test unless exactly the good orders are stored, and exactly the
// others are dead-lettered.
func accountFor(t *testing.T, orders []order, l *ledger.Ledger, dead []string) {
	t.Helper()
	good, poison := lo.FilterReject(orders, func(o order, _ int) bool { return o.good() })
	deadLettered := lo.Map(dead, func(body string, _ int) string { return parse(t, body).ID })
	is := is.New(t)
	is.Equal(sorted(l.IDs(ledger.Store)), sorted(idsOf(good)))
	is.Equal(sorted(deadLettered), sorted(idsOf(poison)))
}

func idsOf(orders []order) []string {
	return lo.Map(orders, func(o order, _ int) string { return o.ID })
}

func sorted(ids []string) []string { return slices.Sorted(slices.Values(ids)) }

func TestAProcessKilledInTheMiddleOfABatchLosesNothing(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	s, l := openWorkerKilledAt(t, ledger.Entry{Kind: ledger.Store, ID: "o-3"})
	q := createQueue(t, mapping.NewSQS(startServers(t).SQS), queueConfig{maxReceives: 4, visibility: visibleAgain})
	orders := make([]order, 10)
	for i := range orders {
		orders[i] = script(fmt.Sprintf("o-%d", i), "ok")
	}
	is.NoErr(q.send(t.Context(), orders))

	var ends []sandbox.End
	q.drain(t, 1, func(int) mapping.Queue { return q.mappingTo(s, shortTimeout) }, func(d mapping.Delivery) {
		checkDeletesOnlyStored(t, l)(d)
		ends = append(ends, d.Outcome.End)
	})

	accountFor(t, orders, l, q.deadLetters(t))
	is.Equal(ends[0], sandbox.Exited)
	is.Equal(slices.Compact(ends[1:]), []sandbox.End{sandbox.Responded}) // several times if they become visible one after another
	is.Equal(l.Counts(ledger.Store), map[string]int{
		"o-0": 2, "o-1": 2, "o-2": 2, "o-3": 2, "o-4": 1, "o-5": 1, "o-6": 1, "o-7": 1, "o-8": 1, "o-9": 1,
	})
	is.Equal(s.Starts(), 2)
}

func TestAFIFOQueueKeepsTheOrderOfEachGroup(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	s, l := openWorkerKilledAt(t, ledger.Entry{Kind: ledger.Store, ID: "g3-2"}, "LANES=4", "MAX_RECEIVES=3")
	q := createQueue(t, mapping.NewSQS(startServers(t).SQS), queueConfig{fifo: true, maxReceives: 3, visibility: visibleAgain})
	orders := groupedOrders(8, 5)
	is.NoErr(q.send(t.Context(), orders))

	q.drain(t, 2, func(int) mapping.Queue { return q.mappingTo(s, shortTimeout) }, checkDeletesOnlyStored(t, l))

	accountFor(t, orders, l, q.deadLetters(t))
	checkGroupOrder(t, orders, l)
	is.Equal(s.Starts(), 2)
}

// groupedOrders returns orders of several groups. The first of group 0 fails once, the
// second of group 1 panics once, the third of group 2 is stuck once, and the second of
// group 4 never succeeds.
func groupedOrders(groups, each int) []order {
	var orders []order
	for i := range each {
		for g := range groups {
			o := script(fmt.Sprintf("g%d-%d", g, i), "ok")
			switch [2]int{g, i} {
			case [2]int{0, 0}:
				o.Script = []string{"fail", "ok"}
			case [2]int{1, 1}:
				o.Script = []string{"panic", "ok"}
			case [2]int{2, 2}:
				o.Script = []string{stuckOnce, "ok"}
			case [2]int{4, 1}:
				o.Script = []string{"fail"}
			}
			orders = append(orders, o.in(fmt.Sprintf("g%d", g)))
		}
	}
	return orders
}

// checkGroupOrder fails the test unless the first effects of each group happened in the
// order in which its good orders were sent.
func checkGroupOrder(t *testing.T, orders []order, l *ledger.Ledger) {
	t.Helper()
	good := lo.Filter(orders, func(o order, _ int) bool { return o.good() })
	groups := lo.SliceToMap(good, func(o order) (string, string) { return o.ID, o.group })
	byGroup := func(ids []string) map[string][]string {
		return lo.GroupBy(ids, func(id string) string { return groups[id] })
	}
	is.New(t).Equal(byGroup(l.IDs(ledger.Store)), byGroup(idsOf(good)))
}
