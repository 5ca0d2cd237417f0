package peers

// FIFO queues: what a failure holds back.

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/matryer/is"

	"github.com/lambdabatch/batch"
)

func TestOnAFIFOQueueAFailureHoldsBackItsGroupAndNoOther(t *testing.T) {
	is := is.New(t)
	var w worker
	h := fifo.handler(w.stage)
	response, err := h.Invoke(t.Context(), fifo.event("a1@a", "a2@a", "bad b1@b", "b2@b", "bad c1@c"))
	is.NoErr(err)
	is.Equal(string(response), reporting("3", "4", "5"))
	is.Equal(w.called, []string{"a1", "a2", "bad b1", "bad c1"})
}

func TestAFailureOfTheFirstMessageHoldsBackOnlyItsGroup(t *testing.T) {
	is := is.New(t)
	var w worker
	var report batch.Report
	h := fifo.handler(w.stage, reportInto(&report))
	response, err := h.Invoke(t.Context(), fifo.event("bad a1@a", "a2@a", "bad b1@b", "b2@b", "c1@c"))
	is.NoErr(err)
	is.Equal(string(response), reporting("1", "2", "3", "4"))
	is.Equal(w.called, []string{"bad a1", "bad b1", "c1"})
	for i, failure := range report.Failures {
		is.Equal(errors.Is(failure.Err, batch.ErrBlocked), i%2 == 1) // the second of each group
	}
}

func TestAFailureDoesNotStopTheOtherGroupsUnlessThePolicyIsStopBatch(t *testing.T) {
	is := is.New(t)
	bodies := []string{"a1@a", "bad b1@b", "c1@c", "d1@d"}
	var w worker
	response, err := fifo.handler(w.stage).Invoke(t.Context(), fifo.event(bodies...))
	is.NoErr(err)
	is.Equal(string(response), reporting("2"))
	is.Equal(w.called, []string{"a1", "bad b1", "c1", "d1"})

	w.called = nil
	var report batch.Report
	h := fifo.handler(w.stage, batch.WithPolicy(batch.StopBatch), reportInto(&report))
	response, err = h.Invoke(t.Context(), fifo.event(bodies...))
	is.NoErr(err)
	is.Equal(string(response), reporting("2", "3", "4"))
	is.Equal(w.called, []string{"a1", "bad b1"})
	is.True(errors.Is(report.Failures[0].Err, errBad))
	is.True(errors.Is(report.Failures[1].Err, batch.ErrBlocked))
	is.True(errors.Is(report.Failures[2].Err, batch.ErrBlocked))
}

func TestIfTheFirstMessageOfTheOnlyGroupFailsTheInvocationFailsAfterOneCall(t *testing.T) {
	is := is.New(t)
	var w worker
	_, err := fifo.handler(w.stage).Invoke(t.Context(), fifo.event("bad@a", "second@a", "third@a"))
	all, ok := errors.AsType[*batch.AllFailedError](err)
	is.True(ok)
	is.Equal(len(all.Failures), 3)
	is.True(errors.Is(all.Failures[0].Err, errBad))
	is.True(errors.Is(all.Failures[1].Err, batch.ErrBlocked))
	is.True(errors.Is(all.Failures[2].Err, batch.ErrBlocked))
	is.Equal(w.called, []string{"bad"})
}

func TestTheGroupOfADecodedMessageIsStillKnown(t *testing.T) {
	is := is.New(t)
	var shipped []int
	h := batch.SQSHandler(func(s batch.Stream[events.SQSMessage]) batch.Stream[parcel] {
		return batch.TryEach(batch.Decode[parcel](s, json.Unmarshal), func(_ context.Context, p parcel) error {
			shipped = append(shipped, p.ID)
			return p.check()
		})
	}, quiet)
	response, err := h.Invoke(t.Context(), fifo.event(parcelJSON(1)+"@a", parcelJSON(2)+"@a", parcelJSON(-3)+"@b", parcelJSON(4)+"@b", parcelJSON(-5)+"@c"))
	is.NoErr(err)
	is.Equal(string(response), reporting("3", "4", "5"))
	is.Equal(shipped, []int{1, 2, -3, -5})
}

func TestAGroupThatFailedIsTriedAgainInTheNextInvocation(t *testing.T) {
	is := is.New(t)
	var w worker
	h := fifo.handler(w.stage)
	response, err := h.Invoke(t.Context(), fifo.event("bad@a", "fine@b"))
	is.NoErr(err)
	is.Equal(string(response), reporting("1"))
	response, err = h.Invoke(t.Context(), fifo.event("fine now@a"))
	is.NoErr(err)
	is.Equal(string(response), reporting())
	is.Equal(w.called, []string{"bad", "fine", "fine now"})
}

// The messages of a standard queue may have groups too, for fairness and not for order.
func TestTheARNAndNotTheGroupTellsThatAQueueIsFIFO(t *testing.T) {
	is := is.New(t)
	var w worker
	bodies := []string{"first@a", "bad@a", "third@a"}
	response, err := standard.handler(w.stage).Invoke(t.Context(), standard.event(bodies...))
	is.NoErr(err)
	is.Equal(string(response), reporting("2"))
	response, err = standard.handler(w.stage, batch.WithPolicy(batch.StopGroup)).Invoke(t.Context(), standard.event(bodies...))
	is.NoErr(err)
	is.Equal(string(response), reporting("2", "3"))
	response, err = fifo.handler(w.stage).Invoke(t.Context(), fifo.event(bodies...))
	is.NoErr(err)
	is.Equal(string(response), reporting("2", "3"))
}

// Such messages exist only in events that were written by hand.
func TestAMessageWithoutAGroupHoldsBackNoOther(t *testing.T) {
	is := is.New(t)
	var w worker
	bodies := []string{"first", "bad", "third"}
	response, err := fifo.handler(w.stage).Invoke(t.Context(), fifo.event(bodies...))
	is.NoErr(err)
	is.Equal(string(response), reporting("2"))
	response, err = fifo.handler(w.stage, batch.WithPolicy(batch.StopBatch)).Invoke(t.Context(), fifo.event(bodies...))
	is.NoErr(err)
	is.Equal(string(response), reporting("2", "3"))
}
