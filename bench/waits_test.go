package main

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/matryer/is"

	"github.com/lambdabatch/batch"
)

const wait = 5 * time.Millisecond

// virtualTime returns how long a pipeline takes in virtual time, and how often it waited.
func virtualTime(t *testing.T, event events.SQSEvent, stage func(batch.Stream[events.SQSMessage], func()) batch.Stream[events.SQSMessage], opts ...batch.Option) (took time.Duration, waits int) {
	t.Helper()
	calls := make(chan struct{}, len(event.Records))
	pause := func() {
		time.Sleep(wait)
		calls <- struct{}{}
	}
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		response, err := batch.Run(batch.SQS(t.Context(), event, opts...), func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
			return stage(s, pause)
		})
		took = time.Since(began)
		is.New(t).NoErr(err)
		is.New(t).Equal(len(response.BatchItemFailures), 0)
	})
	return took, len(calls)
}

// grouped returns 1,000 messages with the given groups.
func grouped(group func(i int) int) events.SQSEvent {
	event := messages(waitRecords)
	for i := range event.Records {
		event.Records[i].Attributes = map[string]string{"MessageGroupId": fmt.Sprint("group-", group(i))}
	}
	return event
}

func inLanes(n int) func(batch.Stream[events.SQSMessage], func()) batch.Stream[events.SQSMessage] {
	return func(s batch.Stream[events.SQSMessage], pause func()) batch.Stream[events.SQSMessage] {
		return batch.Parallel(s, n, oneByOne(pause))
	}
}

func oneByOne(pause func()) func(batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
	return batch.Each(func(context.Context, events.SQSMessage) error {
		pause()
		return nil
	})
}

func TestLanesAreBusyNineTenthsOfTheTimeWithAHundredGroups(t *testing.T) {
	for name, group := range map[string]func(int) int{
		groupsMixed:  func(i int) int { return i % 100 },
		groupsInARow: func(i int) int { return i / 10 },
	} {
		took, waits := virtualTime(t, grouped(group), inLanes(waitLanes), batch.WithPolicy(batch.StopGroup))
		t.Attr(name, took.String())
		is.New(t).Equal(waits, waitRecords)
		if name == groupsMixed {
			is.New(t).True(busyShare(took) >= 0.9)
		}
	}
}

func TestBulkWritesInLanesTakeATwoHundredthOfTheTime(t *testing.T) {
	is := is.New(t)
	event := messages(waitRecords)

	took, waits := virtualTime(t, event, func(s batch.Stream[events.SQSMessage], pause func()) batch.Stream[events.SQSMessage] {
		return oneByOne(pause)(s)
	})
	is.Equal(took, waitRecords*wait)
	is.Equal(waits, waitRecords)
	t.Attr(writesOneByOne, took.String())

	took, _ = virtualTime(t, event, inLanes(laneCount))
	is.Equal(took, waitRecords*wait/laneCount)
	t.Attr(writesInLanes, took.String())

	bulk := func(s batch.Stream[events.SQSMessage], pause func()) batch.Stream[events.SQSMessage] {
		return batch.TryEachChunk(s, 25, func(context.Context, []events.SQSMessage) error {
			pause()
			return nil
		})
	}
	took, waits = virtualTime(t, event, bulk)
	is.Equal(took, waitRecords*wait/25)
	is.Equal(waits, waitRecords/25)
	t.Attr(writesInChunks, took.String())

	took, _ = virtualTime(t, event, func(s batch.Stream[events.SQSMessage], pause func()) batch.Stream[events.SQSMessage] {
		return batch.Parallel(s, laneCount, func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
			return bulk(s, pause)
		})
	})
	t.Attr(writesInLaneChunks, took.String())
	is.True(took <= 7*wait)
}
