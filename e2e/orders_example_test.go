package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/lambdabatch/batch/e2e/mapping"
	"github.com/lambdabatch/batch/e2e/sandbox"
	"github.com/matryer/is"
)

// These tests run the example as it is deployed, without any code of the tests in it.

func openOrders(t *testing.T, concurrency int) *sandbox.Sandbox {
	t.Helper()
	return open(t, sandbox.Config{Binary: binaries.orders, Concurrency: concurrency, Log: t.Output()})
}

// bodiesEvent returns an event with these bodies. Their messages have the IDs m0, m1 and so on.
func bodiesEvent(t *testing.T, bodies ...string) []byte {
	t.Helper()
	var event events.SQSEvent
	for i, body := range bodies {
		event.Records = append(event.Records, events.SQSMessage{
			MessageId: fmt.Sprintf("m%d", i), Body: body, Attributes: map[string]string{"ApproximateReceiveCount": "1"},
			EventSource: "aws:sqs", EventSourceARN: "arn:aws:sqs:us-east-1:000000000000:orders", AWSRegion: "us-east-1",
		})
	}
	payload, err := json.Marshal(event)
	is.NewRelaxed(t).NoErr(err)
	return payload
}

func TestTheOrdersExampleReturnsTheExpectedResponseByteForByte(t *testing.T) {
	is := is.New(t)
	event, err := os.ReadFile("../examples/orders/event.json")
	is.NoErr(err)
	s := openOrders(t, 1)
	for range 2 {
		out := invoke(t, s, event, time.Minute)
		is.Equal(out.End, sandbox.Responded)
		is.Equal(string(out.Body), reporting(
			"00000003-5d1c-4b5a-9f2e-7c3b6a1d2e4f", "00000004-5d1c-4b5a-9f2e-7c3b6a1d2e4f", "00000005-5d1c-4b5a-9f2e-7c3b6a1d2e4f"))
	}
	is.Equal(s.Starts(), 1) // the panic in a lane did not end the process
}

func TestTheOrdersExampleReportsABatchThatFailedCompletely(t *testing.T) {
	is := is.New(t)
	var controls strings.Builder
	for r := rune(0); r <= unicode.MaxLatin1; r++ {
		if unicode.IsControl(r) {
			controls.WriteRune(r)
		}
	}
	refused, err := json.Marshal(map[string]any{"id": controls.String(), "cents": 1, "parcels": 1, "customer": "blocked"})
	is.NoErr(err)
	s := openOrders(t, 1)

	failed := invoke(t, s, bodiesEvent(t, string(refused), `"`+controls.String(), `{"cents":1}`), time.Minute)
	is.Equal(failed.End, sandbox.Failed)
	var report struct{ ErrorMessage, ErrorType string }
	is.NoErr(json.Unmarshal(failed.Body, &report))
	is.Equal(report.ErrorType, "AllFailedError")
	is.True(strings.Contains(report.ErrorMessage, "card refused"))
	is.True(!strings.ContainsFunc(report.ErrorMessage, unicode.IsControl))

	good := invoke(t, s, bodiesEvent(t, `{"id":"1","cents":1,"parcels":1}`), time.Minute)
	is.Equal(string(good.Body), reporting())
	is.Equal(good.PID, failed.PID)
}

func TestTheOrdersExampleTakesSeveralInvocationsAtOnce(t *testing.T) {
	is := is.NewRelaxed(t)
	s := openOrders(t, 4)
	var wait sync.WaitGroup
	for i := range 40 {
		wait.Go(func() {
			bodies := slices.Repeat([]string{`{"id":"1","cents":1,"parcels":1}`}, 5)
			bodies[i%5] = "not an order"
			out := invoke(t, s, bodiesEvent(t, bodies...), time.Minute)
			is.Equal(string(out.Body), reporting(fmt.Sprintf("m%d", i%5)))
		})
	}
	wait.Wait()
	is.Equal(s.Starts(), 1)
}

func TestTheOrdersExampleEmptiesItsQueue(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	q := createQueue(t, mapping.NewSQS(startServers(t).SQS), queueConfig{maxReceives: 2, visibility: visibleAgain})
	var entries []types.SendMessageBatchRequestEntry
	var poison []string
	for i := range 60 {
		body := fmt.Sprintf(`{"id":"o-%d","cents":100,"parcels":1,"customer":"ada"}`, i)
		switch i % 10 {
		case 2:
			body = fmt.Sprintf(`{"id":"o-%d","cents":0}`, i) // nothing to pay
		case 4:
			body = fmt.Sprintf(`{"id":"o-%d","cents":100,"parcels":1,"customer":"blocked"}`, i)
			poison = append(poison, body)
		case 6:
			body = fmt.Sprintf(`{"id":"o-%d","cents":100}`, i) // panics
			poison = append(poison, body)
		case 8:
			body = fmt.Sprintf(`o-%d`, i)
			poison = append(poison, body)
		}
		entries = append(entries, types.SendMessageBatchRequestEntry{MessageBody: aws.String(body)})
	}
	is.NoErr(q.sendEntries(t.Context(), entries))

	deleted := 0
	q.drain(t, 2, func(int) mapping.Queue { return q.mappingTo(openOrders(t, 1), shortTimeout) }, func(d mapping.Delivery) {
		deleted += len(d.Deleted)
	})

	dead := q.deadLetters(t)
	slices.Sort(dead)
	slices.Sort(poison)
	is.Equal(dead, poison)
	is.Equal(deleted, len(entries)-len(poison))
}
