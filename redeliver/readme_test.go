package redeliver_test

// The code in the README.

import (
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/redeliver"
)

var _ = inReadme

func inReadme(process batch.Stage[events.SQSMessage, events.SQSMessage], cfg aws.Config) {
	client := sqs.NewFromConfig(cfg) // from config.LoadDefaultConfig
	handler := batch.SQSHandler(process, redeliver.After(client, redeliver.Exponential(5*time.Second, 15*time.Minute)))
	lambda.Start(handler)
}
