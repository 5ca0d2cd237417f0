package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/matryer/is"
	"pgregory.net/rapid"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/batchtest"
	"github.com/lambdabatch/batch/examples/internal/local"
)

func TestTheBuiltInEventReportsTheMessageWithoutAName(t *testing.T) {
	is := is.New(t)
	var stdout, story bytes.Buffer
	is.Equal(local.Tell(batch.SQSHandler(batch.Each(greet)), builtIn, []string{"hello"}, &stdout, &story), 0)
	is.Equal(stdout.String(), `{"batchItemFailures":[{"itemIdentifier":"00000002-5d1c-4b5a-9f2e-7c3b6a1d2e4f"}]}`+"\n")
	is.Equal(story.String(), `3 records arrived:

  00000001…  Ada    done: Hello, Ada!
  00000002…  404    failed: "404" is not a name
  00000003…  Grace  done: Hello, Grace!

1 of 3 will be redelivered: 1 failed. The response lists them, and SQS deletes the other 2.
The response:
`)
	readme, err := os.ReadFile("../README.md")
	is.NoErr(err)
	is.True(strings.Contains(string(readme), story.String()+stdout.String())) // shows this run
}

func TestOnlyTheMessageThatFailedIsRedelivered(t *testing.T) {
	is := is.New(t)
	queue := batchtest.NewQueue(batchtest.QueueConfig{MaxReceives: 3})
	for _, name := range []string{"Ada", "404", "Grace"} {
		queue.Send(batchtest.Message{ID: name, Body: name})
	}
	run := queue.Drain(t.Context(), batch.SQSHandler(batch.Each(greet)))
	is.NoErr(run.Err)
	is.Equal(run.Received("Ada"), 1)
	is.Equal(run.Received("Grace"), 1)
	is.Equal(run.Received("404"), 3)
	is.Equal(run.DeadLettered, []string{"404"})
}

func TestTheStageObeysTheLaws(t *testing.T) {
	names := rapid.SampledFrom([]string{"Ada", "Grace", "404"})
	messages := rapid.Map(names, func(name string) events.SQSMessage { return events.SQSMessage{Body: name} })
	batchtest.CheckStage(t, messages, batch.Each(greet))
}
