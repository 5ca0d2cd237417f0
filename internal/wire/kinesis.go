package wire

import "github.com/aws/aws-lambda-go/events"

var kinesis = source[events.KinesisEventRecord]{
	event:  "a Kinesis event",
	named:  "aws:kinesis",
	record: kinesisEventRecord,
}

var kinesisNames = []string{
	"kinesis", "eventSource", "eventVersion", "eventID", "eventName", "invokeIdentityArn", "awsRegion",
	"eventSourceARN",
}

func kinesisEventRecord(r *reader, k *events.KinesisEventRecord) string {
	if !r.record() {
		return ""
	}
	for first, f := true, -1; ; first = false {
		name, ok := r.member(first)
		if !ok {
			return k.EventSource
		}
		f = field(kinesisNames, name, f+1)
		switch f {
		case 0:
			r.kinesisRecord(&k.Kinesis)
		case 1:
			r.readShared(&k.EventSource)
		case 2:
			r.readShared(&k.EventVersion)
		case 3:
			r.readString(&k.EventID)
		case 4:
			r.readShared(&k.EventName)
		case 5:
			r.readShared(&k.InvokeIdentityArn)
		case 6:
			r.readShared(&k.AwsRegion)
		case 7:
			r.readShared(&k.EventSourceArn)
		default:
			r.skip()
		}
	}
}

var kinesisRecordNames = []string{
	"kinesisSchemaVersion", "partitionKey", "sequenceNumber", "data", "approximateArrivalTimestamp",
	"encryptionType",
}

func (r *reader) kinesisRecord(k *events.KinesisRecord) {
	if !r.open('{') {
		return
	}
	for first, f := true, -1; ; first = false {
		name, ok := r.member(first)
		if !ok {
			return
		}
		f = field(kinesisRecordNames, name, f+1)
		switch f {
		case 0:
			r.readShared(&k.KinesisSchemaVersion)
		case 1:
			r.readString(&k.PartitionKey)
		case 2:
			r.readString(&k.SequenceNumber)
		case 3:
			r.readBinary(&k.Data)
		case 4:
			r.readSeconds(&k.ApproximateArrivalTimestamp)
		case 5:
			r.readShared(&k.EncryptionType)
		default:
			r.skip()
		}
	}
}
