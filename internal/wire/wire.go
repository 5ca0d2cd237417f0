// Package wire reads the payload of a Lambda batch event record by record into the types of
// [github.com/aws/aws-lambda-go/events].
//
// Except for its metadata, a record decodes to exactly what encoding/json makes of it, or it is [Bad]. One bad record
// does not affect the others.
//
// The package is as lenient as encoding/json: names match in any case, null is accepted for anything, invalid UTF-8
// is replaced, and the last of two equal names counts. It is stricter in a few cases, which make the record Bad:
//
//   - null instead of a record
//   - an array of numbers instead of base64 for binary data
//   - a list that is given twice
//   - a DynamoDB value whose type is given twice
//   - an invalid DynamoDB value, even if another one of the same name follows
//   - a DynamoDB value nested more than 1,000 levels deep
//
// # Metadata
//
// Services change details of their events without notice, and a record must not fail because of a detail. So fields
// are either vital or metadata. Vital fields identify, order and count a record, hold its content, or say where it
// comes from. If one of them is wrong, the record is Bad. The rest is metadata:
//
//	source      vital                                          metadata
//	SQS         messageId, body, messageAttributes,            receiptHandle, md5OfBody,
//	            MessageGroupId and ApproximateReceiveCount     md5OfMessageAttributes, awsRegion,
//	            in attributes, eventSource, eventSourceARN     the others in attributes
//	Kinesis     sequenceNumber, partitionKey and data          kinesisSchemaVersion, encryptionType and
//	            in kinesis, eventSource, eventSourceARN        approximateArrivalTimestamp in kinesis,
//	                                                           eventID, eventName, eventVersion,
//	                                                           invokeIdentityArn, awsRegion
//	DynamoDB    SequenceNumber, Keys, NewImage and OldImage    ApproximateCreationDateTime, SizeBytes and
//	            in dynamodb, eventName, eventSource,           StreamViewType in dynamodb, eventID,
//	            eventSourceARN                                 eventVersion, awsRegion, userIdentity
//	Kafka       topic, partition, offset, key, value, headers  timestamp, timestampType
//	Firehose    recordId, data or kafkaRecordValue             approximateArrivalTimestamp,
//	                                                           kinesisRecordMetadata
//	window      window, state, shardId,                        eventSourceARN
//	            isFinalInvokeForWindow,
//	            isWindowTerminatedEarly
//
// An object with vital members is itself vital. Some fields are vital for reasons that are not obvious. The ARN of a
// queue tells whether it is FIFO. The ARN of a stream names the stream or its table. The eventName of DynamoDB tells
// whether to expect a new image. Kafka headers and message attributes belong to the content: a function that does not
// find the header it looks for may do something else, and no error would show it. The bytes of headers may be signed
// or unsigned.
//
// Metadata is read in any unambiguous form:
//
//   - a number or boolean instead of a string, as its text
//   - a number in a string
//   - an integer written with a fraction or an exponent, such as 26.0 or 2.6e1
//   - a time with a fraction or an exponent, or in RFC 3339
//
// Metadata that cannot be read leaves its field as it is, and is listed in [Batch].Unread. Apart from metadata and
// unsigned header bytes, nothing is accepted that encoding/json would reject.
//
// # Memory
//
// No result points into the payload. Strings and data are copied into pieces of up to 8 KB that hold several of them.
// So a string that is kept keeps its neighbours alive. A payload of 6 MB takes less than 64 times its size in memory,
// whatever it contains. A small one may take more, for 10,000 records of two bytes. A payload from AWS takes one to
// three times its size.
package wire

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/aws/aws-lambda-go/events"
)

// Batch holds the records of a payload, in their order.
type Batch[R any] struct {
	Records []R
	Bad     []Bad    // in order of Index, at most one per record
	Unread  []Unread // metadata that could not be read, each field once

	Windowed bool   // the event was read and is one of a tumbling window
	MSK      []bool // by record, whether a Firehose record comes from MSK; ends with the last that does
}

// Bad is a record that could not be read completely. Records[Index] holds the fields that could.
type Bad struct {
	Index int             // position in Records
	Field string          // path within the record, such as "dynamodb.NewImage.price"; "" for the record itself
	Err   error           // the first problem
	Raw   json.RawMessage // a copy of the record's JSON

	// GroupUnread says that the MessageGroupId, the partitionKey or the Keys of the record could not be read, or an
	// object that may contain them.
	GroupUnread bool
}

// SQS reads an event of an SQS queue.
func SQS(payload []byte) (Batch[events.SQSMessage], error) {
	return read(payload, sqs, nil)
}

// Kinesis reads an event of a Kinesis stream. It ignores the fields of a tumbling window.
func Kinesis(payload []byte) (Batch[events.KinesisEventRecord], error) {
	return read(payload, kinesis, nil)
}

// DynamoDB reads an event of a DynamoDB stream. It ignores the fields of a tumbling window.
func DynamoDB(payload []byte) (Batch[events.DynamoDBEventRecord], error) {
	return read(payload, dynamodb, nil)
}

