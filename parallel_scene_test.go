package batch_test

// Drawn pipelines with functions before, in and after lanes. Some records fail, and some hang for good.

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/internal/draw"
	"pgregory.net/rapid"
)

func TestExactlyFailedStuckAndHeldBackRecordsAreReported(t *testing.T) {
	thorough(t, func(t *rapid.T) {
		scene := draw.Scenes().Draw(t, "scene")
		rapid.SyncTest(t, func(t *rapid.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			acted := &draw.Acted{Scene: scene, Free: make(chan struct{})}
			release := sync.OnceFunc(func() { close(acted.Free) })
			defer release()
			var report batch.Report
			source := acted.Source(ctx, batch.WithReserve(time.Second), reportInto(&report))
			response, err := batch.Run(source, acted.Pipeline)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "reported", listed(response), scene.Reported())
			if wrong := acted.Wrong(scene.Reported()); wrong != "" {
				t.Fatal(wrong)
			}
			running := 0
			for _, f := range report.Failures {
				if hangs := scene.Fates[f.Record.Index].Do == "hangs"; errors.Is(f.Err, batch.ErrRunning) {
					running++
					if !hangs {
						t.Fatalf("record %d is reported as running", f.Record.Index)
					}
				} else if hangs && scene.First(f.Record.Index) || errors.Is(f.Err, batch.ErrUnreached) {
					t.Fatalf("record %d is not reported as running: %v", f.Record.Index, f.Err)
				}
			}
			if report.Running != running || report.Unreached != running {
				t.Fatalf("%d are running: %+v", running, report)
			}
			release()
			time.Sleep(time.Minute)
			equal(t, "reported", listed(response), scene.Reported())
			equal(t, "scopes", acted.Scopes.Wrong(), []string(nil))
		})
	})
}

// Functions end their goroutines or hang anywhere, and stages stop early. Then more records may be reported than
// necessary. Still, no record is acknowledged that did not take effect, and groups take effect in order.
func TestNoUnfinishedRecordIsAcknowledgedAndGroupsStayInOrder(t *testing.T) {
	thorough(t, func(t *rapid.T) {
		scene := draw.Rough().Draw(t, "rough")
		rapid.SyncTest(t, func(t *rapid.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			acted := &draw.Acted{Scene: scene, Free: make(chan struct{})}
			release := sync.OnceFunc(func() { close(acted.Free) })
			defer release()
			start := time.Now()
			response, err := batch.Run(acted.Source(ctx, batch.WithReserve(time.Second)), acted.Pipeline)
			if err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took > 9500*time.Millisecond {
				t.Fatalf("responded after %v", took)
			}
			reported := listed(response)
			if wrong := acted.Wrong(reported); wrong != "" {
				t.Fatalf("%s, reported %v", wrong, reported)
			}
			release()
			time.Sleep(time.Minute)
			equal(t, "reported", listed(response), reported)
			equal(t, "scopes", acted.Scopes.Wrong(), []string(nil))
		})
	})
}
