package once_test

// The law in pipelines: lanes, policies, breaks, functions that are left behind, over several deliveries.

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

// A parcel is a message. Several may have the key of the same work.
type parcel struct{ id, key string }

func (p parcel) keyed() string { return p.key }

// A shipping is a drawn pipeline, and what becomes of the tries of each key.
type shipping struct {
	parcels []parcel
	tries   map[string][]string
	lanes   int
	policy  batch.Policy
	breaks  int  // how many results the first delivery is ranged over, and then broken off; 0: it is not
	inside  bool // once sits inside of a Catch that gives declined parcels up

	mu      sync.Mutex
	tried   map[string]int
	effects map[string]int
	late    map[string]int // effects after the context had ended
	gaveUp  map[string]bool
}

func drawnShipping(t *rapid.T) *shipping {
	keys := []string{"a", "b", "c"}
	s := &shipping{
		tries: map[string][]string{}, lanes: rapid.IntRange(0, 4).Draw(t, "lanes"),
		policy: rapid.SampledFrom([]batch.Policy{batch.Continue, batch.StopGroup, batch.StopBatch}).Draw(t, "policy"),
		inside: rapid.Bool().Draw(t, "inside"),
		tried:  map[string]int{}, effects: map[string]int{}, late: map[string]int{}, gaveUp: map[string]bool{},
	}
	for i := range rapid.IntRange(1, 8).Draw(t, "parcels") {
		s.parcels = append(s.parcels, parcel{fmt.Sprintf("m-%d", i), rapid.SampledFrom(keys).Draw(t, "key")})
	}
	for _, key := range keys {
		s.tries[key] = rapid.SliceOfN(rapid.SampledFrom([]string{"fail", "decline", "panic", "exit", "slow", "stuck"}), 0, 3).Draw(t, key)
	}
	if rapid.IntRange(0, 3).Draw(t, "breaks off") == 0 {
		s.breaks = rapid.IntRange(1, 8).Draw(t, "breaks")
	}
	return s
}

func (s *shipping) ship(ctx context.Context, p parcel) error {
	s.mu.Lock()
	word := "ok"
	if n := s.tried[p.key]; n < len(s.tries[p.key]) {
		word = s.tries[p.key][n]
	}
	s.tried[p.key]++
	s.mu.Unlock()
	switch word {
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
		time.Sleep(30 * time.Second) // the invocation lasts ten
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
	ship := once.Each(store, parcel.keyed, s.ship, once.WithExpiry(24*time.Hour))
	lane := func(parcels batch.Stream[parcel]) batch.Stream[parcel] {
		shipped := batch.TryEach(parcels, ship)
		if !s.inside {
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

// deliver delivers the parcels until none is redelivered.
func (s *shipping) deliver(t *testing.T, store once.Store) (err error) {
	left := s.parcels
	for n := 0; len(left) > 0 && err == nil; n++ {
		if n > 60 {
			return fmt.Errorf("%v are redelivered again and again", left)
		}
		left, err = s.invoke(t, store, left, n == 0 && s.breaks > 0)
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
		return parcels, nil // there was no answer
	}
	response, err := batch.Run(source, s.stage(store))
	if err != nil {
		return nil, err
	}
	return s.redelivered(parcels, response)
}

// breakOff ranges on a goroutine of its own, which a function may end.
func (s *shipping) breakOff(results batch.Stream[parcel]) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		n := 0
		for range results {
			if n++; n == s.breaks {
				return
			}
		}
	}()
	<-ended
}

// redelivered are the parcels that the response reports. The others must have been shipped by now, or given up.
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
				s := drawnShipping(rt)
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
