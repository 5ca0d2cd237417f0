package batchtest

import (
	"strings"
	"testing"
	"time"

	"github.com/lambdabatch/batch"
	"pgregory.net/rapid"
)

// CheckStage draws batches of values and checks that a stage obeys the laws of package batch. It fails the test with
// one sentence that says which law is broken, by which record, in the smallest batch that shows it. Records are called
// r0, r1 and so on.
//
// Of the records, some come Ready, others Done, Failed or unprocessed, split into parts, in groups and under each
// policy. The consumer stops, and the context ends, after drawn numbers of Results. A stage must
//
//   - pass on every record, with its identity and without repeating any part of it,
//   - leave Done, Failed and unprocessed Results alone (but see [Recovers]),
//   - leave a Ready record unprocessed if its context has ended or an earlier record of its group has failed. Passing it
//     on untouched is fine, too: then no function was called for it,
//   - keep the Results of one group in batch order under StopGroup, and all of them under StopBatch,
//   - send nothing once its consumer has stopped,
//   - range over its source once for each range over its result, and not before,
//   - give a record the same results in a second range, in two ranges at once, without the other records (but see
//     [WholeBatch]) and in the lanes of [batch.Parallel],
//   - return in the end, without a panic outside of the functions that it calls through [batch.Then] or a library stage,
//     and leave no goroutines behind.
//
// So what a function returns must depend on its record alone. A function may write to a store, but must not answer
// according to what it has stored before: the same record is processed many times, also at once. If results depend on a
// store, create a new one in each range. Values are compared by [reflect.DeepEqual],
// errors by their text. A function must not write to the value that it gets; that is not checked.
//
// Each batch runs in a bubble of testing/synctest, so waiting takes no time, and a stage that waits for ever is found.
// For the same reason CheckStage must not be called within a bubble, and the stage must not wait for anything outside
// the stage, such as the network or a channel that the test has made. A mutex must not be held while time passes.
//
// The flags of package rapid apply, such as -rapid.checks for the number of batches. A batch that failed is kept in
// testdata/rapid, and is tried first the next time.
func CheckStage[A, B any](t *testing.T, values *rapid.Generator[A], stage batch.Stage[A, B], opts ...CheckOption) {
	t.Helper()
	if verdict := judge(t, values, stage, opts...); verdict != "" {
		t.Fatal(verdict)
	}
}

// A CheckOption tells [CheckStage] what a stage is meant to do.
type CheckOption func(*permissions)

type permissions struct {
	recovers   bool
	wholeBatch bool
	limit      time.Duration // for a batch, by the clock on the wall
}

// Recovers says that the stage settles or changes failures, as [batch.Catch] and [batch.OrElse] do. It still must not
// touch Done and unprocessed Results.
func Recovers() CheckOption { return func(p *permissions) { p.recovers = true } }

// WholeBatch says that what the stage makes of a record may depend on the other records of the batch, as where it drops
// duplicates or fails a bulk write as a whole. Such a stage does not belong in the lanes of [batch.Parallel], and is not
// tried in them.
func WholeBatch() CheckOption { return func(p *permissions) { p.wholeBatch = true } }

// judge returns what CheckStage complains about, "" for nothing.
func judge[A, B any](t *testing.T, values *rapid.Generator[A], stage batch.Stage[A, B], opts ...CheckOption) string {
	t.Helper()
	if values == nil {
		panic("batchtest: CheckStage: values is nil")
	}
	if stage == nil {
		panic("batchtest: CheckStage: stage is nil")
	}
	c := &checking[A, B]{stage: stage}
	c.limit = 10 * time.Second // a batch takes milliseconds
	for _, opt := range opts {
		opt(&c.permissions)
	}
	scenes := drawScene(values)
	listener := &listener{T: t}
	found, again := "", ""
	rapid.Check(listener, func(rt *rapid.T) {
		s := scenes.Draw(rt, "scene")
		if found == stoppedClock {
			rt.Fatal(found) // it would take as long each time
		}
		again = inBubble(t, c.limit, func() string { return c.check(s) })
		if again != "" {
			found = again
			rt.Fatal(found)
		}
	})
	switch {
	case !listener.failed:
		return ""
	case found == "":
		return strings.Join(listener.said, "\n") // the generator's own trouble
	case again == "":
		found += "\nIt does not happen each time: the stage or one of its functions is not deterministic."
	}
	return found + listener.reproduction()
}
