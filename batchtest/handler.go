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

	"github.com/lambdabatch/batch/internal/watch"
)

// Handler makes a handler of a function that lambda.Start takes, such as
// func(context.Context, events.SQSEvent) (events.SQSEventResponse, error). The
// event goes through JSON, as it does in Lambda. A value that lambda.Start
// refuses fails every invocation with lambda's own error.
func Handler(function any) lambda.Handler {
	return lambda.NewHandler(function)
}

// ErrTimedOut is the error of an invocation that had not answered by its
// deadline.
var ErrTimedOut = errors.New("the function timed out")

// ErrExited is the error of an invocation whose handler ended its goroutine
// with runtime.Goexit, as testing.T.FailNow does.
var ErrExited = errors.New("the handler ended its goroutine")

// PanicError is the error of an invocation whose handler panicked.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("the handler panicked: %v", e.Value) }

// Unwrap returns the value of the panic if it was an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

type result struct {
	response []byte
	err      error
}

// invoke calls the handler with an event, and tells what came of it before the
// service reads the answer.
func (d *drain) invoke(ids []string, event any) Invocation {
	payload := marshal(event)
	deadline := time.Now().Add(d.timeout)
	heard := &hearing{until: deadline}
	ctx, cancel := context.WithDeadline(context.WithValue(d.ctx, watch.Key{}, heard.report), deadline)
	defer cancel()
	start := time.Now()
	response, err := d.answer(ctx, deadline, payload)
	inv := Invocation{Records: ids, Response: response, Err: err, Duration: time.Since(start)}
	inv.reasons = heard.close()
	return inv
}

// answer calls the handler on a goroutine of its own, so that a stuck one can
// be left behind; finish waits for those. The payload is the handler's until
// it returns, and is wiped then: the runtime reuses its buffer too, and what
// still points into it should show in a test.
func (d *drain) answer(ctx context.Context, deadline time.Time, payload []byte) (response []byte, err error) {
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{
		AwsRequestID:       uuid(len(d.run.Invocations) + 1),
		InvokedFunctionArn: "arn:aws:lambda:" + region + ":" + account + ":function:function",
	})
	results := make(chan result, 1)
	go call(ctx, d.handler, payload, results)

	timer := time.NewTimer(d.timeout)
	defer timer.Stop()
	select {
	case r := <-results:
		// What is returned at the deadline is lost in Lambda, so it must not
		// depend on who is first here.
		if !time.Now().Before(deadline) {
			return nil, ErrTimedOut
		}
		return r.response, r.err
	case <-timer.C:
		<-ctx.Done() // by the same deadline, before cancel makes it something else
		d.late = append(d.late, results)
		return nil, ErrTimedOut
	}
}

func call(ctx context.Context, handler lambda.Handler, payload []byte, results chan<- result) {
	r := result{err: ErrExited}
	defer func() {
		if v := recover(); v != nil {
			r = result{err: &PanicError{Value: v, Stack: debug.Stack()}}
		}
		r.response = bytes.Clone(r.response)
		clear(payload)
		results <- r
	}()
	r.response, r.err = handler.Invoke(ctx, payload)
}
