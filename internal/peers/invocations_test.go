package peers

// One handler for several invocations, one after the other and at the same time.

import (
	"context"
	"sync"
	"testing"

	"github.com/matryer/is"

	"github.com/lambdabatch/batch"
)

func TestAHandlerRespondsTheSameToTheSameEvent(t *testing.T) {
	is := is.New(t)
	var w worker
	h := standard.handler(w.stage)
	for range 2 {
		response, err := h.Invoke(t.Context(), standard.event("fine", "bad"))
		is.NoErr(err)
		is.Equal(string(response), reporting("2"))
	}
	is.Equal(w.called, []string{"fine", "bad", "fine", "bad"})
}

// The functions of both invocations wait for each other, so each invocation runs while the other does.
func TestInvocationsAtTheSameTimeDoNotMix(t *testing.T) {
	type invocation struct{}
	for _, s := range []source{standard, fifo} {
		t.Run(s.name, func(t *testing.T) {
			is := is.New(t)
			var met sync.WaitGroup
			met.Add(2)
			var mu sync.Mutex
			reports := map[any]batch.Report{}
			stage := func(s texts) texts {
				return batch.TryEach(s, func(ctx context.Context, body string) error {
					if body[:5] == "first" {
						met.Done()
						met.Wait()
					}
					if body == "first bad" {
						return errBad
					}
					if own := ctx.Value(invocation{}).(string); body == "second" && own == "B" || body == "alone" && own == "A" {
						t.Errorf("%s is in invocation %s", body, own)
					}
					return nil
				})
			}
			h := s.handler(stage, batch.WithReport(func(ctx context.Context, r batch.Report) {
				mu.Lock()
				defer mu.Unlock()
				reports[ctx.Value(invocation{})] = r
			}))
			responses := make(map[string]string)
			var both sync.WaitGroup
			for name, bodies := range map[string][]string{
				"A": {"first bad@a", "second@a", "third@b"},
				"B": {"first@a", "alone@a"},
			} {
				both.Go(func() {
					response, err := h.Invoke(context.WithValue(t.Context(), invocation{}, name), s.event(bodies...))
					if err != nil {
						t.Error(name, err)
					}
					mu.Lock()
					defer mu.Unlock()
					responses[name] = string(response)
				})
			}
			both.Wait()
			heldBack := map[string][]string{"SQS": {"1"}, "SQS FIFO": {"1", "2"}}[s.name]
			is.Equal(responses, map[string]string{"A": reporting(heldBack...), "B": reporting()})
			is.Equal(reports["A"].Records, 3)
			is.Equal(reports["A"].Failed, 1)
			is.Equal(reports["B"].Records, 2)
			is.Equal(reports["B"].Reported(), 0)
		})
	}
}
