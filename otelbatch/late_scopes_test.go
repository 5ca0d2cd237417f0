package otelbatch_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"pgregory.net/rapid"
)

// closingLate is a scope whose closing function takes as long as the record's receipt handle says.
func closingLate(ctx context.Context, r batch.Record) (context.Context, func(batch.Outcome)) {
	return ctx, func(batch.Outcome) {
		if m := r.Source.(*events.SQSMessage); m.ReceiptHandle == "late" {
			time.Sleep(time.Minute)
		}
	}
}

// Scopes are closed before the report, but those that hang, and those after them, may close later.
func TestEveryRecordIsCountedOnceThoughScopesCloseAfterTheReport(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		deliveries := rapid.SliceOfN(rapid.Custom(drawDelivery), 1, 4).Draw(rt, "deliveries")
		starts := rapid.SliceOfN(rapid.IntRange(0, 20), len(deliveries), len(deliveries)).Draw(rt, "starts")
		late := rapid.SliceOfN(rapid.Bool(), 12, 12).Draw(rt, "late")
		records, counted := 0, int64(0)
		synctest.Test(t, func(t *testing.T) {
			m := newMeter()
			option := m.option() // of the process
			var running sync.WaitGroup
			for i, d := range deliveries {
				event := messages(d.arn, d.bodies...)
				records += len(event.Records)
				for k := range event.Records {
					if late[k] {
						event.Records[k].ReceiptHandle = "late"
					}
				}
				h := batch.SQSHandler(d.stage(func(context.Context) {}), option, batch.WithScope(closingLate), batch.WithLogger(nil))
				running.Go(func() {
					time.Sleep(time.Duration(starts[i]) * time.Second)
					ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
					defer cancel()
					invoke(t, ctx, h, event)
				})
			}
			running.Wait()
			time.Sleep(2 * time.Hour) // until all functions have returned, and all scopes are closed
			for _, n := range m.consumed(t) {
				counted += n
			}
		})
		if counted != int64(records) {
			rt.Fatalf("%d of %d records were counted", counted, records)
		}
	})
}
