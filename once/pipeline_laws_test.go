package once_test

// The law in pipelines over several deliveries: with lanes, policies, breaks and functions left running.

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/once"
	"pgregory.net/rapid"
)

// A parcel is a message. Several parcels may have the same key.
type parcel struct{ id, key string }

func (p parcel) workKey() string { return p.key }

// A shipping is a drawn pipeline and the outcomes of its calls.
type shipping struct {
	parcels    []parcel
	outcomes   map[string][]string // by key, of the first calls; all later calls succeed
	lanes      int
	policy     batch.Policy
	breakAfter int  // results after which the first delivery breaks out of its range; 0: it does not
	catches    bool // a Catch gives up declined parcels

	mu      sync.Mutex
	tried   map[string]int
	effects map[string]int
	late    map[string]int // effects after the context had ended
	gaveUp  map[string]bool
}

func drawShipping(t *rapid.T) *shipping {
	keys := []string{"a", "b", "c"}
	s := &shipping{
		outcomes: map[string][]string{}, lanes: rapid.IntRange(0, 4).Draw(t, "lanes"),
		policy:  rapid.SampledFrom([]batch.Policy{batch.Continue, batch.StopGroup, batch.StopBatch}).Draw(t, "policy"),
		catches: rapid.Bool().Draw(t, "catches"),
		tried:   map[string]int{}, effects: map[string]int{}, late: map[string]int{}, gaveUp: map[string]bool{},
	}
	for i := range rapid.IntRange(1, 8).Draw(t, "parcels") {
		s.parcels = append(s.parcels, parcel{fmt.Sprintf("m-%d", i), rapid.SampledFrom(keys).Draw(t, "key")})
	}
	for _, key := range keys {
		s.outcomes[key] = rapid.SliceOfN(rapid.SampledFrom([]string{"fail", "decline", "panic", "exit", "slow", "stuck"}), 0, 3).Draw(t, key)
	}
	if rapid.IntRange(0, 3).Draw(t, "breaks off") == 0 {
		s.breakAfter = rapid.IntRange(1, 8).Draw(t, "breaks")
	}
	return s
}

func (s *shipping) ship(ctx context.Context, p parcel) error {
	s.mu.Lock()
	outcome := "ok"
	if n := s.tried[p.key]; n < len(s.outcomes[p.key]) {
		outcome = s.outcomes[p.key][n]
	}
	s.tried[p.key]++
	s.mu.Unlock()
	switch outcome {
	case "fail":
		return errDown
	case "decline":
		return errDeclined
	case "panic":
		panic("boom")
	case "exit":
		runtime.Goexit()
	case "slow":
		time.Sleep(time.Second)
	case "stuck":
		time.Sleep(30 * time.Second) // longer than the invocation
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.effects[p.key]++
	if ctx.Err() != nil {
		s.late[p.key]++
	}
	return nil
}

func (s *shipping) stage(store once.Store) func(batch.Stream[parcel]) batch.Stream[parcel] {
	ship := once.Each(store, parcel.workKey, s.ship, once.WithExpiry(24*time.Hour))
	lane := func(parcels batch.Stream[parcel]) batch.Stream[parcel] {
		shipped := batch.TryEach(parcels, ship)
		if !s.catches {
			return shipped
		}
		return batch.Catch(shipped, func(ctx context.Context, err error) error {
			if !errors.Is(err, errDeclined) {
				return err
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			r, _ := batch.RecordFrom(ctx)
			s.gaveUp[r.ID] = true
			return nil
		})
	}
	if s.lanes == 0 {
		return lane
	}
	return func(parcels batch.Stream[parcel]) batch.Stream[parcel] { return batch.Parallel(parcels, s.lanes, lane) }
}

// deliver delivers the parcels until none is reported.
func (s *shipping) deliver(t *testing.T, store once.Store) (err error) {
	left := s.parcels
	for n := 0; len(left) > 0 && err == nil; n++ {
		if n > 60 {
			return fmt.Errorf("%v are redelivered again and again", left)
		}
		left, err = s.invoke(t, store, left, n == 0 && s.breakAfter > 0)
		time.Sleep(time.Minute) // the visibility timeout
	}
	return err
}

func (s *shipping) invoke(t *testing.T, store once.Store, parcels []parcel, breaks bool) (left []parcel, err error) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	source := batch.From(ctx, parcels, func(p parcel) batch.Record { return batch.Record{ID: p.id, Group: p.key} },
		batch.WithPolicy(s.policy), batch.WithoutAllFailedError())
	if breaks {
		s.breakOff(s.stage(store)(source))
		return parcels, nil // no response, so everything is redelivered
	}
	response, err := batch.Run(source, s.stage(store))
	if err != nil {
		return nil, err
	}
	return s.redelivered(parcels, response)
}

// breakOff ranges on its own goroutine, because a function may end the goroutine.
func (s *shipping) breakOff(results batch.Stream[parcel]) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		n := 0
		for range results {
			if n++; n == s.breakAfter {
				return
			}
		}
	}()
	<-ended
}

// redelivered returns the parcels that the response reports. All others must have been shipped or given up.
func (s *shipping) redelivered(delivered []parcel, response batch.Response) (left []parcel, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range delivered {
		reported := slices.ContainsFunc(response.BatchItemFailures, func(f batch.ItemFailure) bool { return f.ItemIdentifier == p.id })
		if reported {
			left = append(left, p)
		} else if s.effects[p.key] == 0 && !s.gaveUp[p.id] {
			return nil, fmt.Errorf("%s is acknowledged, and %q was never shipped", p.id, p.key)
		}
	}
	return left, nil
}

func TestInPipelinesTheEffectOfAKeyHappensOnceUnlessItComesLate(t *testing.T) {
	for name, open := range stores() {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				s := drawShipping(rt)
				var err error
				synctest.Test(t, func(t *testing.T) {
					err = s.deliver(t, open())
					time.Sleep(time.Minute)
				})
				if err != nil {
					rt.Fatal(err)
				}
				for key, n := range s.effects {
					if n > 1+s.late[key] {
						rt.Fatalf("%q was shipped %d times, %d of them late", key, n, s.late[key])
					}
				}
			})
		})
	}
}
