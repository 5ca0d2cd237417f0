package local_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/matryer/is"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/examples/internal/local"
)

var builtIn = []byte(`{"Records":[
	{"messageId":"m-1","body":"good","eventSource":"aws:sqs"},
	{"messageId":"m-2","body":"bad","eventSource":"aws:sqs"}]}`)

// run runs a function that refuses bad messages.
func run(args ...string) (status int, stdout, stderr string) {
	refuse := func(_ context.Context, m events.SQSMessage) error {
		if m.Body == "bad" {
			return errors.New("refused")
		}
		return nil
	}
	var out, log bytes.Buffer
	handler := batch.SQSHandler(batch.Each(refuse), batch.WithLogger(nil))
	status = local.Run(handler, builtIn, append([]string{"/bin/program"}, args...), &out, &log)
	return status, out.String(), log.String()
}

func file(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "event.json")
	is.New(t).NoErr(os.WriteFile(name, []byte(content), 0o600))
	return name
}

func TestTheBuiltInEventIsProcessedIfNoneIsNamed(t *testing.T) {
	is := is.New(t)
	status, stdout, stderr := run()
	is.Equal(status, 0)
	is.Equal(stdout, `{"batchItemFailures":[{"itemIdentifier":"m-2"}]}`+"\n")
	is.Equal(stderr, "")
}

func TestTheNamedEventIsProcessed(t *testing.T) {
	is := is.New(t)
	status, stdout, _ := run(file(t, `{"Records":[{"messageId":"m-3","body":"good","eventSource":"aws:sqs"}]}`))
	is.Equal(status, 0)
	is.Equal(stdout, `{"batchItemFailures":[]}`+"\n")
}

func TestABatchThatFailedCompletelyIsShownAsAFullResponse(t *testing.T) {
	is := is.New(t)
	status, stdout, stderr := run(file(t, `{"Records":[{"messageId":"m-3","body":"bad","eventSource":"aws:sqs"}]}`))
	is.Equal(status, 0)
	is.Equal(stdout, `{"batchItemFailures":[{"itemIdentifier":"m-3"}]}`+"\n")
	is.Equal(stderr, "program: 0 of 1 records acknowledged: m-3: refused\n")
}

func TestAFileThatIsNotAnEventPrintsOneLineAndExitsWithStatusOne(t *testing.T) {
	for _, name := range []string{filepath.Join(t.TempDir(), "missing.json"), file(t, "no event")} {
		t.Run(filepath.Base(name), func(t *testing.T) {
			is := is.New(t)
			status, stdout, stderr := run(name)
			is.Equal(status, 1)
			is.Equal(stdout, "")
			is.True(strings.HasPrefix(stderr, "program: "))
			is.Equal(strings.Count(stderr, "\n"), 1)
		})
	}
}
