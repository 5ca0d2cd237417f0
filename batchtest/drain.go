package batchtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/samber/lo"
)

const (
	region  = "us-east-1"
	account = "123456789012"

	// eventOverhead is an upper bound for the size of an event without its records.
	eventOverhead = 1024
)

var errDraining = errors.New("another Drain is running")

// drain is one Drain of a source: it calls the handler and fills the Run.
type drain struct {
	ctx            context.Context
	handler        lambda.Handler
	timeout        time.Duration
	ignoreResponse bool
	bounded        bool // the source gives up a record after some deliveries, so MaxDeliveries does not apply
	run            *Run
	fruitless      map[string]int // deliveries per record since any record was finished or given up
	endless        error          // not nil once a record has had MaxDeliveries of them
	leftRunning    []<-chan returned
	wake           chan struct{} // ends a sleep, or the next one
}

func newDrain(ctx context.Context, handler lambda.Handler, timeout time.Duration, ignoreResponse, bounded bool) *drain {
	if handler == nil {
		panic("batchtest: Drain: handler is nil")
	}
	return &drain{
		ctx:            ctx,
		handler:        handler,
		timeout:        timeout,
		ignoreResponse: ignoreResponse,
		bounded:        bounded,
		run:            &Run{},
		fruitless:      make(map[string]int),
		wake:           make(chan struct{}, 1),
	}
}

// deliver invokes the handler with an event and appends the Invocation to the Run. The caller
// fills in Done.
func (d *drain) deliver(event any, ids []string, id identify) (*Invocation, response) {
	inv := d.invoke(ids, event)
	var r response
	if inv.Err == nil {
		r, inv.Err = d.read(inv.Response, ids, id)
	}
	switch {
	case inv.Err != nil:
		inv.Outcome = Failure
	case len(r.listed) > 0:
		inv.Outcome = Partial
		inv.Listed = inBatchOrder(r.listed, ids)
	case d.ignoreResponse:
		if ignored, err := readResponse(inv.Response, ids, id); err == nil && len(ignored.listed) > 0 {
			inv.Ignored = inBatchOrder(ignored.listed, ids)
		}
	}
	d.run.Invocations = append(d.run.Invocations, inv)
	d.countDeliveries(ids)
	return &d.run.Invocations[len(d.run.Invocations)-1], r
}

// read reads the whole response, or only the state of the window if the rest is ignored.
func (d *drain) read(payload []byte, ids []string, id identify) (response, error) {
	if !d.ignoreResponse {
		return readResponse(payload, ids, id)
	}
	if len(payload) > maxPayload {
		return response{}, ErrTooLarge
	}
	fields, _ := readObject(payload)
	if state := fields["state"]; !isNull(state) {
		return response{state: state}, nil
	}
	return response{}, nil
}

func inBatchOrder(listed map[string]bool, ids []string) []string {
	return lo.Uniq(lo.Filter(ids, func(id string, _ int) bool { return listed[id] }))
}

// countDeliveries counts fruitless deliveries. The invocation that ends a window has no records and
// is counted under the ID "", even in a bounded drain: it is never given up.
func (d *drain) countDeliveries(ids []string) {
	if len(ids) == 0 {
		ids = []string{""}
	} else if d.bounded {
		return
	}
	for _, id := range ids {
		d.fruitless[id]++
		if d.fruitless[id] >= MaxDeliveries && d.endless == nil {
			d.endless = fmt.Errorf("%w: %s %d times while no record was finished or given up",
				ErrEndless, deliveryOf(id), MaxDeliveries)
		}
	}
}

func deliveryOf(id string) string {
	if id == "" {
		return "the invocation that ends a window was made"
	}
	return "record " + id + " was delivered"
}

func (d *drain) deleted(ids ...string) {
	d.run.Deleted = append(d.run.Deleted, ids...)
	d.progressed()
}

func (d *drain) deadLettered(ids ...string) {
	d.run.DeadLettered = append(d.run.DeadLettered, ids...)
	d.progressed()
}

func (d *drain) progressed() {
	clear(d.fruitless)
	d.endless = nil
}

// ended reports whether the Drain must end although records are left. It stores the reason in
// the Run.
func (d *drain) ended() bool {
	if d.ctx.Err() != nil {
		d.run.Err = context.Cause(d.ctx)
	} else {
		d.run.Err = d.endless
	}
	return d.run.Err != nil
}

// sleepUntil may return early. The caller then finds out whether there is something to do.
func (d *drain) sleepUntil(t time.Time) {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-d.wake:
	case <-d.ctx.Done():
	}
}

// finish waits until the handlers that were left running have returned, or the context has ended.
func (d *drain) finish() *Run {
	running := lo.CountBy(d.leftRunning, d.outlives)
	if running > 0 {
		d.run.Err = errors.Join(context.Cause(d.ctx), fmt.Errorf("batchtest: %s still running", counted(running, "invocation")))
	}
	return d.run
}

// outlives reports whether a handler is still running when the context ends.
func (d *drain) outlives(results <-chan returned) bool {
	select {
	case <-results:
		return false
	case <-d.ctx.Done():
	}
	select { // with both ready, the select above chooses at random
	case <-results:
		return false
	default:
		return true
	}
}

// marshal is for values that JSON can always encode: events, and records made of strings and bytes.
func marshal(v any) []byte {
	encoded, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return encoded
}

// uuid returns identifiers that look like the service's and are the same in every run.
func uuid(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012x", n) }
