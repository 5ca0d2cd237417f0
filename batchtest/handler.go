package batchtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/lambdabatch/batch/internal/printable"
	"github.com/lambdabatch/batch/internal/watch"
)

// Handler makes a handler of a function that lambda.Start takes, such as
// func(context.Context, events.SQSEvent) (events.SQSEventResponse, error). The event is decoded
// from JSON, as it is in Lambda. If lambda.Start refuses the value, every invocation fails with
// the error of package lambda.
func Handler(function any) lambda.Handler {
	return lambda.NewHandler(function)
}

// ErrTimedOut is the error of an invocation that did not respond before its deadline.
var ErrTimedOut = errors.New("the function timed out")

// ErrExited is the error of an invocation whose handler ended its goroutine with runtime.Goexit,
// as testing.T.FailNow does.
var ErrExited = errors.New("the handler called runtime.Goexit")

// PanicError is the error of an invocation whose handler panicked.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string {
	return "the handler panicked: " + printable.Sprintf("%v", e.Value)
}

// Unwrap returns the value of the panic if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// errInterrupted is wrapped by the error of an invocation that was still running some time after the
// context of its Drain had ended. It costs its records no retry.
var errInterrupted = errors.New("the Drain ended during the invocation")

// grace is how long a handler may still take to respond after the context of its Drain has ended.
const grace = time.Second

// returned is what a handler returned.
type returned struct {
	response []byte
	err      error
}

// invoke calls the handler with an event. The service has not read the response yet.
func (d *drain) invoke(ids []string, event any) Invocation {
	payload := marshal(event)
	deadline := time.Now().Add(d.timeout)
	reports := &reports{until: deadline}
	ctx, cancel := context.WithDeadline(context.WithValue(d.ctx, watch.Key{}, reports.receive), deadline)
	defer cancel()
	start := time.Now()
	response, err := d.callUntil(ctx, deadline, payload)
	inv := Invocation{Records: ids, Response: response, Err: err, Duration: time.Since(start)}
	inv.reasons = reports.close()
	return inv
}

// callUntil calls the handler on its own goroutine, so that a stuck handler can be left running.
// finish waits for those. The payload belongs to the handler until it returns. Then it is wiped:
// the Lambda runtime reuses the buffer as well, and a test should notice if something still
// points into it.
func (d *drain) callUntil(ctx context.Context, deadline time.Time, payload []byte) (response []byte, err error) {
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{
		AwsRequestID:       uuid(len(d.run.Invocations) + 1),
		InvokedFunctionArn: "arn:aws:lambda:" + region + ":" + account + ":function:function",
	})
	results := make(chan returned, 1)
	go call(ctx, d.handler, payload, results)

	r, ok := await(ctx, deadline, results)
	if !ok {
		d.leftRunning = append(d.leftRunning, results)
	}
	switch {
	case !time.Now().Before(deadline): // Lambda also loses a response that is returned at the deadline
		return nil, ErrTimedOut
	case !ok:
		return nil, fmt.Errorf("%w: %w", errInterrupted, context.Cause(ctx))
	}
	return r.response, r.err
}

// await returns what the handler returned. ok is false if it has not returned at the deadline, or
// some time after the Drain's context has ended.
func await(ctx context.Context, deadline time.Time, results <-chan returned) (r returned, ok bool) {
	select {
	case r := <-results:
		return r, true
	case <-ctx.Done():
	}
	timer := time.NewTimer(min(grace, time.Until(deadline)))
	defer timer.Stop()
	select {
	case r := <-results:
		return r, true
	case <-timer.C:
		return returned{}, false
	}
}

func call(ctx context.Context, handler lambda.Handler, payload []byte, results chan<- returned) {
	r := returned{err: ErrExited}
	defer func() {
		if v := recover(); v != nil {
			r = returned{err: &PanicError{Value: v, Stack: debug.Stack()}}
		}
		r.response = bytes.Clone(r.response)
		clear(payload)
		results <- r
	}()
	r.response, r.err = handler.Invoke(ctx, payload)
}
