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

// Map wraps f so that it is called once per key, and saves its result. Later calls with the same key return the
// saved result and do not call f. Results are saved as JSON, so B must survive encoding/json.
//
// If f fails or panics, the key is free again. If another call has claimed the key, the error is
// [ErrInProgress].
//
// If f succeeds but its result cannot be saved, the record fails as well. If the error is [ErrLate] or the
// store's, the work may be done again. If it is [ErrResult], it is not.
//
// Map panics if an argument is nil.
func Map[A, B any](store Store, key func(A) string, f func(context.Context, A) (B, error), opts ...Option) func(context.Context, A) (B, error) {
	require(f != nil, "Map", "f is nil")
	g := newGuard("Map", store, key, opts, identify(f))
	return func(ctx context.Context, a A) (B, error) {
		var b B
		found, err := g.do(ctx, a,
			func() (err error) { b, err = f(ctx, a); return err },
			func() ([]byte, error) { return json.Marshal(b) })
		if found != nil {
			if b, err = decodeResult[B](found.Result); err != nil {
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

func decodeResult[B any](result []byte) (b B, err error) {
	if result == nil {
		return b, fmt.Errorf("%w: there is none", ErrResult)
	}
	if err := json.Unmarshal(result, &b); err != nil {
		return b, fmt.Errorf("%w: %w", ErrResult, err)
	}
	return b, nil
}

// Each is [Map] for functions that only return an error. It saves no result. Each panics if an argument is nil.
func Each[A any](store Store, key func(A) string, f func(context.Context, A) error, opts ...Option) func(context.Context, A) error {
	require(f != nil, "Each", "f is nil")
	g := newGuard("Each", store, key, opts, identify(f))
	return func(ctx context.Context, a A) error {
		_, err := g.do(ctx, a,
			func() error { return f(ctx, a) },
			func() ([]byte, error) { return nil, nil })
		return err
	}
}

// A guard lets a function be called once per key.
type guard[A any] struct {
	store    Store
	key      func(A) string
	payload  func(A) any // nil: not compared
	name     string
	expiry   time.Duration
	function functionID
}

func newGuard[A any](caller string, store Store, key func(A) string, opts []Option, f functionID) *guard[A] {
	require(store != nil, caller, "store is nil")
	require(key != nil, caller, "key is nil")
	c := config{expiry: time.Hour}
	for _, option := range opts {
		require(option != nil, caller, "an Option is nil")
		option(&c)
	}
	payload, ok := c.payload.(func(A) any)
	require(ok || c.payload == nil, caller, "WithPayload is for another type")
	return &guard[A]{store, key, payload, c.name, c.expiry, f}
}

// do calls the function if the key is free, saves its encoded result and returns nil. If the key is done, it
// returns what the store found.
func (g *guard[A]) do(ctx context.Context, a A, call func() error, encode func() ([]byte, error)) (*Found, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	c, err := g.newClaim(ctx, a)
	if err != nil {
		return nil, err
	}
	if err := g.checkNotShared(ctx, c); err != nil {
		return nil, err
	}
	found, err := g.store.Claim(ctx, c)
	switch {
	case err != nil:
		g.releaseUncertain(ctx, c)
		err = fmt.Errorf("claim key %q: %w", c.Key, err)
	case found == nil:
		err = g.perform(ctx, c, call, encode)
	case !found.Done:
		err = fmt.Errorf("key %q: %w", c.Key, ErrInProgress)
	case found.OtherPayload:
		err = fmt.Errorf("key %q: %w", c.Key, ErrPayload)
	}
	if err != nil {
		return nil, err
	}
	g.recordUse(ctx, c)
	return found, nil
}

// releaseUncertain frees a key whose claim failed, because the store may have claimed it all the same. A claim
// with an end is left to end: a throttled store is spared the request, and will hardly recover sooner.
func (g *guard[A]) releaseUncertain(ctx context.Context, c Claim) {
	if c.Until.IsZero() {
		g.release(ctx, c)
	}
}

// newClaim returns a claim that ends with the record's context.
func (g *guard[A]) newClaim(ctx context.Context, a A) (Claim, error) {
	key := g.key(a)
	if key == "" || !utf8.ValidString(key) {
		return Claim{}, fmt.Errorf("%w: %q", ErrKey, key)
	}
	until, _ := ctx.Deadline()
	c := Claim{Name: g.name, Key: key, Owner: rand.Text(), Until: until, Expires: later(until, time.Now().Add(g.expiry))}
	if g.payload != nil {
		payload, err := json.Marshal(g.payload(a))
		if err != nil {
			return Claim{}, fmt.Errorf("payload of key %q: %w", key, err)
		}
		c.Payload = payload
	}
	return c, nil
}

// later returns the later of two times. A claim must not expire before it ends. Otherwise another call would
// claim the key of work in progress.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// perform calls the function and saves its result. A call that panics or ends its goroutine has failed.
func (g *guard[A]) perform(ctx context.Context, c Claim, call func() error, encode func() ([]byte, error)) error {
	failed := true
	defer func() {
		if failed {
			g.release(ctx, c)
		}
	}()
	if ctx.Err() != nil { // ended while the key was being claimed
		return context.Cause(ctx)
	}
	if err := call(); err != nil {
		return err
	}
	failed = false
	return g.save(ctx, c, encode)
}

// save saves the result. If the store can never keep it, save marks the key as done without a result. Otherwise
// the work would be done again.
func (g *guard[A]) save(ctx context.Context, c Claim, encode func() ([]byte, error)) error {
	if c.ended() {
		return fmt.Errorf("key %q: %w", c.Key, ErrLate)
	}
	ctx, cancel := c.writeContext(ctx)
	defer cancel()
	c.Expires = time.Now().Add(g.expiry)
	encoded := false
	defer func() {
		if !encoded { // the method MarshalJSON has called runtime.Goexit
			_ = g.store.Save(ctx, c, nil)
		}
	}()
	result, err := encodeResult(encode)
	encoded = true
	if err == nil {
		err = g.store.Save(ctx, c, result)
	}
	if errors.Is(err, ErrResult) {
		if failed := g.store.Save(ctx, c, nil); failed != nil {
			err = fmt.Errorf("%v; and without it: %w", err, failed) // not ErrResult: the work may be done again
		}
	}
	if err != nil {
		return fmt.Errorf("save the result of key %q: %w", c.Key, err)
	}
	return nil
}

// encodeResult returns the result as JSON. If a MarshalJSON method panics, the error is ErrResult, as for any
// other result that cannot be encoded.
func encodeResult(encode func() ([]byte, error)) (result []byte, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
		if err != nil {
			result, err = nil, fmt.Errorf("%w: %w", ErrResult, err)
		}
	}()
	return encode()
}

// release frees the key. Its errors do not matter, because the claim ends anyway.
func (g *guard[A]) release(ctx context.Context, c Claim) {
	if c.ended() {
		return
	}
	ctx, cancel := c.writeContext(ctx)
	defer cancel()
	_ = g.store.Release(ctx, c)
}
