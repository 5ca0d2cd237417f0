package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"text/tabwriter"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/internal/stacktrace"
	"github.com/lambdabatch/batch/internal/watch"
)

// Tell is Run for a person: it also writes to stderr what came, what became of it, and what is
// redelivered and why. That takes the place of the log.
func Tell(handler *batch.Handler, builtIn []byte, args []string, stdout, stderr io.Writer) int {
	log := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	defer slog.SetDefault(log)
	told := &telling{Handler: handler, to: stderr}
	return run(told.invoke, builtIn, args, stdout, stderr)
}

type telling struct {
	*batch.Handler
	to io.Writer
}

func (t *telling) invoke(ctx context.Context, event []byte) ([]byte, error) {
	var report *batch.Report
	hear := func(_ context.Context, r batch.Report) { report = &r }
	response, err := t.Invoke(context.WithValue(ctx, watch.Key{}, hear), event)
	if report != nil {
		tell(t.to, arrivals(event), *report)
	}
	return response, err
}

func tell(to io.Writer, came []arrival, r batch.Report) {
	why := make(map[int]string)
	for _, f := range r.Failures {
		why[f.Record.Index] = reason(f.Err)
	}
	fmt.Fprintf(to, "%d records came:\n\n", r.Records)
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	for i, a := range came {
		if why[i] == "" {
			why[i] = "done"
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\n", a.short(), clipped(a.text, 50), shortened(why[i], came))
	}
	_ = table.Flush()
	fmt.Fprintf(to, "\n%s. The answer:\n\n", verdict(came, r))
}

// verdict says what is redelivered.
func verdict(came []arrival, r batch.Report) string {
	if r.Reported() == 0 {
		return "Nothing is redelivered"
	}
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
	n, rest := r.Reported(), ""
	if first := r.Failures[0].Record.Index; first < len(came) && came[first].shard {
		n, rest = r.Records-first, ", since a shard is read again from the first one listed"
	}
	return fmt.Sprintf("%d of %d are redelivered: %s%s", n, r.Records, strings.Join(parts, ", "), rest)
}

// reason is a line, also for a panic.
func reason(err error) string {
	text := err.Error()
	if p, ok := errors.AsType[*batch.PanicError](err); ok {
		at, _ := stacktrace.Of(p.Stack)
		return fmt.Sprintf("%s (%s)", text, at)
	}
	if !errors.Is(err, batch.ErrBlocked) && !errors.Is(err, batch.ErrNotStarted) && !errors.Is(err, batch.ErrUnreached) {
		text = "failed: " + text
	}
	return text
}

// An arrival is a record of the event.
type arrival struct {
	id, text string
	shard    bool
}

// short is the part of the ID that differs: the first of a message's, the last of a sequence number.
func (a arrival) short() string {
	const letters = 8
	switch {
	case len(a.id) <= letters:
		return a.id
	case a.shard:
		return "…" + a.id[len(a.id)-letters:]
	}
	return a.id[:letters] + "…"
}

// shortened has the IDs as the other lines have them.
func shortened(text string, came []arrival) string {
	for _, a := range came {
		if a.id != "" {
			text = strings.ReplaceAll(text, a.id, a.short())
		}
	}
	return text
}

func arrivals(event []byte) (all []arrival) {
	var read struct {
		Records []struct {
			MessageID, Body string
			Kinesis         struct {
				SequenceNumber string
				Data           []byte
			}
		}
	}
	_ = json.Unmarshal(event, &read) // what cannot be read has no line
	for _, r := range read.Records {
		if r.MessageID != "" {
			all = append(all, arrival{id: r.MessageID, text: r.Body})
		} else {
			all = append(all, arrival{r.Kinesis.SequenceNumber, string(r.Kinesis.Data), true})
		}
	}
	return all
}

// clipped leaves out the middle of what is long.
func clipped(s string, most int) string {
	letters := []rune(strings.Join(strings.Fields(s), " "))
	if len(letters) <= most {
		return string(letters)
	}
	half := (most - 1) / 2
	return string(letters[:half]) + "…" + string(letters[len(letters)-half:])
}
