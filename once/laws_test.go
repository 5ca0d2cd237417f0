package once_test

// The law: until a key expires, its effect happens once or the record is reported, whichever step crashes. And
// no two calls work on a key at the same time while the claim of one lasts.

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch/once"
	"pgregory.net/rapid"
)

// An outcome is how an operation of the store, or the function, ends.
type outcome int

const (
	succeeds     outcome = iota
	fails                // it does nothing
	responseLost         // it succeeds, but the caller gets an error
	killedBefore         // the process ends before it
	killedAfter          // the process ends after it
	panics
)

// A delivery is one message delivered to one worker.
type delivery struct {
	key      string
	starts   time.Duration
	takes    time.Duration // how long the function takes, even if its context ends
	deadline time.Duration // from the start; 0: none
	cancel   time.Duration // from the start; 0: never
	claim    outcome
	function outcome
	save     outcome
	release  outcome
}

func drawDelivery(t *rapid.T) delivery {
	second := func(label string, most int) time.Duration {
		return time.Duration(rapid.IntRange(0, most).Draw(t, label)) * time.Second
	}
	operation := func(label string) outcome {
		if rapid.IntRange(0, 2).Draw(t, label+" succeeds") > 0 {
			return succeeds
		}
		return outcome(rapid.IntRange(0, int(killedAfter)).Draw(t, label))
	}
	d := delivery{
		key: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "key"), starts: second("starts", 60), takes: second("takes", 12),
		deadline: second("deadline", 10), cancel: second("cancel", 10),
		claim: operation("claim"), function: operation("function"), save: operation("save"), release: operation("release"),
	}
	if rapid.IntRange(0, 9).Draw(t, "panics") == 0 {
		d.function = panics
	}
	if rapid.Bool().Draw(t, "is cancelled") {
		d.cancel = 0
	}
	return d
}

var errKilled = errors.New("the process was killed")

// A worker is the process that handles a delivery. Once killed, it does nothing more.
type worker struct {
	once.Store
	delivery
	dead bool
}

func (w *worker) operation(f outcome, do func() error) error {
	if w.dead || f == killedBefore {
		w.dead = true
		return errKilled
	}
	if f == fails {
		return errDown
	}
	err := do()
	switch {
	case f == killedAfter:
		w.dead = true
		return errKilled
	case f == responseLost && err == nil:
		return errDown
	}
	return err
}

func (w *worker) Claim(ctx context.Context, c once.Claim) (found *once.Found, err error) {
	err = w.operation(w.claim, func() (err error) { found, err = w.Store.Claim(ctx, c); return err })
	return found, err
}

func (w *worker) Save(ctx context.Context, c once.Claim, result []byte) error {
	return w.operation(w.save, func() error { return w.Store.Save(ctx, c, result) })
}

func (w *worker) Release(ctx context.Context, c once.Claim) error {
	return w.operation(w.release, func() error { return w.Store.Release(ctx, c) })
}

// A call is a record of what happened to one delivery.
type call struct {
	delivery
	expiry       time.Duration
	worked       bool      // the function was called
	began, ended time.Time // of the function
	effect       bool      // the function had its effect
	holds        time.Time // other calls must not work on the key before this time
	acknowledged bool
	result       string
	at           time.Time // when the call returned
}

// handle starts a worker for the delivery and returns what happened.
func (d delivery) handle(t *testing.T, store once.Store, name string, expiry time.Duration) (c *call) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if d.deadline > 0 {
		ctx, cancel = context.WithTimeout(ctx, d.deadline)
		defer cancel()
	}
	if d.cancel > 0 {
		defer time.AfterFunc(d.cancel, cancel).Stop()
	}
	c = &call{delivery: d, expiry: expiry}
	w := &worker{Store: store, delivery: d}
	f := once.Map(w, func(d delivery) string { return d.key }, func(ctx context.Context, d delivery) (string, error) {
		return name, c.work(ctx, w)
	}, once.WithExpiry(expiry))
	defer func() {
		c.at = time.Now()
		_ = recover()
	}()
	result, err := f(ctx, d)
	c.acknowledged, c.result = err == nil && !w.dead, result
	return c
}

func (c *call) work(ctx context.Context, w *worker) error {
	c.worked, c.began = true, time.Now()
	time.Sleep(c.takes)
	c.ended = time.Now()
	until, ok := ctx.Deadline()
	if !ok {
		until = c.began.Add(c.expiry) // a claim without an end lasts until it expires
	}
	c.holds = c.ended
	if until.Before(c.ended) {
		c.holds = until
	}
	return w.operation(c.function, func() error {
		if c.function == panics {
			panic("boom")
		}
		c.effect = true
		return nil
	})
}

func TestTheEffectOfAKeyHappensOnceUntilItExpiresOrItsRecordIsReported(t *testing.T) {
	for name, open := range stores() {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				deliveries := rapid.SliceOfN(rapid.Custom(drawDelivery), 1, 8).Draw(rt, "deliveries")
				expiry := rapid.SampledFrom([]time.Duration{time.Hour, 7 * time.Second}).Draw(rt, "expiry")
				var calls []*call
				synctest.Test(t, func(t *testing.T) { calls = handleAll(t, open(), deliveries, expiry) })
				if err := violation(calls, expiry); err != nil {
					rt.Fatal(err)
				}
			})
		})
	}
}

// handleAll handles the deliveries, and finally one undisturbed delivery per key.
func handleAll(t *testing.T, store once.Store, deliveries []delivery, expiry time.Duration) []*call {
	calls := make([]*call, len(deliveries))
	var workers sync.WaitGroup
	for i, d := range deliveries {
		workers.Go(func() {
			time.Sleep(d.starts + time.Duration(i)*time.Millisecond) // no two at the same moment
			calls[i] = d.handle(t, store, fmt.Sprint(i), expiry)
		})
	}
	workers.Wait()
	time.Sleep(2 * time.Hour) // a claim without an end expires
	for _, key := range []string{"a", "b"} {
		calls = append(calls, delivery{key: key, deadline: time.Minute}.handle(t, store, "last "+key, expiry))
	}
	return calls
}

func violation(calls []*call, expiry time.Duration) error {
	for i, c := range calls {
		switch {
		case i >= len(calls)-2 && !c.acknowledged:
			return fmt.Errorf("the key %s is never free", c.key)
		case c.acknowledged && c.worked && !c.effect:
			return fmt.Errorf("delivery %d is acknowledged without its effect", i)
		case c.acknowledged && !c.worked && !saved(calls, c, expiry):
			return fmt.Errorf("delivery %d is acknowledged with the result %q, which no call had before", i, c.result)
		}
		for j, other := range calls {
			if c.key != other.key || !c.worked || !other.worked || !other.began.After(c.began) {
				continue
			}
			if other.began.Before(c.holds) {
				return fmt.Errorf("deliveries %d and %d work at the same time", i, j)
			}
			if c.acknowledged && other.acknowledged && other.began.Sub(c.ended) < expiry {
				return fmt.Errorf("deliveries %d and %d both have their effect", i, j)
			}
		}
	}
	return nil
}

// saved reports whether the result of c comes from work that had its effect, ended before c got the result, and
// has not expired.
func saved(calls []*call, c *call, expiry time.Duration) bool {
	for i, other := range calls {
		age := c.at.Sub(other.ended)
		if other.effect && other.key == c.key && fmt.Sprint(i) == c.result && age >= 0 && age <= expiry+time.Second {
			return true
		}
	}
	return false
}
