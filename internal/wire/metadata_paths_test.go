package wire

import (
	"strings"
	"testing"

	"github.com/matryer/is"
)

// nested returns an object in which a path has a value.
func nested(path, value string) string {
	names := strings.Split(path, ".")
	return `{"` + strings.Join(names, `":{"`) + `":` + value + strings.Repeat("}", len(names))
}

func TestEachMetadataFieldIsNotedByItsPath(t *testing.T) {
	for source, s := range map[string]struct {
		read   func(record string) ([]Bad, []Unread, error)
		fields []string
	}{
		"SQS": {reading(SQS, `{"Records":[`, `]}`), []string{
			"receiptHandle", "md5OfBody", "md5OfMessageAttributes", "awsRegion", "attributes.SenderId", "attributes.SentTimestamp",
		}},
		"Kinesis": {reading(Kinesis, `{"Records":[`, `]}`), []string{
			"kinesis.kinesisSchemaVersion", "kinesis.encryptionType", "kinesis.approximateArrivalTimestamp", "eventID", "eventName",
			"eventVersion", "invokeIdentityArn", "awsRegion",
		}},
		"DynamoDB": {reading(DynamoDB, `{"Records":[`, `]}`), []string{
			"dynamodb.ApproximateCreationDateTime", "dynamodb.SizeBytes", "dynamodb.StreamViewType", "eventID", "eventVersion",
			"awsRegion", "userIdentity", "userIdentity.type", "userIdentity.principalId",
		}},
		"Kafka": {reading(Kafka, `{"records":{"t-0":[`, `]}}`), []string{"timestamp", "timestampType"}},
		"Firehose": {reading(Firehose, `{"records":[`, `]}`), []string{
			"approximateArrivalTimestamp", "kinesisRecordMetadata", "kinesisRecordMetadata.shardId", "kinesisRecordMetadata.partitionKey",
			"kinesisRecordMetadata.sequenceNumber", "kinesisRecordMetadata.subsequenceNumber",
			"kinesisRecordMetadata.approximateArrivalTimestamp",
		}},
	} {
		for _, field := range s.fields {
			t.Run(source+" "+field, func(t *testing.T) {
				is := is.New(t)
				bad, unread, err := s.read(nested(field, `[]`))
				is.NoErr(err)
				is.Equal(len(bad), 0)
				is.Equal(unread, []Unread{{field, "an array"}})
				bad, unread, err = s.read(nested(field, `null`))
				is.NoErr(err)
				is.Equal(len(bad)+len(unread), 0)
			})
		}
	}
}

func reading[R any](read func([]byte) (Batch[R], error), before, after string) func(string) ([]Bad, []Unread, error) {
	return func(record string) ([]Bad, []Unread, error) {
		b, err := read([]byte(before + record + after))
		return b.Bad, b.Unread, err
	}
}
