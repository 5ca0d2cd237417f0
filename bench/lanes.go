package main

// Concurrent work on 1,000 records: Parallel, conc/iter and errgroup with a limit,
// each outliving the panic of a record.

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/sourcegraph/conc/iter"
	"golang.org/x/sync/errgroup"

	"github.com/lambdabatch/batch"
)

const (
	laneRecords = 1_000
	laneCount   = 8
)

func lanes(name string, work time.Duration) contest {
	return contest{part: "lanes", name: name, records: laneRecords, rivals: []rival{
		{name: library, ready: func(context.Context) func() error {
			event, handle := messages(laneRecords), busy(work)
			stage := batch.Each(func(_ context.Context, m events.SQSMessage) error { return handle(m.Body) })
			return func() error {
				_, err := batch.Collect(batch.Parallel(batch.SQS(context.Background(), event), laneCount, stage))
				return err
			}
		}},
		{name: conc, ready: func(context.Context) func() error {
			event, handle := messages(laneRecords), busy(work)
			mapper := iter.Mapper[events.SQSMessage, error]{MaxGoroutines: laneCount}
			return func() error {
				return errors.Join(mapper.Map(event.Records, func(m *events.SQSMessage) error {
					return guarded(func() error { return handle(m.Body) })
				})...)
			}
		}},
		{name: errGroup, ready: func(context.Context) func() error {
			event, handle := messages(laneRecords), busy(work)
			return func() error {
				failures := make([]error, len(event.Records))
				var group errgroup.Group
				group.SetLimit(laneCount)
				for i := range event.Records {
					group.Go(func() error {
						failures[i] = guarded(func() error { return handle(event.Records[i].Body) })
						return nil
					})
				}
				return errors.Join(group.Wait(), errors.Join(failures...))
			}
		}},
		{name: loop, ready: func(context.Context) func() error {
			event, handle := messages(laneRecords), busy(work)
			return func() error {
				failures := make([]error, len(event.Records))
				for i := range event.Records {
					failures[i] = guarded(func() error { return handle(event.Records[i].Body) })
				}
				return errors.Join(failures...)
			}
		}},
	}}
}

// busy returns work that computes for so long.
func busy(work time.Duration) func(body string) error {
	n := int(float64(work) * spinsPerNanosecond())
	return func(body string) error {
		if spin(n, uint64(len(body))) == 0 {
			return errNegative
		}
		return nil
	}
}

// spin computes in n steps that need each other, so that no processor does them
// at once.
//
//go:noinline
func spin(n int, seed uint64) uint64 {
	x := seed | 1
	for range n {
		x = x*6364136223846793005 + 1442695040888963407
		x |= 1
	}
	return x
}

// spinsPerNanosecond is the best of many tries: whatever else the machine does,
// the work comes out alike in every process.
var spinsPerNanosecond = sync.OnceValue(func() float64 {
	const steps = 10_000
	best := time.Duration(1 << 62)
	for range 5_000 {
		began := time.Now()
		if spin(steps, 7) == 0 {
			panic("spin is odd")
		}
		best = min(best, time.Since(began))
	}
	return steps / float64(best)
})