// Firehose reads an event of a Firehose transformation.
func Firehose(payload []byte) (Batch[events.KinesisFirehoseEventRecord], error) {
	return read(payload, firehose, nil)
}

// source describes one kind of event.
type source[R any] struct {
	event        string   // its name in errors
	eventSources []string // which eventSource its records, or the event, may have
	members      []member[R]
	opening      byte // of the array or object that contains the records
	records      func(source[R], *reader) (Batch[R], error)
}

// Members of the top level that distinguish events.
const (
	topRecords        = "Records"
	topEventSource    = "eventSource"
	topInvocationID   = "invocationId"
	topDeliveryStream = "deliveryStreamArn"
)

// topName returns the constant that a name matches, or "".
func topName(name []byte) string {
	for _, top := range []string{topRecords, topEventSource, topInvocationID, topDeliveryStream} {
		if matchesName(name, top) {
			return top
		}
	}
	return ""
}

// read reads a payload. If w is not nil, it reads the top-level members that other events do not have, and records
// are optional.
func read[R any](payload []byte, src source[R], w *windowReader) (Batch[R], error) {
	r := &reader{data: payload}
	b, err := src.top(r, w)
	if err == nil {
		err = r.end()
	}
	if err != nil {
		return Batch[R]{}, explain(src.event, payload, err)
	}
	b.Unread = r.unreadFields
	return b, nil
}

func (src source[R]) top(r *reader, w *windowReader) (b Batch[R], err error) {
	if r.peek() != '{' {
		return b, errRecords
	}
	r.pos++
	found, null, windowed := false, false, false
	for first := true; ; first = false {
		name, ok := r.member(first)
		if !ok {
			break
		}
		switch topName(name) {
		case topRecords:
			if found {
				return b, errTwice
			}
			switch r.peek() {
			case 'n':
				r.literal("null")
				null = true
			case src.opening:
				r.pos++
				found = true
				if b, err = src.records(src, r); err != nil {
					return b, err
				}
			default:
				return b, r.notAList()
			}
		case topEventSource:
			if from := r.optionalString(); src.isForeign(from) {
				return b, foreignError("an event", from)
			}
		case topInvocationID, topDeliveryStream:
			if src.eventSources != nil {
				return b, errFirehose
			}
			r.skip()
		default:
			windowed = windowed || r.peek() == '{' && matchesName(name, "window")
			if w == nil {
				r.skip()
			} else if err := w.member(r, name); err != nil {
				return b, err
			}
		}
	}
	if !found && (w == nil || !w.found) {
		if null {
			return b, errNull
		}
		return b, errRecords
	}
	b.Windowed = windowed
	return b, nil
}

// isForeign reports whether an eventSource belongs to another kind of event. A missing one does not.
func (src source[R]) isForeign(from string) bool {
	return from != "" && !slices.Contains(src.eventSources, from)
}

// readList reads records from an array.
func readList[R any](src source[R], r *reader) (b Batch[R], err error) {
	b.Records = []R{}
	for first := true; r.element(first); first = false {
		if err := src.addRecord(r, &b); err != nil {
			return b, err
		}
	}
	return b, nil
}

// These bounds keep a payload like [0,0,0,…] from taking a hundred times its size in memory. No service sends more
// than manyRecords in one event. Every real record has an identifier, which alone takes more than smallRecord bytes.
const (
	manyRecords = 10_000
	smallRecord = 32
)

// addRecord reads one more record into b.
func (src source[R]) addRecord(r *reader, b *Batch[R]) error {
	c, n := r.peek(), len(b.Records)
	start := r.pos
	if n >= manyRecords && r.pos < n*smallRecord {
		return errTooMany
	}
	b.Records = append(b.Records, *new(R))
	r.eventSource, r.msk, r.groupUnread = "", false, false
	if c == '{' {
		object(r, src.members, &b.Records[n])
	} else {
		r.groupUnread = true
		r.mismatch("an object")
	}
	if src.isForeign(r.eventSource) {
		return foreignError("records", r.eventSource)
	}
	if r.broken {
		return errSyntax
	}
	if r.msk {
		b.MSK = append(b.MSK, make([]bool, n+1-len(b.MSK))...)
		b.MSK[n] = true
	}
	if n == 0 {
		b.Records = growRecords(b.Records, r.pos-start, len(r.data)-r.pos)
	}
	if r.fault != nil {
		raw := bytes.Clone(r.data[start:r.pos])
		b.Bad = append(b.Bad, Bad{Index: n, Field: r.path(raw, r.faultAt-start), Err: r.fault, Raw: raw, GroupUnread: r.groupUnread})
		r.fault = nil
	}
	return nil
}

// growRecords makes room for as many records as fit into rest bytes, if all are as large as the first one.
func growRecords[R any](records []R, size, rest int) []R {
	return slices.Grow(records, rest/max(size+1, 2*smallRecord))
}
