// Package wire reads the payload of a Lambda batch event record by record into the types of
// [github.com/aws/aws-lambda-go/events].
//
// A record decodes to what encoding/json makes of it, or it is [Bad]; it is never something else, but for its
// metadata. encoding/json's leniencies hold (names in any case, null for anything, invalid UTF-8 replaced,
// the last of two equal names), but for these, which make the record Bad: null in place of a record,
// an array of numbers for binary data, a list given twice, a DynamoDB value with its type twice, or
// not valid though another of the same name follows, or nested more than 1,000 deep.
//
// # Metadata
//
// Services change details without notice, and a record must not fail for a detail. Vital is what identifies,
// orders and counts a record, what it carries, and where it comes from. If it is wrong, the record is Bad.
// The rest is metadata:
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
// An object that holds vital members is vital itself. Some choices are not obvious. The ARN of a queue tells
// whether it is FIFO, and the ARNs of streams are the names of their tables and streams. The eventName of
// DynamoDB says whether there is a new image to expect, so it is part of what the record carries. So are Kafka
// headers, as message attributes are: a function that does not find the header it looks for does something else,
// and nobody would notice. Their bytes may be signed or not.
//
// Metadata is read in any form that leaves no doubt: a number or boolean where a text is expected, as its
// text; a number in a string; a whole number with a fraction or an exponent; a time with a fraction or an exponent,
// or in RFC 3339. What cannot be read leaves the field as it is, and [Batch].Unread names it. Nothing else is read
// that encoding/json would reject.
//
// # Memory
//
// Nothing in a result points into the payload. Strings and data are copied out in pieces of up to
// 8 KB that hold several of them, so one that is kept keeps its neighbours alive. All in all a payload
// takes less than 64 times its size in memory, whatever it is; one that AWS sends, one to three times.
package wire

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/aws/aws-lambda-go/events"
)

// Batch is what a payload holds, in its order.
type Batch[R any] struct {
	Records []R
	Bad     []Bad    // in order of Index, at most one per record
	Unread  []Unread // metadata, each field once

	Windowed bool   // the event is one of a tumbling window
	MSK      []bool // whether a Firehose record comes from MSK; those after the last that does are left out
}

// Bad is a record that could not be read whole. Records[Index] holds what could be read of it.
type Bad struct {
	Index int             // position in Records
	Field string          // path within the record: "body", "dynamodb.NewImage.price", "" for the record itself
	Err   error           // the first problem in it
	Raw   json.RawMessage // a copy of the record's JSON
}

// SQS reads an event of an SQS queue.
func SQS(payload []byte) (Batch[events.SQSMessage], error) {
	return read(payload, sqs, nil)
}

// Kinesis reads an event of a Kinesis stream. It passes over the fields of a tumbling window.
func Kinesis(payload []byte) (Batch[events.KinesisEventRecord], error) {
	return read(payload, kinesis, nil)
}

// DynamoDB reads an event of a DynamoDB stream. It passes over the fields of a tumbling window.
func DynamoDB(payload []byte) (Batch[events.DynamoDBEventRecord], error) {
	return read(payload, dynamodb, nil)
}

// Firehose reads an event of a Firehose transformation.
func Firehose(payload []byte) (Batch[events.KinesisFirehoseEventRecord], error) {
	return read(payload, firehose, nil)
}

// source describes one kind of event.
type source[R any] struct {
	event   string   // what an error calls it
	named   []string // what the eventSource of its records, or its own, may be
	members []member[R]
	opening byte // of what holds the records
	records func(source[R], *reader) (Batch[R], error)
}

// Members of the top level that tell events apart.
const (
	topRecords        = "Records"
	topEventSource    = "eventSource"
	topInvocationID   = "invocationId"
	topDeliveryStream = "deliveryStreamArn"
)

// topName returns the one that a name stands for.
func topName(name []byte) string {
	for _, top := range []string{topRecords, topEventSource, topInvocationID, topDeliveryStream} {
		if named(name, top) {
			return top
		}
	}
	return ""
}

// read reads a payload. A window, if there is one, gets the members of the top level that are not
// common to all events, and makes records optional.
func read[R any](payload []byte, src source[R], w *windowReader) (Batch[R], error) {
	r := &reader{data: payload}
	b, err := src.top(r, w)
	if err == nil {
		err = r.end()
	}
	if err != nil {
		return Batch[R]{}, explain(src.event, payload, err)
	}
	b.Unread = r.lost
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
				return b, r.noList()
			}
		case topEventSource:
			if from := r.optional(); src.foreign(from) {
				return b, foreign("an event", from)
			}
		case topInvocationID, topDeliveryStream:
			if src.named != nil {
				return b, errFirehose
			}
			r.skip()
		default:
			windowed = windowed || r.peek() == '{' && named(name, "window")
			if w == nil {
				r.skip()
			} else if err := w.member(r, name); err != nil {
				return b, err
			}
		}
	}
	if !found && !r.broken && (w == nil || !w.found) {
		if null {
			return b, errNull
		}
		return b, errRecords
	}
	b.Windowed = windowed
	return b, nil
}

// foreign reports whether an eventSource is another's. A missing one is not.
func (src source[R]) foreign(from string) bool {
	return from != "" && !slices.Contains(src.named, from)
}

// inList reads records that stand in a list.
func inList[R any](src source[R], r *reader) (b Batch[R], err error) {
	b.Records = []R{}
	for first := true; r.element(first); first = false {
		if err := src.add(r, &b); err != nil {
			return b, err
		}
	}
	return b, nil
}

// No service sends more than manyRecords in one event, or a record without an identifier, which
// alone takes more than smallRecord bytes. The bound keeps a payload like [0,0,0,…] from becoming a
// hundred times its size in memory.
const (
	manyRecords = 10_000
	smallRecord = 32
)

// add reads one more record into b.
func (src source[R]) add(r *reader, b *Batch[R]) error {
	c, n := r.peek(), len(b.Records)
	start := r.pos
	if n >= manyRecords && r.pos < n*smallRecord {
		return errTooMany
	}
	b.Records = append(b.Records, *new(R))
	r.from, r.msk = "", false
	if c == '{' {
		object(r, src.members, &b.Records[n])
	} else {
		r.mismatch("an object")
	}
	if src.foreign(r.from) {
		return foreign("records", r.from)
	}
	if r.broken {
		return errSyntax
	}
	if r.msk {
		b.MSK = append(b.MSK, make([]bool, n+1-len(b.MSK))...)
		b.MSK[n] = true
	}
	if n == 0 {
		b.Records = grow(b.Records, r.pos-start, len(r.data)-r.pos)
	}
	if r.fault != nil {
		raw := bytes.Clone(r.data[start:r.pos])
		b.Bad = append(b.Bad, Bad{Index: n, Field: r.path(raw, r.faultAt-start), Err: r.fault, Raw: raw})
		r.fault = nil
	}
	return nil
}

// grow makes room for the records that fit into rest bytes if they are like the first, of size bytes.
func grow[R any](records []R, size, rest int) []R {
	return slices.Grow(records, rest/max(size+1, 2*smallRecord))
}
