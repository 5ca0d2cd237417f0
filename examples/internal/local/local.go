// Package local runs the functions of the examples where there is no Lambda.
package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/lambdabatch/batch"
)

// Run has handler process one event: the one in the file that args, a command
// line, names after the program, or builtIn. The response goes to stdout, and an
// error to stderr. It returns the exit status.
func Run(handler *batch.Handler, builtIn []byte, args []string, stdout, stderr io.Writer) int {
	return run(handler.Invoke, builtIn, args, stdout, stderr)
}

type invoke func(ctx context.Context, event []byte) (response []byte, err error)

func run(handle invoke, builtIn []byte, args []string, stdout, stderr io.Writer) int {
	program := filepath.Base(args[0])
	response, err := answer(handle, builtIn, args[1:])
	// The service takes this error as the full response, which is shown here.
	if allFailed, ok := errors.AsType[*batch.AllFailedError](err); ok {
		fmt.Fprintf(stderr, "%s: %v\n", program, err)
		response, err = json.Marshal(responseOf(allFailed))
	}
	if err == nil {
		_, err = fmt.Fprintf(stdout, "%s\n", response)
	}
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", program, err)
		return 1
	}
	return 0
}

func answer(handle invoke, event []byte, files []string) ([]byte, error) {
	if len(files) > 0 {
		var err error
		if event, err = os.ReadFile(files[0]); err != nil {
			return nil, err
		}
	}
	return handle(context.Background(), event)
}

func responseOf(e *batch.AllFailedError) (r batch.Response) {
	for _, failure := range e.Failures {
		r.BatchItemFailures = append(r.BatchItemFailures, batch.ItemFailure{ItemIdentifier: failure.Record.ID})
	}
	return r
}
