package wire

import "github.com/aws/aws-lambda-go/events"

var firehose = source[events.KinesisFirehoseEventRecord]{
	event:   "a Firehose event",
	opening: '[',
	records: inList[events.KinesisFirehoseEventRecord],
	members: []member[events.KinesisFirehoseEventRecord]{
		{"recordId", func(r *reader, k *events.KinesisFirehoseEventRecord) { r.string(&k.RecordID) }},
		{"approximateArrivalTimestamp", func(r *reader, k *events.KinesisFirehoseEventRecord) {
			r.millis(&k.ApproximateArrivalTimestamp)
		}},
		{"data", func(r *reader, k *events.KinesisFirehoseEventRecord) { r.base64(&k.Data) }},
		{"kinesisRecordMetadata", func(r *reader, k *events.KinesisFirehoseEventRecord) {
			object(r, firehoseMembers, &k.KinesisFirehoseRecordMetadata)
		}},
		{"eventSource", func(r *reader, _ *events.KinesisFirehoseEventRecord) { r.from = r.optional() }},
	},
}

var firehoseMembers = []member[events.KinesisFirehoseRecordMetadata]{
	{"shardId", func(r *reader, m *events.KinesisFirehoseRecordMetadata) { r.shared(&m.ShardID) }},
	{"partitionKey", func(r *reader, m *events.KinesisFirehoseRecordMetadata) { r.string(&m.PartitionKey) }},
	{"approximateArrivalTimestamp", func(r *reader, m *events.KinesisFirehoseRecordMetadata) {
		r.millis(&m.ApproximateArrivalTimestamp)
	}},
	{"sequenceNumber", func(r *reader, m *events.KinesisFirehoseRecordMetadata) { r.string(&m.SequenceNumber) }},
	{"subsequenceNumber", func(r *reader, m *events.KinesisFirehoseRecordMetadata) { r.integer(&m.SubsequenceNumber) }},
}
