package wire

import "github.com/aws/aws-lambda-go/events"

// Records of a stream that is fed by MSK have kafkaRecordValue in place of data and mskRecordMetadata in place of
// kinesisRecordMetadata, as the event class of aws-lambda-java-libs has it (pull request 490); events has no type for
// that. They are read into Data, and Batch.MSK says which they are, since the answer must have kafkaRecordValue, too:
// see https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html.
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
		{"mskRecordMetadata", func(r *reader, _ *events.KinesisFirehoseEventRecord) {
			r.msk = true
			r.skip()
		}},
		{"kafkaRecordValue", func(r *reader, k *events.KinesisFirehoseEventRecord) {
			r.msk = true
			r.base64(&k.Data)
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
