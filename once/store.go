package once

import (
	"context"
	"time"
)

// A Store keeps who works on which key, and what came out of it. [DynamoDB] and [Memory] make one. Functions
// in several lanes, invocations and processes use it at the same time.
type Store interface {
	// Claim claims the key for c.Owner and returns nil if the key is free: unknown, expired, or claimed with
	// a claim that has ended. Otherwise it returns what is there and changes nothing. It is one atomic step. If
	// c.Owner holds the claim already, since the answer of an earlier try was lost, the key counts as free.
	Claim(ctx context.Context, c Claim) (*Found, error)
	// Save keeps the result, JSON or nil, until c.Expires, if c.Owner still holds the claim. If not, it
	// changes nothing, and the error is ErrLate. The error is ErrResult if this result can never be kept.
	Save(ctx context.Context, c Claim, result []byte) error
	// Release frees the key if c.Owner still holds the claim. If not, it does nothing.
	Release(ctx context.Context, c Claim) error
}

// A Claim is what [Map] and [Each] ask a [Store] for.
type Claim struct {
	Name    string    // of the function, from WithName
	Key     string    // what not to do twice, for this Name
	Payload []byte    // what is to be the same for the same key, as JSON; nil if that is not asked for
	Owner   string    // different for each call
	Until   time.Time // when the claim ends; zero if it ends only by expiring
	Expires time.Time // when the key is forgotten; for Claim never before Until
}

// Found is what a [Store] has for a key that is not free.
type Found struct {
	Done         bool   // whether the work is done, not only begun
	OtherPayload bool   // whether it is for a payload other than the one in the claim
	Result       []byte // JSON of what the work returned, nil if it returned nothing
}
