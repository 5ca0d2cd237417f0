package once

import (
	"time"
)

// An Option changes a default of [Map] or [Each].
type Option func(*config)

type config struct {
	name    string
	expiry  time.Duration
	payload any // func(A) any
}

// WithName names the function. Functions that share a store need different names if they may use the same keys,
// for example if one charges an order and another ships it. A key that is done is done for all functions with
// that name. The name is stored with the key, so after a change of name all work is done again.
// WithName panics if the name is empty.
func WithName(name string) Option {
	require(name != "", "WithName", "name is empty")
	return func(c *config) { c.name = name }
}

// WithExpiry sets how long a key is remembered after its work is done. [DynamoDB] rounds it up to whole seconds.
// The default is an hour. WithExpiry panics if d is not positive.
//
// A message that arrives again after that takes effect again. So consider how long the queue retains
// messages, and how late dead letters may be sent back.
func WithExpiry(d time.Duration) Option {
	require(d > 0, "WithExpiry", "d is not positive")
	return func(c *config) { c.expiry = d }
}

// WithPayload makes calls compare what belongs to the key, such as an order's total. If the key is done for
// another payload, the record fails with [ErrPayload] and does not get that result. Payloads are the values
// that f returns, compared as JSON. A key that was done without a payload matches any payload.
//
// WithPayload panics if f is nil. [Map] and [Each] panic if it takes another type than their function.
func WithPayload[A any](f func(A) any) Option {
	require(f != nil, "WithPayload", "f is nil")
	return func(c *config) { c.payload = f }
}

// require panics unless ok, so that bad arguments fail where the function is wrapped.
func require(ok bool, function, complaint string) {
	if !ok {
		panic("once: " + function + ": " + complaint)
	}
}
