package once

import (
	"time"
)

// An Option changes what [Map] and [Each] do by default.
type Option func(*config)

type config struct {
	name    string
	expiry  time.Duration
	payload any // func(A) any
}

// WithName names the function. Functions that share a store need different names if their keys may be the
// same, as when one charges an order and another ships it: a key that is done is done for all
// functions of that name. Names are part of what is stored, so under a new name all work is done anew.
func WithName(name string) Option {
	require(name != "", "WithName", "name is empty")
	return func(c *config) { c.name = name }
}

// WithExpiry sets how long a key is remembered after its work is done, in whole seconds. The default is an hour.
// A message that is redelivered or repeated after that has its effect again, so think of how long
// a queue retains messages and of when somebody sends the dead letters back.
func WithExpiry(d time.Duration) Option {
	require(d > 0, "WithExpiry", "d is not positive")
	return func(c *config) { c.expiry = d }
}

// WithPayload compares what belongs to a key. A record with another payload than the one that the key was done for
// fails with [ErrPayload] and does not get that result. What f returns is compared as JSON. A key that was done
// without a payload is accepted.
func WithPayload[A any](f func(A) any) Option {
	require(f != nil, "WithPayload", "f is nil")
	return func(c *config) { c.payload = f }
}

// require panics unless ok. Bad arguments are found where a function is built.
func require(ok bool, function, complaint string) {
	if !ok {
		panic("once: " + function + ": " + complaint)
	}
}
