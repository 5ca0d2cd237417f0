package batch_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch"
)

// m-1 and m-2 are in one group, m-3 in another, and m-1 fails. The policy decides what that holds back.
func ExampleWithPolicy() {
	for _, policy := range []batch.Policy{batch.Continue, batch.StopGroup, batch.StopBatch} {
		messages := batch.SQS(context.Background(), threeMessages(), batch.WithPolicy(policy), batch.WithoutAllFailedError())
		fmt.Println(policy)
		printResponse(batch.Run(messages, outOfStock("m-1")))
	}
	// Output:
	// Continue
	// {"batchItemFailures":[{"itemIdentifier":"m-1"}]}
	// StopGroup
	// {"batchItemFailures":[{"itemIdentifier":"m-1"},{"itemIdentifier":"m-2"}]}
	// StopBatch
	// {"batchItemFailures":[{"itemIdentifier":"m-1"},{"itemIdentifier":"m-2"},{"itemIdentifier":"m-3"}]}
}

func ExamplePolicy_String() {
	fmt.Println(batch.Continue, batch.StopGroup, batch.StopBatch)
	// Output: Continue StopGroup StopBatch
}

// The records' contexts end ten seconds before the function's deadline.
func ExampleWithReserve() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	messages := batch.SQS(ctx, threeMessages(), batch.WithReserve(10*time.Second))
	for r := range messages {
		function, _ := ctx.Deadline()
		record, _ := r.Context().Deadline()
		fmt.Println(r.Record().ID, function.Sub(record))
	}
	// Output:
	// m-1 10s
	// m-2 10s
	// m-3 10s
}

// m-1 fails on its first and last receive, so SQS is about to move it to the dead-letter queue. It does not
// hold back m-2, which is in the same group.
func ExampleWithMaxReceives() {
	messages := batch.SQS(context.Background(), threeMessages(), batch.WithMaxReceives(1))
	printResponse(batch.Run(messages, outOfStock("m-1")))
	// Output: {"batchItemFailures":[{"itemIdentifier":"m-1"}]}
}

// m-1 fails, and m-2 is held back because it is in the same group.
func ExampleWithLogger() {
	withoutTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
	messages := batch.SQS(context.Background(), threeMessages(), batch.WithLogger(logger))
	printResponse(batch.Run(messages, outOfStock("m-1")))
	// Output:
	// level=ERROR msg="record failed" record=m-1 group=ada attempt=1 error="out of stock"
	// level=WARN msg="records not processed" records=3 blocked=1
	// {"batchItemFailures":[{"itemIdentifier":"m-1"},{"itemIdentifier":"m-2"}]}
}

// m-1 fails, and m-2 is held back because it is in the same group.
func ExampleWithReport() {
	report := func(_ context.Context, r batch.Report) {
		fmt.Printf("%d of %d will be redelivered: %d failed, %d blocked\n", r.Reported(), r.Records, r.Failed, r.Blocked)
	}
	messages := batch.SQS(context.Background(), threeMessages(), batch.WithReport(report))
	printResponse(batch.Run(messages, outOfStock("m-1")))
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
	now := func() time.Time { return time.UnixMilli(1_763_884_800_000) } // use time.Now in a function
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
	messages := batch.SQS(context.Background(), threeMessages(), batch.WithReport(emit))
	_, _ = batch.Run(messages, outOfStock("m-1"))
	// Output: {"_aws":{"Timestamp":1763884800000,"CloudWatchMetrics":[{"Namespace":"Orders","Dimensions":[["Function"]],"Metrics":[{"Name":"Records","Unit":"Count"},{"Name":"Redelivered","Unit":"Count"},{"Name":"Failed","Unit":"Count"},{"Name":"Blocked","Unit":"Count"},{"Name":"Running","Unit":"Count"}]}]},"Function":"orders","Records":3,"Redelivered":2,"Failed":1,"Blocked":1,"Running":0}
}

// Every log line of a function names the record that the function works on. The scope puts a logger into the
// record's context, and logs the outcome when the response is known.
func ExampleWithScope() {
	type loggerKey struct{}
	withoutTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	base := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
	open := func(ctx context.Context, r batch.Record) (context.Context, func(batch.Outcome)) {
		logger := base.With("record", r.ID)
		return context.WithValue(ctx, loggerKey{}, logger), func(o batch.Outcome) {
			logger.Info("outcome", "error", o.Err)
		}
	}
	messages := batch.SQS(context.Background(), threeMessages(), batch.WithScope(open))
	printResponse(batch.Run(messages, batch.Each(func(ctx context.Context, m events.SQSMessage) error {
		ctx.Value(loggerKey{}).(*slog.Logger).Info("charging")
		if m.MessageId == "m-3" {
			return errRefused
		}
		return nil
	})))
	// Output:
	// level=INFO msg=charging record=m-1
	// level=INFO msg=charging record=m-2
	// level=INFO msg=charging record=m-3
	// level=INFO msg=outcome record=m-1 error=<nil>
	// level=INFO msg=outcome record=m-2 error=<nil>
	// level=INFO msg=outcome record=m-3 error="card refused"
	// {"batchItemFailures":[{"itemIdentifier":"m-3"}]}
}

// m-1 and m-3 fail, and m-2 is held back: nothing is acknowledged. First without the option, then with it.
func ExampleWithoutAllFailedError() {
	messages := batch.SQS(context.Background(), threeMessages())
	printResponse(batch.Run(messages, outOfStock("m-1", "m-3")))

	messages = batch.SQS(context.Background(), threeMessages(), batch.WithoutAllFailedError())
	printResponse(batch.Run(messages, outOfStock("m-1", "m-3")))
	// Output:
	// error: 0 of 3 records acknowledged: m-1: out of stock; m-2: blocked by record "m-1"; m-3: out of stock
	// {"batchItemFailures":[{"itemIdentifier":"m-1"},{"itemIdentifier":"m-2"},{"itemIdentifier":"m-3"}]}
}
