package e2e_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/lambdabatch/batch/e2e/mapping"
	"github.com/lambdabatch/batch/e2e/sandbox"
	"github.com/matryer/is"
)

const (
	sender    = "00f067aa0ba902b7"
	forwarder = "53995c3f42cd8ad8"
	service   = "9a9197af755a6419"
)

func openTraced(t *testing.T, c *collector, trace string) *sandbox.Sandbox {
	t.Helper()
	return open(t, sandbox.Config{Binary: binaries.traced, Env: []string{"COLLECTOR=" + c.url}, Trace: trace, Log: t.Output()})
}

func TestSpansAreExportedBeforeTheirMessagesAreDeleted(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	c := openCollector(t)
	q := createQueue(t, mapping.NewSQS(startServers(t).SQS), queueConfig{maxReceives: 4, visibility: 30 * time.Second})
	text := func(value string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
	}
	is.NoErr(q.sendEntries(t.Context(), []types.SendMessageBatchRequestEntry{
		{MessageBody: aws.String("ok"), MessageAttributes: map[string]types.MessageAttributeValue{
			"traceparent": text("00-4bf92f3577b34da6a3ce929d0e0e4736-" + sender + "-01"),
		}},
		{MessageBody: aws.String("fail"), MessageAttributes: map[string]types.MessageAttributeValue{
			"traceparent": text("00-4bf92f3577b34da6a3ce929d0e0e4736-" + forwarder + "-01"),
		}},
		{MessageBody: aws.String("panic")},
	}))

	s := openTraced(t, c, "") // no active tracing, so the service's span is not a parent
	m := q.mappingTo(s, time.Minute)
	exported := map[string]messageSpan{}
	m.Invoke = func(payload []byte, timeout time.Duration) (sandbox.Outcome, error) {
		out, err := s.Invoke(payload, timeout)
		exported = c.byMessage() // the process is frozen, and no message is deleted yet
		return out, err
	}
	delivery, err := m.Poll(t.Context())
	is.NoErr(err)

	is.Equal(len(delivery.Deleted), 1)
	want := map[string]messageSpan{}
	for _, m := range delivery.Messages {
		span := messageSpan{name: "process orders", children: 1}
		switch *m.Body {
		case "ok":
			span.links = []string{sender}
		case "fail":
			span.links, span.status, span.errorType, span.event = []string{forwarder}, "refused", "*errors.errorString", "exception"
		case "panic":
			span.status, span.errorType, span.event = "panic: broken", "panic", "exception"
		}
		want[*m.MessageId] = span
	}
	is.Equal(len(want), 3)
	is.Equal(exported, want)
}

func TestSpansOfAFIFOQueueShowWhichMessageHeldThemBack(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	c := openCollector(t)
	var event events.SQSEvent // made here, because the SQS server drops trace headers
	for i, body := range []string{"ok", "fail", "ok"} {
		event.Records = append(event.Records, events.SQSMessage{
			MessageId: fmt.Sprintf("m%d", i), Body: body, Attributes: map[string]string{"MessageGroupId": "g"},
			EventSource: "aws:sqs", EventSourceARN: "arn:aws:sqs:us-east-1:000000000000:orders.fifo",
		})
	}
	event.Records[0].Attributes["AWSTraceHeader"] = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=" + forwarder + ";Sampled=1"
	payload, err := json.Marshal(event)
	is.NoErr(err)
	s := openTraced(t, c, "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent="+service+";Sampled=1")
	out := invoke(t, s, payload, time.Minute)
	is.Equal(string(out.Body), reporting("m1", "m2"))
	is.Equal(c.byMessage(), map[string]messageSpan{
		"m0": {name: "process orders.fifo", parent: service, links: []string{forwarder}, children: 1},
		"m1": {name: "process orders.fifo", parent: service, children: 1,
			status: "refused", errorType: "*errors.errorString", event: "exception"},
		"m2": {name: "process orders.fifo", parent: service, status: `blocked by record "m1"`, errorType: "blocked"},
	})
}
