package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/samber/lo"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/internal/stacktrace"
)

// fates says per record what became of it and why.
func (d delivery) fates(r batch.Report, response []byte, j *journal) []string {
	fates := make([]string, len(d.records))
	for i := range fates {
		fates[i] = "done"
	}
	if d.service == firehose {
		for i, result := range firehoseResults(response) {
			if i < len(fates) {
				fates[i] = result.text()
			}
		}
	}
	for _, f := range r.Failures {
		if i := f.Record.Index; i < len(fates) {
			fates[i] = d.shortened(d.reason(f))
		}
	}
	for i, fate := range fates {
		fates[i] = withNotes(fate, j.of(i))
	}
	return fates
}

// withNotes adds what the record's functions have done.
func withNotes(fate string, notes []string) string {
	switch did := strings.Join(notes, ", "); {
	case did == "":
		return fate
	case fate == "done":
		return "done: " + did
	default:
		return did + ", then " + fate
	}
}

// reason is one line, also for a panic.
func (d delivery) reason(f batch.Failure) string {
	text := f.Err.Error()
	if p, ok := errors.AsType[*batch.PanicError](f.Err); ok {
		at, _ := stacktrace.Of(p.Stack)
		return fmt.Sprintf("%s (%s)", text, at)
	}
	if errors.Is(f.Err, batch.ErrBlocked) || errors.Is(f.Err, batch.ErrNotStarted) || errors.Is(f.Err, batch.ErrUnreached) {
		return text
	}
	switch {
	case d.service == firehose && !d.failed:
		return events.KinesisFirehoseTransformedStateProcessingFailed + ": " + text
	case f.Record.Attempt > 1:
		return fmt.Sprintf("failed on receive %d: %s", f.Record.Attempt, text)
	}
	return "failed: " + text
}

// verdict says what the service makes of the response.
func (d delivery) verdict(r batch.Report, response []byte) string {
	switch {
	case d.failed && r.Records == 0:
		return "The invocation failed, so the service repeats it."
	case d.failed && d.service == firehose:
		return fmt.Sprintf("The invocation failed, so Firehose repeats it with all %s.", counted(r.Records))
	case d.failed:
		return fmt.Sprintf("The invocation failed, so the service redelivers all %s.", counted(r.Records))
	case d.service == firehose:
		return firehoseVerdict(firehoseResults(response))
	case r.Reported() == 0 && d.final:
		return "None will be redelivered. The window is over, and Lambda drops its state."
	case r.Reported() == 0 && d.state != nil:
		return "None will be redelivered: the response lists none. The next invocation receives the state in it."
	case d.service == stream && r.Reported() == 0:
		return "None will be redelivered: the response lists none, and Lambda reads on in the shard."
	case d.service == stream:
		n := r.Records - r.Failures[0].Record.Index
		return fmt.Sprintf("%d of %d will be redelivered: %s. Lambda reads the shard again from the first one listed.",
			n, r.Records, causes(r))
	case r.Reported() == 0:
		return "None will be redelivered: the response lists none, and SQS deletes all."
	case r.Acknowledged == 0:
		return fmt.Sprintf("All %d will be redelivered: %s.", r.Records, causes(r)) + exception(r)
	}
	return fmt.Sprintf("%d of %d will be redelivered: %s. The response lists them, and SQS deletes the other %d.",
		r.Reported(), r.Records, causes(r), r.Acknowledged) + exception(r)
}

// exception is a sentence about messages that may have been received as often as their queue allows.
func exception(r batch.Report) string {
	if lo.SomeBy(r.Failures, func(f batch.Failure) bool { return f.Record.Attempt > 1 }) {
		return "\nA message that has been received maxReceiveCount times moves to the dead-letter queue instead."
	}
	return ""
}

func causes(r batch.Report) string {
	var parts []string
	for _, part := range []struct {
		n    int
		what string
	}{
		{r.Failed, "failed"}, {r.Blocked, "blocked"}, {r.NotStarted, "not started"}, {r.Unreached, "unreached"},
	} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.what))
		}
	}
	return strings.Join(parts, ", ")
}

// A firehoseResult is what a response to Firehose says about one record.
type firehoseResult struct {
	Result   string
	Data     []byte
	Metadata struct{ PartitionKeys map[string]string }
}

func firehoseResults(response []byte) []firehoseResult {
	var read struct{ Records []firehoseResult }
	_ = json.Unmarshal(response, &read) // there is none if the invocation failed
	return read.Records
}

func (r firehoseResult) text() string {
	if r.Result != events.KinesisFirehoseTransformedStateOk {
		return r.Result
	}
	words := []string{r.Result + ":", arrival{text: string(r.Data)}.clipped()}
	if keys := r.Metadata.PartitionKeys; len(keys) > 0 {
		words = append(words, "in partition")
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			words = append(words, key+"="+keys[key])
		}
	}
	return strings.Join(words, " ")
}

func firehoseVerdict(results []firehoseResult) string {
	n := lo.CountValuesBy(results, func(r firehoseResult) string { return r.Result })
	return fmt.Sprintf("%d Ok: delivered with the new data. %d Dropped: not delivered. %d ProcessingFailed: stored under the error prefix.\n"+
		"Firehose redelivers none of them.",
		n[events.KinesisFirehoseTransformedStateOk], n[events.KinesisFirehoseTransformedStateDropped],
		n[events.KinesisFirehoseTransformedStateProcessingFailed])
}
