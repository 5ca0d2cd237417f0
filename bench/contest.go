package main

// What is compared with what.

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

// A contest is one piece of work that several rivals do, each in its own way.
type contest struct {
	part    string // of the command: what -only selects
	name    string // within the part
	records int
	rivals  []rival
	env     []string // of the rivals
}

// A rival is one way to do the work of a contest: a Go function, or a program
// for Node.
type rival struct {
	name string
	node func(payload string) []string

	// ready prepares what is not measured. The context has a deadline.
	ready func(context.Context) (once func() error)
}

// The names of rivals that targets speak of.
const (
	libraryV1  = "batch, encoding/json"
	libraryV2  = "batch, json/v2"
	library    = "batch"
	byHand     = "lambda.NewHandler, loop"
	powertools = "Powertools TypeScript, sync"
	powerAsync = "Powertools TypeScript, async"
	plain      = "plain chain"
	loop       = "loop"
	loIt       = "lo/it"
	running    = "batch, Run with a deadline"
	conc       = "conc/iter"
	errGroup   = "errgroup"
	floor      = "floor"
	untimed    = "batch, Run"
	collecting = "batch, Collect"
)

// sizes are those of the chart; few are what an invocation costs by itself.
var (
	sizes = []size{{n: 10}, {n: 100}, {n: 1_000}, {n: 10_000}}
	few   = []size{{n: 1, none: true}, {n: 10, none: true}}
)

// source is one kind of event.
type source struct {
	name    string
	payload func(size) []byte
	rivals  []handlerRival
}

type handlerRival struct {
	name    string
	handler lambda.Handler
}

func sources() []source {
	return []source{
		{"sqs", sqsPayload, []handlerRival{
			{libraryV2, librarySQS(v2)},
			{libraryV1, librarySQS(v1)},
			{byHand, byHandSQS()},
			{floor, floorSQS{}},
		}},
		{"kinesis", kinesisPayload, []handlerRival{
			{libraryV2, libraryKinesis(v2)},
			{libraryV1, libraryKinesis(v1)},
			{byHand, byHandKinesis()},
		}},
		{"dynamodb", dynamoDBPayload, []handlerRival{
			{library, libraryDynamoDB()},
			{byHand, byHandDynamoDB()},
		}},
	}
}

func contests() []contest {
	var all []contest
	for _, s := range sources() {
		for _, size := range append(few, sizes...) {
			all = append(all, s.contest(size))
		}
	}
	for _, size := range sizes {
		all = append(all, fiveStages(size.n))
	}
	for _, n := range []int{1, 10, 100} {
		all = append(all, noStage(n))
	}
	seldom := lanes("0.3 µs, GOGC=400", 300*time.Nanosecond)
	seldom.env = []string{"GOGC=400"}
	return append(all, lanes("3 µs", 3*time.Microsecond), lanes("0.3 µs", 300*time.Nanosecond), seldom)
}

// contest is payload bytes to response bytes.
func (s source) contest(size size) contest {
	c := contest{part: s.name, name: size.String(), records: size.n}
	for _, r := range s.rivals {
		c.rivals = append(c.rivals, rival{name: r.name, ready: func(context.Context) func() error {
			payload := s.payload(size)
			return func() error {
				_, err := invoke(r.handler, payload)
				return err
			}
		}})
	}
	for _, mode := range []string{"sync", "async"} {
		c.rivals = append(c.rivals, rival{
			name: map[string]string{"sync": powertools, "async": powerAsync}[mode],
			node: func(payload string) []string { return []string{"worker.mjs", s.name, mode, payload} },
		})
	}
	return c
}

// invoke answers one invocation as the runtime has it answered: with a deadline.
func invoke(h lambda.Handler, payload []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return h.Invoke(ctx, payload)
}

// discardLog has the log written as a Lambda function does, to nowhere.
func discardLog() {
	slog.SetDefault(slog.New(slog.NewJSONHandler(discard{}, nil)))
}

// discard is no io.Discard, for which slog would not format anything.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func find(part, name, rivalName string) (rival, error) {
	for _, c := range contests() {
		for _, r := range c.rivals {
			if c.part == part && c.name == name && r.name == rivalName && r.ready != nil {
				return r, nil
			}
		}
	}
	return rival{}, fmt.Errorf("no rival %q in %s %s", rivalName, part, name)
}

// writePayload puts the payload where a program for Node reads it.
func (c contest) writePayload(dir string) (path string, err error) {
	for _, s := range sources() {
		for _, size := range append(few, sizes...) {
			if s.name == c.part && size.String() == c.name {
				path = fmt.Sprintf("%s/%s.json", dir, c.part)
				return path, os.WriteFile(path, s.payload(size), 0o644)
			}
		}
	}
	return "", nil
}
