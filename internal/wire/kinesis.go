package wire

import "github.com/aws/aws-lambda-go/events"

var kinesis = source[events.KinesisEventRecord]{
	event:        "a Kinesis event",
	eventSources: []string{"aws:kinesis"},
	opening:      '[',
	records:      readList[events.KinesisEventRecord],
	members: []member[events.KinesisEventRecord]{
		{"kinesis", func(r *reader, k *events.KinesisEventRecord) {
			r.groupObject()
			object(r, kinesisMembers, &k.Kinesis)
		}},
		{"eventSource", func(r *reader, k *events.KinesisEventRecord) { r.source(&k.EventSource) }},
		{"eventVersion", func(r *reader, k *events.KinesisEventRecord) { r.metaShared(&k.EventVersion, "eventVersion") }},
		{"eventID", func(r *reader, k *events.KinesisEventRecord) { r.metaString(&k.EventID, "eventID") }},
		{"eventName", func(r *reader, k *events.KinesisEventRecord) { r.metaShared(&k.EventName, "eventName") }},
		{"invokeIdentityArn", func(r *reader, k *events.KinesisEventRecord) { r.metaShared(&k.InvokeIdentityArn, "invokeIdentityArn") }},
		{"awsRegion", func(r *reader, k *events.KinesisEventRecord) { r.metaShared(&k.AwsRegion, "awsRegion") }},
		{"eventSourceARN", func(r *reader, k *events.KinesisEventRecord) { r.shared(&k.EventSourceArn) }},
	},
}

var kinesisMembers = []member[events.KinesisRecord]{
	{"kinesisSchemaVersion", func(r *reader, k *events.KinesisRecord) {
		r.metaShared(&k.KinesisSchemaVersion, "kinesis.kinesisSchemaVersion")
	}},
	{"partitionKey", func(r *reader, k *events.KinesisRecord) { r.groupText(&k.PartitionKey) }},
	{"sequenceNumber", func(r *reader, k *events.KinesisRecord) { r.string(&k.SequenceNumber) }},
	{"data", func(r *reader, k *events.KinesisRecord) { r.base64(&k.Data) }},
	{"approximateArrivalTimestamp", func(r *reader, k *events.KinesisRecord) {
		r.metaSeconds(&k.ApproximateArrivalTimestamp, "kinesis.approximateArrivalTimestamp")
	}},
	{"encryptionType", func(r *reader, k *events.KinesisRecord) { r.metaShared(&k.EncryptionType, "kinesis.encryptionType") }},
}
