package wire

import "github.com/aws/aws-lambda-go/events"

var kinesis = source[events.KinesisEventRecord]{
	event:   "a Kinesis event",
	named:   []string{"aws:kinesis"},
	opening: '[',
	records: inList[events.KinesisEventRecord],
	members: []member[events.KinesisEventRecord]{
		{"kinesis", func(r *reader, k *events.KinesisEventRecord) { object(r, kinesisMembers, &k.Kinesis) }},
		{"eventSource", func(r *reader, k *events.KinesisEventRecord) { r.source(&k.EventSource) }},
		{"eventVersion", func(r *reader, k *events.KinesisEventRecord) { r.shared(&k.EventVersion) }},
		{"eventID", func(r *reader, k *events.KinesisEventRecord) { r.string(&k.EventID) }},
		{"eventName", func(r *reader, k *events.KinesisEventRecord) { r.shared(&k.EventName) }},
		{"invokeIdentityArn", func(r *reader, k *events.KinesisEventRecord) { r.shared(&k.InvokeIdentityArn) }},
		{"awsRegion", func(r *reader, k *events.KinesisEventRecord) { r.shared(&k.AwsRegion) }},
		{"eventSourceARN", func(r *reader, k *events.KinesisEventRecord) { r.shared(&k.EventSourceArn) }},
	},
}

var kinesisMembers = []member[events.KinesisRecord]{
	{"kinesisSchemaVersion", func(r *reader, k *events.KinesisRecord) { r.shared(&k.KinesisSchemaVersion) }},
	{"partitionKey", func(r *reader, k *events.KinesisRecord) { r.string(&k.PartitionKey) }},
	{"sequenceNumber", func(r *reader, k *events.KinesisRecord) { r.string(&k.SequenceNumber) }},
	{"data", func(r *reader, k *events.KinesisRecord) { r.base64(&k.Data) }},
	{"approximateArrivalTimestamp", func(r *reader, k *events.KinesisRecord) { r.seconds(&k.ApproximateArrivalTimestamp) }},
	{"encryptionType", func(r *reader, k *events.KinesisRecord) { r.shared(&k.EncryptionType) }},
}
