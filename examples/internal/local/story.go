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
	"github.com/lambdabatch/batch/internal/watch"
)

// Tell is [Run] with a story on stderr: which records arrived, what became of each one and why, and
// which will be redelivered. Lines that functions log at level Info are part of the story; no other
// line is logged.
func Tell(handler *batch.Handler, builtIn []byte, args []string, stdout, stderr io.Writer) int {
	n := &narrator{handler: handler, out: stderr}
	defer n.listen()()
	return newProgram(args, stdout, stderr).run(n.invoke, builtIn)
}

// TellWindow is [Tell] for a function with tumbling windows. The file, or builtIn, holds a list of
// events: the invocations of one window. Each event but the first gets the state of the previous response.
func TellWindow(handler *batch.Handler, builtIn []byte, args []string, stdout, stderr io.Writer) int {
	n := &narrator{handler: handler, out: stderr}
	defer n.listen()()
	p := newProgram(args, stdout, stderr)
	return p.status(p.runWindow(n, builtIn))
}

func (p program) runWindow(n *narrator, builtIn []byte) error {
	file, err := p.event(builtIn)
	if err != nil {
		return err
	}
	var invocations []map[string]json.RawMessage
	if err := json.Unmarshal(file, &invocations); err != nil {
		return fmt.Errorf("not a list of events: %w", err)
	}
	var last struct{ State json.RawMessage }
	for i, event := range invocations {
		if event == nil {
			return fmt.Errorf("event %d is null", i+1)
		}
		if i > 0 {
			event["state"] = last.State
			fmt.Fprintln(p.stderr)
		}
		payload, err := json.Marshal(event)
		if err != nil {
			return err
		}
		n.title = fmt.Sprintf("Invocation %d of %d: ", i+1, len(invocations))
		response, err := p.respond(n.invoke, payload)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(response, &last); err != nil {
			return err
		}
	}
	return nil
}

// A narrator tells what became of the records of each invocation.
type narrator struct {
	handler *batch.Handler
	out     io.Writer
	title   string // of the invocation, "" if there is only one
	journal *journal
}

// listen has the functions' log lines go into the journal until the returned function is called.
func (n *narrator) listen() (end func()) {
	before := slog.Default()
	n.journal = newJournal()
	slog.SetDefault(slog.New(n.journal))
	return func() { slog.SetDefault(before) }
}

func (n *narrator) invoke(ctx context.Context, event []byte) ([]byte, error) {
	n.journal.clear()
	var report *batch.Report
	hear := func(_ context.Context, r batch.Report) { report = &r }
	response, err := n.handler.Invoke(context.WithValue(ctx, watch.Key{}, hear), event)
	if report != nil {
		d := read(event)
		_, allFailed := errors.AsType[*batch.AllFailedError](err)
		d.failed = err != nil && !allFailed
		n.tell(d, *report, response)
	}
	return response, err
}

func (n *narrator) tell(d delivery, r batch.Report, response []byte) {
	fmt.Fprintf(n.out, "%s%s arrived%s\n\n", n.title, counted(r.Records), d.circumstances())
	fates := d.fates(r, response, n.journal)
	table := tabwriter.NewWriter(n.out, 0, 0, 2, ' ', 0)
	for i, a := range d.records {
		fmt.Fprintf(table, "  %s\t%s\t%s\n", a.shortID(), a.clipped(), fates[i])
	}
	_ = table.Flush()
	if notes := n.journal.ofBatch(); len(notes) > 0 {
		if len(d.records) > 0 {
			fmt.Fprintln(n.out)
		}
		fmt.Fprintf(n.out, "  %s\n", strings.Join(notes, "\n  "))
	}
	fmt.Fprintf(n.out, "\n%s\n", d.verdict(r, response))
	if !d.failed {
		fmt.Fprintln(n.out, "The response:")
	}
}

func counted(records int) string {
	switch records {
	case 0:
		return "no records"
	case 1:
		return "1 record"
	}
	return fmt.Sprintf("%d records", records)
}
