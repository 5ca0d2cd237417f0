package kpl

import (
	"context"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
)

// Deaggregate returns the user records of an aggregated record, at least one, in the order in which they were packed.
// Each has its own partition key and data; the rest is that of r, its sequence number included. Their explicit hash
// keys have no place in an events.KinesisRecord: [UserRecords] returns them.
//
// A record that is not aggregated is returned alone and as it is. A broken aggregate is a [*batch.DecodeError] with an
// [*AggregateError].
func Deaggregate(_ context.Context, r events.KinesisEventRecord) ([]events.KinesisEventRecord, error) {
	if !isAggregate(r.Kinesis.Data) {
		return []events.KinesisEventRecord{r}, nil
	}
	a, err := open(r.Kinesis.Data)
	if err != nil {
		return nil, undecodable(&r, err)
	}
	records := make([]events.KinesisEventRecord, a.records)
	for i := range records {
		u, err := a.next(i)
		if err != nil {
			return nil, undecodable(&r, err)
		}
		r.Kinesis.PartitionKey, r.Kinesis.Data = u.PartitionKey, u.Data
		records[i] = r
	}
	return records, nil
}

func undecodable(r *events.KinesisEventRecord, err error) error {
	return &batch.DecodeError{ID: r.Kinesis.SequenceNumber, Field: "kinesis.data", Err: err}
}

// A UserRecord is one record as its producer gave it to the library.
type UserRecord struct {
	PartitionKey    string
	ExplicitHashKey string // "" if it has none
	Data            []byte
}

// UserRecords returns the user records in the data of a Kinesis record, at least one, in the order in which they were
// packed, and whether it is an aggregate. The Data of each points into data.
//
// Data that is not aggregated is returned as one UserRecord without a partition key, since that is outside of it. An
// error is an [*AggregateError].
func UserRecords(data []byte) (records []UserRecord, aggregated bool, err error) {
	if !isAggregate(data) {
		return []UserRecord{{Data: data}}, false, nil
	}
	a, err := open(data)
	if err != nil {
		return nil, true, err
	}
	records = make([]UserRecord, a.records)
	for i := range records {
		if records[i], err = a.next(i); err != nil {
			return nil, true, err
		}
	}
	return records, true, nil
}
