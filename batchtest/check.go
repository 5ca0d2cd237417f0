package batchtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lambdabatch/batch"
	"pgregory.net/rapid"
)

// CheckStage generates random batches of values and checks that a stage obeys the laws of package
// batch. If it does not, the test fails with a sentence that names the broken law and the record,
// and shows the smallest batch that breaks it. The records are called r0, r1 and so on.
//
// Drawn records are Ready, Done, Failed or unprocessed, have groups, and may be split into parts.
// Most batches have up to 8 records, some up to 64. Batches run under each policy. The consumer may
// stop, and the context may end, at any Result. A stage must
//
//   - pass on every record, with its identity, and send each part once,
//   - pass Done, Failed and unprocessed Results on unchanged (but see [Recovers]),
//   - leave a Ready record unprocessed if its context has ended or the policy holds it back. It
//     may also pass it on unchanged, which shows that no function was called,
//   - keep the Results of a group in batch order under StopGroup, and all Results under StopBatch,
//   - send nothing and ask for nothing after its consumer has stopped,
//   - range over its input once per range over its output, and not before its output is ranged over,
//   - give a record the same Results in a second range, in two ranges at once, without the other
//     records or one of them (but see [WholeBatch]), and in the lanes of [batch.Parallel],
//   - return in the end, without panicking and without leaving goroutines behind. Functions that it
//     calls through [batch.Then] or a library stage may panic.
//
// So the result of a function must depend only on its record: the same record is processed many times,
// also concurrently. A function may write to a store, but its result must not depend on earlier
// writes. If it does, create a new store in each range. Values are compared with
// [reflect.DeepEqual], errors by their text. A function must not modify its value; CheckStage does
// not check that.
//
// Each batch runs in a bubble of testing/synctest. So waiting takes no time, and a stage that waits
// forever is found. But CheckStage must not be called in a bubble, and the stage must not wait
// for anything outside of it, such as the network or a channel that the test has made. No
// goroutine may sleep or wait while it holds a mutex that another one needs. Each batch is processed
// dozens of times, and must not take more than 10 seconds of real time, so functions should
// take microseconds.
//
// The flags of package rapid apply, such as -rapid.checks for the number of batches. A batch that
// fails is stored in testdata/rapid and tried first the next time.
func CheckStage[A, B any](t *testing.T, values *rapid.Generator[A], stage batch.Stage[A, B], opts ...CheckOption) {
	t.Helper()
	if complaint := complaintAbout(t, values, stage, opts...); complaint != "" {
		t.Fatal(complaint)
	}
}

// A CheckOption tells [CheckStage] what a stage is allowed to do.
type CheckOption func(*checkSettings)

type checkSettings struct {
	recovers   bool
	wholeBatch bool
	limit      time.Duration // per batch, in real time
}

// Recovers allows the stage to settle or change failures, as [batch.Catch] and [batch.OrElse] do. It
// must still pass Done and unprocessed Results on unchanged.
func Recovers() CheckOption { return func(s *checkSettings) { s.recovers = true } }

// WholeBatch allows the Results of a record to depend on other records of the batch, as in a stage
// that drops duplicates or whose bulk write fails as a whole. Such a stage does not belong in the
// lanes of [batch.Parallel], so CheckStage does not try it there.
func WholeBatch() CheckOption { return func(s *checkSettings) { s.wholeBatch = true } }

// complaintAbout returns the message with which CheckStage fails, "" if the stage obeys all laws.
func complaintAbout[A, B any](t *testing.T, values *rapid.Generator[A], stage batch.Stage[A, B], opts ...CheckOption) string {
	t.Helper()
	if values == nil {
		panic("batchtest: CheckStage: values is nil")
	}
	if stage == nil {
		panic("batchtest: CheckStage: stage is nil")
	}
	c := &checker[A, B]{stage: stage}
	c.limit = 10 * time.Second // a batch takes milliseconds
	for i, opt := range opts {
		if opt == nil {
			panic(fmt.Sprintf("batchtest: CheckStage: opts[%d] is nil", i))
		}
		opt(&c.checkSettings)
	}
	scenes := drawScene(values)
	quiet := &quietT{T: t}
	found, last := "", ""
	var passed []scene[A] // once a breach has been found: rapid draws most scenes many times to look for a smaller one
	// Rapid gives up its search for a smaller scene if the text changes from one try to the next, as a sentence does in
	// which there is an address. So it is told this:
	const broken = "the stage breaks a law"
	rapid.Check(quiet, func(rt *rapid.T) {
		s := scenes.Draw(rt, "scene")
		if found == stoppedClock {
			rt.Fatal(broken) // trying again would take as long
		}
		if slices.ContainsFunc(passed, s.equals) {
			last = ""
			return
		}
		last = c.confirm(t, s, found != "")
		if last != "" {
			found = last
			rt.Fatal(broken)
		}
		if found != "" {
			passed = append(passed, s)
		}
	})
	const sometimes = "\nThis does not happen every time: lanes run side by side, or the stage or one of its functions is not deterministic."
	switch {
	case !quiet.failed && c.unconfirmed != "":
		return c.unconfirmed + sometimes
	case !quiet.failed:
		return ""
	case found == "":
		return strings.Join(quiet.messages, "\n") // the generator has failed
	case last == "":
		found += sometimes
	}
	return found + quiet.reproduction()
}

// confirm tries a scene. A breach in lanes may depend on which of them is faster, so a new one must
// show three times in a row, and a known one once in three times. Otherwise rapid could not
// reproduce it, and would not look for a smaller scene.
func (c *checker[A, B]) confirm(t *testing.T, s scene[A], known bool) (said string) {
	for range 3 {
		if said = c.tryScene(t, s); said == stoppedClock {
			return said // check is still running, and may write to c
		}
		if !c.foundInLanes || known == (said != "") {
			break
		}
		if said != "" {
			c.unconfirmed = said
		}
	}
	if said == "" && !known {
		c.foundBy, c.foundInLanes = 0, false
	}
	return said
}

// tryScene checks a scene in a bubble of its own. If it finds a goroutine that was left behind, but not in the first range,
// it tries again, at most twice: most likely another goroutine ended in the first range, so that no census was taken then.
func (c *checker[A, B]) tryScene(t *testing.T, s scene[A]) (said string) {
	for range 3 {
		c.foundLate = false
		said = inBubble(t, c.limit, func() string { return c.check(s) })
		if said == stoppedClock || !c.foundLate {
			break
		}
	}
	return said
}
