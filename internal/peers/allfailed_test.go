package peers

// A batch of which no record was processed.

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/matryer/is"

	"github.com/lambdabatch/batch"
)

func TestABatchInWhichEverythingFailedIsAnError(t *testing.T) {
	forEach(t, everySource, func(t *testing.T, s source) {
		var w worker
		for name, stage := range w.ways() {
			t.Run(name, func(t *testing.T) {
				is := is.New(t)
				response, err := s.handler(stage).Invoke(t.Context(), s.event("bad@a", "bad again@b"))
				is.Equal(response, nil)
				_, all := errors.AsType[*batch.AllFailedError](err)
				is.True(all)
				is.True(errors.Is(err, errBad))
			})
		}
	})
}

func TestTheErrorHasACauseForEachRecordAndNamesTheFirstThree(t *testing.T) {
	forEach(t, everySource, func(t *testing.T, s source) {
		is := is.New(t)
		var w worker
		h := s.handler(w.stage, batch.WithPolicy(batch.Continue))
		_, err := h.Invoke(t.Context(), s.event("bad", "bad", "bad", "bad", "bad"))
		all, ok := errors.AsType[*batch.AllFailedError](err)
		is.True(ok)
		var ids []string
		for _, failure := range all.Failures {
			ids = append(ids, failure.Record.ID)
			is.True(errors.Is(failure.Err, errBad))
		}
		is.Equal(ids, []string{"1", "2", "3", "4", "5"})
		is.Equal(err.Error(), "0 of 5 records acknowledged: 1: bad parcel; 2: bad parcel; 3: bad parcel; and 2 more")
	})
}

func TestAHandlerFailsAgainWhenItIsInvokedAgain(t *testing.T) {
	is := is.New(t)
	var w worker
	h := standard.handler(w.stage)
	for range 2 {
		_, err := h.Invoke(t.Context(), standard.event("bad", "bad"))
		is.True(strings.HasPrefix(err.Error(), "0 of 2 records acknowledged: "))
	}
	is.Equal(len(w.called), 4)
}

func TestWithoutAllFailedErrorEveryRecordIsReported(t *testing.T) {
	forEach(t, everySource, func(t *testing.T, s source) {
		var w worker
		for name, stage := range w.ways() {
			t.Run(name, func(t *testing.T) {
				is := is.New(t)
				h := s.handler(stage, batch.WithoutAllFailedError())
				response, err := h.Invoke(t.Context(), s.event("bad@a", "bad@b", "bad@c", "bad@d", "bad@e"))
				is.NoErr(err)
				is.Equal(string(response), reporting("1", "2", "3", "4", "5"))
			})
		}
	})
}

func TestWithoutAllFailedErrorAStoppedBatchIsReportedWhole(t *testing.T) {
	is := is.New(t)
	var w worker
	h := fifo.handler(w.stage, batch.WithPolicy(batch.StopBatch), batch.WithoutAllFailedError())
	response, err := h.Invoke(t.Context(), fifo.event("bad@a", "fine@b", "fine@c", "fine@d", "fine@e"))
	is.NoErr(err)
	is.Equal(string(response), reporting("1", "2", "3", "4", "5"))
	is.Equal(w.called, []string{"bad"})
}

func TestAfterTheContextHasEndedNoFunctionIsCalled(t *testing.T) {
	forEach(t, everySource, func(t *testing.T, s source) {
		is := is.New(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var w worker
		_, err := s.handler(w.stage).Invoke(ctx, s.event("fine@a"))
		all, ok := errors.AsType[*batch.AllFailedError](err)
		is.True(ok)
		is.Equal(len(all.Failures), 1)
		is.True(errors.Is(err, batch.ErrNotStarted))
		is.True(errors.Is(err, context.Canceled))
		is.Equal(w.called, nil)
	})
}
