package batchtest_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"time"

	"github.com/lambdabatch/batch"
	"pgregory.net/rapid"
)

var errHook = errors.New("a hook misbehaves")

// misbehave is what a hook does instead of its work.
func misbehave(hook, how string) {
	if how != "" {
		tallied(hook+" "+how, 1)
	}
	switch how {
	case "panic":
		panic(errHook)
	case "exit":
		runtime.Goexit()
	case "stuck":
		time.Sleep(20 * time.Second)
	}
}

// options draws options, some with hooks that misbehave.
func (s scene) options(rt *rapid.T, policies ...batch.Policy) []batch.Option {
	return append(drawOptions(rt, policies...), s.hooks(rt)...)
}

// hooks draws options with hooks that may misbehave: scopes as the plans of the records say, report functions and log
// handlers in all invocations.
func (s scene) hooks(rt *rapid.T) []batch.Option {
	if !rapid.Bool().Draw(rt, "hooks") {
		return []batch.Option{silent}
	}
	does := []string{"", "", "panic", "exit", "stuck"}
	reporting, logging := rapid.SampledFrom(does).Draw(rt, "report"), rapid.SampledFrom(does).Draw(rt, "log")
	return []batch.Option{
		batch.WithScope(s.scope),
		batch.WithReport(func(context.Context, batch.Report) { misbehave("report", reporting) }),
		batch.WithLogger(slog.New(badLog{slog.DiscardHandler, logging})),
	}
}

func (s scene) scope(ctx context.Context, r batch.Record) (context.Context, func(batch.Outcome)) {
	p := s.plans[r.ID]
	s.mu.Lock()
	if s.opened[r.ID]++; s.opened[r.ID] > p.times {
		p.opens, p.closes = "", ""
	}
	s.mu.Unlock()
	misbehave("open", p.opens)
	return ctx, func(batch.Outcome) { misbehave("close", p.closes) }
}

type badLog struct {
	slog.Handler
	how string
}

func (l badLog) Enabled(context.Context, slog.Level) bool { return true }

func (l badLog) Handle(context.Context, slog.Record) error {
	misbehave("log", l.how)
	return nil
}
