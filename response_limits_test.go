package batch_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

func TestAFirehoseResponseMayTakeSixMegabytesAndNoMore(t *testing.T) {
	is := is.New(t)
	const most = 6 << 20
	respond := func(id string) (batch.FirehoseResponse, error) {
		event := events.KinesisFirehoseEvent{Records: []events.KinesisFirehoseEventRecord{{RecordID: id}}}
		return batch.CollectFirehose(batch.Map(batch.Firehose(t.Context(), event), func(events.KinesisFirehoseEventRecord) batch.FirehoseRecord {
			return batch.FirehoseRecord{Data: make([]byte, most/4*3-300)}
		}))
	}
	response, err := respond("r")
	is.NoErr(err)
	text, err := json.Marshal(response)
	is.NoErr(err)
	missing := most - len(text)
	_, err = respond(strings.Repeat("r", 1+missing))
	is.NoErr(err)
	_, err = respond(strings.Repeat("r", 2+missing))
	is.True(errors.Is(err, batch.ErrTooLarge))
}

func TestTheIdentifierOfAKafkaRecordIsAnObjectEvenIfItsPartitionHasNoName(t *testing.T) {
	is := is.New(t)
	event := events.KafkaEvent{Records: map[string][]events.KafkaRecord{"": {{Offset: 7}, {Offset: 8}}}}
	response, err := batch.Collect(batch.TryEach(batch.Kafka(t.Context(), event, quiet), func(_ context.Context, r events.KafkaRecord) error {
		if r.Offset == 8 {
			return errBoom
		}
		return nil
	}))
	is.NoErr(err)
	text, err := json.Marshal(response)
	is.NoErr(err)
	is.Equal(string(text), `{"batchItemFailures":[{"itemIdentifier":{"partition":"","offset":8}}]}`)
}

func TestAKafkaIdentifierThatTheHandlerHasReplacedIsMarshalledAsText(t *testing.T) {
	is := is.New(t)
	event := events.KafkaEvent{Records: map[string][]events.KafkaRecord{"c-1": {{Offset: 7}, {Offset: 8}}}}
	response, err := batch.Run(batch.Kafka(t.Context(), event, quiet), func(s batch.Stream[events.KafkaRecord]) batch.Stream[events.KafkaRecord] {
		return lacking(s, 1)
	})
	is.NoErr(err)
	is.Equal(listed(response), []string{"c-1/8"})
	response.BatchItemFailures[0].ItemIdentifier = "void"
	text, err := json.Marshal(response)
	is.NoErr(err)
	is.Equal(string(text), `{"batchItemFailures":[{"itemIdentifier":"void"}]}`)
}

func TestAnAllFailedErrorShowsThreeRecordsAndCountsTheOthers(t *testing.T) {
	is := is.New(t)
	text := func(records int) string {
		return (&batch.AllFailedError{Failures: slices.Repeat([]batch.Failure{{Record: byID("a"), Err: errBoom}}, records)}).Error()
	}
	is.Equal(text(3), "0 of 3 records acknowledged: a: boom; a: boom; a: boom")
	is.Equal(text(4), "0 of 4 records acknowledged: a: boom; a: boom; a: boom; and 1 more")
}

func TestAnAllFailedErrorShowsUpTo200BytesOfAnIdentifierAndOfAnError(t *testing.T) {
	is := is.New(t)
	text := func(id, err string) string {
		return (&batch.AllFailedError{Failures: []batch.Failure{{Record: byID(id), Err: errors.New(err)}}}).Error()
	}
	id, err := strings.Repeat("i", 200), strings.Repeat("e", 200)
	is.Equal(text(id, err), "0 of 1 records acknowledged: "+id+": "+err)
	is.Equal(text(id+"i", err+"e"), "0 of 1 records acknowledged: "+id+"…: "+err+"…")
}
