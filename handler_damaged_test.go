//go:build !race

package batch_test

// Events of which bytes are missing or wrong. Not with the race detector: they are many thousands, read by one goroutine.

import (
	"errors"
	"slices"
	"testing"

	"github.com/lambdabatch/batch"
)

func TestAnEventThatIsCutOffAtAnyByteIsAPayloadErrorAndCallsNoFunction(t *testing.T) {
	for source, payload := range realEvents(t) {
		t.Run(source, func(t *testing.T) {
			for n := range payload {
				var w witness
				_, err := w.invoke(t, source, payload[:n:n])
				var refused *batch.PayloadError
				if !errors.As(err, &refused) {
					t.Fatalf("after %d bytes: %v", n, err)
				}
			}
			var w witness
			if _, err := w.invoke(t, source, payload); err != nil || w.called == 0 {
				t.Fatalf("the whole event: %v", err) // so that the loop above proves something
			}
		})
	}
}

// Every byte of an event is left out, and replaced by each of a few others. Whatever that makes of the records, none is
// acknowledged unless it was finished.
func TestAnEventWithADamagedByteAcknowledgesNoRecordThatWasNotFinished(t *testing.T) {
	for source, payload := range realEvents(t) {
		t.Run(source, func(t *testing.T) {
			responses := 0
			for i := range payload {
				for _, by := range []string{"", `"`, "}", "5", "\xff"} {
					w := witness{failing: func(index int) bool { return index == 1 }}
					_, err := w.invoke(t, source, slices.Concat(payload[:i], []byte(by), payload[i+1:]), batch.WithoutAllFailedError())
					if err == nil {
						responses++
					}
				}
			}
			if responses < len(payload) {
				t.Fatalf("only %d responses", responses) // most damage is in strings
			}
		})
	}
}
