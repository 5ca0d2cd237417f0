package batch_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/internal/draw"
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

// named is the source of records that are their own identifiers, all of one group.
func oneGroup(ctx context.Context, policy batch.Policy, ids ...string) texts {
	describe := func(id string) batch.Record { return batch.Record{ID: id, Group: "g"} }
	return batch.From(ctx, ids, describe, batch.WithPolicy(policy))
}

// grouped is a source of records with these groups.
func grouped(ctx context.Context, groups []string, opts ...batch.Option) texts {
	values := make([]string, len(groups))
	for i := range values {
		values[i] = strconv.Itoa(i)
	}
	return batch.From(ctx, values, func(v string) batch.Record {
		return batch.Record{ID: "r" + v, Group: groups[indexOf(v)]}
	}, opts...)
}

// groupsInTurn are the groups of so many records, which are taken in turn.
func groupsInTurn(records, groups int) []string {
	all := make([]string, records)
	for i := range all {
		all[i] = "g" + strconv.Itoa(i%groups)
	}
	return all
}

// indexOf finds the record in a value, for functions without a context.
func indexOf(value string) int {
	i, _ := strconv.Atoi(value[:strings.IndexFunc(value+".", func(r rune) bool { return r < '0' || r > '9' })])
	return i
}

// byID describes records that are their own identifiers.
func byID(id string) batch.Record { return batch.Record{ID: id} }

// reportInto keeps the last report.
func reportInto(report *batch.Report) batch.Option {
	return batch.WithReport(func(_ context.Context, r batch.Report) { *report = r })
}

// one returns the only Result of a stream.
func one[T any](s batch.Stream[T]) batch.Result[T] {
	all := slices.Collect(s)
	if len(all) != 1 {
		panic("not one Result")
	}
	return all[0]
}

// seen is what can be seen of the Results of a stream.
func seen(s texts) (all []string) {
	for r := range s {
		all = append(all, draw.Seen(r))
	}
	return all
}

// listed returns the identifiers in a response.
func listed(r batch.Response) []string {
	ids := []string{}
	for _, f := range r.BatchItemFailures {
		ids = append(ids, f.ItemIdentifier)
	}
	return ids
}

// behind fails the first record of a stream and returns what became of the others.
func afterFirstFails[T any](s batch.Stream[T]) (states []string) {
	i := 0
	for r := range batch.TryEach(s, func(context.Context, T) error {
		if i == 0 {
			return errBoom
		}
		return nil
	}) {
		if i++; i > 1 {
			states = append(states, map[bool]string{true: "blocked", false: "called"}[errors.Is(r.Err(), batch.ErrBlocked)])
		}
	}
	return states
}

// answered returns the identifiers in the response of a handler.
func listedInJSON(t *testing.T, response []byte) []string {
	t.Helper()
	var r struct {
		BatchItemFailures []struct {
			ItemIdentifier json.RawMessage `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(response, &r); err != nil {
		t.Fatalf("%s: %v", response, err)
	}
	ids := []string{}
	for _, f := range r.BatchItemFailures {
		ids = append(ids, strings.Trim(string(f.ItemIdentifier), `"`))
	}
	return ids
}

// failingOn makes a function for Each that fails on these values.
func failingOn(values ...string) func(context.Context, string) error {
	return func(_ context.Context, v string) error {
		if slices.Contains(values, v) {
			return errBoom
		}
		return nil
	}
}

func succeed(context.Context, string) error { return nil }

// stuckOn makes a function that is stuck on some values until the test ends.
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

// dropping leaves these values out, as a stage that is not the library's may.
func dropping(s texts, values ...string) texts {
	return func(yield func(batch.Result[string]) bool) {
		for r := range s {
			if v, ok := r.Value(); (!ok || !slices.Contains(values, v)) && !yield(r) {
				return
			}
		}
	}
}

// repeating sends every Result twice.
func repeating(s texts) texts {
	return func(yield func(batch.Result[string]) bool) {
		for r := range s {
			for range 2 {
				if !yield(r) {
					return
				}
			}
		}
	}
}

// inLanes runs f on records in lanes and returns the stream.
func inLanes(s texts, n int, f func(context.Context, string) error) texts {
	return batch.Parallel(s, n, batch.Each(f))
}

// ended is a context that was cancelled because of errBoom.
func endedContext() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errBoom)
	return ctx
}

func cancellable() (context.Context, context.CancelCauseFunc) {
	return context.WithCancelCause(context.Background())
}

// Ten seconds, of which the last four are the reserve.
func deadline(t *testing.T) (ctx context.Context, reserve batch.Option) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx, batch.WithReserve(4 * time.Second)
}

// effects notes which values had an effect, in the order in which they had it.
type effects struct {
	mu  sync.Mutex
	all []string
}

func (e *effects) note(values ...string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, values...)
}

func (e *effects) each(_ context.Context, v string) error { e.note(v); return nil }

func (e *effects) noted() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.all)
}

func (e *effects) sorted() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	sorted := slices.Clone(e.all)
	slices.SortFunc(sorted, func(a, b string) int { return indexOf(a) - indexOf(b) })
	return sorted
}

// journal keeps what is logged, with the record that the context belongs to.
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

func panicOf(f func()) (value any) {
	defer func() { value = recover() }()
	f()
	return nil
}

// equal compares what fmt shows, for which no slice and an empty one are the same.
func equal(t *rapid.T, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		t.Fatalf("%s:\n got %s\nwant %s", what, g, w)
	}
}

// thorough is rapid.Check with more cases than usual: many a drawn pipeline does
// little.
func thorough(t *testing.T, prop func(*rapid.T)) {
	t.Helper()
	checks := flag.Lookup("rapid.checks").Value
	if before := checks.String(); before == "100" {
		_ = checks.Set("1500")
		defer func() { _ = checks.Set(before) }()
	}
	rapid.Check(t, prop)
}

var (
	everySource = []string{draw.From, draw.Of, draw.SQS, draw.FIFO, draw.Kinesis, draw.DynamoDB, draw.Kafka}
	everyEvent  = everySource[2:]
	everyKind   = slices.Concat(draw.Own, draw.Foreign, draw.Stray)
)

func perRecord(b *testing.B, n int, f func()) {
	b.ReportAllocs()
	for b.Loop() {
		f()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/record")
}
