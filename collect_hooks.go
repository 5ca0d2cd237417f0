package batch

// How a collector calls the user's hooks: log handlers, report functions and the closing functions
// of scopes. They may fail, panic or hang without any effect on the response.

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/lambdabatch/batch/internal/printable"
	"github.com/lambdabatch/batch/internal/stacktrace"
	"github.com/lambdabatch/batch/internal/watch"
)

// logFailure logs a record that itself failed.
func (b *batch) logFailure(e *entry, err error) {
	if b.logger != nil {
		b.writeFailure(e, int(e.index), err)
	}
}

func (b *batch) writeFailure(ctx context.Context, i int, err error) {
	attrs := append(b.attrsOf(b.describe(i)), slog.String("error", printable.ErrorText(err)))
	b.log(ctx, slog.LevelError, "record failed", b.withStack(attrs, err)...)
}

// attrsOf returns the log attributes of a record, without a group or an attempt if there is none.
func (b *batch) attrsOf(r Record) []slog.Attr {
	attrs := make([]slog.Attr, 0, 6)
	attrs = append(attrs, slog.String("record", r.ID))
	if r.Group != "" {
		group := r.Group
		if b.groupsAreItemKeys {
			group = readableKey(group)
		}
		attrs = append(attrs, slog.String("group", group))
	}
	if r.Attempt > 0 {
		attrs = append(attrs, slog.Int("attempt", r.Attempt))
	}
	return attrs
}

// withStack adds where a panic happened. It adds the stack only for the first record of those that
// one panic has failed.
func (b *batch) withStack(attrs []slog.Attr, err error) []slog.Attr {
	p, _ := err.(*PanicError) // not errors.As, which calls methods of the user's errors
	if p == nil {
		return attrs
	}
	last := b.lastLoggedPanic.Load()
	again := last != nil && last.panic == p
	if !again {
		last = &loggedPanic{panic: p}
		last.at, last.stack = stacktrace.Of(p.Stack)
		b.lastLoggedPanic.Store(last)
	}
	if last.at != "" {
		attrs = append(attrs, slog.String("at", last.at))
	}
	if again {
		return attrs
	}
	return append(attrs, slog.String("stack", last.stack))
}

// A loggedPanic is the last panic that was logged. A stage that panics in a lane may fail many records.
type loggedPanic struct {
	panic     *PanicError
	at, stack string
}

// log writes a line. If the log handler panics, the lines after it are written all the same.
func (b *batch) log(ctx context.Context, level slog.Level, message string, attrs ...slog.Attr) {
	defer ignorePanic()
	b.logger.LogAttrs(ctx, level, message, attrs...)
}

// ignorePanic is deferred around hooks, because a panic of one must not cost the response.
func ignorePanic() { _ = recover() }

// maxLines is how many lines of one kind endLog may write. One line per record would not fit
// into the reserve if there are 10,000.
const maxLines = 16

// logDiscarded logs failures that did not reach the collector, each with the logger of its batch.
func (a *answer) logDiscarded(ctx context.Context) {
	for _, t := range a.discarded[:min(len(a.discarded), maxLines)] {
		t.batch.writeFailure(t.batch.withScopeValues(ctx, t.index), t.index, t.err)
	}
}

// logRunning logs the records whose functions had not returned, each with the logger of its batch.
func (a *answer) logRunning(ctx context.Context) {
	for _, t := range a.running[:min(len(a.running), maxLines)] {
		attrs := t.batch.attrsOf(t.batch.describe(t.index))
		t.batch.log(t.batch.withScopeValues(ctx, t.index), slog.LevelWarn, "record still running", attrs...)
	}
}

// endLog returns a function that logs what is known only at the end, or nil if that is nothing. Lines that are not about a
// record go to the logger of the first run's batch.
func (c *collector[T]) endLog(a *answer, e ending) func(context.Context) {
	b := c.firstRun.batch
	again := c.ranAgain()
	r := a.report
	crash, _ := e.err.(*PanicError)
	foreign := c.foreignResults
	general := b.logger != nil && (r.Blocked+r.NotStarted+r.Unreached+foreign+len(b.unread) > 0 || again || crash != nil)
	if !general && len(a.discarded)+len(a.running) == 0 {
		return nil
	}
	return func(ctx context.Context) {
		if general && crash != nil {
			attrs := []slog.Attr{slog.String("error", printable.ErrorText(crash))}
			b.log(ctx, slog.LevelError, "a stage panicked", b.withStack(attrs, crash)...)
		}
		a.logDiscarded(ctx)
		a.logRunning(ctx)
		if !general {
			return
		}
		b.logUnread(ctx)
		if foreign > 0 {
			b.log(ctx, slog.LevelWarn, "results of another batch were ignored", slog.Int("results", foreign))
		}
		if again {
			b.log(ctx, slog.LevelWarn, "the stage ranged over the batch more than once, and its functions ran each time")
		}
		b.logRest(ctx, r)
	}
}

