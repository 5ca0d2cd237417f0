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
// If f fails or panics the key is free again. If another call is working on the key, the error is [ErrInProgress].
// If f succeeds but its result cannot be saved, the record fails, too: with [ErrLate] or the store's error, and then
// its work may be done again, or with [ErrResult], and then it is not.
func Map[A, B any](store Store, key func(A) string, f func(context.Context, A) (B, error), opts ...Option) func(context.Context, A) (B, error) {
	require(f != nil, "Map", "f is nil")
	w := newWork("Map", store, key, opts, caller())
	return func(ctx context.Context, a A) (B, error) {
		var b B
		found, err := w.do(ctx, a,
			func() (err error) { b, err = f(ctx, a); return err },
			func() ([]byte, error) { return json.Marshal(b) })
		if found != nil {
			b, err = decoded[B](found.Result)
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
	w := newWork("Each", store, key, opts, caller())
	return func(ctx context.Context, a A) error {
		_, err := w.do(ctx, a,
			func() error { return f(ctx, a) },
			func() ([]byte, error) { return nil, nil })
		return err
	}
}

// work is what is to be done once.
type work[A any] struct {
	store   Store
	key     func(A) string
	payload func(A) any // nil: not compared
	name    string
	expiry  time.Duration
	site    string // where Map or Each was called
}

func newWork[A any](function string, store Store, key func(A) string, opts []Option, site string) *work[A] {
	require(store != nil, function, "store is nil")
	require(key != nil, function, "key is nil")
	c := config{expiry: time.Hour}
	for _, option := range opts {
		require(option != nil, function, "an Option is nil")
		option(&c)
	}
	payload, ok := c.payload.(func(A) any)
	require(ok || c.payload == nil, function, "WithPayload is for another type")
	return &work[A]{store, key, payload, c.name, c.expiry, site}
}

// do has call called if the key is free, and saves the result. Otherwise it returns what was found, if the
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
		return nil, fmt.Errorf("claim key %q: %w", c.Key, err)
	case found == nil:
		err = w.perform(ctx, c, call, result)
	case found.OtherPayload:
		err = fmt.Errorf("key %q: %w", c.Key, ErrPayload)
	case !found.Done:
		err = fmt.Errorf("key %q: %w", c.Key, ErrInProgress)
	}
	if err != nil {
		return nil, err
	}
	w.note(ctx, c)
	return found, nil
}

// claim describes the claim, which ends with the record's context.
func (w *work[A]) claim(ctx context.Context, a A) (Claim, error) {
	key := w.key(a)
	if key == "" || !utf8.ValidString(key) {
		return Claim{}, fmt.Errorf("%w: %q", ErrKey, key)
	}
	until, _ := ctx.Deadline()
	c := Claim{Name: w.name, Key: key, Owner: rand.Text(), Until: until, Expires: w.expires(until)}
	if w.payload != nil {
		payload, err := json.Marshal(w.payload(a))
		if err != nil {
			return Claim{}, fmt.Errorf("payload of key %q: %w", key, err)
		}
		c.Payload = payload
	}
	return c, nil
}

// expires is never before the claim's end, for else somebody else would take the key of work in progress.
func (w *work[A]) expires(until time.Time) time.Time {
	expires := time.Now().Add(w.expiry)
	if expires.Before(until) {
		return until
	}
	return expires
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
	if err := call(); err != nil {
		return err
	}
	failed = false
	return w.save(ctx, c, result)
}

// save keeps the result. If the store cannot keep it, whatever the time, the work at least counts as done, for it must
// not be done again.
func (w *work[A]) save(ctx context.Context, c Claim, result func() ([]byte, error)) error {
	if c.ended() {
		return fmt.Errorf("key %q: %w", c.Key, ErrLate)
	}
	ctx, cancel := c.context(ctx)
	defer cancel()
	c.Expires = w.expires(c.Until)
	saved, err := result()
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrResult, err)
	} else {
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

// unbounded is how long a write may take whose context was cancelled and has no deadline.
const unbounded = time.Second

// context is for the writes after the work. The record's context may have been cancelled, as where a range is broken
// off, but the claim holds until its end.
func (c Claim) context(ctx context.Context) (context.Context, context.CancelFunc) {
	switch {
	case !c.Until.IsZero():
		return context.WithDeadline(context.WithoutCancel(ctx), c.Until)
	case ctx.Err() != nil:
		return context.WithTimeout(context.WithoutCancel(ctx), unbounded)
	}
	return ctx, func() {}
}
