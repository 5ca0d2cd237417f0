package main

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/redeliver"
)

// redeliverOption makes failed messages wait. The times are in WAITS: "1s,3s" is one second
// after the first attempt, and three seconds after all others. QUEUE is the URL of the queue,
// unless it is the one that AWS would assign.
func redeliverOption(server string) (batch.Option, error) {
	var waits []time.Duration
	for text := range strings.SplitSeq(os.Getenv("WAITS"), ",") {
		d, err := time.ParseDuration(text)
		if err != nil {
			return nil, err
		}
		waits = append(waits, d)
	}
	var options []redeliver.Option
	if url := os.Getenv("QUEUE"); url != "" {
		options = append(options, redeliver.WithQueueURL(url))
	}
	client := sqs.New(sqs.Options{BaseEndpoint: &server, Region: "us-east-1", Credentials: aws.CredentialsProviderFunc(fakeCredentials)})
	return redeliver.After(client, func(f batch.Failure) time.Duration {
		return waits[min(max(f.Record.Attempt, 1), len(waits))-1]
	}, options...), nil
}

// fakeCredentials returns made-up credentials. The server requires some and accepts any.
func fakeCredentials(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "e2e", SecretAccessKey: "e2e"}, nil
}