// ranAgain reports whether functions that may have effects were called in more than one run
// over the batch.
func (c *collector[T]) ranAgain() bool {
	n := 0
	for _, t := range c.tallies {
		if t.run.batch == c.firstRun.batch && t.run.flags.Load()&acted != 0 {
			n++
		}
	}
	return n > 1
}

// logUnread logs the metadata that could not be read, as when a service changes its format.
func (b *batch) logUnread(ctx context.Context) {
	if len(b.unread) == 0 {
		return
	}
	var fields strings.Builder
	for i, u := range b.unread {
		if i > 0 {
			fields.WriteString(", ")
		}
		fields.WriteString(u.Field + ": " + u.Got)
	}
	b.log(ctx, slog.LevelWarn, "metadata that cannot be read: records were processed without it",
		slog.String("fields", printable.Text(fields.String())))
}

// logRest logs how many records were not processed.
func (b *batch) logRest(ctx context.Context, r Report) {
	if r.Blocked+r.NotStarted+r.Unreached == 0 {
		return
	}
	attrs := []slog.Attr{slog.Int("records", r.Records)}
	for _, count := range []slog.Attr{
		slog.Int("blocked", r.Blocked), slog.Int("notStarted", r.NotStarted), slog.Int("unreached", r.Unreached), slog.Int("running", r.Running),
	} {
		if count.Value.Int64() > 0 {
			attrs = append(attrs, count)
		}
	}
	b.log(ctx, slog.LevelWarn, "records not processed", attrs...)
}

// minHookTime is what each hook gets even when the time for hooks is over, as long as all together fit into a quarter of
// the reserve. If they do not, they share that quarter, or this time if it is longer.
const minHookTime = 10 * time.Millisecond

// callHooks logs, closes scopes and calls report functions. If the invocation has a deadline,
// the time for hooks ends when three quarters of the reserve are over, counted from the end of
// the records' contexts. Each hook gets an equal share of the time that is left.
func (r *run) callHooks(report Report, ended time.Time, endLog func(context.Context), scopes *scopeCloser) {
	b := r.batch
	var hooks []func(ctx context.Context, share time.Duration)
	add := func(hook func(context.Context)) {
		hooks = append(hooks, func(ctx context.Context, share time.Duration) {
			if r.hasDeadline {
				callWithin(ctx, hook, share)
			} else {
				callGuarded(ctx, hook)
			}
		})
	}
	if endLog != nil {
		add(endLog)
	}
	if scopes != nil {
		hooks = append(hooks, func(_ context.Context, share time.Duration) { scopes.run(r.hasDeadline, share) })
	}
	reports := b.reports
	if f, ok := b.parent.Value(watch.Key{}).(func(context.Context, Report)); ok {
		reports = append(slices.Clip(reports), f)
	}
	for _, f := range reports {
		own := report // a copy, since the function may change it, even after the response
		own.Failures = slices.Clone(report.Failures)
		add(func(ctx context.Context) { f(ctx, own) })
	}
	if len(hooks) == 0 {
		return
	}
	ctx, end := b.parent, time.Time{}
	if r.hasDeadline {
		var cancel context.CancelFunc
		end = ended.Add(r.reserve * 3 / 4)
		ctx, cancel = context.WithDeadline(context.WithoutCancel(b.parent), end)
		defer cancel()
	}
	least := min(minHookTime, max(minHookTime, r.reserve/4)/time.Duration(len(hooks)))
	for i, call := range hooks {
		call(ctx, max(time.Until(end)/time.Duration(len(hooks)-i), least))
	}
}

func callGuarded(ctx context.Context, hook func(context.Context)) {
	defer ignorePanic()
	hook(ctx)
}

// callWithin calls a hook and returns after some time even if the hook has not.
func callWithin(ctx context.Context, hook func(context.Context), most time.Duration) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		callGuarded(ctx, hook)
	}()
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}
