package once_test

// Functions that are called once, in pipelines.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/batchtest"
	"github.com/lambdabatch/batch/once"
	"github.com/matryer/is"
)

// messages are SQS messages with an order of that ID each.
func messages(ids ...string) (event events.SQSEvent) {
	for i, id := range ids {
		event.Records = append(event.Records, events.SQSMessage{MessageId: "m-" + string(rune('1'+i)), Body: `{"ID":"` + id + `"}`})
	}
	return event
}

func orders(s batch.Stream[events.SQSMessage]) batch.Stream[order] {
	return batch.Decode[order](s, json.Unmarshal)
}

func TestARepeatedMessageOfABatchIsAcknowledgedAndNotWorkedForAgain(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		calls := 0
		var receipts []string
		response, err := batch.Run(batch.SQS(t.Context(), messages("o-1", "o-2", "o-1")), func(s batch.Stream[events.SQSMessage]) batch.Stream[receipt] {
			paid := batch.TryMap(orders(s), once.Map(store, order.key, counting(&calls)))
			return batch.TryEach(paid, func(_ context.Context, r receipt) error { receipts = append(receipts, r.Order); return nil })
		})
		is.NoErr(err)
		is.Equal(len(response.BatchItemFailures), 0)
		is.Equal(calls, 2)
		is.Equal(receipts, []string{"o-1", "o-2", "o-1"})
	})
}

func TestInLanesARepeatedMessageIsReportedWhileTheFirstIsWorkedFor(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		var mu sync.Mutex
		calls := 0
		process := func(s batch.Stream[events.SQSMessage]) batch.Stream[order] {
			return batch.Parallel(s, 2, func(s batch.Stream[events.SQSMessage]) batch.Stream[order] {
				return batch.TryEach(orders(s), once.Each(store, order.key, func(context.Context, order) error {
					mu.Lock()
					calls++
					mu.Unlock()
					time.Sleep(time.Second)
					return nil
				}))
			})
		}
		response, err := batch.Run(batch.SQS(within(t, time.Minute), messages("o-1", "o-1")), process)
		is.NoErr(err)
		is.Equal(len(response.BatchItemFailures), 1)
		response, err = batch.Run(batch.SQS(within(t, time.Minute), messages("o-1")), process)
		is.NoErr(err)
		is.Equal(len(response.BatchItemFailures), 0)
		is.Equal(calls, 1)
	})
}

func TestARecordThatIsStuckKeepsItsKeyUntilItsContextEnds(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		working := false
		process := func(s batch.Stream[events.SQSMessage]) batch.Stream[order] {
			return batch.TryEach(orders(s), once.Each(store, order.key, func(context.Context, order) error {
				if !working {
					time.Sleep(time.Hour)
				}
				return nil
			}))
		}
		_, err := batch.Run(batch.SQS(within(t, 10*time.Second), messages("o-1")), process)
		is.True(errors.Is(err, batch.ErrRunning))
		working = true
		_, err = batch.Run(batch.SQS(within(t, 10*time.Second), messages("o-1")), process)
		is.NoErr(err) // the claim ended half a second before the deadline, and before the answer
		time.Sleep(time.Hour)
	})
}

func TestTwoFunctionsThatShareAKeyAreFoundAndNothingIsAcknowledgedUnshipped(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		shipped := 0
		pipeline := func(opts ...once.Option) func(batch.Stream[events.SQSMessage]) batch.Stream[order] {
			charge := once.Each(store, order.key, pass)
			ship := once.Each(store, order.key, func(context.Context, order) error { shipped++; return nil }, opts...)
			return func(s batch.Stream[events.SQSMessage]) batch.Stream[order] {
				return batch.TryEach(batch.TryEach(orders(s), charge), ship)
			}
		}
		for range 2 { // also when the charge is known
			_, err := batch.Run(batch.SQS(t.Context(), messages("o-1", "o-2")), pipeline())
			is.True(errors.Is(err, once.ErrShared))
			is.True(strings.Contains(err.Error(), "pipeline_test.go:"))
		}
		is.Equal(shipped, 0)

		response, err := batch.Run(batch.SQS(t.Context(), messages("o-1", "o-2")), pipeline(once.WithName("ship")))
		is.NoErr(err)
		is.Equal(len(response.BatchItemFailures), 0)
		is.Equal(shipped, 2)
	})
}

