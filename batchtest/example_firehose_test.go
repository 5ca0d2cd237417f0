package batchtest_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/batchtest"
)

func upper(records batch.Stream[events.KinesisFirehoseEventRecord]) batch.Stream[batch.FirehoseRecord] {
	wanted := batch.Filter(records, func(r events.KinesisFirehoseEventRecord) bool { return string(r.Data) != "noise" })
	return batch.TryMap(wanted, func(_ context.Context, r events.KinesisFirehoseEventRecord) (batch.FirehoseRecord, error) {
		level, text, ok := strings.Cut(string(r.Data), " ")
		if !ok {
			return batch.FirehoseRecord{}, fmt.Errorf("%q has no level", r.Data)
		}
		return batch.FirehoseRecord{
			Data:          []byte(strings.ToUpper(text)),
			PartitionKeys: map[string]string{"level": level},
		}, nil
	})
}

func ExampleNewFirehose() {
	stream := batchtest.NewFirehose(batchtest.FirehoseConfig{BatchSize: 2})
	stream.Put(make([]batchtest.FirehoseRecord, 5)...)
	run := stream.Drain(context.Background(), batch.FirehoseHandler(upper, batch.WithLogger(nil)))
	fmt.Println(len(run.Invocations), "invocations,", len(run.Failed), "records failed")
	// Output: 3 invocations, 5 records failed
}

func ExampleFirehose_Put() {
	stream := batchtest.NewFirehose(batchtest.FirehoseConfig{})
	ids := stream.Put(batchtest.FirehoseRecord{ID: "r-1"}, batchtest.FirehoseRecord{})
	fmt.Println(ids[0], len(ids[1]))
	// Output: r-1 62
}

func ExampleFirehose_Drain() {
	stream := batchtest.NewFirehose(batchtest.FirehoseConfig{})
	stream.Put(
		batchtest.FirehoseRecord{ID: "r-1", Data: []byte("warn disk is full")},
		batchtest.FirehoseRecord{ID: "r-2", Data: []byte("noise")},
		batchtest.FirehoseRecord{ID: "r-3", Data: []byte("what")},
	)
	fmt.Print(stream.Drain(context.Background(), batch.FirehoseHandler(upper, batch.WithLogger(nil))))
	// Output:
	// record                data
	// r-1     delivered     "DISK IS FULL"  level=warn
	// r-2     dropped
	// r-3     error prefix
}
