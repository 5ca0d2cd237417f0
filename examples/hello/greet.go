package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// greet is called once per message. If it returns an error, that message is redelivered.
func greet(ctx context.Context, message events.SQSMessage) error {
	if strings.ContainsAny(message.Body, "0123456789") {
		return fmt.Errorf("%q is not a name", message.Body)
	}
	slog.InfoContext(ctx, "Hello, "+message.Body+"!")
	return nil
}
