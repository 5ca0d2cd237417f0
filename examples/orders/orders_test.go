package main

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/matryer/is"
)

func TestTheBuiltInEventReportsWhatFailed(t *testing.T) {
	is := is.New(t)
	var stdout, stderr bytes.Buffer
	is.NoErr(once(nil, &stdout, &stderr))
	is.Equal(stdout.String(), `{"batchItemFailures":[`+
		`{"itemIdentifier":"00000003-5d1c-4b5a-9f2e-7c3b6a1d2e4f"},`+ // a broken body
		`{"itemIdentifier":"00000004-5d1c-4b5a-9f2e-7c3b6a1d2e4f"},`+ // a refused card
		`{"itemIdentifier":"00000005-5d1c-4b5a-9f2e-7c3b6a1d2e4f"}]}`+"\n") // a panic
}

func TestWhatIsChargedIsStored(t *testing.T) {
	is := is.New(t)
	var store Store
	_, err := store.handler().Invoke(t.Context(), builtIn)
	is.NoErr(err)
	is.Equal(store.receipts, map[string]Receipt{
		"order-1": {Order: "order-1", Cents: 4200, CentsPerParcel: 2100},
		"order-6": {Order: "order-6", Cents: 3100, CentsPerParcel: 3100},
	})
}

func TestARealEventIsAnswered(t *testing.T) {
	is := is.New(t)
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-lambda-go").Output()
	is.NoErr(err)
	file := filepath.Join(strings.TrimSpace(string(module)), "events", "testdata", "sqs-event.json")
	var stdout, stderr bytes.Buffer
	is.NoErr(once([]string{file}, &stdout, &stderr))
	is.Equal(stdout.String(), `{"batchItemFailures":[{"itemIdentifier":"MessageID_1"}]}`+"\n") // its body is no order
	is.True(strings.HasPrefix(stderr.String(), "orders: all 1 records failed: MessageID_1: "))
}

func TestAnUnreadableFileIsOneLine(t *testing.T) {
	is := is.New(t)
	err := once([]string{filepath.Join(t.TempDir(), "missing.json")}, nil, nil)
	is.True(err != nil)
	is.True(!strings.Contains(err.Error(), "\n"))
}
