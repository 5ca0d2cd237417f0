// Package kpl unpacks Kinesis records that the Kinesis Producer Library (KPL) has aggregated.
//
// The KPL, and other producers that write its format, pack many small records into one Kinesis record: an
// aggregate. Lambda delivers aggregates as they are. [Deaggregate] returns the records that the producer
// packed, the user records. It fits [batch.TryFlatMap]:
//
//	func process(records batch.Stream[events.KinesisEventRecord]) batch.Stream[Order] {
//		users := batch.TryFlatMap(records, kpl.Deaggregate)
//		orders := batch.Decode[Order](users, json.Unmarshal)
//		return batch.TryEach(orders, store)
//	}
//
// A stream may carry both kinds of record. A record is an aggregate if its data begins with the format's magic
// number. Any other record passes through unchanged.
//
// # Broken aggregates
//
// An aggregate that is incomplete or incorrect fails with a [*batch.DecodeError], like any record that does not
// decode. The [*AggregateError] inside says what is wrong. None of its user records is processed.
//
// An aggregate without user records is an error, too. The KPL never sends one, and a record that turns into
// nothing would be acknowledged.
//
// # Order and acknowledgement
//
// User records leave in the order in which they were packed. All of them belong to their Kinesis record:
// batch.Record describes that record. So their group is the aggregate's partition key, not their own.
//
// They are acknowledged together. If one of them fails, the Kinesis record is reported once and redelivered
// with all its user records. Those that succeeded take effect again. A failed user record does not hold back the
// later ones of its aggregate. If they must not overtake it, call [UserRecords] in one [batch.TryMap] or
// [batch.TryEach] whose function stops at the first error.
//
// All of them have the sequence number of their Kinesis record, so it cannot serve as an idempotency key. Use a
// key from the data.
//
// # Memory
//
// The Data of a user record points into the data of its Kinesis record, which stays in memory as long as one of
// its user records does. Appending to a Data copies it, so it never overwrites the next user record.
//
// Memory use is bounded by the size of an aggregate, whatever counts it claims. User records of 100 bytes take
// about twice the bytes of their aggregate, in addition to it. The worst case is user records without data:
// each takes 6 bytes in the aggregate and becomes an events.KinesisEventRecord of 224 bytes. With rounding by
// the allocator, that is at most 39 times as much. The number of user records is not limited, because the KPL
// does not limit it either. It packs up to 50 KB, or up to 1 MB if configured to.
//
// # Firehose
//
// A Firehose stream that reads from a Kinesis stream deaggregates before it calls the function
// (https://docs.aws.amazon.com/streams/latest/dev/kpl-with-firehose.html). If aggregates arrive another way,
// call [UserRecords] in one [batch.TryMap] and join the results into one [batch.FirehoseRecord]. The response
// has room for one result per record, so batch.TryFlatMap would fail the record.
package kpl
