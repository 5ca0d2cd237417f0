// Plain is a Lambda function without the library. The tests of the sandbox use it to end
// an invocation in every possible way.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type request struct {
	Do   string
	Text string
	For  string
}

func main() {
	if os.Getenv("BROKEN") != "" {
		fmt.Fprintln(os.Stderr, "broken on purpose")
		os.Exit(3)
	}
	lambda.Start(handle)
}

func handle(ctx context.Context, in request) (any, error) {
	switch in.Do {
	case "context":
		return describe(ctx), nil
	case "fail":
		return nil, errors.New(in.Text)
	case "panic":
		panic(in.Text)
	case "exit":
		os.Exit(1)
	case "sleep":
		d, err := time.ParseDuration(in.For)
		if err != nil {
			return nil, err
		}
		time.Sleep(d)
	case "later":
		return in.Text, leaveRunning(in.Text)
	}
	return in.Text, nil
}

func describe(ctx context.Context) map[string]any {
	call, _ := lambdacontext.FromContext(ctx)
	deadline, _ := ctx.Deadline()
	return map[string]any{
		"arn":       call.InvokedFunctionArn,
		"requestID": call.AwsRequestID,
		"left":      time.Until(deadline).Round(time.Second).String(),
	}
}

// leaveRunning writes the file after the invocation has ended.
func leaveRunning(file string) error {
	go func() {
		time.Sleep(time.Second)
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			panic(err)
		}
	}()
	return nil
}
