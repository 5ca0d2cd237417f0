package once

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// Map returns f with a store around it: f is called once for each key, and its result is saved. Later calls
// with the same key return the saved result, decoded from JSON, and do not call f. So B must survive
// encoding/json.
//
// If f fails or panics the key is free again. If another call has claimed the key, the error is [ErrInProgress].
// If f succeeds but its result cannot be saved, the record fails, too: with [ErrLate] or the store's error, and then
// its work may be done again, or with [ErrResult].
func Map[A, B any](store Store, key func(A) string, f func(context.Context, A) (B, error), opts ...Option) func(context.Context, A) (B, error) {
	require(f != nil, "Map", "f is nil")
	w := newWork("Map", store, key, opts, functionOf(f))
	return func(ctx context.Context, a A) (B, error) {
		var b B
		found, err := w.do(ctx, a,
			func() (err error) { b, err = f(ctx, a); return err },
			func() ([]byte, error) { return json.Marshal(b) })
		if found != nil {
			if b, err = decoded[B](found.Result); err != nil {
				err = fmt.Errorf("key %q: %w", key(a), err)
			}
		}
		if err != nil {
			var none B
			return none, err
		}
		return b, nil
	}
}

func decoded[B any](result []byte) (b B, err error) {
	if result == nil {
		return b, fmt.Errorf("%w: there is none", ErrResult)
	}
	if err := json.Unmarshal(result, &b); err != nil {
		return b, fmt.Errorf("%w: %w", ErrResult, err)
	}
	return b, nil
}

// Each is [Map] for functions that only return an error.
func Each[A any](store Store, key func(A) string, f func(context.Context, A) error, opts ...Option) func(context.Context, A) error {
	require(f != nil, "Each", "f is nil")
	w := newWork("Each", store, key, opts, functionOf(f))
	return func(ctx context.Context, a A) error {
		_, err := w.do(ctx, a,
			func() error { return f(ctx, a) },
			func() ([]byte, error) { return nil, nil })
		return err
	}
}

// work is what is to be done once.
type work[A any] struct {
	store    Store
	key      func(A) string
	payload  func(A) any // nil: not compared
	name     string
	expiry   time.Duration
	function function
}

func newWork[A any](caller string, store Store, key func(A) string, opts []Option, f function) *work[A] {
	require(store != nil, caller, "store is nil")
	require(key != nil, caller, "key is nil")
	c := config{expiry: time.Hour}
	for _, option := range opts {
		require(option != nil, caller, "an Option is nil")
		option(&c)
	}
	payload, ok := c.payload.(func(A) any)
	require(ok || c.payload == nil, caller, "WithPayload is for another type")
	return &work[A]{store, key, payload, c.name, c.expiry, f}
}

// do calls the function if the key is free, and saves the result. Otherwise it returns what was found, if the
// work is done.
func (w *work[A]) do(ctx context.Context, a A, call func() error, result func() ([]byte, error)) (*Found, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	c, err := w.claim(ctx, a)
	if err != nil {
		return nil, err
	}
	if err := w.notShared(ctx, c); err != nil {
		return nil, err
	}
	found, err := w.store.Claim(ctx, c)
	switch {
	case err != nil:
		w.forget(ctx, c)
		err = fmt.Errorf("claim key %q: %w", c.Key, err)
	case found == nil:
		err = w.perform(ctx, c, call, result)
	case !found.Done:
		err = fmt.Errorf("key %q: %w", c.Key, ErrInProgress)
	case found.OtherPayload:
		err = fmt.Errorf("key %q: %w", c.Key, ErrPayload)
	}
	if err != nil {
		return nil, err
	}
	w.note(ctx, c)
	return found, nil
}

// forget frees a key that may be claimed although the store has failed. A claim with an end ends by itself, and
// sooner than a store recovers that has too much to do.
func (w *work[A]) forget(ctx context.Context, c Claim) {
	if c.Until.IsZero() {
		w.release(ctx, c)
	}
}

// claim describes the claim, which ends with the record's context.
func (w *work[A]) claim(ctx context.Context, a A) (Claim, error) {
	key := w.key(a)
	if key == "" || !utf8.ValidString(key) {
		return Claim{}, fmt.Errorf("%w: %q", ErrKey, key)
	}
	until, _ := ctx.Deadline()
	c := Claim{Name: w.name, Key: key, Owner: rand.Text(), Until: until, Expires: later(until, time.Now().Add(w.expiry))}
	if w.payload != nil {
		payload, err := json.Marshal(w.payload(a))
		if err != nil {
			return Claim{}, fmt.Errorf("payload of key %q: %w", key, err)
		}
		c.Payload = payload
	}
	return c, nil
}

// later is the later time. A claim must not expire before it ends: somebody else would take the key of work in progress.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// perform does the work and keeps what came out of it. A call that does not return, since it panics or ends its
// goroutine, has failed.
func (w *work[A]) perform(ctx context.Context, c Claim, call func() error, result func() ([]byte, error)) error {
	failed := true
	defer func() {
		if failed {
			w.release(ctx, c)
		}
	}()
	if ctx.Err() != nil { // meanwhile
		return context.Cause(ctx)
	}
	if err := call(); err != nil {
		return err
	}
	failed = false
	return w.save(ctx, c, result)
}

// save keeps the result. If no store could keep it, the key is done without one, so that the work is not done again.
func (w *work[A]) save(ctx context.Context, c Claim, result func() ([]byte, error)) error {
	if c.ended() {
		return fmt.Errorf("key %q: %w", c.Key, ErrLate)
	}
	ctx, cancel := c.context(ctx)
	defer cancel()
	c.Expires = time.Now().Add(w.expiry)
	saved, err := encoded(result)
	if err == nil {
		err = w.store.Save(ctx, c, saved)
	}
	if errors.Is(err, ErrResult) {
		err = errors.Join(err, w.store.Save(ctx, c, nil))
	}
	if err != nil {
		return fmt.Errorf("save the result of key %q: %w", c.Key, err)
	}
	return nil
}

// encoded is the result as JSON. A MarshalJSON that panics has no result.
func encoded(result func() ([]byte, error)) (saved []byte, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
		if err != nil {
			saved, err = nil, fmt.Errorf("%w: %w", ErrResult, err)
		}
	}()
	return result()
}

// release frees the key. If that fails, the claim ends by itself.
func (w *work[A]) release(ctx context.Context, c Claim) {
	if c.ended() {
		return
	}
	ctx, cancel := c.context(ctx)
	defer cancel()
	_ = w.store.Release(ctx, c)
}

func (c Claim) ended() bool { return !c.Until.IsZero() && !time.Now().Before(c.Until) }

// longestWrite is how long a write may take where no deadline says it.
const longestWrite = 10 * time.Second

// context is for the writes after the work. The record's context may be cancelled, as where a range is broken
// off, but the claim holds until its end.
func (c Claim) context(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx = context.WithoutCancel(ctx)
	if c.Until.IsZero() {
		return context.WithTimeout(ctx, longestWrite)
	}
	return context.WithDeadline(ctx, c.Until)
}
