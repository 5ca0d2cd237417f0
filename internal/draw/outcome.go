package draw

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"sync"

	"github.com/lambdabatch/batch"
	"github.com/samber/lo"
)

// Outcome is everything that is visible of a response.
type Outcome struct {
	Error    string
	Listed   []string // the identifiers in the response
	Reports  int      // how often the report function was called
	Counts   [6]int   // Records, Acknowledged, Failed, Blocked, NotStarted, Unreached
	Failures []string
	Logged   []string // the identifiers of the records that were logged as failed
}

// visible removes the parts that only a report contains, if there was no report.
func (o Outcome) visible() Outcome {
	if o.Reports == 0 {
		o.Counts, o.Failures = [6]int{}, nil
	}
	return o
}

// Observer collects an Outcome.
type Observer struct {
	Outcome
	mu sync.Mutex // a function that was left running may still be logging
}

// Options returns the options with which a source informs the Observer.
func (o *Observer) Options() []batch.Option {
	return []batch.Option{batch.WithReport(o.report), batch.WithLogger(slog.New(o))}
}

func (o *Observer) report(_ context.Context, r batch.Report) {
	o.Reports++
	o.Counts = [6]int{r.Records, r.Acknowledged, r.Failed, r.Blocked, r.NotStarted, r.Unreached}
	o.Failures = failuresOf(r.Failures)
}

// failuresOf returns nil if there are no failures, as Outcomes of the model do.
func failuresOf(all []batch.Failure) (texts []string) {
	for _, f := range all {
		texts = append(texts, strconv.Itoa(f.Record.Index)+": "+describe(f.Err))
	}
	return texts
}

// Answer returns the Outcome for the results of Collect or Run.
func (o *Observer) Answer(r batch.Response, err error) Outcome {
	o.Listed = lo.Map(r.BatchItemFailures, func(f batch.ItemFailure, _ int) string { return f.ItemIdentifier })
	o.Error = kindOf(err)
	return o.outcome()
}

func (o *Observer) outcome() Outcome {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.Outcome
}

// Payload returns the Outcome for the results of a handler.
func (o *Observer) Payload(payload []byte, err error) Outcome {
	o.Error = kindOf(err)
	if err != nil {
		return o.outcome()
	}
	var r struct {
		BatchItemFailures []struct{ ItemIdentifier any }
	}
	if err := json.Unmarshal(payload, &r); err != nil {
		o.Error = "unreadable response: " + err.Error()
	}
	o.Listed = []string{}
	for _, f := range r.BatchItemFailures {
		id, ok := f.ItemIdentifier.(string)
		if !ok {
			at := f.ItemIdentifier.(map[string]any)
			id = at["partition"].(string) + "/" + strconv.FormatFloat(at["offset"].(float64), 'f', -1, 64)
		}
		o.Listed = append(o.Listed, id)
	}
	return o.outcome()
}

// Parts is the result of Partition.
type Parts struct{ Values, Failures []string }

// Parted makes Parts of the results of Partition.
func Parted(values []string, failures []batch.Failure) Parts {
	return Parts{values, failuresOf(failures)}
}

func kindOf(err error) string {
	var all *batch.AllFailedError
	switch {
	case err == nil:
		return ""
	case errors.Is(err, batch.ErrNoID):
		return "no identifier"
	case errors.As(err, &all):
		return "all failed"
	}
	return err.Error()
}

// The Observer is also the slog.Handler of its Options.

func (o *Observer) Enabled(context.Context, slog.Level) bool { return true }
func (o *Observer) WithAttrs([]slog.Attr) slog.Handler       { panic("draw: not expected") }
func (o *Observer) WithGroup(string) slog.Handler            { panic("draw: not expected") }

func (o *Observer) Handle(_ context.Context, r slog.Record) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	r.Attrs(func(a slog.Attr) bool {
		if r.Message == "record failed" && a.Key == "record" {
			o.Logged = append(o.Logged, a.Value.String())
		}
		return a.Key != "record"
	})
	return nil
}
