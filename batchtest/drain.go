package batchtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

const (
	region  = "us-east-1"
	account = "123456789012"

	// eventOverhead is more than what an event has around its records.
	eventOverhead = 1024
)

// drain is one Drain of a source: it calls the handler and keeps the Run.
type drain struct {
	ctx            context.Context
	handler        lambda.Handler
	timeout        time.Duration
	ignoreResponse bool
	limited        bool // records are given up some day
	run            *Run
	fruitless      map[string]int // deliveries of a record since one was last finished or given up
	endless        error          // one of them has come to MaxDeliveries
	late           []<-chan result
}

func newDrain(ctx context.Context, handler lambda.Handler, timeout time.Duration, ignoreResponse, limited bool) *drain {
	if handler == nil {
		panic("batchtest: Drain: handler is nil")
	}
	return &drain{
		ctx:            ctx,
		handler:        handler,
		timeout:        timeout,
		ignoreResponse: ignoreResponse,
		limited:        limited,
		run:            &Run{},
		fruitless:      make(map[string]int),
	}
}

// deliver invokes the handler with an event and appends the Invocation to the
// Run, all but its Done.
func (d *drain) deliver(event any, ids []string, id identify) (*Invocation, answer) {
	inv := d.invoke(ids, event)
	var a answer
	if inv.Err == nil {
		a, inv.Err = d.read(inv.Response, ids, id)
	}
	switch {
	case inv.Err != nil:
		inv.Outcome = Failure
	case len(a.listed) > 0:
		inv.Outcome = Partial
		inv.Listed = listedInOrder(ids, a.listed)
	case d.ignoreResponse:
		if ignored, err := readAnswer(inv.Response, ids, id); err == nil {
			inv.Ignored = listedInOrder(ids, ignored.listed)
		}
	}
	d.run.Invocations = append(d.run.Invocations, inv)
	d.count(ids)
	return &d.run.Invocations[len(d.run.Invocations)-1], a
}

func (d *drain) read(response []byte, ids []string, id identify) (answer, error) {
	if !d.ignoreResponse {
		return readAnswer(response, ids, id)
	}
	if len(response) > maxPayload {
		return answer{}, ErrTooLarge
	}
	fields, _ := readObject(response)
	if state := fields["state"]; !isNull(state) {
		return answer{state: state}, nil
	}
	return answer{}, nil
}

func listedInOrder(ids []string, listed map[string]bool) []string {
	var order []string
	seen := make(map[string]bool, len(listed))
	for _, id := range ids {
		if listed[id] && !seen[id] {
			seen[id] = true
			order = append(order, id)
		}
	}
	return order
}

// count counts deliveries that have had no effect. The invocation that closes a
// window goes by the ID "", and is not given up either where records are.
func (d *drain) count(ids []string) {
	if len(ids) == 0 {
		ids = []string{""}
	} else if d.limited {
		return
	}
	for _, id := range ids {
		d.fruitless[id]++
		if d.fruitless[id] >= MaxDeliveries && d.endless == nil {
			d.endless = fmt.Errorf("%w: %s was delivered %d times with no record finished or given up",
				ErrEndless, nameOf(id), MaxDeliveries)
		}
	}
}

func nameOf(id string) string {
	if id == "" {
		return "the end of a window"
	}
	return "record " + id
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

// ended tells whether the Drain has to stop before nothing is left, and leaves
// the reason in the Run.
func (d *drain) ended() bool {
	if d.ctx.Err() != nil {
		d.run.Err = context.Cause(d.ctx)
	} else {
		d.run.Err = d.endless
	}
	return d.run.Err != nil
}

func (d *drain) sleepUntil(t time.Time) {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-d.ctx.Done():
	}
}

// finish waits for the handlers that outlived their deadline, but not for
// longer than the context lasts.
func (d *drain) finish() *Run {
	running := 0
	for _, results := range d.late {
		select {
		case <-results:
		case <-d.ctx.Done():
			running++
		}
	}
	if running > 0 {
		d.run.Err = errors.Join(context.Cause(d.ctx), fmt.Errorf("batchtest: %d invocations are still running", running))
	}
	return d.run
}

// marshal is for what JSON always carries: events, and records made of texts
// and bytes.
func marshal(v any) []byte {
	encoded, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return encoded
}

// uuid makes the identifiers that the service draws, reproducibly.
func uuid(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012x", n) }

var errDraining = errors.New("batchtest: it is being drained already")
