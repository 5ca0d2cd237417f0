// Package kpl takes the user records of the Kinesis Producer Library out of aggregated Kinesis records.
//
// The library, and others that write its format, pack many small records into one. [Deaggregate] fits
// batch.TryFlatMap:
//
//	func process(records batch.Stream[events.KinesisEventRecord]) batch.Stream[Order] {
//		users := batch.TryFlatMap(records, kpl.Deaggregate)
//		orders := batch.Decode[Order](users, json.Unmarshal)
//		return batch.TryEach(orders, store)
//	}
//
// A record that does not begin with the format's magic number is not aggregated and passes as it is, so that
// a stream may carry both.
//
// A record that begins with the magic number is an aggregate. If it is not whole and correct, it fails with a
// [*batch.DecodeError], like any record that does not decode, and the [*AggregateError] in it says what is
// wrong. None of its user records is processed then. An aggregate without user records is an error, too: the
// library never sends one, and a record that became nothing would be acknowledged.
//
// # Order and acknowledgement
//
// User records leave in the order in which they were packed. For the rules of order all of them belong to
// their Kinesis record: batch.Record, and with it the group, is the Kinesis record's, so its partition key is
// the aggregate's and not the user record's.
//
// All of them have the sequence number of their Kinesis record, which is therefore no idempotency key: take
// one that the data has.
//
// They are acknowledged together. If one of them fails, the Kinesis record is reported once, it is
// redelivered with all its user records, and those that succeeded take effect again.
//
// # Memory
//
// The Data of user records points into the data of their Kinesis record, which stays in memory as long as one
// of them does. Each Data is clipped, so that append copies it and does not write into the next user record.
//
// What an aggregate takes grows with its bytes, whatever numbers it claims. User records of 100 bytes take
// about twice the bytes of their aggregate, in addition to it. The worst case is user records without data:
// each has 6 bytes in the aggregate and becomes an events.KinesisEventRecord of 224 bytes, 39 times as much
// at most. There is no limit on the number of user records because the library has none: it packs up to 50
// KB, or up to 1 MB if it is told so.
//
// # Firehose
//
// A delivery stream that reads a Kinesis stream deaggregates by itself, before it calls the function
// (https://docs.aws.amazon.com/streams/latest/dev/kpl-with-firehose.html). If aggregates come another way,
// use [UserRecords] in one batch.TryMap, and join what becomes of them in one batch.FirehoseRecord: the
// answer has one place for each record, so batch.TryFlatMap would fail it.
package kpl
