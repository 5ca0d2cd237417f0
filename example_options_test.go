package batch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch"
)

// failing is a batch in which the records named fail.
func failing(names string, opts ...batch.Option) (batch.Response, error) {
	messages := []events.SQSMessage{inGroup("m-1", "ada", ""), inGroup("m-2", "ada", ""), inGroup("m-3", "bob", "")}
	source := batch.SQS(context.Background(), events.SQSEvent{Records: messages}, opts...)
	return batch.Run(source, batch.Each(func(_ context.Context, m events.SQSMessage) error {
		if strings.Contains(names, m.MessageId) {
			return errors.New("out of stock")
		}
		return nil
	}))
}

func ExampleWithPolicy() {
	print(failing("m-1"))
	print(failing("m-1", batch.WithPolicy(batch.Continue)))
	print(failing("m-2", batch.WithPolicy(batch.StopBatch)))
	// Output:
	// {"batchItemFailures":[{"itemIdentifier":"m-1"},{"itemIdentifier":"m-2"}]}
	// {"batchItemFailures":[{"itemIdentifier":"m-1"}]}
	// {"batchItemFailures":[{"itemIdentifier":"m-2"},{"itemIdentifier":"m-3"}]}
}

func ExampleWithReserve() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	event := events.SQSEvent{Records: []events.SQSMessage{message("m-1", "")}}
	print(batch.Run(batch.SQS(ctx, event, batch.WithReserve(10*time.Second)), batch.Each(func(record context.Context, _ events.SQSMessage) error {
		invocation, _ := ctx.Deadline()
		deadline, _ := record.Deadline()
		fmt.Println(invocation.Sub(deadline))
		return nil
	})))
	// Output:
	// 10s
	// {"batchItemFailures":[]}
}

// m-1 will be dead-lettered, so m-2, which comes after it, is processed.
func ExampleWithMaxReceives() {
	print(failing("m-1", batch.WithMaxReceives(1)))
	// Output: {"batchItemFailures":[{"itemIdentifier":"m-1"}]}
}

func ExampleWithLogger() {
	withoutTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
	print(failing("m-1", batch.WithLogger(logger)))
	// Output:
	// level=ERROR msg="record failed" record=m-1 group=ada attempt=1 error="out of stock"
	// level=WARN msg="records not processed" records=3 blocked=1
	// {"batchItemFailures":[{"itemIdentifier":"m-1"},{"itemIdentifier":"m-2"}]}
}

func ExampleWithReport() {
	print(failing("m-1", batch.WithReport(func(_ context.Context, r batch.Report) {
		fmt.Printf("%d of %d will be redelivered: %d failed, %d blocked\n", r.Reported(), r.Records, r.Failed, r.Blocked)
	})))
	// Output:
	// 2 of 3 will be redelivered: 1 failed, 1 blocked
	// {"batchItemFailures":[{"itemIdentifier":"m-1"},{"itemIdentifier":"m-2"}]}
}

// Metrics in CloudWatch's embedded metric format: a line of JSON in the log.
// See https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html.
func ExampleWithReport_metrics() {
	type metric struct{ Name, Unit string }
	type directive struct {
		Namespace  string
		Dimensions [][]string
		Metrics    []metric
	}
	type metadata struct {
		Timestamp         int64
		CloudWatchMetrics []directive
	}
	now := func() time.Time { return time.UnixMilli(1_763_884_800_000) } // time.Now outside of examples
	emit := func(_ context.Context, r batch.Report) {
		line, _ := json.Marshal(struct {
			AWS      metadata `json:"_aws"`
			Function string

			Records, Redelivered, Failed, Blocked, Running int
		}{
			AWS: metadata{now().UnixMilli(), []directive{{
				Namespace:  "Orders",
				Dimensions: [][]string{{"Function"}},
				Metrics:    []metric{{"Records", "Count"}, {"Redelivered", "Count"}, {"Failed", "Count"}, {"Blocked", "Count"}, {"Running", "Count"}},
			}}},
			Function:    "orders",
			Records:     r.Records,
			Redelivered: r.Reported(),
			Failed:      r.Failed,
			Blocked:     r.Blocked,
			Running:     r.Running,
		})
		fmt.Println(string(line))
	}
	_, _ = failing("m-1", batch.WithReport(emit))
	// Output: {"_aws":{"Timestamp":1763884800000,"CloudWatchMetrics":[{"Namespace":"Orders","Dimensions":[["Function"]],"Metrics":[{"Name":"Records","Unit":"Count"},{"Name":"Redelivered","Unit":"Count"},{"Name":"Failed","Unit":"Count"},{"Name":"Blocked","Unit":"Count"},{"Name":"Running","Unit":"Count"}]}]},"Function":"orders","Records":3,"Redelivered":2,"Failed":1,"Blocked":1,"Running":0}
}

// Each line of a function's log names the record that it works on, and there is one line for what became of it.
func ExampleWithScope() {
	type logKey struct{}
	logged := func(ctx context.Context, r batch.Record) (context.Context, func(batch.Outcome)) {
		log := func(what any) { fmt.Println(r.ID+":", what) } // a slog.Logger outside of examples
		return context.WithValue(ctx, logKey{}, log), func(o batch.Outcome) {
			if o.Err != nil {
				log(o.Err)
			} else {
				log("done")
			}
		}
	}
	event := events.SQSEvent{Records: []events.SQSMessage{message("m-1", "12"), message("m-2", "twelve")}}
	print(batch.Run(batch.SQS(context.Background(), event, batch.WithScope(logged)), batch.Each(func(ctx context.Context, m events.SQSMessage) error {
		log := ctx.Value(logKey{}).(func(any))
		log("reading " + m.Body)
		_, err := strconv.Atoi(m.Body)
		return err
	})))
	// Output:
	// m-1: reading 12
	// m-2: reading twelve
	// m-1: done
	// m-2: strconv.Atoi: parsing "twelve": invalid syntax
	// {"batchItemFailures":[{"itemIdentifier":"m-2"}]}
}

func ExampleWithoutAllFailedError() {
	print(failing("m-1 m-3"))
	print(failing("m-1 m-3", batch.WithoutAllFailedError()))
	// Output:
	// error: all 3 records failed: m-1: out of stock; m-2: blocked by record "m-1"; m-3: out of stock
	// {"batchItemFailures":[{"itemIdentifier":"m-1"},{"itemIdentifier":"m-2"},{"itemIdentifier":"m-3"}]}
}
