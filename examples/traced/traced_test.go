package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/matryer/is"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/lambdabatch/batch/examples/internal/local"
)

var durations = regexp.MustCompile(` +[0-9.]+(ms|µs|s) ?`)

func TestThePictureShowsTheOutcomeOfEachMessage(t *testing.T) {
	is := is.New(t)
	spans := tracetest.NewInMemoryExporter()
	var out, log bytes.Buffer
	is.Equal(local.Run(handler(spans), builtIn, []string{"traced"}, &out, &log), 0)
	is.Equal(out.String(), `{"batchItemFailures":[{"itemIdentifier":"m-3"},{"itemIdentifier":"m-4"},{"itemIdentifier":"m-5"}]}`+"\n")
	is.Equal(durations.ReplaceAllString(picture(spans.GetSpans()), " 1ms "), strings.TrimPrefix(`
process orders 1ms  message m-1  sent by span 00f067aa0ba902b1
├─ charge 1ms `+`
└─ store 1ms `+`
process orders 1ms  message m-2  sent by span 53995c3f42cd8ad8
├─ charge 1ms `+`
└─ store 1ms `+`
process orders 1ms  message m-3  ERROR body: unexpected end of JSON input
process orders 1ms  message m-4  ERROR order order-4: card refused  sent by span 00f067aa0ba902b4
└─ charge 1ms  ERROR order order-4: card refused
process orders 1ms  message m-5  ERROR panic: runtime error: integer divide by zero  sent by span 00f067aa0ba902b5
└─ charge 1ms `+`
`, "\n"))
}

func TestTheSpansAreExportedBeforeTheResponse(t *testing.T) {
	is := is.New(t)
	var out bytes.Buffer
	exporter, err := stdouttrace.New(stdouttrace.WithWriter(&out))
	is.NoErr(err)
	_, err = handler(exporter).Invoke(t.Context(), builtIn)
	is.NoErr(err)
	spans := json.NewDecoder(&out)
	n := 0
	for ; spans.More(); n++ {
		is.NoErr(spans.Decode(new(struct{ Name string })))
	}
	is.Equal(n, 11)
}
