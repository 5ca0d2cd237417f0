package batch_test

// What many tests share: sources, functions for stages, and ways to look at what a pipeline did.

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/internal/draw"
	"github.com/samber/lo"
	"github.com/samber/lo/it"
	"pgregory.net/rapid"
)

var errBoom = errors.New("boom")

var errDrawn = errors.New("drawn failure")

type ctxKey struct{}

type texts = batch.Stream[string]

var (
	everyPolicy    = []batch.Policy{batch.Continue, batch.StopGroup, batch.StopBatch}
	strictPolicies = everyPolicy[1:]
)

var (
	everySource = []string{draw.From, draw.Of, draw.SQS, draw.FIFO, draw.Kinesis, draw.DynamoDB, draw.Kafka}
	everyEvent  = everySource[2:]
	everyKind   = slices.Concat(draw.Own, draw.Foreign, draw.Stray)
)

// byID describes a record that is its own identifier.
func byID(id string) batch.Record { return batch.Record{ID: id} }

// oneGroup is a source of records that are their own identifiers and all belong to one group.
func oneGroup(ctx context.Context, policy batch.Policy, ids ...string) texts {
	describe := func(id string) batch.Record { return batch.Record{ID: id, Group: "g"} }
	return batch.From(ctx, ids, describe, batch.WithPolicy(policy))
}

// grouped is a source of one record per group, which may repeat. The records are "0", "1", …, and their
// identifiers r0, r1, ….
func grouped(ctx context.Context, groups []string, opts ...batch.Option) texts {
	return batch.From(ctx, numerals(0, len(groups)), func(v string) batch.Record {
		return batch.Record{ID: "r" + v, Group: groups[indexOf(v)]}
	}, opts...)
}

// groupsInTurn are the groups of records that belong to g0, g1, … in turn.
func groupsInTurn(records, groups int) []string {
	return lo.Times(records, func(i int) string { return "g" + strconv.Itoa(i%groups) })
}

// numerals are the numbers from a first one up to, but not including, a last one.
func numerals(from, to int) []string {
	return lo.Times(to-from, func(i int) string { return strconv.Itoa(from + i) })
}

// indexOf reads the record's index from a value such as "3", "3.1" or "3/1", for functions without a context.
func indexOf(value string) int {
	i, _ := strconv.Atoi(value[:strings.IndexFunc(value+".", func(r rune) bool { return r < '0' || r > '9' })])
	return i
}

// endedContext was cancelled because of errBoom.
func endedContext() context.Context {
	ctx, cancel := cancellable()
	cancel(errBoom)
	return ctx
}

func cancellable() (context.Context, context.CancelCauseFunc) {
	return context.WithCancelCause(context.Background())
}

// deadline is in ten seconds, of which the last four are the reserve.
func deadline(t *testing.T) (ctx context.Context, reserve batch.Option) {
	return deadlineIn(context.Background(), t)
}

func deadlineIn(parent context.Context, t *testing.T) (ctx context.Context, reserve batch.Option) {
	ctx, cancel := context.WithTimeout(parent, 10*time.Second)
	t.Cleanup(cancel)
	return ctx, batch.WithReserve(4 * time.Second)
}

// inLanes is Parallel around one function.
func inLanes(s texts, n int, f func(context.Context, string) error) texts {
	return batch.Parallel(s, n, batch.Each(f))
}

func succeed(context.Context, string) error { return nil }

// failingOn makes a function that fails on these values.
func failingOn(values ...string) func(context.Context, string) error {
	return func(_ context.Context, v string) error {
		if slices.Contains(values, v) {
			return errBoom
		}
		return nil
	}
}

// stuckOn makes a function that does not return for these values before the test ends.
func stuckOn(t *testing.T, values ...string) func(context.Context, string) error {
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	return func(_ context.Context, v string) error {
		if slices.Contains(values, v) {
			<-release
		}
		return nil
	}
}

func taking(d time.Duration) func(context.Context, string) error {
	return func(context.Context, string) error { time.Sleep(d); return nil }
}

// sameValue turns a function for TryEach into one for Then.
func sameValue(f func(context.Context, string) error) func(context.Context, string) (string, error) {
	return func(ctx context.Context, v string) (string, error) { return v, f(ctx, v) }
}

// effects notes the values that functions were called for, in the order of the calls.
type effects struct {
	mu  sync.Mutex
	all []string
}

func (e *effects) note(values ...string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, values...)
}

// each is a function for Each.
func (e *effects) each(_ context.Context, v string) error { e.note(v); return nil }

