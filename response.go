package batch

// The answer: the partial-failure response, the error of a batch in which everything
// failed, and the report.

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/lambdabatch/batch/internal/printable"
)

// A Response is the partial-failure response: the records that the service
// delivers again. Every other record of the batch is deleted. It is read only if
// the event source mapping has ReportBatchItemFailures among its
// FunctionResponseTypes.
//
// See https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html.
type Response struct {
	BatchItemFailures []ItemFailure `json:"batchItemFailures"`
}

// ItemFailure names one record of a [Response].
type ItemFailure struct {
	// ItemIdentifier is the ID of the Record. That of a Kafka record is marshalled
	// as the object of partition and offset that the service expects.
	ItemIdentifier string `json:"itemIdentifier"`

	kafka bool
}

// MarshalJSON writes an empty list for a Response without failures: never null.
func (r Response) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, len(`{"batchItemFailures":[]}`)+64*len(r.BatchItemFailures))
	b = append(b, `{"batchItemFailures":[`...)
	for i, failure := range r.BatchItemFailures {
		if i > 0 {
			b = append(b, ',')
		}
		b = failure.appendJSON(b)
	}
	return append(b, `]}`...), nil
}

// MarshalJSON writes the identifier in the form of its source.
func (f ItemFailure) MarshalJSON() ([]byte, error) { return f.appendJSON(nil), nil }

func (f ItemFailure) appendJSON(b []byte) []byte {
	b = append(b, `{"itemIdentifier":`...)
	if slash := strings.LastIndexByte(f.ItemIdentifier, '/'); f.kafka && slash >= 0 {
		b = append(b, `{"partition":`...)
		b = appendQuoted(b, f.ItemIdentifier[:slash])
		b = append(b, `,"offset":`...)
		b = append(b, f.ItemIdentifier[slash+1:]...)
		b = append(b, '}')
	} else {
		b = appendQuoted(b, f.ItemIdentifier)
	}
	return append(b, '}')
}

// appendQuoted replaces invalid UTF-8, which no identifier of a service has.
func appendQuoted(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s)
	return b
}

// A Failure is a reported record and the reason why it is reported.
type Failure struct {
	Record Record
	Err    error
}

// AllFailedError is the error of a batch in which nothing was acknowledged. The
// service treats it as the full response, and halves the batch if it is a
// stream's with BisectBatchOnFunctionError.
type AllFailedError struct {
	Failures []Failure // one for each record, in batch order
}

func (e *AllFailedError) Error() string {
	const shown, length = 3, 200
	var text strings.Builder
	fmt.Fprintf(&text, "all %d records failed: ", len(e.Failures))
	for i, failure := range e.Failures[:min(shown, len(e.Failures))] {
		if i > 0 {
			text.WriteString("; ")
		}
		fmt.Fprintf(&text, "%s: %s", printable.Clipped(failure.Record.ID, length), printable.Clipped(errorText(failure.Err), length))
	}
	if more := len(e.Failures) - shown; more > 0 {
		fmt.Fprintf(&text, "; and %d more", more)
	}
	return text.String()
}

// Unwrap returns the errors of the records.
func (e *AllFailedError) Unwrap() []error {
	causes := make([]error, len(e.Failures))
	for i, failure := range e.Failures {
		causes[i] = failure.Err
	}
	return causes
}

// errorText survives an Error method that panics, as that of a nil pointer does: an error is
// the user's code.
func errorText(err error) string {
	text := fmt.Sprint(err)
	if text == "<nil>" {
		return fmt.Sprintf("an error that is a nil %T", err)
	}
	return text
}

// ErrNoID is the error of a batch in which a record is to be reported that has no
// identifier. An empty identifier would void the whole response, so the whole
// batch is redelivered.
var ErrNoID = errors.New("no identifier")

// A Report counts what became of a batch. Records is the sum of the five counts
// that follow it. The usual sentence is "4 of 5 will be redelivered: 1 failed, 3 blocked", which is
// Reported() of Records: Failed, Blocked. Failed counts only the records that failed
// themselves: to see how much is redelivered use [Report.Reported].
type Report struct {
	Records      int
	Acknowledged int       // not in the response
	Failed       int       // failed themselves: a function failed, or the record could not be decoded
	Blocked      int       // held back by a failure, or reported because of one
	NotStarted   int       // the context ended before a function was called
	Unreached    int       // dropped by a stage, or not done when the answer was due: running, or waiting for what ran
	Running      int       // the part of Unreached whose function had not returned
	Failures     []Failure // one for each reported record, in batch order
	Elapsed      time.Duration
}

// Reported is the number of records that are redelivered: all but the acknowledged ones. On a stream
// the service redelivers everything from the first reported record on, which may be more.
func (r Report) Reported() int { return r.Records - r.Acknowledged }
