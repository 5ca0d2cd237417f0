package main

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch/batchtest"
	"github.com/matryer/is"
	"pgregory.net/rapid"

	"github.com/lambdabatch/batch/examples/internal/local"
)

// run runs the program without AWS.
func run(args ...string) (status int, stdout, stderr string) {
	var out, log bytes.Buffer
	status = local.Run(new(Store).handler(), builtIn, append([]string{"orders"}, args...), &out, &log)
	return status, out.String(), log.String()
}

func TestTheBuiltInEventReportsFailedOrders(t *testing.T) {
	is := is.New(t)
	status, stdout, _ := run()
	is.Equal(status, 0)
	is.Equal(stdout, `{"batchItemFailures":[`+
		`{"itemIdentifier":"00000003-5d1c-4b5a-9f2e-7c3b6a1d2e4f"},`+ // a broken body
		`{"itemIdentifier":"00000004-5d1c-4b5a-9f2e-7c3b6a1d2e4f"},`+ // a refused card
		`{"itemIdentifier":"00000005-5d1c-4b5a-9f2e-7c3b6a1d2e4f"}]}`+"\n") // a panic
}

func TestChargedOrdersAreStored(t *testing.T) {
	is := is.New(t)
	var store Store
	_, err := store.handler().Invoke(t.Context(), builtIn)
	is.NoErr(err)
	is.Equal(store.receipts, map[string]Receipt{
		"order-1": {Order: "order-1", Cents: 4200, CentsPerParcel: 2100},
		"order-6": {Order: "order-6", Cents: 3100, CentsPerParcel: 3100},
	})
}

func TestARealEventIsProcessed(t *testing.T) {
	is := is.New(t)
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-lambda-go").Output()
	is.NoErr(err)
	status, stdout, stderr := run(filepath.Join(strings.TrimSpace(string(module)), "events", "testdata", "sqs-event.json"))
	is.Equal(status, 0)
	is.Equal(stdout, `{"batchItemFailures":[{"itemIdentifier":"MessageID_1"}]}`+"\n") // its body is not an order
	is.True(strings.HasPrefix(stderr, "orders: 0 of 1 records acknowledged: MessageID_1: "))
}

func TestTheStageObeysTheLaws(t *testing.T) {
	bodies := rapid.SampledFrom([]string{
		`{"id":"o-1","cents":100,"parcels":1}`, `{"id":"o-2","cents":100,"parcels":0}`, `{"id":"o-3"}`,
		`{"id":"o-4","cents":1,"customer":"blocked"}`, `{`, ``,
	})
	messages := rapid.Map(bodies, func(body string) events.SQSMessage { return events.SQSMessage{Body: body} })
	batchtest.CheckStage(t, messages, new(Store).process)
}
