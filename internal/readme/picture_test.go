package readme

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/batchtest"
)

var update = flag.Bool("update", false, "write docs/run.svg again")

// The picture of the guide is of a FIFO queue with three groups. In "ada" a body can
// never be decoded; in "bob" a function panics once; in "cem" one hangs, once.
func TestThePictureShowsARunAsItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queue := batchtest.NewQueue(batchtest.QueueConfig{FIFO: true, MaxReceives: 3})
		for _, m := range []batchtest.Message{
			{ID: "ada-1", Body: `{"ID":"o-1"}`},
			{ID: "ada-2", Body: `{"ID":`},
			{ID: "ada-3", Body: `{"ID":"o-3"}`},
			{ID: "bob-1", Body: `{"ID":"panics"}`},
			{ID: "bob-2", Body: `{"ID":"o-5"}`},
			{ID: "cem-1", Body: `{"ID":"o-6"}`},
			{ID: "cem-2", Body: `{"ID":"hangs"}`},
			{ID: "cem-3", Body: `{"ID":"o-8"}`},
		} {
			m.Group = m.ID[:3]
			queue.Send(m)
		}
		run := queue.Drain(t.Context(), batch.SQSHandler(sideBySide, batch.WithMaxReceives(3), batch.WithLogger(nil)))
		time.Sleep(time.Minute) // for what was left behind
		compare(t, run, filepath.Join(root, "docs", "run.svg"))
	})
}

func sideBySide(messages batch.Stream[events.SQSMessage]) batch.Stream[Order] {
	return batch.Parallel(messages, 3, func(s batch.Stream[events.SQSMessage]) batch.Stream[Order] {
		return batch.TryEach(batch.Decode[Order](s, json.Unmarshal), func(ctx context.Context, o Order) error {
			if r, _ := batch.RecordFrom(ctx); r.Attempt > 1 {
				return nil
			}
			switch o.ID {
			case "panics":
				panic("no receipt")
			case "hangs":
				time.Sleep(10 * time.Second) // even after its context has ended
			}
			return nil
		})
	})
}

func compare(t *testing.T, run *batchtest.Run, file string) {
	t.Helper()
	var picture bytes.Buffer
	if err := run.SVG(&picture); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, picture.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(file); err != nil || !bytes.Equal(picture.Bytes(), want) {
		t.Errorf("%s shows another run (%v); go test ./internal/readme -run Picture -update draws it again. This one is\n%s", file, err, run)
	}
}
