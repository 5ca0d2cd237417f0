package batchtest

import (
	"errors"
	"testing"

	"github.com/lambdabatch/batch"
)

var errOther = errors.New("other")

func failingDone(r sent) sent {
	if isSettled(r) {
		return r.Fail(errOther)
	}
	return r
}

func TestAStageThatChangesResultsThatAreNotReadyIsFound(t *testing.T) {
	checkAll(t, map[string]bad{
		"it settles failures": {
			changing(func(r sent) sent {
				if r.Err() != nil {
					return r.Ack()
				}
				return r
			}),
			`changes rN from the failure "failed before" to Done`, lawFailures,
		},
		"it replaces failures": {
			changing(func(r sent) sent {
				if r.Err() != nil {
					return r.Fail(errOther)
				}
				return r
			}),
			`changes rN from the failure "failed before" to the failure "other"`, lawFailures,
		},
		"it fails Done Results": {
			changing(failingDone),
			`changes rN from Done to the failure "other"`, lawUntried,
		},
	})
}

func TestAStageThatRecoversMustNotChangeOtherResults(t *testing.T) {
	checkAll(t, map[string]bad{
		"it fails Done Results": {
			changing(failingDone),
			`changes rN from Done to the failure "other"`, lawUntried,
		},
		"it drops failures that it cannot settle": {
			sending(func(r sent, yield func(sent) bool) bool { return errors.Is(r.Err(), errBefore) || yield(r) }),
			"drops rN", lawLeaves,
		},
	}, Recovers())
}

func TestAStageThatCallsAFunctionWhenItMustNotIsFound(t *testing.T) {
	acknowledging := func(unprocessed error) intsTo {
		return changing(func(r sent) sent {
			if out := then(r, same); !errors.Is(out.Err(), unprocessed) {
				return out
			}
			return r.Ack()
		})
	}
	checkAll(t, map[string]bad{
		"it calls the function itself": {
			changing(func(r sent) sent {
				if v, ok := r.Value(); ok && v%2 == 1 { // a function that is not called by Then
					return r.Fail(errOther)
				}
				return r
			}),
			`turns rN into the failure "other" although its context had already ended`, lawEnd,
		},
		"it handles values without Then": {
			changing(func(r sent) sent {
				if _, ok := r.Value(); ok {
					return r.Ack()
				}
				return r
			}),
			"acknowledges rN although its context had already ended", lawEnd,
		},
		"it acknowledges a record that was not started": {
			acknowledging(batch.ErrNotStarted),
			"acknowledges rN although its context had already ended", lawEnd,
		},
		"it acknowledges a blocked record": {
			acknowledging(batch.ErrBlocked),
			"acknowledges rN although rN holds it back", lawHeld,
		},
	})
}
