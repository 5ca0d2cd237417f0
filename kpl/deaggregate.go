package kpl

import (
	"context"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
)

// Deaggregate returns the user records of an aggregate, at least one, in the order in which they were packed.
// Each is a copy of r with its own partition key and data. All of them keep r's sequence number. An
// events.KinesisRecord has no field for explicit hash keys; [UserRecords] returns them.
//
// If r is not an aggregate, Deaggregate returns it unchanged, as the only element. If r is a broken aggregate,
// the error is an [*AggregateError] inside a [*batch.DecodeError].
func Deaggregate(_ context.Context, r events.KinesisEventRecord) ([]events.KinesisEventRecord, error) {
	if !isAggregate(r.Kinesis.Data) {
		return []events.KinesisEventRecord{r}, nil
	}
	a, err := open(r.Kinesis.Data)
	if err != nil {
		return nil, decodeError(&r, err)
	}
	records := make([]events.KinesisEventRecord, a.count)
	for i := range records {
		u, err := a.next(i)
		if err != nil {
			return nil, decodeError(&r, err)
		}
		r.Kinesis.PartitionKey, r.Kinesis.Data = u.PartitionKey, u.Data
		records[i] = r
	}
	return records, nil
}

func decodeError(r *events.KinesisEventRecord, err error) error {
	return &batch.DecodeError{ID: r.Kinesis.SequenceNumber, Field: "kinesis.data", Err: err}
}

// A UserRecord is a record as the producer passed it to the KPL.
type UserRecord struct {
	PartitionKey    string
	ExplicitHashKey string // "" if it has none
	Data            []byte
}

// UserRecords returns the user records in the data of a Kinesis record, and reports whether data is an
// aggregate. There is at least one, and they are in the order in which they were packed. Their Data points into
// data.
//
// If data is not an aggregate, UserRecords returns it as the only UserRecord. That one has no partition key,
// because the key of such a record is not part of its data. If data is a broken aggregate, the error is an
// [*AggregateError].
func UserRecords(data []byte) (records []UserRecord, aggregated bool, err error) {
	if !isAggregate(data) {
		return []UserRecord{{Data: data}}, false, nil
	}
	a, err := open(data)
	if err != nil {
		return nil, true, err
	}
	records = make([]UserRecord, a.count)
	for i := range records {
		if records[i], err = a.next(i); err != nil {
			return nil, true, err
		}
	}
	return records, true, nil
}