func TestAnotherProviderMayDoTheWorkOfOneThatHasFailed(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		for range 2 {
			receipts, failures := batch.Partition(batch.OrElse(
				batch.TryMap(batch.Of(order{"o-1", 12}), once.Map(store, order.key, refusing)),
				func(ctx context.Context, _ error) (receipt, error) {
					calls := 0
					return once.Map(store, order.key, counting(&calls))(ctx, order{"o-1", 12})
				}))
			is.Equal(len(failures), 0)
			is.Equal(receipts, []receipt{{"o-1", 12}})
		}
	})
}

func TestOneFunctionThatIsMadeForEachLaneSharesItsKeysWithItself(t *testing.T) {
	is := is.New(t)
	store := once.Memory()
	response, err := batch.Run(batch.SQS(t.Context(), messages("o-1", "o-2", "o-3", "o-4")), func(s batch.Stream[events.SQSMessage]) batch.Stream[order] {
		return batch.Parallel(s, 3, func(s batch.Stream[events.SQSMessage]) batch.Stream[order] {
			parts := batch.FlatMap(orders(s), func(o order) []order { return []order{o, o} })
			return batch.TryEach(parts, once.Each(store, order.key, pass))
		})
	})
	is.NoErr(err)
	is.Equal(len(response.BatchItemFailures), 0)
}

func TestOverSeveralDeliveriesEachOrderHasItsEffectOnce(t *testing.T) {
	for name, open := range stores() {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			store := open()
			var mu sync.Mutex
			effects, tries := map[string]int{}, map[string]int{}
			charge := func(_ context.Context, o order) (receipt, error) {
				mu.Lock()
				defer mu.Unlock()
				if tries[o.ID]++; o.ID == "o-2" && tries[o.ID] < 3 {
					return receipt{}, errDeclined
				}
				effects[o.ID]++
				return receipt{o.ID, 1}, nil
			}
			mails := 0
			mail := func(_ context.Context, r receipt) error {
				mu.Lock()
				defer mu.Unlock()
				if mails++; mails%2 == 1 {
					return errDeclined
				}
				return nil
			}
			queue := batchtest.NewQueue(batchtest.QueueConfig{BatchSize: 10})
			for i, id := range []string{"o-1", "o-2", "o-1", "o-3"} {
				queue.Send(batchtest.Message{ID: "m-" + string(rune('1'+i)), Body: `{"ID":"` + id + `"}`})
			}
			run := queue.Drain(t.Context(), batch.SQSHandler(func(s batch.Stream[events.SQSMessage]) batch.Stream[receipt] {
				return batch.Parallel(s, 2, func(s batch.Stream[events.SQSMessage]) batch.Stream[receipt] {
					return batch.TryEach(batch.TryMap(orders(s), once.Map(store, order.key, charge)), mail)
				})
			}, batch.WithLogger(nil)))
			is.NoErr(run.Err)
			is.Equal(len(run.Deleted), 4)
			is.Equal(effects, map[string]int{"o-1": 1, "o-2": 1, "o-3": 1})
		})
	}
}

// A stage may keep many orders between the two functions.
func TestTwoFunctionsThatShareAKeyAreFoundThoughOthersComeBetween(t *testing.T) {
	is := is.New(t)
	store := once.Memory()
	values := make([]order, 1500)
	for i := range values {
		values[i].ID = strconv.Itoa(i)
	}
	charged := batch.TryEach(batch.Of(values...), once.Each(store, order.key, pass))
	kept := func(yield func(batch.Result[order]) bool) { slices.Values(slices.Collect(charged))(yield) }
	_, failures := batch.Partition(batch.TryEach(kept, once.Each(store, order.key, pass)))
	is.Equal(len(failures), 1500)
	for _, f := range failures {
		is.True(errors.Is(f.Err, once.ErrShared))
	}
}

func TestThePanicOfAFunctionIsLoggedWithoutTheFramesOfOnce(t *testing.T) {
	is := is.New(t)
	var log bytes.Buffer
	charge := once.Map(once.Memory(), order.key, func(_ context.Context, o order) (receipt, error) { return receipt{Paid: 1 / o.Total}, nil })
	_, err := batch.Run(batch.SQS(t.Context(), messages("o-1"), batch.WithLogger(slog.New(slog.NewTextHandler(&log, nil)))),
		func(s batch.Stream[events.SQSMessage]) batch.Stream[receipt] { return batch.TryMap(orders(s), charge) })
	is.True(err != nil)
	is.True(strings.Contains(log.String(), "integer divide by zero"))
	is.True(strings.Contains(log.String(), `at="pipeline_test.go:`))
	is.True(!strings.Contains(log.String(), "batch/once."))
}