// refusing makes a function that fails on this value and notes all others.
func (e *effects) refusing(value string) func(context.Context, string) error {
	return func(_ context.Context, v string) error {
		if v == value {
			return errBoom
		}
		e.note(v)
		return nil
	}
}

func (e *effects) noted() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.all)
}

// sorted are the values in the order of their records.
func (e *effects) sorted() []string {
	sorted := e.noted()
	slices.SortFunc(sorted, func(a, b string) int { return indexOf(a) - indexOf(b) })
	return sorted
}

// journal is a log handler that keeps the lines, each with the ID of the record that its context belongs to.
type journal struct{ lines []string }

func (j *journal) Enabled(context.Context, slog.Level) bool { return true }
func (j *journal) WithAttrs([]slog.Attr) slog.Handler       { return j }
func (j *journal) WithGroup(string) slog.Handler            { return j }
func (j *journal) Handle(ctx context.Context, r slog.Record) error {
	record, _ := batch.RecordFrom(ctx)
	line := fmt.Sprintf("%s (%s) %s", r.Level, record.ID, r.Message)
	r.Attrs(func(a slog.Attr) bool {
		line += " " + a.String()
		return true
	})
	j.lines = append(j.lines, line)
	return nil
}

var quiet = batch.WithLogger(slog.New(slog.DiscardHandler))

// reportInto keeps the last report.
func reportInto(report *batch.Report) batch.Option {
	return batch.WithReport(func(_ context.Context, r batch.Report) { *report = r })
}

// runningIDs names the records whose functions had not returned.
func runningIDs(r batch.Report) []string {
	running := lo.Filter(r.Failures, func(f batch.Failure, _ int) bool { return errors.Is(f.Err, batch.ErrRunning) })
	return failedIDs(running)
}

func failedIDs(failures []batch.Failure) []string {
	return lo.Map(failures, func(f batch.Failure, _ int) string { return f.Record.ID })
}

// one returns the only result of a stream.
func one[T any](s batch.Stream[T]) batch.Result[T] {
	all := slices.Collect(s)
	if len(all) != 1 {
		panic(fmt.Sprint(len(all), " results instead of one"))
	}
	return all[0]
}

// seen describes each result of a stream, in the order of arrival.
func seen(s texts) []string { return slices.Collect(it.Map(s, draw.Seen)) }

// listed returns the identifiers in a response.
func listed(r batch.Response) []string {
	return lo.Map(r.BatchItemFailures, func(f batch.ItemFailure, _ int) string { return f.ItemIdentifier })
}

// listedInJSON returns the identifiers in the response of a handler.
func listedInJSON(t *testing.T, response []byte) []string {
	t.Helper()
	type failure struct {
		ItemIdentifier json.RawMessage `json:"itemIdentifier"`
	}
	var r struct {
		BatchItemFailures []failure `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(response, &r); err != nil {
		t.Fatalf("%s: %v", response, err)
	}
	return lo.Map(r.BatchItemFailures, func(f failure, _ int) string { return strings.Trim(string(f.ItemIdentifier), `"`) })
}

// afterFirstFails fails the first record of a stream, and says of each later one whether it was blocked or
// the function was called for it.
func afterFirstFails[T any](s batch.Stream[T]) (states []string) {
	i := 0
	for r := range batch.TryEach(s, func(context.Context, T) error {
		if i == 0 {
			return errBoom
		}
		return nil
	}) {
		if i++; i > 1 {
			states = append(states, lo.Ternary(errors.Is(r.Err(), batch.ErrBlocked), "blocked", "called"))
		}
	}
	return states
}

func panicOf(f func()) (value any) {
	defer func() { value = recover() }()
	f()
	return nil
}

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// liveHeap returns how many bytes are in use.
func liveHeap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// equal compares what fmt prints, so that nil and an empty slice are equal.
func equal(t *rapid.T, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		t.Fatalf("%s:\n got %s\nwant %s", what, g, w)
	}
}

// thorough is rapid.Check with 1,500 cases instead of 100, because many drawn pipelines do little.
func thorough(t *testing.T, prop func(*rapid.T)) {
	t.Helper()
	checks := flag.Lookup("rapid.checks").Value
	if before := checks.String(); before == "100" {
		_ = checks.Set("1500")
		defer func() { _ = checks.Set(before) }()
	}
	rapid.Check(t, prop)
}

func perRecord(b *testing.B, n int, f func()) {
	b.ReportAllocs()
	for b.Loop() {
		f()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/record")
}
