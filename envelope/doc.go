// Package envelope takes AWS events out of the messages and records that carry them: an SNS
// notification, an EventBridge event or an S3 notification out of an SQS message, and a CloudWatch
// Logs message out of a Kinesis record.
//
// Its functions are made for batch.TryMap. [S3] is for batch.TryFlatMap, because one message can
// carry several objects:
//
//	func process(messages batch.Stream[events.SQSMessage]) batch.Stream[events.S3EventRecord] {
//		objects := batch.TryFlatMap(messages, envelope.S3)
//		return batch.TryEach(objects, thumbnail)
//	}
//
// They compose as the AWS services do. If S3 publishes to an SNS topic and a queue subscribes to
// it, use batch.TryMap with [SNS], then batch.TryFlatMap with [S3].
//
// A record that carries something else fails with a [*batch.DecodeError], like any record that
// does not decode. The [*ContentError] in it says what the record carries.
//
// Signatures are not checked. The policy of a queue or stream decides who may write to it.
package envelope
