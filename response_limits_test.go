package batch_test

import (
	"context"
	"encoding/json"
	"errors"
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
