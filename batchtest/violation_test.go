package batchtest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/matryer/is"
	"github.com/samber/lo"
	"pgregory.net/rapid"

	"github.com/lambdabatch/batch/batchtest"
)

// violation returns an error if a handler did what no handler may do.
func (s scene) violation(run *batchtest.Run) error {
	for i, invocation := range run.Invocations {
		if err := invocation.Err; errors.Is(err, batchtest.ErrTimedOut) || errors.Is(err, batchtest.ErrVoid) ||
			errors.Is(err, batchtest.ErrExited) || isPanic(err) {
			return fmt.Errorf("invocation %d: %w", i+1, err)
		}
		for _, id := range invocation.Done {
			if !s.happened(id, i+1) {
				return fmt.Errorf("%s was deleted before its effect", id)
			}
		}
	}
	if run.Err != nil {
		return run.Err
	}
	ended := slices.Sorted(slices.Values(slices.Concat(run.Deleted, run.DeadLettered)))
	if !slices.Equal(ended, slices.Sorted(slices.Values(s.ids))) {
		return fmt.Errorf("not every record ended once: %v", ended)
	}
	return nil
}

func isPanic(err error) bool {
	_, ok := errors.AsType[*batchtest.PanicError](err)
	return ok
}

// disorder returns an error if a record of a group took effect after a later one. A chunk may fail
// in part. Then only the last effect of each record counts.
func (s scene) disorder(run *batchtest.Run) error {
	group := func(id string) string { return s.groups[id] }
	// A settled failure holds no record back. When its record is redelivered, it may succeed.
	ids := lo.Reject(s.ids, func(id string, _ int) bool { return s.plans[id].settled })
	if late, early := s.overtaken(ids, group); late != "" && !s.pipeline.each {
		return fmt.Errorf("%s was overtaken by %s", late, early)
	}
	deleted := lo.Filter(ids, func(id string, _ int) bool { return slices.Contains(run.Deleted, id) })
	if late, early := s.overtakenAtLast(deleted, group); late != "" {
		return fmt.Errorf("in the end %s was overtaken by %s", late, early)
	}
	return nil
}

func (s scene) check(rt *rapid.T, run *batchtest.Run) {
	rt.Helper()
	time.Sleep(24 * time.Hour) // lets what is stuck return: time in a bubble stops when the test does
	if err := s.violation(run); err != nil {
		rt.Fatalf("%v\n%v", err, run)
	}
}

func (s scene) checkOrder(rt *rapid.T, run *batchtest.Run) {
	rt.Helper()
	if err := s.disorder(run); err != nil {
		rt.Fatalf("%v: %v\n%v", err, s.effects(), run)
	}
}

// checkDeadLettered is for functions that take no time.
func (s scene) checkDeadLettered(rt *rapid.T, run *batchtest.Run) {
	rt.Helper()
	for _, id := range run.DeadLettered {
		if s.failures(id) == 0 {
			rt.Fatalf("%s never failed\n%v", id, run)
		}
	}
}

// The properties of library_test.go can fail.
func TestBrokenHandlersViolateTheSameProperties(t *testing.T) {
	type response = map[string]any
	list := func(key string, identifiers ...any) response {
		return response{key: lo.Map(identifiers, func(id any, _ int) response { return response{"itemIdentifier": id} })}
	}
	// r-1 and r-2 are of one group. r-1 fails at its first delivery.
	tests := map[string]struct {
		handle func(ctx context.Context, s scene, records []record) response
		want   string
	}{
		"sound": {func(ctx context.Context, s scene, records []record) response {
			var failed []any
			for _, r := range records {
				if len(failed) > 0 || s.tryOn(ctx, r) != nil {
					failed = append(failed, r.id)
				}
			}
			return list("batchItemFailures", failed...)
		}, ""},
		"wrong identifiers": {func(ctx context.Context, s scene, records []record) response {
			return list("batchItemFailures", lo.FilterMap(records, func(r record, i int) (any, bool) {
				return fmt.Sprint(i), s.tryOn(ctx, r) != nil
			})...)
		}, `invocation 1: invalid response: entry 0: "0" is not in the batch`},
		"an empty identifier": {func(ctx context.Context, s scene, records []record) response {
			return list("batchItemFailures", "")
		}, "invocation 1: invalid response: entry 0: itemIdentifier is empty"},
		"another key": {func(ctx context.Context, s scene, records []record) response {
			return list("BatchItemFailures", records[0].id, records[1].id)
		}, "r-1 was deleted before its effect"},
		"a record that is dropped": {func(ctx context.Context, s scene, records []record) response {
			for _, r := range records[1:] {
				if s.tryOn(ctx, r) != nil {
					return list("batchItemFailures", r.id)
				}
			}
			return nil
		}, "r-1 was deleted before its effect"},
		"a record that is dropped after a failure": {func(ctx context.Context, s scene, records []record) response {
			for _, r := range records {
				if s.tryOn(ctx, r) != nil {
					return list("batchItemFailures", r.id)
				}
			}
			return nil
		}, "r-2 was deleted before its effect"},
		"no regard for the order": {func(ctx context.Context, s scene, records []record) response {
			return list("batchItemFailures", lo.FilterMap(records, func(r record, _ int) (any, bool) {
				return r.id, s.tryOn(ctx, r) != nil
			})...)
		}, "r-1 was overtaken by r-2"},
		"a failure that never ends": {func(ctx context.Context, s scene, records []record) response {
			return list("batchItemFailures", records[0].id, records[1].id)
		}, "the handler makes no progress: record r-1 was delivered 100 times while no record was finished or given up"},
		"a panic": {func(context.Context, scene, []record) response {
			panic("boom")
		}, "invocation 1: the handler panicked: boom"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			s := scene{
				ids:    []string{"r-1", "r-2"},
				groups: map[string]string{"r-1": "a", "r-2": "a"},
				world:  newWorld(pipeline{}, map[string]plan{"r-1": {how: "error", times: 1}}),
			}
			run := s.queue(batchtest.QueueConfig{FIFO: true}).Drain(t.Context(), s.counting(
				function(func(ctx context.Context, payload []byte) ([]byte, error) {
					return json.Marshal(test.handle(ctx, s, recordsOf(payload)))
				})))
			err := s.violation(run)
			if err == nil {
				err = s.disorder(run)
			}
			if test.want == "" {
				is.NoErr(err)
				return
			}
			is.True(err != nil)
			is.Equal(err.Error(), test.want)
		})
	}
}

// tryOn has the effect on a record in a handler without a pipeline.
func (s scene) tryOn(ctx context.Context, r record) error {
	it := item{ID: r.id, Group: r.key}
	if err := s.now().attempt(ctx, 0, it); err != nil {
		return err
	}
	s.now().act(it)
	return nil
}
