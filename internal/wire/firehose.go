package wire

import (
	"errors"

	"github.com/aws/aws-lambda-go/events"
)

// errMSK: such a record is answered in another form, for which events has no type.
var errMSK = errors.New("records of a stream that is fed by MSK are not supported")

var firehose = source[events.KinesisFirehoseEventRecord]{
	event:   "a Firehose event",
	opening: '[',
	records: inList[events.KinesisFirehoseEventRecord],
	members: []member[events.KinesisFirehoseEventRecord]{
		{"recordId", func(r *reader, k *events.KinesisFirehoseEventRecord) { r.string(&k.RecordID) }},
		{"approximateArrivalTimestamp", func(r *reader, k *events.KinesisFirehoseEventRecord) {
			r.metaMillis(&k.ApproximateArrivalTimestamp, "approximateArrivalTimestamp")
		}},
		{"data", func(r *reader, k *events.KinesisFirehoseEventRecord) { r.base64(&k.Data) }},
		{"kinesisRecordMetadata", func(r *reader, k *events.KinesisFirehoseEventRecord) {
			if r.metaObject("kinesisRecordMetadata") {
				object(r, firehoseMembers, &k.KinesisFirehoseRecordMetadata)
			}
		}},
		{"kafkaRecordValue", func(r *reader, _ *events.KinesisFirehoseEventRecord) {
			r.peek()
			at := r.pos
			r.skip()
			r.bad(at, errMSK)
		}},
		{"eventSource", func(r *reader, _ *events.KinesisFirehoseEventRecord) { r.from = r.optional() }},
	},
}

var firehoseMembers = []member[events.KinesisFirehoseRecordMetadata]{
	{"shardId", func(r *reader, m *events.KinesisFirehoseRecordMetadata) {
		r.metaShared(&m.ShardID, "kinesisRecordMetadata.shardId")
	}},
	{"partitionKey", func(r *reader, m *events.KinesisFirehoseRecordMetadata) {
		r.metaString(&m.PartitionKey, "kinesisRecordMetadata.partitionKey")
	}},
	{"approximateArrivalTimestamp", func(r *reader, m *events.KinesisFirehoseRecordMetadata) {
		r.metaMillis(&m.ApproximateArrivalTimestamp, "kinesisRecordMetadata.approximateArrivalTimestamp")
	}},
	{"sequenceNumber", func(r *reader, m *events.KinesisFirehoseRecordMetadata) {
		r.metaString(&m.SequenceNumber, "kinesisRecordMetadata.sequenceNumber")
	}},
	{"subsequenceNumber", func(r *reader, m *events.KinesisFirehoseRecordMetadata) {
		r.metaInteger(&m.SubsequenceNumber, "kinesisRecordMetadata.subsequenceNumber")
	}},
}
