// Package idempotency lets a record through once for each business key, however
// often it is delivered.
//
// Queues and streams deliver at least once, and a producer that repeats itself
// sends a second message with an ID of its own. So the key is one that the
// business knows, such as the number of an order. A conditional write claims it
// before the work, another marks it as done after the work, and failure lets go
// of it.
//
// If the process dies between the work and the mark, the work is repeated after
// the claim has expired: what must not happen twice even then has to be a
// conditional write itself.
package idempotency

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/lambdabatch/batch"
)

// A Claim is an item of the table, one for each key.
type Claim struct {
	Key     string
	Owner   string    // whoever made it, this time
	Done    bool      // whether the work is, or only begun
	Expires time.Time // also the table's time to live
}

// Claims are the writes, as they go to DynamoDB.
type Claims struct {
	// Put is PutItem under the condition
	//
	//	attribute_not_exists(#key) OR #owner = :owner OR #expires < :now
	//
	// If it does not hold, the error is a *TakenError with the item that is
	// there, which ReturnValuesOnConditionCheckFailure brings along.
	Put func(context.Context, Claim) error
	// Delete is DeleteItem under the condition #owner = :owner. If it does not
	// hold, there is nothing to do.
	Delete func(context.Context, Claim) error
}

// A TakenError is the error of a record whose key somebody else is working on.
// The record is delivered again, and the work may be done by then.
type TakenError struct{ By Claim }

func (e *TakenError) Error() string { return fmt.Sprintf("key %q is taken", e.By.Key) }

const (
	longestInvocation = 15 * time.Minute    // Lambda's limit: no claim is worked on for longer
	longestRetention  = 14 * 24 * time.Hour // of an SQS queue: no message is redelivered later
)

// Once returns stage for records whose key nobody else has. Those whose work is
// done already are acknowledged, and what stage acknowledges itself counts as
// done.
//
// With batch.Parallel, give Once the stage of the lanes, so that each marks its
// work at once and not when its turn in the order comes.
func Once[A, B any](
	claims Claims,
	key func(A) string,
	stage func(batch.Stream[A]) batch.Stream[B],
) func(batch.Stream[A]) batch.Stream[B] {
	return func(s batch.Stream[A]) batch.Stream[B] {
		return func(yield func(batch.Result[B]) bool) {
			held := holding{claims: claims}
			mine := batch.TryFilter(s, func(ctx context.Context, a A) (bool, error) {
				return held.claim(ctx, key(a))
			})
			done := batch.TryEach(stage(mine), func(ctx context.Context, _ B) error {
				return held.finish(ctx)
			})
			batch.Tap(done, func(r batch.Result[B]) {
				if _, finished := r.Value(); !finished {
					held.settle(r.Context(), r.Err())
				}
			})(yield)
		}
	}
}

// holding remembers the claims of one batch, because a record that has failed
// has no value to read the key from. With lanes inside the stage its methods run
// on several goroutines.
type holding struct {
	claims  Claims
	byIndex sync.Map // Record.Index to Claim
}

func (h *holding) claim(ctx context.Context, key string) (mine bool, err error) {
	record, _ := batch.RecordFrom(ctx)
	c := Claim{Key: key, Owner: rand.Text(), Expires: time.Now().Add(longestInvocation)}
	h.byIndex.Store(record.Index, c) // first, for a write may succeed and its answer be lost
	err = h.claims.Put(ctx, c)
	if taken, ok := errors.AsType[*TakenError](err); ok {
		h.byIndex.Delete(record.Index)
		if taken.By.Done {
			return false, nil
		}
	}
	return err == nil, err
}

// finish marks the work as done, for each of a record's Results again. The claim
// is kept in mind, for the next one may fail.
func (h *holding) finish(ctx context.Context) error {
	record, _ := batch.RecordFrom(ctx)
	held, ok := h.byIndex.Load(record.Index)
	if !ok {
		return nil // one before it has failed, so the record is redelivered
	}
	c := held.(Claim)
	c.Done, c.Expires = true, time.Now().Add(longestRetention)
	return h.claims.Put(ctx, c)
}

// settle marks as done what the stage has acknowledged and lets go of what has
// failed. It sees records whose context has ended too, which is why it is called
// by a Tap and not by a Catch, and why it uses a context of its own. A function
// that is still running keeps its claim. If a write fails, the claim expires.
func (h *holding) settle(ctx context.Context, err error) {
	record, _ := batch.RecordFrom(ctx)
	held, ok := h.byIndex.Load(record.Index)
	if !ok || errors.Is(err, batch.ErrUnreached) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 100*time.Millisecond)
	defer cancel()
	if err == nil {
		_ = h.finish(ctx)
		return
	}
	h.byIndex.Delete(record.Index)
	_ = h.claims.Delete(ctx, held.(Claim))
}
