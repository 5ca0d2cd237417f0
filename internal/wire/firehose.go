package wire

import "github.com/aws/aws-lambda-go/events"

// If a Firehose stream is fed by MSK, its records have kafkaRecordValue instead of data, and mskRecordMetadata
// instead of kinesisRecordMetadata. The package events has no type for them; the event class of aws-lambda-java-libs
// does (pull request 490). Their value is read into Data. Batch.MSK tells which records they are, since the response
// must use kafkaRecordValue, too: see
// https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html. A null under the names of the other
// kind of record is as if it were not there.
var firehose = source[events.KinesisFirehoseEventRecord]{
	event:   "a Firehose event",
	opening: '[',
	records: readList[events.KinesisFirehoseEventRecord],
	members: []member[events.KinesisFirehoseEventRecord]{
		{"recordId", func(r *reader, k *events.KinesisFirehoseEventRecord) { r.string(&k.RecordID) }},
		{"approximateArrivalTimestamp", func(r *reader, k *events.KinesisFirehoseEventRecord) {
			r.metaMillis(&k.ApproximateArrivalTimestamp, "approximateArrivalTimestamp")
		}},
		{"data", func(r *reader, k *events.KinesisFirehoseEventRecord) {
			if !r.msk || !r.skipNull() {
				r.base64(&k.Data)
			}
		}},
		{"kinesisRecordMetadata", func(r *reader, k *events.KinesisFirehoseEventRecord) {
			if r.metaObject("kinesisRecordMetadata") {
				object(r, firehoseMembers, &k.KinesisFirehoseRecordMetadata)
			}
		}},
		{"mskRecordMetadata", func(r *reader, _ *events.KinesisFirehoseEventRecord) {
			if !r.skipNull() {
				r.msk = true
				r.skip()
			}
		}},
		{"kafkaRecordValue", func(r *reader, k *events.KinesisFirehoseEventRecord) {
			if !r.skipNull() {
				r.msk = true
				r.base64(&k.Data)
			}
		}},
		{"eventSource", func(r *reader, _ *events.KinesisFirehoseEventRecord) { r.eventSource = r.optionalString() }},
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
