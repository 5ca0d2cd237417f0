package batch_test

// Drawn pipelines process drawn batches. Package draw runs them, and its model says what the outcome must be.

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/internal/draw"
	"pgregory.net/rapid"
)

func TestEveryPipelineDoesWhatTheModelSays(t *testing.T) {
	thorough(t, func(t *rapid.T) {
		c := draw.Cases(everySource, everyKind).Draw(t, "case")
		ctx, cancel := cancellable()
		defer cancel(nil)
		play, model := c.Play(cancel), c.Model()
		s := play.Whole(ctx)
		equal(t, "results", seen(s), model.Range())
		equal(t, "calls", play.Calls(), model.Calls)
		equal(t, "results of a second range", seen(s), model.Range())
		equal(t, "calls of both", play.Calls(), model.Calls)
		equal(t, "what functions saw", play.Wrong(), []string(nil))
	})
}

func TestEveryResponseIsWhatTheModelSays(t *testing.T) {
	thorough(t, func(t *rapid.T) {
		c := draw.Cases(everySource, everyKind).Draw(t, "case")
		answers := map[string]func(context.Context, *draw.Play, *draw.Model) (got, want any){
			"Collect": func(ctx context.Context, p *draw.Play, m *draw.Model) (got, want any) {
				var o draw.Observer
				return o.Answer(batch.Collect(p.Whole(ctx, o.Options()...))), m.Collect()
			},
			"Run": func(ctx context.Context, p *draw.Play, m *draw.Model) (got, want any) {
				var o draw.Observer
				return o.Answer(batch.Run(p.Source(ctx, o.Options()...), p.Stage)), m.Run()
			},
			"Partition": func(ctx context.Context, p *draw.Play, m *draw.Model) (got, want any) {
				return draw.Parted(batch.Partition(p.Whole(ctx))), m.Partition()
			},
		}
		for name, answer := range answers {
			rapid.SyncTest(t, func(t *rapid.T) { // or Run would range twice on a machine that halts for a quarter of a second
				ctx, cancel := cancellable()
				defer cancel(nil)
				play, model := c.Play(cancel), c.Model()
				got, want := answer(ctx, play, model)
				equal(t, name, got, want)
				equal(t, "calls under "+name, play.Calls(), model.Calls)
				equal(t, "what functions saw under "+name, play.Wrong(), []string(nil))
				equal(t, "scopes of records without a call under "+name, play.Idle(), []int(nil))
			})
		}
	})
}

func TestEveryHandlerRespondsAsTheModelSays(t *testing.T) {
	thorough(t, func(t *rapid.T) {
		c := draw.Cases(everyEvent, everyKind).Draw(t, "case").Bad(t)
		ctx, cancel := cancellable()
		defer cancel(nil)
		play, model := c.Play(cancel), c.Model()
		var o draw.Observer
		equal(t, "answer", o.Payload(play.Invoke(ctx, o.Options()...)), model.Invoke())
		equal(t, "calls", play.Calls(), model.Calls)
		equal(t, "what functions saw", play.Wrong(), []string(nil))
		equal(t, "scopes of records without a call", play.Idle(), []int(nil))
	})
}

// Functions take drawn times and do not heed their context. The response must leave in time and list what is not
// finished, and no function may be called after it.
func TestEveryResponseUnderADeadlineIsWhatTheModelSays(t *testing.T) {
	thorough(t, func(t *rapid.T) {
		c := draw.Cases(everyEvent, slices.Concat(draw.Own, draw.Foreign)).Draw(t, "case")
		c.Cut = 0
		c = c.Timed(t)
		invoked := rapid.Bool().Draw(t, "invoked")
		if invoked {
			c = c.Bad(t)
		}
		rapid.SyncTest(t, func(t *rapid.T) {
			parent, stop := context.WithTimeout(context.Background(), c.Deadline)
			defer stop()
			ctx, cancel := context.WithCancelCause(parent)
			play, model := c.Play(cancel), c.Model()
			var o draw.Observer
			opts := o.Options()
			if c.Reserve > 0 {
				opts = append(opts, batch.WithReserve(c.Reserve))
			}
			start := time.Now()
			var got, want draw.Outcome
			if invoked {
				got, want = o.Payload(play.Invoke(ctx, opts...)), model.Invoke()
			} else {
				got, want = o.Answer(batch.Run(play.Source(ctx, opts...), play.Stage)), model.Run()
			}
			equal(t, "time of the answer", time.Since(start), model.Answered())
			time.Sleep(1000 * time.Hour) // lets the functions that were left running return
			equal(t, "answer", got, want)
			equal(t, "calls", play.Calls(), model.Calls)
			equal(t, "what functions saw", play.Wrong(), []string(nil))
		})
	})
}
