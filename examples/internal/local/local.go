// Package local runs the functions of the examples without AWS.
package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/samber/lo"

	"github.com/lambdabatch/batch"
)

// Run passes one event to handler: that of the file named in args, a command line with the program's
// name first, or builtIn if there is none. The response goes to stdout, an error to stderr. Run returns
// the exit status.
func Run(handler *batch.Handler, builtIn []byte, args []string, stdout, stderr io.Writer) int {
	return newProgram(args, stdout, stderr).run(handler.Invoke, builtIn)
}

type invoke func(ctx context.Context, event []byte) (response []byte, err error)

// A program is an example that a person has started.
type program struct {
	name           string
	files          []string // with events
	stdout, stderr io.Writer
}

func newProgram(args []string, stdout, stderr io.Writer) program {
	return program{name: filepath.Base(args[0]), files: args[1:], stdout: stdout, stderr: stderr}
}

func (p program) run(handle invoke, builtIn []byte) int {
	event, err := p.event(builtIn)
	if err == nil {
		_, err = p.respond(handle, event)
	}
	return p.status(err)
}

func (p program) event(builtIn []byte) ([]byte, error) {
	if len(p.files) == 0 {
		return builtIn, nil
	}
	return os.ReadFile(p.files[0])
}

// respond prints the response to event. An AllFailedError is printed together with the full response,
// which means the same to the service.
func (p program) respond(handle invoke, event []byte) ([]byte, error) {
	response, err := handle(context.Background(), event)
	if allFailed, ok := errors.AsType[*batch.AllFailedError](err); ok {
		fmt.Fprintf(p.stderr, "%s: %v\n", p.name, err)
		response, err = json.Marshal(fullResponse(allFailed))
	}
	if err == nil {
		_, err = fmt.Fprintf(p.stdout, "%s\n", response)
	}
	return response, err
}

func (p program) status(err error) int {
	if err != nil {
		fmt.Fprintf(p.stderr, "%s: %v\n", p.name, err)
		return 1
	}
	return 0
}

func fullResponse(e *batch.AllFailedError) batch.Response {
	return batch.Response{BatchItemFailures: lo.Map(e.Failures, func(f batch.Failure, _ int) batch.ItemFailure {
		return batch.ItemFailure{ItemIdentifier: f.Record.ID}
	})}
}
