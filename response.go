package batch

// The partial-failure response, the error of a batch in which everything failed, and the report.

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/lambdabatch/batch/internal/printable"
)

// A Response is the partial-failure response of a handler: the list of the records to be
// redelivered. SQS deletes every other message. From a stream, the service redelivers
// everything from the lowest listed record on.
//
// The service reads the Response only if the event source mapping has
// ReportBatchItemFailures among its FunctionResponseTypes.
//
// See https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html.
type Response struct {
	BatchItemFailures []ItemFailure `json:"batchItemFailures"`
}

// ItemFailure identifies one record in a [Response].
type ItemFailure struct {
	// ItemIdentifier is the ID of the Record. The one of a Kafka record is marshalled
	// as an object with partition and offset, which is what the service expects.
	ItemIdentifier string `json:"itemIdentifier"`

	kafka bool
}

// MarshalJSON writes a list even if there are no failures, never null.
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

// MarshalJSON writes the identifier in the form that its source expects.
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

// appendQuoted replaces invalid UTF-8. No identifier of a service contains any.
func appendQuoted(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s)
	return b
}

// A Failure is a reported record and the reason for reporting it.
type Failure struct {
	Record Record
	Err    error
}

// AllFailedError is the error of a batch in which no record was acknowledged. The same
// records are redelivered as with a response that lists all of them. But the invocation
// counts as an error of the function, and a batch of a stream is halved if its event source
// mapping has BisectBatchOnFunctionError. [WithoutAllFailedError] turns the error off.
//
// See https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html.
type AllFailedError struct {
	Failures []Failure // one per record, in batch order
}

func (e *AllFailedError) Error() string {
	const shown, length = 3, 200
	var text strings.Builder
	fmt.Fprintf(&text, "0 of %d records acknowledged: ", len(e.Failures))
	for i, failure := range e.Failures[:min(shown, len(e.Failures))] {
		if i > 0 {
			text.WriteString("; ")
		}
		fmt.Fprintf(&text, "%s: %s", printable.Clipped(failure.Record.ID, length), printable.Clipped(printable.ErrorText(failure.Err), length))
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

// ErrTooLarge is the error of a response that is larger than Lambda accepts: that of Firehose,
// or one with the state of a [Window].
var ErrTooLarge = errors.New("response too large")

// ErrNoID is the error of a batch that must report a record without an identifier. An
// empty identifier voids the whole response, so the whole batch is redelivered.
var ErrNoID = errors.New("no identifier")

// A Report counts what became of the records of a batch; see [WithReport]. Records is
// the sum of Acknowledged, Failed, Blocked, NotStarted and Unreached.
//
// Failed counts only the records that failed themselves. The number of redelivered records
// is [Report.Reported]. A log line might read "4 of 5 will be redelivered: 1 failed, 3
// blocked", made from Reported, Records, Failed and Blocked.
type Report struct {
	Records      int
	Acknowledged int           // not listed in the response
	Failed       int           // a function failed, or the record could not be decoded
	Blocked      int           // held back, or only reported, because another record failed
	NotStarted   int           // the record's context ended before a function was called
	Unreached    int           // dropped by a stage, or not finished when the response was due
	Running      int           // those of Unreached whose function had not returned
	Failures     []Failure     // one per reported record, in batch order
	Elapsed      time.Duration // from the start of the batch until the response was decided
}

// Reported returns the number of records that were not acknowledged, and so are redelivered.
// From a stream, the service redelivers everything from the first reported record on, which
// may be more.
func (r Report) Reported() int { return r.Records - r.Acknowledged }

const maxResponse = 6 << 20

// marshalResponse returns a response as JSON, or an error if that is too large for Lambda.
func marshalResponse[R any](r R) ([]byte, error) {
	b, err := json.Marshal(r)
	if len(b) > maxResponse {
		return nil, fmt.Errorf("%w: %d bytes, but a response holds %d", ErrTooLarge, len(b), maxResponse)
	}
	return b, err
}
