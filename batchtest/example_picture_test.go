package batchtest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/batchtest"
)

// Each cell of a picture has a tooltip that says in words what its colour says.
func ExampleRun_SVG() {
	handle := func(_ context.Context, m events.SQSMessage) error {
		if m.Body == "poison" {
			return errors.New("no good")
		}
		return nil
	}
	queue := batchtest.NewQueue(batchtest.QueueConfig{FIFO: true, MaxReceives: 2})
	queue.Send(
		batchtest.Message{ID: "m-1", Group: "a", Body: "poison"},
		batchtest.Message{ID: "m-2", Group: "a", Body: "fine"},
	)
	run := queue.Drain(context.Background(), batch.SQSHandler(batch.Each(handle), batch.WithMaxReceives(2), silent))

	var picture strings.Builder
	if err := run.SVG(&picture); err != nil {
		fmt.Println(err)
	}
	for _, part := range strings.Split(picture.String(), "<title>") {
		if tooltip, _, _ := strings.Cut(part, "</title>"); strings.HasPrefix(tooltip, "m-") && strings.Contains(tooltip, ":") {
			fmt.Println(tooltip)
		}
	}
	// Output:
	// m-1 in invocation 1: failed
	// m-1 in invocation 2: failed
	// m-2 in invocation 1: blocked by another
	// m-2 in invocation 2: finished
}

func ExampleFirehoseRun_SVG() {
	stream := batchtest.NewFirehose(batchtest.FirehoseConfig{})
	stream.Put(batchtest.FirehoseRecord{ID: "r-1", Data: []byte("warn disk is full")})
	run := stream.Drain(context.Background(), batch.FirehoseHandler(upper, silent))

	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file, err := os.Create(filepath.Join(dir, "run.svg"))
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(run.SVG(file), file.Close())
	// Output: <nil> <nil>
}
