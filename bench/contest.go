package main

// The contests and their rivals.

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

// A contest is a piece of work that several rivals do, each in its own way.
type contest struct {
	part    string // of the command: what -only selects
	name    string // within the part
	records int
	rivals  []rival
	env     []string      // added to the rivals' environment
	payload func() []byte // of the invocation; nil if there is none
}

// A rival is one way to do the work of a contest: a Go function or a Node program.
type rival struct {
	name string
	node func(payload string) []string

	// prepare does what is not measured, and returns the work. The context has a deadline.
	prepare func(context.Context) (work func() error)
}

// The names of the rivals.
const (
	libraryV1          = "batch, encoding/json"
	libraryV2          = "batch, json/v2"
	library            = "batch"
	byHand             = "lambda.NewHandler, loop"
	powertools         = "Powertools TypeScript, sync"
	powerAsync         = "Powertools TypeScript, async"
	chain              = "plain chain"
	loop               = "loop"
	loIt               = "lo/it"
	runWithDeadline    = "batch, Run with a deadline"
	conc               = "conc/iter"
	errGroup           = "errgroup"
	floor              = "floor"
	runWithoutDeadline = "batch, Run"
	collectOnly        = "batch, Collect"
)

// The chart shows sizes. The smallSizes show the fixed cost of an invocation.
var (
	sizes      = []size{{n: 10}, {n: 100}, {n: 1_000}, {n: 10_000}}
	smallSizes = []size{{n: 1, noneRefused: true}, {n: 10, noneRefused: true}}
)

// A source is one kind of event, with the handlers for it.
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
			{libraryV2, librarySQS(jsonV2)},
			{libraryV1, librarySQS(encodingJSON)},
			{byHand, byHandSQS()},
			{floor, floorSQS{}},
		}},
		{"kinesis", kinesisPayload, []handlerRival{
			{libraryV2, libraryKinesis(jsonV2)},
			{libraryV1, libraryKinesis(encodingJSON)},
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
		for _, size := range append(smallSizes, sizes...) {
			all = append(all, s.contest(size))
		}
		few := []size{{n: 10}}
		if s.name == "sqs" {
			few = slices.Concat(smallSizes, few)
		}
		for _, size := range few {
			all = append(all, s.contest(size).with(oneThread))
		}
	}
	for _, size := range sizes {
		all = append(all, stagesContest(size.n))
	}
	for _, n := range []int{1, 10, 100} {
		all = append(all, runContest(n))
	}
	short := lanesContest("0.3 µs", 300*time.Nanosecond)
	return append(all, lanesContest("3 µs", 3*time.Microsecond), short, short.with("GOGC=400"))
}

// oneThread makes Go use one thread for everything but system calls.
const oneThread = "GOMAXPROCS=1"

// with returns the same contest with an environment variable, which its name says.
func (c contest) with(variable string) contest {
	c.name += ", " + variable
	c.env = []string{variable}
	return c
}

// contest compares the handlers from payload bytes to response bytes.
func (s source) contest(size size) contest {
	payload := func() []byte { return s.payload(size) }
	c := contest{part: s.name, name: size.String(), records: size.n, payload: payload}
	for _, r := range s.rivals {
		c.rivals = append(c.rivals, rival{name: r.name, prepare: func(context.Context) func() error {
			bytes := payload()
			return func() error {
				_, err := invoke(r.handler, bytes)
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

// invoke calls a handler as the runtime does, with a deadline.
func invoke(h lambda.Handler, payload []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return h.Invoke(ctx, payload)
}

// discardLog formats log lines as a Lambda function does, and discards them.
func discardLog() {
	slog.SetDefault(slog.New(slog.NewJSONHandler(discard{}, nil)))
}

// discard replaces io.Discard, for which slog would not format anything.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func find(part, name, rivalName string) (rival, error) {
	for _, c := range contests() {
		for _, r := range c.rivals {
			if c.part == part && c.name == name && r.name == rivalName && r.prepare != nil {
				return r, nil
			}
		}
	}
	return rival{}, fmt.Errorf("no rival %q in %s %s", rivalName, part, name)
}

// writePayload writes the payload to a file for the Node programs, if there is one.
func (c contest) writePayload(dir string) (path string, err error) {
	if c.payload == nil {
		return "", nil
	}
	path = fmt.Sprintf("%s/%s.json", dir, c.part)
	return path, os.WriteFile(path, c.payload(), 0o644)
}
