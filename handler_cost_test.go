package batch_test

// What an invocation costs, from payload to response, for small and larger batches.

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	jsonv2 "github.com/go-json-experiment/json"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/internal/wire"
)

type costOrder struct {
	ID    string `json:"id"`
	Total int64  `json:"total"`
}

func decodeCost(data []byte, v any) error { return jsonv2.Unmarshal(data, v) }

func acceptCost(_ context.Context, o costOrder) error {
	if o.Total < 0 {
		return errDrawn
	}
	return nil
}

func costStage(s batch.Stream[events.SQSMessage]) batch.Stream[costOrder] {
	return batch.TryEach(batch.Decode[costOrder](s, decodeCost), acceptCost)
}

func costPayload(n, refused int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"Records":[`)
	for i := range n {
		total := 1250
		if i < refused {
			total = -1
		}
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"messageId":"059f36b4-87a3-44ab-83d2-66197%07d","receiptHandle":"AQEB%032d==",`+
			`"body":"{\"id\":\"order-%07d\",\"total\":%d}","attributes":{"ApproximateReceiveCount":"1","SentTimestamp":"1545082649183",`+
			`"SenderId":"AIDAIENQZJOLO23YVJ4VO","ApproximateFirstReceiveTimestamp":"1545082649185"},"messageAttributes":{},`+
			`"md5OfBody":"e4e68fb7bd0e697a0ae8f1bb342846b3","eventSource":"aws:sqs",`+
			`"eventSourceARN":"arn:aws:sqs:us-east-2:123456789012:my-queue","awsRegion":"us-east-2"}`, i, i, i, total)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

// floor does only what every library must do: read the event, decode the bodies, write the response.
func floor(payload []byte) ([]byte, error) {
	read, err := wire.SQS(payload)
	if err != nil {
		return nil, err
	}
	var response batch.Response
	for i := range read.Records {
		m := &read.Records[i]
		var o costOrder
		if err := decodeCost([]byte(m.Body), &o); err != nil || acceptCost(context.Background(), o) != nil {
			response.BatchItemFailures = append(response.BatchItemFailures, batch.ItemFailure{ItemIdentifier: m.MessageId})
		}
	}
	return response.MarshalJSON()
}

func BenchmarkInvocation(b *testing.B) {
	handler := batch.SQSHandler(costStage, batch.WithLogger(slog.New(slog.NewJSONHandler(io.Discard, nil))), batch.WithoutAllFailedError())
	for _, n := range []int{1, 10, 100} {
		for refused := range 2 {
			payload := costPayload(n, refused)
			name := fmt.Sprintf("%d/%d refused", n, refused)
			b.Run(name+"/handler", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
					if _, err := handler.Invoke(ctx, payload); err != nil {
						b.Fatal(err)
					}
					cancel()
				}
			})
			b.Run(name+"/floor", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := floor(payload); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkRun runs a stage that does nothing.
func BenchmarkRun(b *testing.B) {
	same := func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] { return s }
	until, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	for _, n := range []int{1, 10, 100} {
		event := costEvent(n)
		for name, ctx := range map[string]context.Context{"deadline": until, "no deadline": context.Background()} {
			b.Run(fmt.Sprintf("%d/%s", n, name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := batch.Run(batch.SQS(ctx, event), same); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		b.Run(fmt.Sprintf("%d/Collect", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := batch.Collect(batch.SQS(context.Background(), event)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
