package wire

import "github.com/aws/aws-lambda-go/events"

var firehose = source[events.KinesisFirehoseEventRecord]{
	event:  "a Firehose event",
	record: firehoseRecord,
}

var firehoseNames = []string{
	"recordId", "approximateArrivalTimestamp", "data", "kinesisRecordMetadata", "eventSource",
}

func firehoseRecord(r *reader, k *events.KinesisFirehoseEventRecord) (from string) {
	if !r.record() {
		return ""
	}
	for first, f := true, -1; ; first = false {
		name, ok := r.member(first)
		if !ok {
			return from
		}
		f = field(firehoseNames, name, f+1)
		switch f {
		case 0:
			r.readString(&k.RecordID)
		case 1:
			r.readMillis(&k.ApproximateArrivalTimestamp)
		case 2:
			r.readBinary(&k.Data)
		case 3:
			r.firehoseMetadata(&k.KinesisFirehoseRecordMetadata)
		case 4:
			from = r.optional()
		default:
			r.skip()
		}
	}
}

var firehoseMetadataNames = []string{
	"shardId", "partitionKey", "approximateArrivalTimestamp", "sequenceNumber", "subsequenceNumber",
}

func (r *reader) firehoseMetadata(m *events.KinesisFirehoseRecordMetadata) {
	if !r.open('{') {
		return
	}
	for first, f := true, -1; ; first = false {
		name, ok := r.member(first)
		if !ok {
			return
		}
		f = field(firehoseMetadataNames, name, f+1)
		switch f {
		case 0:
			r.readShared(&m.ShardID)
		case 1:
			r.readString(&m.PartitionKey)
		case 2:
			r.readMillis(&m.ApproximateArrivalTimestamp)
		case 3:
			r.readString(&m.SequenceNumber)
		case 4:
			r.readInt(&m.SubsequenceNumber)
		default:
			r.skip()
		}
	}
}
