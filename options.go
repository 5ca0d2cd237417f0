package batch

// Options and policies of sources and handlers.

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"time"
)

// A Policy says which records are held back after a record has failed. A record that is
// held back is not processed, and is reported with [ErrBlocked]. It is also reported if it
// was processed before the failure was known, as may happen in lanes and chunks.
//
// Each source has a default: [SQS], [Kinesis], [DynamoDB], [Kafka] and [Firehose] name
// theirs. [WithPolicy] chooses another one.
type Policy int

const (
	// Continue holds no record back. On a FIFO queue or a stream it gives up the order:
	// later records take effect before the failed one, which is redelivered.
	Continue Policy = iota
	// StopGroup holds back the later records of the same group, which is the ordering
	// key (see Record). A record without a group holds no other record back. A shard
	// redelivers the later records of other groups all the same: they take effect twice,
	// the second time after later records of their group.
	StopGroup
	// StopBatch holds back every later record of the batch.
	StopBatch
)

// String returns the name of the policy.
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

// An Option changes a default of a source or handler.
type Option func(*settings)

type settings struct {
	policy      Policy        // unset means the source's
	reserve     time.Duration // unset means the default
	maxReceives int           // 0 means unknown
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
		s = s.with(opts) // in a function of its own, or s would be on the heap even without options
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

// WithPolicy replaces the default [Policy] of the source.
func WithPolicy(p Policy) Option {
	require(p >= Continue && p <= StopBatch, "WithPolicy", "p is not a policy")
	return func(s *settings) { s.policy = p }
}

// WithReserve sets the reserve: the time that is kept back for responding. The records'
// contexts end that long before the function's deadline, and no function is started after
// that. When half of the reserve is over, [Run] and handlers stop waiting for functions and
// respond.
//
// The default is 5% of the time that remains when the batch begins, but at least 500 ms and
// at most 2 s. The reserve is never more than half of the time that remains. Without a
// deadline there is no reserve. With 0, Run responds only at the deadline, which is usually too
// late: use it only if the context that the handler gets ends before the function's own deadline.
func WithReserve(d time.Duration) Option {
	require(d >= 0, "WithReserve", "d is negative")
	return func(s *settings) { s.reserve = d }
}

// WithMaxReceives says that n is the maxReceiveCount in the redrive policy of the SQS
// queue. The event does not contain it. A message that fails on receive n or later will be
// moved to the dead-letter queue, so it no longer holds other messages back. The number
// must be the queue's own: if n is lower, later messages overtake a failed one; if it is
// higher, the option does not help.
//
// Use it for a FIFO queue with a dead-letter queue. Without it, a poison message at the
// head of a group holds back the messages after it on each receive. Those use up
// their receives, too, and follow it into the dead-letter queue without having been tried.
//
// Even with it, messages use up receives when they are not started in time, or when they
// are in a chunk that fails as a whole (see [TryEachChunk]).
//
// See https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html.
func WithMaxReceives(n int) Option {
	require(n >= 1, "WithMaxReceives", "n is less than 1")
	return func(s *settings) { s.maxReceives = n }
}

// WithLogger sets the logger for failures. By default, handlers log to [slog.Default], and
// sources do not log. A nil logger turns logging off.
//
// A record that itself failed is logged when its result reaches the collector, with the
// record's context; a failure that was settled is not logged. At the end, one line counts
// the records that were not processed, and the following are logged:
//
//   - a stage that panicked outside of the functions that it calls;
//   - up to 16 records that failed in a result that a stage then dropped;
//   - up to 16 records whose functions are still running;
//   - metadata, such as a time of arrival, that a handler could not read, and without
//     which it processed the records;
//   - results of another batch;
//   - a stage that ranged over the batch more than once, if functions that may have
//     effects were called in more than one range.
func WithLogger(l *slog.Logger) Option {
	return func(s *settings) { s.logger, s.loggerGiven = l, true }
}

// WithReport makes every collector call f once, with the [Report] of the batch, before it
// responds. It is for metrics. Several report functions are called in the order of the
// options. Each gets an equal share of the time that is left; if one takes longer, the next
// is called while it is still running. They are called after the log lines have been
// written and the scopes closed, so the last one may flush exporters of logs and traces.
//
// [Run] does not call f for an event without records, because f arrives with the first
// record. A [Handler] does call it. A collector that is used inside a stage calls f, too.
//
// The context has the values of the invocation's context. If the invocation has a
// deadline, the context ends when three quarters of the reserve are over (see
// [WithReserve]). The collector responds then even if f has not returned. A panic of f
// does not change the response.
func WithReport(f func(context.Context, Report)) Option {
	require(f != nil, "WithReport", "f is nil")
	return func(s *settings) { s.reports = append(slices.Clip(s.reports), f) }
}

// WithScope opens a scope around the work on each record: a trace span, log attributes,
// or a client bound to the record.
//
// open is called with the record's context before the first function is called for the
// record. It returns a context for those functions and a function that closes the
// scope. The closing function is called once, with the [Outcome] of the record, when
// the response has been decided.
//
// Functions see the values of the returned context. Its deadline and its end are still
// those of the record. The returned context must be the one that open got, or be derived
// from it; nil means the one that open got. A nil closing function means that there is
// nothing to close. If open panics, the record fails with a [*PanicError].
//
// open is called at most once per record of a batch, even if the record has several
// parts or the stage ranges over the batch several times. Lanes call open concurrently
// for different records.
//
// open is not called if no function is called for the record, for example because it was
// held back. The functions of [Catch] and [Tap] count here, so a Tap opens the scopes of the
// records that were held back, too. The function of [TryEachChunk]
// gets no record's context, but the scopes of the records that it writes are open.
//
// Several options nest: the first is opened first and closed last. If the record's context
// ends while one of them opens, the ones after it are not opened for the record. All open
// scopes are closed before report functions are called, including those of records whose
// functions are still running. If open itself is still running, the scope is closed as soon as
// it returns. Closing functions share the limited time of [WithReport]. If one hangs, the
// others are called without waiting for it, and the collector responds in time. A panic in
// one has no effect on the others or on the response.
//
// Without a collector, scopes stay open: a loop over a Stream closes none. A second
// collector of the same Stream does not open a scope again.
//
// The cost is about 150 ns per record and one microsecond per batch, plus that of open.
func WithScope(open func(context.Context, Record) (context.Context, func(Outcome))) Option {
	require(open != nil, "WithScope", "open is nil")
	return func(s *settings) { s.scopes = append(slices.Clip(s.scopes), open) }
}

// WithoutAllFailedError makes the handler return an ordinary response that lists every
// record, instead of an [*AllFailedError], if no record was acknowledged.
//
// For SQS the same messages are redelivered either way. But without the error the
// function's Errors metric does not count the invocation.
//
// For streams the option defeats BisectBatchOnFunctionError. The service splits a batch
// at the first record of the list, and nothing can be split off before the first record
// of the batch.
func WithoutAllFailedError() Option {
	return func(s *settings) { s.allFailedOK = true }
}

const (
	minReserve = 500 * time.Millisecond
	maxReserve = 2 * time.Second
)

// reserveFor returns the reserve of a batch whose function has so much time left.
func (s *settings) reserveFor(remaining time.Duration) time.Duration {
	reserve := s.reserve
	if reserve == unset {
		reserve = min(max(remaining/20, minReserve), maxReserve)
	}
	return max(0, min(reserve, remaining/2))
}
