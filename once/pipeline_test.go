package once_test

// Wrapped functions in pipelines.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/batchtest"
	"github.com/lambdabatch/batch/once"
	"github.com/matryer/is"
)

// messages returns an event with a message per ID. Its body is an order with that ID.
func messages(ids ...string) (event events.SQSEvent) {
	for i, id := range ids {
		event.Records = append(event.Records, events.SQSMessage{MessageId: "m-" + string(rune('1'+i)), Body: `{"ID":"` + id + `"}`})
	}
	return event
}

func orders(s batch.Stream[events.SQSMessage]) batch.Stream[order] {
	return batch.Decode[order](s, json.Unmarshal)
}

func TestARepeatedMessageOfABatchIsAcknowledgedWithoutRepeatingTheWork(t *testing.T) {
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

func TestInLanesARepeatedMessageIsReportedWhileTheFirstIsInProgress(t *testing.T) {
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
		var working atomic.Bool
		process := func(s batch.Stream[events.SQSMessage]) batch.Stream[order] {
			return batch.TryEach(orders(s), once.Each(store, order.key, func(context.Context, order) error {
				if !working.Load() {
					time.Sleep(time.Hour)
				}
				return nil
			}))
		}
		_, err := batch.Run(batch.SQS(within(t, 10*time.Second), messages("o-1")), process)
		is.True(errors.Is(err, batch.ErrRunning))
		working.Store(true)
		_, err = batch.Run(batch.SQS(within(t, 10*time.Second), messages("o-1")), process)
		is.NoErr(err) // the claim ended half a second before the deadline, so before the response
		time.Sleep(time.Hour)
	})
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
