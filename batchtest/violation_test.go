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
	"pgregory.net/rapid"

	"github.com/lambdabatch/batch/batchtest"
)

// violation says what a handler did that it must never do, nil if there is
// nothing.
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

// disorder says which record of a group took effect after a later one, nil if
// none did. Where a function takes several records at once and fails some of
// them, this is only said of the effects that last.
func (s scene) disorder(run *batchtest.Run) error {
	group := func(id string) string { return s.groups[id] }
	// A failure that is settled holds nobody up, and may be none when the
	// record is redelivered.
	ids := slices.DeleteFunc(slices.Clone(s.ids), func(id string) bool { return s.plans[id].settled })
	if late, early := s.overtaken(ids, group); late != "" && !s.pipeline.each {
		return fmt.Errorf("%s was overtaken by %s", late, early)
	}
	deleted := slices.DeleteFunc(ids, func(id string) bool { return !slices.Contains(run.Deleted, id) })
	if late, early := s.leftOver(deleted, group); late != "" {
		return fmt.Errorf("in the end %s was overtaken by %s", late, early)
	}
	return nil
}

func (s scene) check(rt *rapid.T, run *batchtest.Run) {
	rt.Helper()
	time.Sleep(time.Minute) // for stuck functions to return, which the bubble does not wait for
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

// TestBrokenHandlersViolateTheSameProperties shows that the properties above
// can fail.
func TestBrokenHandlersViolateTheSameProperties(t *testing.T) {
	type answer = map[string]any
	list := func(key string, identifiers ...any) answer {
		failures := []answer{}
		for _, identifier := range identifiers {
			failures = append(failures, answer{"itemIdentifier": identifier})
		}
		return answer{key: failures}
	}
	// r-1 and r-2 are of one group, and r-1 fails the first time.
	tests := map[string]struct {
		handle func(ctx context.Context, s scene, records []record) answer
		want   string
	}{
		"sound": {func(ctx context.Context, s scene, records []record) answer {
			var failed []any
			for _, r := range records {
				if len(failed) > 0 || s.tryOn(ctx, r) != nil {
					failed = append(failed, r.id)
				}
			}
			return list("batchItemFailures", failed...)
		}, ""},
		"wrong identifiers": {func(ctx context.Context, s scene, records []record) answer {
			var failed []any
			for i, r := range records {
				if s.tryOn(ctx, r) != nil {
					failed = append(failed, fmt.Sprint(i))
				}
			}
			return list("batchItemFailures", failed...)
		}, `invocation 1: invalid response: entry 0: "0" is not in the batch`},
		"an empty identifier": {func(ctx context.Context, s scene, records []record) answer {
			return list("batchItemFailures", "")
		}, "invocation 1: invalid response: entry 0: itemIdentifier is empty"},
		"another key": {func(ctx context.Context, s scene, records []record) answer {
			return list("BatchItemFailures", records[0].id, records[1].id)
		}, "r-1 was deleted before its effect"},
		"a record that is dropped": {func(ctx context.Context, s scene, records []record) answer {
			for _, r := range records[1:] {
				if s.tryOn(ctx, r) != nil {
					return list("batchItemFailures", r.id)
				}
			}
			return nil
		}, "r-1 was deleted before its effect"},
		"a record that is dropped after a failure": {func(ctx context.Context, s scene, records []record) answer {
			for _, r := range records {
				if s.tryOn(ctx, r) != nil {
					return list("batchItemFailures", r.id)
				}
			}
			return nil
		}, "r-2 was deleted before its effect"},
		"no regard for the order": {func(ctx context.Context, s scene, records []record) answer {
			var failed []any
			for _, r := range records {
				if s.tryOn(ctx, r) != nil {
					failed = append(failed, r.id)
				}
			}
			return list("batchItemFailures", failed...)
		}, "r-1 was overtaken by r-2"},
		"a failure that never ends": {func(ctx context.Context, s scene, records []record) answer {
			return list("batchItemFailures", records[0].id, records[1].id)
		}, "batchtest: the handler makes no progress: record r-1 was delivered 100 times while no record was finished or given up"},
		"a panic": {func(context.Context, scene, []record) answer {
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
			run := s.queue(batchtest.QueueConfig{FIFO: true}).Drain(t.Context(), s.counted(
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

// tryOn is the effect of a handler without a pipeline.
func (s scene) tryOn(ctx context.Context, r record) error {
	it := item{ID: r.id, Group: r.key}
	if err := s.call(ctx, 0, it); err != nil {
		return err
	}
	s.act(it)
	return nil
}
