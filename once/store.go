package once

import (
	"context"
	"time"
)

// A Store records which keys are claimed, which are done, and with what result. [DynamoDB] and [Memory] return
// one. It is used concurrently, by lanes, invocations and processes.
type Store interface {
	// Claim claims the key for c.Owner and returns nil if the key is free. A key is free if it is unknown or
	// expired, or if its claim has ended. Otherwise Claim returns what it found and changes nothing. Claim must
	// be atomic. If c.Owner already holds the claim, because the response to an earlier attempt was lost, Claim
	// returns nil.
	Claim(ctx context.Context, c Claim) (*Found, error)
	// Save marks the key as done until c.Expires and keeps the result, which is JSON or nil. If c.Owner no
	// longer holds the claim, Save changes nothing and returns ErrLate. If the store can never keep this
	// result, it returns ErrResult.
	Save(ctx context.Context, c Claim, result []byte) error
	// Release frees the key. If c.Owner no longer holds the claim, Release does nothing.
	Release(ctx context.Context, c Claim) error
}

// A Claim is what [Map] and [Each] pass to a [Store].
type Claim struct {
	Name    string    // the function's name, from WithName
	Key     string    // what must not be done twice under this Name
	Payload []byte    // what must be the same for the same key, as JSON; nil if nothing must be
	Owner   string    // different for each call
	Until   time.Time // when the claim ends; zero if it lasts until it expires
	Expires time.Time // when the key is forgotten; in a call to Store.Claim never before Until
}

func (c Claim) ended() bool { return !c.Until.IsZero() && !time.Now().Before(c.Until) }

// maxWriteTime limits a write if the claim has no end.
const maxWriteTime = 10 * time.Second

// writeContext returns a context for the writes after the work. It lasts until the claim ends, even if the
// record's context is cancelled earlier, for example by a break out of a range.
func (c Claim) writeContext(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx = context.WithoutCancel(ctx)
	if c.Until.IsZero() {
		return context.WithTimeout(ctx, maxWriteTime)
	}
	return context.WithDeadline(ctx, c.Until)
}

// Found is what a [Store] found for a key that is not free.
type Found struct {
	Done         bool   // the work is done; false while another call has claimed the key
	OtherPayload bool   // the key belongs to another payload than the claim's
	Result       []byte // what the function returned, as JSON; nil if it returned nothing
}
