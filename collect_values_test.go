package batch_test

// The values of copies of one result.

import (
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// alsoDone sends a copy that is Done of each result, before or after it.
func alsoDone[T any](s batch.Stream[T], before bool) batch.Stream[T] {
	return func(yield func(batch.Result[T]) bool) {
		for r := range s {
			if before && !yield(r.Ack()) || !yield(r) || !before && !yield(r.Ack()) {
				return
			}
		}
	}
}

func TestTheValueOfAResultIsKeptWhicheverOfItsCopiesArrivesFirst(t *testing.T) {
	is := is.New(t)
	for _, doneFirst := range []bool{false, true} {
		parts := batch.FlatMap(batch.Of("a"), func(string) []string { return numerals(0, 100) })
		values, failures := batch.Partition(alsoDone(alsoDone(parts, doneFirst), doneFirst))
		is.Equal(values, numerals(0, 100))
		is.Equal(len(failures), 0)

		firehose := batch.FirehoseHandler(func(s batch.Stream[events.KinesisFirehoseEventRecord]) batch.Stream[batch.FirehoseRecord] {
			return alsoDone(batch.Map(s, func(r events.KinesisFirehoseEventRecord) batch.FirehoseRecord {
				return batch.FirehoseRecord{Data: r.Data}
			}), doneFirst)
		})
		answer, err := firehose.Invoke(t.Context(), []byte(`{"invocationId":"i","deliveryStreamArn":"a","records":[{"recordId":"r-1","data":"aGk="}]}`))
		is.NoErr(err)
		is.Equal(string(answer), `{"records":[{"recordId":"r-1","result":"Ok","data":"aGk="}]}`)

		window := batch.KinesisWindowHandler(func(s batch.Stream[events.KinesisEventRecord]) batch.Stream[int] {
			return alsoDone(numbers(s), doneFirst)
		}, add, ignore)
		answer, err = window.Invoke(t.Context(), windowPayload(t, "{}", false, "1", "2"))
		is.NoErr(err)
		is.Equal(string(answer), `{"state":3,"batchItemFailures":[]}`)
	}
}
