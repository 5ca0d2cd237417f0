package e2e_test

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/lambdabatch/batch/e2e/ledger"
	"github.com/lambdabatch/batch/e2e/sandbox"
	"github.com/matryer/is"
)

func TestAResponseListsFailedRecordsByteForByte(t *testing.T) {
	for _, lanes := range []string{"LANES=1", "LANES=4"} {
		t.Run(lanes, func(t *testing.T) {
			is := is.New(t)
			l := openLedger(t, nil)
			s := openWorker(t, l, lanes)

			out := invoke(t, s, sqsEvent("q", 1, script("a", "ok"), script("b", "fail"), script("c", "ok"), script("d", "dirty")), time.Minute)
			is.Equal(out.End, sandbox.Responded)
			is.Equal(string(out.Body), reporting("b", "d"))

			out = invoke(t, s, sqsEvent("q", 1, script("e", "ok")), time.Minute)
			is.Equal(string(out.Body), reporting())
			is.Equal(len(l.Counts(ledger.Store)), 3)
		})
	}
}

func TestABatchThatFailedCompletelyIsReportedAsAnErrorWhateverItsCauses(t *testing.T) {
	is := is.New(t)
	s := openWorker(t, openLedger(t, nil))
	failed := invoke(t, s, sqsEvent("q", 1, script("a", "dirty"), script("b", "fail"), script("c", "panic")), time.Minute)
	is.Equal(failed.End, sandbox.Failed)

	var report struct{ ErrorMessage, ErrorType string }
	is.NoErr(json.Unmarshal(failed.Body, &report))
	is.Equal(report.ErrorType, "AllFailedError")
	is.True(strings.Contains(report.ErrorMessage, "refused"))
	for _, r := range report.ErrorMessage {
		is.True(!unicode.IsControl(r)) // every control character is escaped
	}
	is.True(strings.Contains(failed.Header.Get("Lambda-Runtime-Function-Xray-Error-Cause"), "AllFailedError"))

	next := invoke(t, s, sqsEvent("q", 1, script("d", "ok")), time.Minute)
	is.Equal(string(next.Body), reporting())
	is.Equal(next.PID, failed.PID) // the same process
}

func TestAPayloadOfAnotherSourceIsAnErrorAndTheProcessLivesOn(t *testing.T) {
	is := is.New(t)
	l := openLedger(t, nil)
	s := openWorker(t, l)
	for _, payload := range []string{`{}`, `[]`, `{"Records":[{"eventSource":"aws:s3"}]}`, `{"Records":"\u007f"}`} {
		out := invoke(t, s, []byte(payload), time.Minute)
		is.Equal(out.End, sandbox.Failed)
	}
	is.Equal(s.Starts(), 1)
	is.Equal(len(l.Entries()), 0)
}

func TestAPanicInALaneEndsNeitherTheBatchNorTheProcess(t *testing.T) {
	is := is.New(t)
	s := openWorker(t, openLedger(t, nil), "LANES=4")
	first := invoke(t, s, sqsEvent("q", 1, script("a", "ok"), script("b", "panic"), script("c", "goexit"), script("d", "ok")), time.Minute)
	is.Equal(string(first.Body), reporting("b", "c"))

	second := invoke(t, s, sqsEvent("q", 1, script("e", "ok")), time.Minute)
	is.Equal(string(second.Body), reporting())
	is.Equal(second.PID, first.PID)
}

func TestAStageThatPanicsInALaneFailsUnfinishedRecordsOfThatLane(t *testing.T) {
	is := is.New(t)
	s := openWorker(t, openLedger(t, nil), "LANES=2")
	first := invoke(t, s, sqsEvent("q", 1, script("a", "ok"), script("b", "break"), script("c", "ok"), script("d", "ok")), time.Minute)
	is.Equal(string(first.Body), reporting("b"))

	second := invoke(t, s, sqsEvent("q", 1, script("e", "ok")), time.Minute)
	is.Equal(string(second.Body), reporting())
	is.Equal(second.PID, first.PID)
}

func TestADeadlineIsMetWhileAFunctionIsStuckAndTheNextInvocationIsUnharmed(t *testing.T) {
	t.Parallel()
	for _, lanes := range []string{"LANES=1", "LANES=4"} {
		t.Run(lanes, func(t *testing.T) {
			t.Parallel()
			is := is.New(t)
			l := openLedger(t, nil)
			s := openWorker(t, l, lanes)

			first := invoke(t, s, sqsEvent("q", 1, script("a", "ok"), script("b", "ok"), script("stuck", stuckOnce)), shortTimeout)
			is.Equal(first.End, sandbox.Responded)
			is.Equal(string(first.Body), reporting("stuck"))

			// The stuck function returns while the next invocation waits. Its record is not stored.
			second := invoke(t, s, sqsEvent("q", 1, script("c", "wait:4s", "ok"), script("d", "ok")), time.Minute)
			is.Equal(string(second.Body), reporting())
			is.Equal(second.PID, first.PID)
			is.Equal(l.Counts(ledger.Store), map[string]int{"a": 1, "b": 1, "c": 1, "d": 1})
		})
	}
}

func TestRecordsNotStartedBeforeTheDeadlineAreReportedWithoutACall(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	l := openLedger(t, nil)
	s := openWorker(t, l)
	out := invoke(t, s, sqsEvent("q", 1, script("a", "ok"), script("b", "wait:1m"), script("c", "ok")), shortTimeout)
	is.Equal(string(out.Body), reporting("b", "c"))
	is.Equal(l.Counts(ledger.Try), map[string]int{"a": 1, "b": 1})
}

func TestSeveralInvocationsAtOnceDoNotSeeEachOther(t *testing.T) {
	is := is.New(t)
	const n = 4
	// Each invocation waits at its first order until all invocations have arrived.
	var arrived sync.WaitGroup
	arrived.Add(n)
	l := openLedger(t, func(e ledger.Entry) {
		if e.Kind == ledger.Try && strings.HasPrefix(e.ID, "first") {
			arrived.Done()
			arrived.Wait()
		}
	})
	s := open(t, sandbox.Config{
		Binary: binaries.worker, Env: []string{"LEDGER=" + l.URL(), "LANES=2"}, Concurrency: n, Log: t.Output(),
	})
	var bodies [n]string
	var invocations sync.WaitGroup
	for i := range n {
		invocations.Go(func() {
			name := string(rune('0' + i))
			out := invoke(t, s, sqsEvent("q", 1, script("first-"+name, "ok"), script("bad-"+name, "fail")), time.Minute)
			bodies[i] = string(out.Body)
		})
	}
	invocations.Wait()
	is.Equal(bodies, [n]string{reporting("bad-0"), reporting("bad-1"), reporting("bad-2"), reporting("bad-3")})
	is.Equal(s.Starts(), 1)
	is.Equal(len(l.Counts(ledger.Store)), n)
}
