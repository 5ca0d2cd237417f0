package batch

// Options and policies of sources and handlers.

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"time"
)

// A Policy says what happens to the records after one that failed.
type Policy int

const (
	// Continue processes every record. On a FIFO queue or a stream that gives up the
	// order: what comes after a failure takes effect before it.
	Continue Policy = iota
	// StopGroup holds back the later records of the same group. A record without
	// a group holds back nobody.
	StopGroup
	// StopBatch holds back every later record of the batch.
	StopBatch
)

func (p Policy) String() string {
	switch p {
	case Continue:
		return "Continue"
	case StopGroup:
		return "StopGroup"
	case StopBatch:
		return "StopBatch"
	}
	return "Policy(" + strconv.Itoa(int(p)) + ")"
}

// An Option changes what a source or handler does by default.
type Option func(*settings)

type settings struct {
	policy      Policy        // unset: the source's
	reserve     time.Duration // unset: the default
	maxReceives int           // 0: unknown
	logger      *slog.Logger
	loggerGiven bool
	reports     []func(context.Context, Report)
	scopes      []func(context.Context, Record) (context.Context, func(Outcome))
	allFailedOK bool
}

const unset = -1

func settingsOf(opts []Option) settings {
	s := settings{policy: unset, reserve: unset}
	if len(opts) > 0 {
		s = s.with(opts) // a copy of its own, so that s stays on the stack
	}
	return s
}

func (s settings) with(opts []Option) settings {
	for _, option := range opts {
		require(option != nil, "Option", "it is nil")
		option(&s)
	}
	return s
}

// WithPolicy sets the policy.
func WithPolicy(p Policy) Option {
	require(p >= Continue && p <= StopBatch, "WithPolicy", "p is no policy")
	return func(s *settings) { s.policy = p }
}

// WithReserve sets how long before the invocation's deadline the records'
// contexts end, so that the answer leaves in time. The default is 5 % of the time
// that remains, at least 500 ms and at most 2 s. It is never more than half of
// what remains, and without a deadline there is none.
func WithReserve(d time.Duration) Option {
	require(d >= 0, "WithReserve", "d is negative")
	return func(s *settings) { s.reserve = d }
}

// WithMaxReceives tells the maxReceiveCount of the queue's redrive policy, which
// is not in the event. A message that fails on receive n or later is about to be
// dead-lettered, so it holds nobody back.
//
// Without it, a message that never succeeds at the head of a FIFO group takes the
// messages after it along into the dead-letter queue: they use up receives, too,
// and are never tried. With it, receives are still used up by what was not started
// in time, and by a chunk that failed as a whole.
func WithMaxReceives(n int) Option {
	require(n >= 1, "WithMaxReceives", "n is less than 1")
	return func(s *settings) { s.maxReceives = n }
}

// WithLogger sets where failures are logged: a line for each record that itself
// failed, with the record's context, when it reaches the collector, and one at
// the end that counts what was not processed. Handlers also name metadata, such as
// a time of arrival, that they could not read; its records are processed without
// it. Handlers log to [slog.Default], sources do not log. Nil is silence.
func WithLogger(l *slog.Logger) Option {
	return func(s *settings) { s.logger, s.loggerGiven = l, true }
}

// WithReport has f called once for each answer, before it leaves: for metrics. Several
// are called in the order of the options, after the log lines are written and scopes are
// closed, so that exporters of logs and traces may be flushed in the last one. [Run] does not call them for an event without
// records, from which it learns nothing. A collector inside of a stage gives an answer, too.
//
// The context has the values of the invocation's. If the invocation has a deadline, the
// context ends three quarters of the reserve after the records' contexts, and the answer
// leaves then, whatever f does. If f panics, the answer leaves all the same.
func WithReport(f func(context.Context, Report)) Option {
	require(f != nil, "WithReport", "f is nil")
	return func(s *settings) { s.reports = append(slices.Clip(s.reports), f) }
}

// WithScope opens something around the work on each record: a trace span, log attributes, a client
// bound to the record. open is called with the record's context before the first function is
// called for it. Functions get a context with the values of the one that open returns; its deadline
// and its end stay the record's own. The function that open returns is called once, when the
// answer is known.
//
// open is called at most once for each record of a batch, however many parts it has and
// however often the stage ranges over the batch. It is not called for a record for which no function
// is called, because it was held back, not started, or did not decode. The function of [Tap] is one
// in this sense, for it sees the context. That of [TryEachChunk] gets no record's context; the
// scopes of what it writes are open meanwhile. Lanes call open side by side, for different records. If open
// panics, its record fails with a [*PanicError]. A nil context means the one that it got, and a nil function
// nothing to do; another context must be made of the one that it got.
//
// Several options nest: the first is opened first and closed last. All that was opened is closed
// before report functions are called, also if the record was left behind or open has not returned yet (then as
// soon as it does). Closing functions share the bounded time of [WithReport]. One that hangs or panics keeps
// neither the others nor the answer from going on: after a while they are called side by side, and
// must expect it.
//
// A stream that is ranged over without a collector has no answer, so its scopes stay open. A second collector
// of the same stream does not open a scope again.
//
// It costs about 150 ns for each record and a microsecond for each batch, without what open does.
func WithScope(open func(context.Context, Record) (context.Context, func(Outcome))) Option {
	require(open != nil, "WithScope", "open is nil")
	return func(s *settings) { s.scopes = append(slices.Clip(s.scopes), open) }
}

// WithoutAllFailedError answers with the full response and no error if all
// records failed. For SQS only the function's Errors metric differs, and that the
// service polls more slowly after errors. On streams
// it defeats BisectBatchOnFunctionError: the checkpoint of the full list is the
// first record, which leaves nothing to split.
func WithoutAllFailedError() Option {
	return func(s *settings) { s.allFailedOK = true }
}

const (
	minReserve = 500 * time.Millisecond
	maxReserve = 2 * time.Second
)

func (s *settings) reserveFor(remaining time.Duration) time.Duration {
	reserve := s.reserve
	if reserve == unset {
		reserve = min(max(remaining/20, minReserve), maxReserve)
	}
	return max(0, min(reserve, remaining/2))
}
