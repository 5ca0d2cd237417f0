package main

// Concurrent work on 1,000 records: Parallel, conc/iter, and errgroup with a limit. Each
// recovers from panics.

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

func lanesContest(name string, work time.Duration) contest {
	return contest{part: "lanes", name: name, records: laneRecords, rivals: []rival{
		{name: library, prepare: func(context.Context) func() error {
			event, handle := messages(laneRecords), busy(work)
			stage := batch.Each(func(_ context.Context, m events.SQSMessage) error { return handle(m.Body) })
			return func() error {
				_, err := batch.Collect(batch.Parallel(batch.SQS(context.Background(), event), laneCount, stage))
				return err
			}
		}},
		{name: conc, prepare: func(context.Context) func() error {
			event, handle := messages(laneRecords), busy(work)
			mapper := iter.Mapper[events.SQSMessage, error]{MaxGoroutines: laneCount}
			return func() error {
				return errors.Join(mapper.Map(event.Records, func(m *events.SQSMessage) error {
					return recoverPanics(func() error { return handle(m.Body) })
				})...)
			}
		}},
		{name: errGroup, prepare: func(context.Context) func() error {
			event, handle := messages(laneRecords), busy(work)
			return func() error {
				failures := make([]error, len(event.Records))
				var group errgroup.Group
				group.SetLimit(laneCount)
				for i := range event.Records {
					group.Go(func() error {
						failures[i] = recoverPanics(func() error { return handle(event.Records[i].Body) })
						return nil
					})
				}
				return errors.Join(group.Wait(), errors.Join(failures...))
			}
		}},
		{name: loop, prepare: func(context.Context) func() error {
			event, handle := messages(laneRecords), busy(work)
			return func() error {
				failures := make([]error, len(event.Records))
				for i := range event.Records {
					failures[i] = recoverPanics(func() error { return handle(event.Records[i].Body) })
				}
				return errors.Join(failures...)
			}
		}},
	}}
}

// busy returns a function that computes for the given time.
func busy(work time.Duration) func(body string) error {
	n := int(float64(work) * spinsPerNanosecond())
	return func(body string) error {
		if spin(n, uint64(len(body))) == 0 {
			return errNegative
		}
		return nil
	}
}

// spin computes n steps. Each needs the one before, so a processor cannot run them in
// parallel.
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

// spinsPerNanosecond is the best of many tries. So other load on the machine does not
// change it, and every process does the same amount of work.
var spinsPerNanosecond = sync.OnceValue(func() float64 {
	const steps = 10_000
	best := time.Duration(1 << 62)
	for range 5_000 {
		began := time.Now()
		if spin(steps, 7) == 0 {
			panic("spin returned 0")
		}
		best = min(best, time.Since(began))
	}
	return steps / float64(best)
})
