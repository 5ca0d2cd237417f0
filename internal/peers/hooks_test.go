package peers

// Hooks per record, and what is known of a batch at its end.

import (
	"context"
	"errors"
	"testing"

	"github.com/matryer/is"

	"github.com/lambdabatch/batch"
)

func TestATapSeesSuccessesWithTheirValuesAndFailuresWithTheirErrors(t *testing.T) {
	is := is.New(t)
	var succeeded, failed []string
	h := standard.handler(func(s texts) texts {
		lengths := batch.TryMap(s, func(_ context.Context, body string) (string, error) {
			if body == "bad" {
				return "", errBad
			}
			return body + " shipped", nil
		})
		return batch.Tap(lengths, func(r batch.Result[string]) {
			if value, ok := r.Value(); ok {
				succeeded = append(succeeded, r.Record().ID+": "+value)
			} else if r.Err() != nil {
				failed = append(failed, r.Record().ID+": "+r.Err().Error())
			}
		})
	})
	response, err := h.Invoke(t.Context(), standard.event("cup", "bad", "plate"))
	is.NoErr(err)
	is.Equal(string(response), reporting("2"))
	is.Equal(succeeded, []string{"1: cup shipped", "3: plate shipped"})
	is.Equal(failed, []string{"2: bad parcel"})
}

func TestAFailureHookThatPanicsChangesNothingInTheResponse(t *testing.T) {
	forEach(t, everySource, func(t *testing.T, s source) {
		is := is.New(t)
		var w worker
		hooked := 0
		h := s.handler(func(s texts) texts {
			return batch.Tap(w.stage(s), func(r batch.Result[string]) {
				if errors.Is(r.Err(), errBad) {
					hooked++
					panic("the hook is broken")
				}
			})
		})
		response, err := h.Invoke(t.Context(), s.event("first@a", "second@b", "bad@c"))
		is.NoErr(err)
		is.Equal(string(response), reporting("3"))
		is.Equal(hooked, 1)
	})
}

func TestASuccessHookThatFailsFailsItsRecordAlone(t *testing.T) {
	hooks := map[string]func(string) error{
		"error": func(string) error { return errors.New("the hook failed") },
		"panic": func(string) error { panic("the hook is broken") },
	}
	for name, hook := range hooks {
		t.Run(name, func(t *testing.T) {
			forEach(t, everySource, func(t *testing.T, s source) {
				is := is.New(t)
				hooked := 0
				h := s.handler(func(s texts) texts {
					var w worker
					return batch.TryEach(w.stage(s), func(_ context.Context, body string) error {
						hooked++
						if body == "last" {
							return hook(body)
						}
						return nil
					})
				})
				response, err := h.Invoke(t.Context(), s.event("first@a", "second@b", "last@c"))
				is.NoErr(err)
				is.Equal(string(response), reporting("3"))
				is.Equal(hooked, 3)
			})
		})
	}
}

func TestTheReportCountsTheBatchAndHasEveryFailureWithItsRecordAndError(t *testing.T) {
	forEach(t, everySource, func(t *testing.T, s source) {
		is := is.New(t)
		var w worker
		var report batch.Report
		h := s.handler(w.stage, reportInto(&report), batch.WithPolicy(batch.Continue))
		_, err := h.Invoke(t.Context(), s.event("bad@a", "fine@b"))
		is.NoErr(err)
		is.Equal(report.Records, 2)
		is.Equal(report.Acknowledged, 1)
		is.Equal(report.Failed, 1)
		is.Equal(report.Failures[0].Record.ID, "1")
		is.True(report.Failures[0].Record.Source != nil)
		is.True(errors.Is(report.Failures[0].Err, errBad))

		h = s.handler(w.stage, reportInto(&report), batch.WithPolicy(batch.Continue), batch.WithoutAllFailedError())
		_, err = h.Invoke(t.Context(), s.event("bad@a", "bad@b"))
		is.NoErr(err)
		is.Equal(report.Acknowledged, 0)
		is.Equal(len(report.Failures), 2)
	})
}

func TestAStageOfYourOwnDecidesAboutEachRecord(t *testing.T) {
	is := is.New(t)
	visited := 0
	h := standard.handler(func(s texts) texts {
		return func(yield func(batch.Result[string]) bool) {
			for r := range s {
				out := batch.Then(r, func(_ context.Context, body string) (string, error) {
					visited++
					if body == "bad" {
						return "", errBad
					}
					return body, nil
				})
				if !yield(out) {
					return
				}
			}
		}
	})
	response, err := h.Invoke(t.Context(), standard.event("fine", "bad"))
	is.NoErr(err)
	is.Equal(string(response), reporting("2"))
	is.Equal(visited, 2)
}
